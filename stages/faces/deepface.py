"""Faces by DeepFace (Serengil and Ozpinar 2020, "LightFace"): detection, alignment, identity and expression.

DeepFace runs here on its PyTorch engine: the same framework, device and memory as every other model, and TensorFlow is
never imported. Detection is picture by picture, as the library has it; embeddings and expressions are computed for all
faces of a batch of pictures at once.
"""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from data.errors import ConfigError
from data.records import Box
from stages.backend import Weights
from stages.faces import FaceBox, Recogniser
from stages.faces.weights import DETECTORS, EMOTION, RECOGNISERS, File, described, fetch
from stages.loading import loading, out_of_memory
from stages.models import ModelBackend, ModelOptions, device, in_batches

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

EMOTION_INPUT = (224, 224)
"""Size DeepFace brings faces to before it analyses them."""


class DeepFace(ModelBackend, Recogniser):
    """Faces with identity and expression; Facenet512 tells people apart best of DeepFace's own benchmarks."""

    packages = ("torch", "deepface")

    class Options(ModelOptions):
        """Settings of DeepFace."""

        detector: Literal[
            "retinaface", "yunet", "centerface", "ssd", "opencv", "yolov8m", "yolov8l", "yolov11n", "yolov11s",
            "yolov11m", "yolov11l", "yolov12n", "yolov12s", "yolov12m", "yolov12l",
        ] = Field(
            "retinaface",
            description="Finds the faces. retinaface is the surest and slow on a CPU (seconds a picture); yunet is "
            "the fast one there. All but retinaface and yolo run on the CPU whatever the device",
        )  # fmt: skip
        model: Literal[
            "Facenet512", "Facenet", "ArcFace", "GhostFaceNet", "VGG-Face", "OpenFace", "DeepFace", "DeepID"
        ] = Field("Facenet512", description="Tells people apart; VGG-Face is not for commercial use")
        metric: Literal["cosine", "angular", "euclidean", "euclidean_l2"] = Field(
            "cosine", description="How faces are compared; the threshold is DeepFace's own for the model and metric"
        )
        align: bool = Field(True, description="Turn faces upright by their eyes")
        emotion: bool = Field(True, description="Note what expressions look like, as evidence; never spoken")
        side: int = Field(
            1920, ge=160, description="Longest side of the picture, pixels; larger ones are scaled down to it"
        )
        min_pixels: int = Field(
            32,
            ge=1,
            description="Faces smaller than this are counted but not recognised: below 32×32 pixels recognition "
            "fails (Zou and Yuen 2012)",
        )

    options: Options
    _loaded: _Loaded | None = None

    def close(self) -> None:
        """Free the models."""
        _forget_detectors()
        super().close()

    def identity(self) -> dict[str, Any]:
        """The files of weights, which their addresses pin to a release."""
        return {"weights": [file.folders[0] + file.name for file in self._files()]}

    def weights(self) -> Sequence[Weights]:
        """The weights of the detector, the recogniser and the expressions."""
        return [described(file) for file in self._files()]

    @property
    def metric(self) -> str:
        """How embeddings are compared."""
        return self.options.metric

    @property
    def threshold(self) -> float:
        """DeepFace's own value for the model and metric: embeddings at most so far apart show the same person."""
        with loading("DeepFace"):
            return float(_module("modules.verification").find_threshold(self.options.model, self.options.metric))

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[FaceBox]]:
        """The faces of each picture (H×W×3 BGR), left to right, with embeddings and expressions.

        Raises ConfigError for weights or packages that are missing and for a device that is absent.
        """
        if not images:
            return []
        if self._loaded is None:
            self._loaded = self._load()
        found = list(in_batches(images, 1, lambda one: [self._crops(one[0])], self.options.detector))
        clear = [crop for crops in found for crop in crops if self._clear(crop)]
        embeddings = in_batches(clear, self.options.batch, self._embed, self.options.model)
        emotions = in_batches(clear, self.options.batch, self._express, "Emotion")
        return [
            [
                FaceBox(crop.score, crop.box, next(embeddings), next(emotions))
                if self._clear(crop)
                else FaceBox(crop.score, crop.box)
                for crop in crops
            ]
            for crops in found
        ]

    def _clear(self, crop: _Crop) -> bool:
        return bool(min(crop.pixels.shape[:2]) >= self.options.min_pixels)

    def _files(self) -> list[File]:
        emotion = [EMOTION] if self.options.emotion else []
        return [*DETECTORS[self.options.detector], RECOGNISERS[self.options.model], *emotion]

    def _load(self) -> _Loaded:
        with loading("DeepFace"):
            where = device(self.options.device)
            for name in ("detection", "preprocessing"):
                _module(f"modules.{name}")
            for file in self._files():
                fetch(file, lambda done, total: None)
            build = _module("modules.modeling")
            with _whole(DETECTORS[self.options.detector]):
                detector = build.build_model("face_detector", self.options.detector)
            with _whole([RECOGNISERS[self.options.model]]):
                recogniser = build.get_model_class("facial_recognition", self.options.model)()
            with _whole([EMOTION]):
                emotion = build.get_model_class("facial_attribute", "Emotion")() if self.options.emotion else None
            _detector_to(where, self.options.detector, detector)
            for client in filter(None, (recogniser, emotion)):
                client.model.to(where)
                client.device = where
            return _Loaded(recogniser, emotion)

    def _crops(self, image: NDArray[np.uint8]) -> list[_Crop]:
        """The faces of one picture, aligned, left to right: OpenCV's threads give them in any order."""
        image = _scaled(image, self.options.side)
        found = _module("modules.detection").detect_faces(self.options.detector, image, align=self.options.align)
        crops = [_Crop(f.img, float(f.confidence), _box(f.facial_area, image)) for f in found if f.img.size]
        return sorted(crops, key=lambda crop: crop.box)

    def _embed(self, crops: Sequence[_Crop]) -> list[tuple[float, ...]]:
        assert self._loaded
        client = self._loaded.recogniser
        size = client.input_shape[1], client.input_shape[0]  # as deepface.modules.representation has it
        return [tuple(map(float, row)) for row in np.atleast_2d(client.forward(_batch(crops, size)))]

    def _express(self, crops: Sequence[_Crop]) -> Sequence[str | None]:
        assert self._loaded
        if self._loaded.emotion is None:
            return [None] * len(crops)
        labels = _module("models.demography.DemographyUtils").EMOTION_LABELS
        scores = np.atleast_2d(self._loaded.emotion.predict(_batch(crops, EMOTION_INPUT)))
        return [labels[best] for best in scores.argmax(axis=1)]


