"""The same thing in several keyframes of one shot: tracking by detection.

Keyframes lie seconds apart, so the boxes of one thing often no longer overlap. Boxes are therefore compared by
distance-IoU (Zheng et al. 2020, "Distance-IoU Loss", AAAI), which goes on falling with the distance of their centres
where plain IoU is 0, and joined greedily, the most alike pair first, as in the IoU tracker (Bochinski et al. 2017).
The limits are generous: one person counted twice is worse than two counted once, and two that are seen together are
never joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data.records import Box

ALIKE = -0.5
"""Least distance-IoU of the same thing: its centre has moved by at most 2.7 widths of a square box, or 4.3 of a
standing person's (three times as high as wide). A proposal, not measured."""
GROWN = 2.5
"""Most that width and height both may have grown or shrunk from one keyframe to the next. A proposal."""


@dataclass
class Tracks:
    """The things of one shot seen so far."""

    last: dict[str, tuple[str, Box]] = field(default_factory=dict)
    """Track → label and box where it was seen last."""

    def join(self, labels: Sequence[str], boxes: Sequence[Box], ids: Sequence[str], aspect: float) -> list[str]:
        """The track of each thing of the next keyframe: that of an earlier keyframe, or its own id for a new thing.

        `aspect` is the picture's width / height.
        """
        known = list(self.last)
        things = list(zip(labels, boxes, strict=True))
        rows = [[_alike(self.last[track], thing, aspect) for track in known] for thing in things]
        alike = np.array(rows).reshape(len(things), len(known))
        joined = {row: known[column] for row, column in _greedy(alike)}
        tracks = [joined.get(row, own) for row, own in enumerate(ids)]
        self.last |= dict(zip(tracks, things, strict=True))
        return tracks


def _greedy(alike: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs (row, column), each row and column at most once, the most alike first; -inf is never paired."""
    alike, pairs = alike.copy(), []
    while alike.size and alike.max() > -np.inf:
        row, column = divmod(int(alike.argmax()), alike.shape[1])
        pairs.append((row, column))
        alike[row], alike[:, column] = -np.inf, -np.inf
    return pairs


def _alike(one: tuple[str, Box], other: tuple[str, Box], aspect: float) -> float:
    """How much two seen things look like the same by label, place and size; -inf: they are not."""
    (label, a), (other_label, b) = one, other
    if label != other_label or _growth(a[2], b[2]) > GROWN < _growth(a[3], b[3]):
        return -np.inf
    score = distance_iou(a, b, aspect)
    return score if score >= ALIKE else -np.inf


def _growth(a: float, b: float) -> float:
    low, high = sorted((a, b))
    return high / max(low, 1e-6)


def distance_iou(a: Box, b: Box, aspect: float) -> float:
    """IoU less the squared distance of the centres over the squared diagonal of the box around both, -1 … 1."""
    stretch = np.array([aspect, 1.0])
    low_a, low_b = np.array(a[:2]) * stretch, np.array(b[:2]) * stretch
    size_a, size_b = np.array(a[2:]) * stretch, np.array(b[2:]) * stretch
    common = np.minimum(low_a + size_a, low_b + size_b) - np.maximum(low_a, low_b)
    shared = float(common.clip(0).prod())
    union = float(size_a.prod() + size_b.prod()) - shared
    around = np.maximum(low_a + size_a, low_b + size_b) - np.minimum(low_a, low_b)
    apart = (low_a + size_a / 2) - (low_b + size_b / 2)
    return shared / max(union, 1e-12) - float(apart @ apart) / max(float(around @ around), 1e-12)
