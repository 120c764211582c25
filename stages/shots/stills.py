"""The stills kept of each shot: sharp ones, spread over it, away from its cuts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.media.scale import Large
from data.media.video import Picture
from stages.shots.cuts import NOTHING_TO_SEE, Seen

BUCKETS = 12
"""Pictures held at most of the shot in progress, each half a megabyte: a shot may last for hours."""
FIRST_SPAN = 0.2
"""Seconds of the first buckets; doubled whenever all are full."""
GUARD = 0.15
"""Seconds from a cut in which no still is taken, where the shot is long enough: blended and half-faded frames."""


@dataclass
class Snapshot:
    """One picture that may stand for its shot."""

    seen: Seen
    sharpness: float
    source: Picture | Large

    def keep(self, width: int) -> None:
        """Let go of the decoder's frame for a copy at `width` pixels."""
        if isinstance(self.source, Picture):
            self.source = self.source.large(width)

    @property
    def rank(self) -> tuple[bool, float]:
        """What is to be seen first, then sharpness."""
        return self.seen.contrast >= NOTHING_TO_SEE, self.sharpness

    def look(self) -> list[float]:
        """4×4 grid of mean B, G, R, 0–255, row by row."""
        import cv2

        grid = cv2.resize(self.seen.small, (4, 4), interpolation=cv2.INTER_AREA)
        return [float(value) for value in grid.ravel()]

    def write(self, path: Path, width: int) -> None:
        """Write a JPEG at most `width` pixels wide."""
        import cv2

        self.keep(width)
        assert isinstance(self.source, Large)
        _, jpeg = cv2.imencode(".jpg", self.source.bgr(), [cv2.IMWRITE_JPEG_QUALITY, 90])
        path.write_bytes(jpeg.tobytes())


class Stills:
    """Keeps the best picture of each of up to twelve equal stretches of the shot in progress."""

    def __init__(self, width: int, per_shot: int) -> None:
        self.width, self.per_shot = width, per_shot
        self.start = 0.0
        self.span = FIRST_SPAN
        self.buckets: list[Snapshot | None] = []

    def feed(self, picture: Picture, seen: Seen) -> None:
        """Consider one picture."""
        number = int((seen.time - self.start) / self.span)
        while number >= BUCKETS:
            self._halve()
            number = int((seen.time - self.start) / self.span)
        while len(self.buckets) <= number:
            self._settle()
            self.buckets.append(None)
        self.buckets[number] = _better(self.buckets[number], Snapshot(seen, _sharpness(seen), picture))

    def close(self, end: float) -> list[Snapshot]:
        """End the shot at `end`: its stills in order of time. Pictures from `end` on open the next shot."""
        all_stills = [still for still in self.buckets if still is not None]
        mine = [still for still in all_stills if still.seen.time < end]
        rest = [still for still in all_stills if still.seen.time >= end]
        chosen = _spread(_inside(mine, self.start, end), self.per_shot)
        self.start, self.span, self.buckets = end, FIRST_SPAN, []
        for still in rest:
            number = min(int((still.seen.time - end) / self.span), BUCKETS - 1)
            self.buckets += [None] * (number + 1 - len(self.buckets))
            self.buckets[number] = _better(self.buckets[number], still)
        return chosen

    def _settle(self) -> None:
        """A stretch is over: free the decoder's frame."""
        if self.buckets and (last := self.buckets[-1]) is not None:
            last.keep(self.width)

    def _halve(self) -> None:
        self._settle()
        pairs = [self.buckets[i : i + 2] for i in range(0, len(self.buckets), 2)]
        self.buckets = [_best([still for still in pair if still is not None]) for pair in pairs]
        self.span *= 2


def _sharpness(seen: Seen) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al. 2000)."""
    import cv2

    _, deviation = cv2.meanStdDev(cv2.Laplacian(seen.grey, cv2.CV_16S))
    return float(deviation[0][0] ** 2)


def _best(stills: list[Snapshot]) -> Snapshot | None:
    return max(stills, key=lambda still: still.rank, default=None)


def _better(a: Snapshot | None, b: Snapshot) -> Snapshot:
    return b if a is None or b.rank > a.rank else a


def _inside(stills: list[Snapshot], start: float, end: float) -> list[Snapshot]:
    """Those with something to see and away from the cuts; in a very short shot the one nearest its middle."""
    worth = [still for still in stills if still.rank[0]]
    inner = [still for still in worth if start + GUARD <= still.seen.time <= end - GUARD]
    middle = (start + end) / 2
    return inner or sorted(worth, key=lambda still: abs(still.seen.time - middle))[:1]


def _spread(stills: list[Snapshot], count: int) -> list[Snapshot]:
    """At most `count`: the best of each of `count` equal runs."""
    runs = np.array_split(np.arange(len(stills)), min(count, len(stills)) or 1)
    best = [_best([stills[i] for i in run]) for run in runs]
    return [still for still in best if still is not None]
