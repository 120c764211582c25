"""Scaling decoded frames cheaply: the planes first, colours after."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

Image = NDArray[np.uint8]

PLANAR_420 = {"yuv420p": 0, "yuvj420p": 0, "yuv420p10le": 2, "yuv420p12le": 4}
"""Pixel formats whose planes are scaled directly → bits above eight."""
SPACES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}
"""Matrix of the film (ITU-T H.273) → swscale's number for it: BT.709, FCC, BT.601 (two names), SMPTE 240M, BT.2020."""


@dataclass(frozen=True)
class Large:
    """A frame scaled down for showing, kept as planar YUV 4:2:0 (half the memory) until it is wanted."""

    planes: Image
    space: int
    full_range: int
    turn: int

    def bgr(self) -> Image:
        """Height × width × BGR, upright, in the film's own colour matrix."""
        from av.video.frame import VideoFrame

        frame = VideoFrame.from_ndarray(self.planes, format="yuv420p")
        turned = frame.reformat(format="bgr24", src_colorspace=self.space, src_color_range=self.full_range)
        return upright(np.asarray(turned.to_ndarray(), dtype=np.uint8), self.turn)


def fit(frame: VideoFrame, turn: int, pixel: Fraction, width: int) -> tuple[int, int]:
    """Width and height before turning so that the upright picture is at most `width` wide; both even."""
    shown = frame.width * pixel, Fraction(frame.height)
    scale = min(Fraction(1), Fraction(width) / shown[1 if turn % 180 else 0])
    across, down = (max(2, round(side * scale / 2) * 2) for side in shown)
    return across, down


def measured(frame: VideoFrame, size: tuple[int, int], turn: int) -> Image:
    """BGR of `size`, upright, for measuring: fast, in BT.601 whatever the film's matrix."""
    import cv2

    bgr = cv2.cvtColor(_shrink(frame, size, exact=False), cv2.COLOR_YUV2BGR_I420)
    return upright(np.asarray(bgr, dtype=np.uint8), turn)


def shrunk(frame: VideoFrame, size: tuple[int, int], turn: int) -> Large:
    """A frame at `size` for showing."""
    return Large(_shrink(frame, size, exact=True), *_colours(frame), turn)


def _shrink(frame: VideoFrame, size: tuple[int, int], *, exact: bool) -> Image:
    """Planar 8-bit YUV 4:2:0 of `size`. `exact` averages all pixels under each; else four, as PySceneDetect does."""
    import cv2

    if frame.format.name not in PLANAR_420:
        return _reformatted(frame, size)
    width, height = size
    kind = cv2.INTER_AREA if exact else cv2.INTER_LINEAR
    halves = [(width, height), (width // 2, height // 2), (width // 2, height // 2)]
    parts: list[NDArray[Any]] = [
        cv2.resize(_plane(frame, i), half, interpolation=kind).ravel() for i, half in enumerate(halves)
    ]
    planes = np.concatenate(parts).reshape(height * 3 // 2, width)
    depth = PLANAR_420[frame.format.name]
    return np.asarray(np.right_shift(planes, depth) if depth else planes, dtype=np.uint8)


def _reformatted(frame: VideoFrame, size: tuple[int, int]) -> Image:
    scaled = frame.reformat(width=size[0], height=size[1], format="yuv420p", interpolation="AREA")
    return np.asarray(scaled.to_ndarray(), dtype=np.uint8)


def _plane(frame: VideoFrame, number: int) -> NDArray[Any]:
    """One plane as a view of the decoder's memory."""
    plane = frame.planes[number]
    deep = PLANAR_420[frame.format.name] > 0
    rows: NDArray[Any] = np.frombuffer(memoryview(plane), "<u2" if deep else "u1")
    return rows.reshape(-1, plane.line_size // rows.itemsize)[: plane.height, : plane.width]


def _colours(frame: VideoFrame) -> tuple[int, int]:
    """Matrix and range, as swscale numbers them. A film that names no matrix: BT.709 from 720 lines up, else BT.601."""
    space = int(frame.colorspace)
    if space not in SPACES:
        space = 1 if frame.height >= 720 else 5
    full = frame.format.name.startswith("yuvj") or int(frame.color_range) == 2
    return SPACES[space], 2 if full else 1


def upright(image: Image, turn: int) -> Image:
    import cv2

    codes = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    return np.asarray(cv2.rotate(image, codes[turn]), dtype=np.uint8) if turn in codes else image