@dataclass(frozen=True)
class _Loaded:
    """Models of DeepFace's that are on their device. The detector is kept by DeepFace itself."""

    recogniser: Any
    emotion: Any


@dataclass(frozen=True)
class _Crop:
    """One face cut out, BGR 0–255, with its place in the picture."""

    pixels: NDArray[np.uint8]
    score: float
    box: Box


def _module(name: str) -> Any:
    """A module of deepface, quiet and on PyTorch."""
    os.environ["DEEPFACE_BACKEND_ENGINE"] = "pytorch"  # read once, at import; retina-face reads it too
    for logger in ("DEEPFACE_LOG_LEVEL", "RETINAFACE_LOG_LEVEL"):
        os.environ.setdefault(logger, "40")
    with warnings.catch_warnings():  # some modules switch all warnings of the process off
        return importlib.import_module(f"deepface.{name}")


@contextmanager
def _whole(files: Sequence[File]) -> Iterator[None]:
    """Turn what a damaged or foreign file of weights raises into one line; quiet, whatever the libraries warn of."""
    import pickle

    try:
        with warnings.catch_warnings():  # retina-face switches all warnings of the process off
            yield
    except (RuntimeError, ValueError, pickle.UnpicklingError, EOFError) as error:
        if out_of_memory(error):
            raise
        raise ConfigError(
            "{path} is damaged, or no weights of DeepFace's; delete it and run `vdesc models fetch`",
            path=", ".join(str(f.path) for f in files),
        ) from error


def _detector_to(where: torch.device, name: str, detector: Any) -> None:
    """Put the detector on the device. RetinaFace feeds and reads its network on the CPU, wherever the network is."""
    if name.startswith("yolo"):
        detector.model.to(where)
    if name == "retinaface":
        network = detector.model.to(where)
        detector.model = lambda pictures: [part.cpu() for part in network(pictures.to(where))]


def _forget_detectors() -> None:
    """Drop the detectors DeepFace and RetinaFace keep for the life of the process."""
    import sys

    modeling = sys.modules.get("deepface.modules.modeling")
    if modeling:
        vars(modeling).get("cached_models", {}).get("face_detector", {}).clear()
    if retinaface := sys.modules.get("retinaface.RetinaFace"):
        vars(retinaface).pop("model", None)


def _scaled(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    import cv2

    factor = side / max(image.shape[:2])
    if factor >= 1:
        return image
    size = max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _box(area: Any, image: NDArray[np.uint8]) -> Box:
    """A facial area in pixels as fractions of the picture, within it."""
    height, width = image.shape[:2]
    x, y = min(max(area.x / width, 0.0), 1.0), min(max(area.y / height, 0.0), 1.0)
    end_x, end_y = min(max((area.x + area.w) / width, x), 1.0), min(max((area.y + area.h) / height, y), 1.0)
    return float(x), float(y), float(end_x - x), float(end_y - y)


def _batch(crops: Sequence[_Crop], size: tuple[int, int]) -> NDArray[np.float32]:
    """Faces as N×height×width×3, BGR 0–1, padded with black to `size`, as deepface.modules.representation has it."""
    resize = _module("modules.preprocessing").resize_image
    return np.concatenate([resize(crop.pixels / 255, size) for crop in crops])
