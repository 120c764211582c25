"""Faces by OpenCV's boosted cascades (Viola and Jones 2001; Lienhart and Maydt 2002), whose files its wheel carries.

A cascade alone takes clocks, bark and cartoon animals for faces. Here it only proposes, and two witnesses that
look at other things must agree: the colour of skin and an eye where eyes belong. Frontal faces alone are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from stages.faces import Detector, FaceBox

if TYPE_CHECKING:
    from numpy.typing import NDArray

SKIN_CR, SKIN_CB = (133, 173), (77, 127)
"""Chroma of skin, light to dark, in YCrCb: Chai and Ngan 1999, "Face segmentation using skin-color map"."""
MIN_SKIN = 0.6
"""Share of skin in the middle of a face; real faces measured 0.96 and more, cartoon animals 0.4 and less."""
GREY = 12.0
"""Mean saturation (0–255) below which a picture counts as black and white: skin has no colour there."""
EYE_STRIP = (160, 96)
"""The upper 60 % of a face is brought to this size, pixels, so that eyes have the size the eye cascade knows."""


class Cascade(Detector):
    """Frontal faces on the processor, about 30 ms of one core a picture."""

    class Options(BaseModel):
        """Settings of the cascade."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        width: int = Field(480, ge=160, description="Pictures wider than this are scaled down to it, pixels")
        min_size: float = Field(0.09, gt=0, lt=1, description="Smallest face, as a share of the picture's height")
        neighbours: int = Field(4, ge=1, description="How many overlapping hits make a face (minNeighbors)")

    options: Options

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._models: dict[str, Any] = {}

    def close(self) -> None:
        """Free the cascades."""
        self._models.clear()

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[FaceBox]]:
        """The frontal faces of each picture (H×W×3 BGR), best first.

        The score is w / (w + 2) for the cascade's level weight w: 0.5 at w = 2, 0.8 at w = 8.
        """
        return [self._faces(self._scaled(image)) for image in images]

    def _model(self, name: str) -> Any:
        if name not in self._models:
            import cv2

            self._models[name] = cv2.CascadeClassifier(
                str(Path(cv2.__file__).parent / "data" / f"haarcascade_{name}.xml")
            )
        return self._models[name]

    def _scaled(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        import cv2

        height, width = image.shape[:2]
        if width <= self.options.width:
            return image
        size = (self.options.width, round(height * self.options.width / width))
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

    def _faces(self, image: NDArray[np.uint8]) -> list[FaceBox]:
        import cv2

        height, width = image.shape[:2]
        luma = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        grey = float(cv2.cvtColor(image, cv2.COLOR_BGR2HSV)[..., 1].mean()) < GREY
        faces: list[FaceBox] = []
        for weight, (x, y, w, h) in self._proposals(luma):
            box = (x / width, y / height, w / width, h / height)
            if _inside(box, faces) or not self._confirmed(image, luma, (x, y, w, h), grey):
                continue
            faces.append(FaceBox(score=weight / (weight + 2), box=box))
        return faces

    def _proposals(self, luma: Any) -> list[tuple[float, tuple[int, int, int, int]]]:
        """Level weight and box (pixels) of everything the frontal cascade takes for a face, best first."""
        side = max(24, round(luma.shape[0] * self.options.min_size))  # 24: the window the cascade was trained on
        boxes, _, weights = self._model("frontalface_default").detectMultiScale3(
            luma, scaleFactor=1.1, minNeighbors=self.options.neighbours, minSize=(side, side), outputRejectLevels=True
        )
        found = [(float(w), tuple(map(int, b))) for b, w in zip(boxes, np.ravel(weights), strict=True) if w > 0]
        return sorted(found, reverse=True)  # type: ignore[arg-type]

    def _confirmed(self, image: NDArray[np.uint8], luma: Any, box: tuple[int, int, int, int], grey: bool) -> bool:
        """Skin and an eye; without colour, two eyes."""
        if grey:
            return self._eyes(luma, box) >= 2
        return _skin(image, box) >= MIN_SKIN and self._eyes(luma, box) >= 1

    def _eyes(self, luma: Any, box: tuple[int, int, int, int]) -> int:
        import cv2

        x, y, w, h = box
        strip = cv2.resize(luma[y : y + h * 3 // 5, x : x + w], EYE_STRIP)
        found = self._model("eye").detectMultiScale(
            strip, scaleFactor=1.05, minNeighbors=4, minSize=(25, 25), maxSize=(60, 60)
        )
        return len(found)


def _skin(image: NDArray[np.uint8], box: tuple[int, int, int, int]) -> float:
    """Share of pixels with the colour of skin in the middle 60 % of the box."""
    import cv2

    x, y, w, h = box
    middle = image[y + h // 5 : y + h - h // 5, x + w // 5 : x + w - w // 5]
    _, cr, cb = cv2.split(cv2.cvtColor(middle, cv2.COLOR_BGR2YCrCb))
    skin = (cr >= SKIN_CR[0]) & (cr <= SKIN_CR[1]) & (cb >= SKIN_CB[0]) & (cb <= SKIN_CB[1])
    return float(np.mean(skin))


def _inside(box: tuple[float, float, float, float], faces: Sequence[FaceBox]) -> bool:
    """Whether the middle of the box lies in a better face (a chin taken for a second face)."""
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    return any(f.box[0] < x < f.box[0] + f.box[2] and f.box[1] < y < f.box[1] + f.box[3] for f in faces)
