"""The files of weights DeepFace reads, where they come from, and their download.

Names and addresses are those of deepface 0.0.103 and retina-face 0.0.19 on their PyTorch engine; licences those of
the sources its README names ("license types will be inherited"). They cover the weights as published; the data sets
they were trained on (VGGFace2, MS-Celeb-1M …) have terms of their own.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stages.backend import Progress, Weights
from stages.download import download

RELEASE = "https://github.com/serengil/deepface_models/releases/download/v1.0/"
BACKUP = "https://huggingface.co/serengil/deepface/resolve/main/"
OPENCV = "https://github.com/opencv/opencv/raw/3.4.0/samples/dnn/face_detector/"
SSD = "https://github.com/opencv/opencv_3rdparty/raw/dnn_samples_face_detector_20170830/"
YUNET = "https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/"
CENTERFACE = "https://github.com/Star-Clouds/CenterFace/raw/master/models/onnx/"
YOLO = "https://github.com/{owner}/yolo-face/releases/download/1.0.0/"


@dataclass(frozen=True)
class File:
    """One file of weights."""

    name: str
    licence: str
    size: int | None
    """Bytes; of PyTorch files: parameters × 4, as their architecture has them."""
    folders: tuple[str, ...] = (RELEASE, BACKUP)
    """Where it can be had, first choice first."""

    @property
    def path(self) -> Path:
        """Where DeepFace looks for it."""
        return cache() / self.name


RECOGNISERS = {
    "Facenet512": File("facenet512_weights.pth", "MIT", 94_300_000),
    "Facenet": File("facenet_weights.pth", "MIT", 91_600_000),
    "ArcFace": File("arcface_weights.pth", "MIT", 136_800_000),
    "GhostFaceNet": File("ghostfacenet_v1.pth", "MIT", 16_600_000),
    "VGG-Face": File("vgg_face_weights.pth", "CC-BY-NC", 580_100_000),
    "OpenFace": File("openface_weights.pth", "MIT", 15_100_000),
    "DeepFace": File("VGGFace2_DeepFace_weights_val-0.9034.pth", "MIT", 409_700_000),
    "DeepID": File("deepid_weights.pth", "MIT", 1_600_000),
}
EMOTION = File("facial_expression_model_weights.pth", "MIT", 5_950_000)


def _yolo(size: str, owner: str) -> tuple[File, ...]:
    return (File(f"yolo{size}-face.pt", "AGPL-3.0", None, (YOLO.format(owner=owner),)),)


DETECTORS: dict[str, tuple[File, ...]] = {
    "retinaface": (File("retinaface.pth", "MIT", 118_200_000),),
    "yunet": (File("face_detection_yunet_2023mar.onnx", "MIT", 233_000, (YUNET,)),),
    "centerface": (File("centerface.onnx", "MIT", 7_500_000, (CENTERFACE,)),),
    "ssd": (
        File("deploy.prototxt", "Apache-2.0", 28_000, (OPENCV,)),
        File("res10_300x300_ssd_iter_140000.caffemodel", "Apache-2.0", 10_700_000, (SSD,)),
    ),
    "opencv": (),  # the wheel of OpenCV carries it
    **{f"yolo{size}": _yolo(size, "YapaLab") for size in ("v8m", "v8l", "v11l", "v12n", "v12s", "v12m", "v12l")},
    **{f"yolo{size}": _yolo(size, "akanametov") for size in ("v11n", "v11s", "v11m")},
}


def cache() -> Path:
    """DeepFace's own folder of weights; DEEPFACE_HOME names another place than the home folder."""
    return Path(os.environ.get("DEEPFACE_HOME") or Path.home()) / ".deepface" / "weights"


def described(file: File) -> Weights:
    """The file as `vdesc models` shows it."""
    where = file.path if file.path.is_file() else None
    return Weights(file.name, file.licence, file.size, where, str(cache()), partial(fetch, file))


def fetch(file: File, progress: Progress) -> None:
    """Download a file, going on where an earlier try stopped; nothing where it is here. Raises ConfigError."""
    first, *others = (folder + file.name for folder in file.folders)
    download(file.name, first, file.path, progress, others=others)
