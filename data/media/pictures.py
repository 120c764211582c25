"""Reading stills back from disk."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import StageError

THUMBNAIL = 240
"""Pixels across a keyframe in a report."""


def read_picture(path: Path) -> NDArray[np.uint8]:
    """The picture as H×W×3 BGR, 0–255.

    Decoded from memory, because `cv2.imread` cannot open names outside the code page on Windows.
    Raises StageError when the file is missing or no picture.
    """
    import cv2

    raw = np.fromfile(path, np.uint8) if path.is_file() else np.empty(0, np.uint8)
    image = cv2.imdecode(raw, cv2.IMREAD_COLOR) if raw.size else None
    if image is None:
        raise _unreadable(path)
    return image.astype(np.uint8, copy=False)


def read_jpeg(path: Path) -> bytes:
    """The file of a still as it is. Raises StageError when it is missing or empty."""
    content = path.read_bytes() if path.is_file() else b""
    if not content:
        raise _unreadable(path)
    return content


def thumbnail(path: Path) -> str:
    """A small JPEG of the picture as a data URI. Raises StageError when the file is missing or no picture."""
    return "data:image/jpeg;base64," + base64.b64encode(small_jpeg(path)).decode("ascii")


def small_jpeg(path: Path) -> bytes:
    """A JPEG of the picture, THUMBNAIL pixels across. Raises StageError when the file is missing or no picture."""
    import cv2

    image = read_picture(path)
    height, width = image.shape[:2]
    size = (THUMBNAIL, max(round(THUMBNAIL * height / width), 1))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return jpeg.tobytes()


def _unreadable(path: Path) -> StageError:
    return StageError(
        "The still {file} cannot be read: delete the folder {folder} and run again", file=path.name, folder=path.parent
    )
