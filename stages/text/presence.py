"""From when to when a text is seen: its picture is followed through the other stills of its shot.

Reading every still would take the reader's time; finding the same small picture again takes next to none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from data.records import Box

Picture = NDArray[np.uint8]
ALIKE = 0.6
"""Normalised cross-correlation from which it is the same text. Measured: the same text on a moving background 0.7 and
more, another text or none 0.4 and less."""
REACH = 0.6
"""How far the text may have moved from one still to the next, in heights of its box."""


def extent(
    picture: Picture,
    box: Box,
    before: Sequence[tuple[float, Callable[[], Picture]]],
    after: Sequence[tuple[float, Callable[[], Picture]]],
) -> tuple[float | None, float | None]:
    """Times of the first and the last still in a row that show the text; None: not even the next one does.

    `before` and `after` are the stills around `picture`, nearest first, each with its time and a way to load it.
    """
    return _follow(picture, box, before), _follow(picture, box, after)


def _follow(picture: Picture, box: Box, stills: Sequence[tuple[float, Callable[[], Picture]]]) -> float | None:
    seen: float | None = None
    text, place = _grey(picture), _pixels(box, picture)
    for time, load in stills:
        still = _grey(load())
        found = _find(text, place, still)
        if found is None:
            return seen
        seen, text, place = time, still, found
    return seen


def _grey(picture: Picture) -> Picture:
    import cv2

    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)


def _pixels(box: Box, picture: Picture) -> tuple[int, int, int, int]:
    height, width = picture.shape[:2]
    x, y = round(box[0] * width), round(box[1] * height)
    return x, y, max(round(box[2] * width), 4), max(round(box[3] * height), 4)


def _find(text: Picture, place: tuple[int, int, int, int], still: Picture) -> tuple[int, int, int, int] | None:
    """Where the text of `place` lies in `still`; None: it is not near that place."""
    import cv2

    x, y, width, height = place
    reach = round(height * REACH)
    left, top = max(x - reach, 0), max(y - reach, 0)
    window = still[top : y + height + reach, left : x + width + reach]
    pattern = text[y : y + height, x : x + width]
    if pattern.size == 0 or window.shape[0] < pattern.shape[0] or window.shape[1] < pattern.shape[1]:
        return None
    _, alike, _, spot = cv2.minMaxLoc(cv2.matchTemplate(window, pattern, cv2.TM_CCOEFF_NORMED))
    return (left + spot[0], top + spot[1], width, height) if alike >= ALIKE else None
