"""Objects by YOLOv8 and its kin, through ultralytics (AGPL-3.0, its weights too: see https://ultralytics.com/license).

A `.pt` file is a pickle, which can run any code when it is loaded: use files of people you trust.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from data.errors import ConfigError
from data.messages import tr
from stages.backend import Progress, Weights
from stages.download import download
from stages.loading import loading, out_of_memory
from stages.models import ModelBackend, ModelOptions, by_shape, device, fingerprint, in_batches
from stages.objects import Detector, ObjectBox

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

FLOOR = 0.05
"""Boxes scored lower are not worth reporting; what is kept is decided by the stage."""
SIZES = {"yolov8n.pt": 6_500_000, "yolov8s.pt": 22_600_000, "yolov8m.pt": 52_100_000,
         "yolov8l.pt": 87_800_000, "yolov8x.pt": 136_900_000}  # fmt: skip
"""Bytes of the released weights, about."""
TASKS = {"detect", "segment", "pose"}
"""Kinds of models that find upright boxes of named things."""
LEAST_SIDE = 32
"""Pixels of the shorter side of what the model is given; YOLO's strides need as much, smaller pictures are enlarged."""
SWITCHED_OFF = {"YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true", "YOLO_VERBOSE": "false"}
"""ultralytics would install packages, ask the network for versions, send statistics, and write to the screen."""


class Yolo(ModelBackend, Detector):
    """Finds things with the classes its weights were trained on; the released ones know the 80 of COCO."""

    packages = ("torch", "ultralytics")

    class Options(ModelOptions):
        """Settings of YOLO."""

        weights: str = Field(
            "yolov8n.pt",
            description="Released weights (yolov8n.pt, yolov8x.pt, yolo11m.pt …), or a .pt or .onnx file",
        )
        image_size: int = Field(
            640, ge=32, description="Longest side of the picture the model sees, pixels, multiple of 32"
        )
        iou: float = Field(
            0.7, ge=0, le=1, description="Of two boxes of one class that overlap more than this the surer one is kept"
        )

    options: Options
    _device: torch.device | None = None

    def identity(self) -> dict[str, Any]:
        """The hash of the weights; None before they are fetched."""
        file = self._file()
        return {"files": fingerprint(file) if file.is_file() else None}

    def weights(self) -> Sequence[Weights]:
        """The one file of weights."""
        file, name = self._file(), Path(self.options.weights).name
        licence = "AGPL-3.0" if file.parent == weights_folder() else "unknown"
        return [
            Weights(
                self.options.weights, licence, SIZES.get(name), file if file.is_file() else None, str(file.parent),
                lambda progress: _fetch(self.options.weights, file, progress),
            )
        ]  # fmt: skip

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[ObjectBox]]:
        """The things in each picture (H×W×3 BGR), surest first. Raises ConfigError where the model cannot be loaded.

        Pictures of one size go through the model together: of other ones a batch would need more padding, and
        then what is found would depend on the neighbours.
        """
        if self._loaded is None and images:
            self._load()
        found: list[list[ObjectBox]] = [[] for _ in images]
        for alike in by_shape(images):
            batch = [enlarged(images[i]) for i in alike]
            for i, things in zip(alike, in_batches(batch, self.options.batch, self._forward, "YOLO"), strict=True):
                found[i] = things
        return found

    def _forward(self, images: Sequence[NDArray[np.uint8]]) -> list[list[ObjectBox]]:
        return [_things(r) for r in _predicted(self._loaded, images, self._device, self.options)]

    def _file(self) -> Path:
        """Where the weights lie or will lie."""
        given = Path(self.options.weights).expanduser()
        return given if given.is_file() or given.name != self.options.weights else weights_folder() / given.name

    def _load(self) -> None:
        file, name = self._file(), self.options.weights
        self._device = _onnx_device(self.options.device) if file.suffix == ".onnx" else device(self.options.device)
        with loading(name):
            if not file.is_file():
                _fetch(name, file, lambda done, total: None)
            self._loaded = _opened(file, self._device, self.options)


def weights_folder() -> Path:
    """Ultralytics' own folder of weights; beside its settings where the settings name none that stays in place."""
    with loading("YOLO"):
        ultralytics = imported()
    folder = Path(ultralytics.settings["weights_dir"])
    return folder if folder.is_absolute() else Path(ultralytics.settings.file).parent / "weights"


