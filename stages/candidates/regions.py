"""Parts of a picture that are described on their own (dense captioning): its largest people and things."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from data.pictures import read_picture
from data.records import Box
from stages.candidates.prompt import Prompt

MARGIN = 0.1
"""Share of a box that is shown around it, so that what is held or worn at its edge is whole; a working value."""
LEAST = 32
"""Pixels: the smaller side of a part that still shows something; a working value."""
SAME = 0.5
"""Intersection over union from which two boxes hold the same thing, as detectors are scored (PASCAL VOC)."""


def bare(prompt: Prompt) -> Prompt:
    """The prompt without what is known of the whole picture, for a part of it."""
    return Prompt(language=prompt.language, rate=prompt.rate, style=prompt.style)


def crops(still: Path, prompt: Prompt, n: int) -> list[tuple[Box, bytes]]:
    """The boxes of the `n` largest people, objects and faces of a still, each with its JPEG. Raises StageError."""
    import cv2

    picture = read_picture(still)
    height, width = picture.shape[:2]
    found: list[tuple[Box, bytes]] = []
    for box in _largest(prompt):
        x, y, w, h = box
        left, top = max(0, round((x - MARGIN * w) * width)), max(0, round((y - MARGIN * h) * height))
        right, bottom = round((x + w + MARGIN * w) * width), round((y + h + MARGIN * h) * height)
        part = picture[top:bottom, left:right]
        if min(part.shape[:2]) >= LEAST and len(found) < n:
            found.append((box, cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()))
    return found


def _largest(prompt: Prompt) -> Iterator[Box]:
    """Boxes by falling area, those of one thing once."""
    boxes = [*(p.box for p in prompt.persons), *(t.box for t in prompt.things), *(box for _, box in prompt.faces)]
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda b: b[2] * b[3], reverse=True):
        if all(overlap(box, other) < SAME for other in kept):
            kept.append(box)
            yield box


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0–1."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0.0, across) * max(0.0, down)
    whole = one[2] * one[3] + other[2] * other[3] - shared
    return shared / whole if whole > 0 else 0.0
