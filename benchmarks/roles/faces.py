"""Faces: a batch of keyframes against one at a time, through the production backend.

DeepFace's detectors take one picture at a time; what it batches is embeddings and expressions. Measured is both: the
whole call, and the part after detection. Weights are random: OpenFace on the CPU, Facenet512 on CUDA. The detector is
OpenCV's cascade, for a random RetinaFace finds no face to go on with; its own time is a row of its own.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.row import Row
from stages.faces.deepface import DeepFace
from tests.checkpoints import faces as checkpoint

PICTURES, REPEATS = 8, 5
FACES = Path(os.environ.get("VDESC_MEDIA", Path(__file__).parents[3] / "shared" / "media")) / "faces" / "two_people.jpg"


def measure() -> list[Row]:
    """The rows of this role; none of the ratios where the photograph of two faces is not at hand."""
    import cv2
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    with tempfile.TemporaryDirectory() as home:
        os.environ["DEEPFACE_HOME"] = home
        checkpoint.build(Path(home), "facenet512", "openface", "emotion", "retinaface")
        still = np.full((360, 640, 3), 90, np.uint8)
        rows = [retinaface(device, still)]
        if FACES.is_file():
            picture = cv2.resize(cv2.imread(str(FACES)), (640, 376)).astype(np.uint8)
            rows += batched(device, picture)
        return rows


def batched(device: str, picture: NDArray[np.uint8]) -> list[Row]:
    """PICTURES stills with two faces each at once, against one after the other."""
    import cv2

    model: Literal["Facenet512", "OpenFace"] = "Facenet512" if device == "cuda" else "OpenFace"
    backend = DeepFace(DeepFace.Options(detector="opencv", model=model, device=device, batch=2 * PICTURES))
    pictures = [cv2.convertScaleAbs(picture, alpha=1 - 0.01 * i).astype(np.uint8) for i in range(PICTURES)]
    at_once, in_turn = (lambda: backend.detect(pictures)), (lambda: [backend.detect([p]) for p in pictures])
    faces = sum(len(found) for found in at_once())
    whole = compared(in_turn, at_once)
    crops = [crop for p in pictures for crop in backend._crops(p)]
    after = compared(
        lambda: [(backend._embed([c]), backend._express([c])) for c in crops],
        lambda: (backend._embed(crops), backend._express(crops)),
    )
    backend.close()
    how = f"{PICTURES} stills of 640×376, {faces} faces, {model} and expressions, {device}, median of {REPEATS}"
    return [
        Row("faces, batched against one by one, whole call", f"{whole:.2f}×", "≥ 2× where the library allows", how),
        Row("faces, batched against one by one, after detection", f"{after:.2f}×", "≥ 2×", how),
    ]


def retinaface(device: str, still: NDArray[np.uint8]) -> Row:
    """What the default detector costs a still."""
    backend = DeepFace(DeepFace.Options(model="OpenFace", device=device))
    backend.detect([still])
    seconds = min(timed(lambda: backend.detect([still])) for _ in range(2))
    backend.close()
    return Row("RetinaFace, one still", f"{seconds:.2f} s", "", f"640×360, real size, random weights, {device}")


def compared(slow: Callable[[], Any], fast: Callable[[], Any]) -> float:
    """How many times longer `slow` takes, both run in turn."""
    return statistics.median(timed(slow) / timed(fast) for _ in range(REPEATS))


def timed(do: Callable[[], Any]) -> float:
    """Seconds a call takes; results are on the CPU when it returns."""
    started = time.perf_counter()
    do()
    return time.perf_counter() - started