def imported() -> Any:
    """The package, with all that it does unasked switched off and the settings of other libraries left alone."""
    import cv2
    import torch  # noqa: F401 – reads OMP_NUM_THREADS before ultralytics sets it to 1
    from PIL import Image

    os.environ.update(SWITCHED_OFF)
    open_picture = Image.open
    threads, cv2_threads = os.environ.get("OMP_NUM_THREADS"), cv2.getNumThreads()
    import ultralytics

    if threads is None:
        os.environ.pop("OMP_NUM_THREADS", None)
    cv2.setNumThreads(cv2_threads)
    Image.open = open_picture  # theirs wants another package for a file that is no picture
    return ultralytics


def enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture, stretched where a side is shorter than LEAST_SIDE; boxes are fractions, so they stay right."""
    import cv2

    height, width = image.shape[:2]
    if min(height, width) >= LEAST_SIDE:
        return image
    return cv2.resize(image, (max(width, LEAST_SIDE), max(height, LEAST_SIDE))).astype(np.uint8, copy=False)


def _fetch(name: str, file: Path, progress: Progress) -> None:
    """Download released weights; nothing where they are here. Raises ConfigError."""
    if file.is_file():
        return
    if file.parent != weights_folder() or name not in _released():
        raise ConfigError(
            "There are no weights {name}: give the path of a .pt or .onnx file, or the name of weights that "
            "ultralytics releases, such as yolov8n.pt",
            name=name,
        )
    download(name, _address(name), file, progress)


def _released() -> frozenset[str]:
    imported()
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES

    return frozenset(GITHUB_ASSETS_NAMES)


def _address(name: str) -> str:
    """Where the installed ultralytics would get released weights."""
    import inspect

    imported()
    from ultralytics.utils.downloads import GITHUB_ASSETS_REPO, attempt_download_asset

    release = inspect.signature(attempt_download_asset).parameters["release"].default
    return f"https://github.com/{GITHUB_ASSETS_REPO}/releases/download/{release}/{name}"


def _onnx_device(name: str) -> torch.device:
    """The device for an ONNX file, which runs on ONNX Runtime. Raises ConfigError: ultralytics would take the CPU."""
    import onnxruntime

    has_cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    chosen = device("cpu" if name == "auto" and not has_cuda else name)
    if chosen.type == "cuda" and not has_cuda:
        raise ConfigError(
            "The installed ONNX Runtime cannot use {device}: pip install onnxruntime-gpu, or set device=cpu",
            device=chosen,
        )
    return chosen


def _opened(file: Path, where: torch.device | None, options: Yolo.Options) -> Any:
    """The model of a file, ready on its device. Raises ConfigError for a file that holds no detector."""
    blank = np.zeros((LEAST_SIDE, LEAST_SIDE, 3), np.uint8)
    try:
        model = imported().YOLO(str(file), **({"task": "detect"} if file.suffix == ".onnx" else {}))
        if model.task in TASKS:
            _predicted(model, [blank], where, options)  # an ONNX file is not read before
            return model
    except (RuntimeError, TypeError, AttributeError, KeyError, AssertionError) as error:
        if out_of_memory(error):
            raise
        raise ConfigError(_no_detector(file)) from error
    raise ConfigError(_no_detector(file))


def _predicted(
    model: Any, images: Sequence[NDArray[np.uint8]], where: torch.device | None, options: Yolo.Options
) -> list[Any]:
    """The results of ultralytics for pictures of one size. Raises RuntimeError, as torch does, for ONNX Runtime too."""
    from onnxruntime.capi import onnxruntime_pybind11_state as runtime

    try:
        results: list[Any] = model.predict(
            list(images), imgsz=options.image_size, conf=FLOOR, iou=options.iou, device=where, verbose=False, save=False
        )
    except (runtime.Fail, runtime.InvalidArgument, runtime.InvalidGraph, runtime.RuntimeException) as error:
        raise RuntimeError(str(error)) from error
    return results


def _no_detector(file: Path) -> str:
    return tr("{file} holds no object detector that ultralytics can read: give another file, or delete it and run "
              "`vdesc models fetch`", file=file)  # fmt: skip


def _things(result: Any) -> list[ObjectBox]:
    """What ultralytics found in one picture: corners in fractions of it, class and confidence."""
    rows = zip(result.boxes.xyxyn.tolist(), result.boxes.cls.tolist(), result.boxes.conf.tolist(), strict=True)
    return [ObjectBox(str(result.names[int(kind)]), score, _box(corners)) for corners, kind, score in rows]


def _box(corners: Sequence[float]) -> tuple[float, float, float, float]:
    x, y, end_x, end_y = (min(max(value, 0.0), 1.0) for value in corners)
    return x, y, end_x - x, end_y - y
