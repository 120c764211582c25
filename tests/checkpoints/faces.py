"""Weights of DeepFace's own architectures, random, in a folder laid out as DeepFace's home.

Their batch normalisation knows the statistics of random blots, so that signals survive the depth and two crops of one
face lie nearer to each other than two faces do: nothing that a trained model knows, but enough to follow who is who.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

DETECTOR, MODEL = "opencv", "OpenFace"
"""The cascades of OpenCV's wheel are real; OpenFace is the smallest recogniser of many layers (15 MB)."""


def home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make `folder` DeepFace's home for a test."""
    monkeypatch.setenv("DEEPFACE_HOME", str(folder))
    return folder


def build(folder: Path, *names: str) -> Path:
    """Write openface, facenet512, emotion, retinaface (default: openface and emotion); gives the home back."""
    import torch

    os.environ["DEEPFACE_BACKEND_ENGINE"] = "pytorch"
    weights = folder / ".deepface" / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    for name in names or ("openface", "emotion"):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            file, network = _network(name)
            torch.save(network.state_dict(), weights / file)
    return folder


def _network(name: str) -> tuple[str, Any]:
    if name == "openface":
        from deepface.models.facial_recognition.pytorch.OpenFace import OpenFaceNet

        return "openface_weights.pth", _settled(OpenFaceNet(), 96)
    if name == "facenet512":
        from deepface.models.facial_recognition.pytorch.Facenet import InceptionResNetV1

        return "facenet512_weights.pth", _settled(InceptionResNetV1(512), 160)
    if name == "emotion":
        from deepface.models.demography.pytorch.Emotion import EmotionModel

        return "facial_expression_model_weights.pth", EmotionModel()
    from retinaface.model.retinaface_pth_model import RetinaFace

    return "retinaface.pth", RetinaFace()


def _settled(network: Any, side: int) -> Any:
    """The network after it has seen 16 pictures of blots."""
    import torch

    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            layer.momentum = None  # the plain mean of what is seen
    with torch.no_grad():
        blots = torch.nn.functional.interpolate(torch.rand(16, 3, 6, 6), size=(side, side), mode="bilinear")
        network.train()(blots)
    return network
