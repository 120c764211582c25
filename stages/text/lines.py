"""Lines of text as a reader returns them, and joining the pieces of one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.records import Box


@dataclass(frozen=True)
class TextLine:
    """One piece of text; the box is (x, y, width, height) in fractions of the picture."""

    text: str
    score: float
    box: Box


def join_lines(lines: Sequence[TextLine], aspect: float) -> list[TextLine]:
    """Join pieces that stand side by side on one line; from top to bottom, left to right.

    Readers split a line at wide spaces. `aspect` is the picture's width / height, needed because a space is
    measured against the height of the letters. A joined line is as sure as its least sure piece.
    """
    joined: list[TextLine] = []
    for line in sorted(lines, key=lambda t: (t.box[0], t.box[1])):
        left = next((j for j in joined if _continues(j.box, line.box, aspect)), None)
        if left is None:
            joined.append(line)
        else:
            joined[joined.index(left)] = _joined(left, line)
    return sorted(joined, key=lambda t: (t.box[1], t.box[0]))


def _continues(left: Box, right: Box, aspect: float) -> bool:
    """Whether `right` goes on where `left` ends: letters of like size, same height, less than two spaces away."""
    low, high = sorted((left[3], right[3]))
    level = abs((left[1] + left[3] / 2) - (right[1] + right[3] / 2)) < low / 2
    space = (right[0] - left[0] - left[2]) * aspect
    return high < 1.6 * low and level and -low / 2 < space < 0.6 * low


def _joined(left: TextLine, right: TextLine) -> TextLine:
    x, y = min(left.box[0], right.box[0]), min(left.box[1], right.box[1])
    end_x = max(left.box[0] + left.box[2], right.box[0] + right.box[2])
    end_y = max(left.box[1] + left.box[3], right.box[1] + right.box[3])
    return TextLine(f"{left.text} {right.text}", min(left.score, right.score), (x, y, end_x - x, end_y - y))


def upright(corners: NDArray[np.float64]) -> Box:
    """The upright box around four corners (4×2, fractions of the picture)."""
    (x, y), (end_x, end_y) = corners.min(axis=0).clip(0, 1), corners.max(axis=0).clip(0, 1)
    return float(x), float(y), float(end_x - x), float(end_y - y)
