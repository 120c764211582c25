"""Where the cuts are: PySceneDetect's detectors, fed frame by frame, and what guards them against false cuts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from data.media.scale import Image
from data.media.video import Picture

if TYPE_CHECKING:
    from scenedetect.common import FrameTimecode

Detector = Literal["adaptive", "content"]
Closely = Callable[[float, float], list[Picture]]

MICROSECOND = Fraction(1, 1_000_000)
MEMORY = 6
"""Pictures kept: more than the two by which AdaptiveDetector reports late."""
NOTHING_TO_SEE = 40
"""A picture whose brightest and darkest pixel lie closer than this (of 255) is black, white or one colour."""


@dataclass(frozen=True)
class Seen:
    """What is remembered of a picture."""

    time: float
    skipped: int
    small: Image
    grey: Image
    contrast: float
    """Brightest minus darkest pixel, 0–255."""


def see(picture: Picture) -> Seen:
    """Measure a picture."""
    import cv2

    grey = np.asarray(cv2.cvtColor(picture.small, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    dark, bright, _, _ = cv2.minMaxLoc(grey)
    return Seen(picture.time, picture.skipped, picture.small, grey, bright - dark)


class Cuts:
    """Finds cuts in a run of pictures; tells each a few frames late, in order of time.

    Hard cuts: PySceneDetect's AdaptiveDetector or ContentDetector on HSV differences. A hit after which the picture
    keeps its structure (correlation of luma) is a flash, a fade, an overlay or exposure, and no cut.
    Fades: ThresholdDetector, on contrast in place of brightness, so that text on black is a picture and white is not;
    the cut is put in the middle of the empty stretch.
    """

    def __init__(
        self, detector: Detector, threshold: float, min_change: float, same_picture: float, fades: bool, fps: float,
        closely: Closely,
    ) -> None:  # fmt: skip
        self.rate = Fraction(fps if fps > 0 else 25).limit_denominator(100_000)
        self.hard = _hard(detector, threshold, min_change)
        self.fades = _fades() if fades else None
        self.same_picture = same_picture
        self.closely = closely
        self.recent: deque[Seen] = deque(maxlen=MEMORY)
        self.last_hard = -1.0
        self.lit = False
        """Something has been seen: a film that starts in black starts with no cut."""

    def feed(self, seen: Seen) -> list[float]:
        """The cuts known now, in seconds: each the first frame of a shot, or the middle of an empty stretch."""
        self.recent.append(seen)
        hits = self.hard.process_frame(self._stamp(seen.time), seen.small)
        cuts = [cut for hit in hits if (cut := self._checked(hit.seconds)) is not None]
        self.last_hard = max([self.last_hard, *cuts])
        return cuts + self._faded()

    def _stamp(self, time: float) -> FrameTimecode:
        from scenedetect.common import FrameTimecode, Timecode

        return FrameTimecode(Timecode(round(time / MICROSECOND), MICROSECOND), self.rate)

    def _checked(self, time: float) -> float | None:
        """The cut at the picture of `time`, placed exactly; None when it is none."""
        at = min(range(len(self.recent)), key=lambda i: abs(self.recent[i].time - time))
        if at == 0:
            return time
        if self._likeness(at) >= self.same_picture:
            return None
        before, after = self.recent[at - 1], self.recent[at]
        return self._placed(before.time, after.time) if after.skipped else after.time

    def _likeness(self, at: int) -> float:
        """How like the pictures before `at` the later ones are; all of those before, for a flash ends as it begins."""
        earlier, later = list(self.recent)[:at], (self.recent[at], self.recent[-1])
        return max(_likeness(a, b) for a in earlier for b in later)

    def _placed(self, before: float, after: float) -> float:
        """The cut between two pictures with undecoded frames between them: where the picture changes most."""
        pictures = self.closely(before, after)
        changes = [(_difference(a.small, b.small), b.time) for a, b in pairwise(pictures)]
        return max(changes, key=lambda change: change[0], default=(0.0, after))[1]

    def _faded(self) -> list[float]:
        """Fades, seen late enough that a hard cut out of or into the empty stretch is known, and stands instead."""
        if self.fades is None or len(self.recent) < MEMORY:
            return []
        past = self.recent[-4]
        self.lit = self.lit or past.contrast >= NOTHING_TO_SEE
        if not self.lit:
            return []
        since = self.fades.last_fade["frame"]
        level = np.full((1, 1, 3), past.contrast, dtype=np.uint8)
        cuts = [cut.seconds for cut in self.fades.process_frame(self._stamp(past.time), level)]
        return [cut for cut in cuts if since is None or self.last_hard < since.seconds - 1 / self.rate]


def _hard(detector: Detector, threshold: float, min_change: float) -> Any:
    # The shortest shot is kept by the caller, after false hits are gone: a flash must not hide the cut behind it.
    from scenedetect import AdaptiveDetector, ContentDetector

    if detector == "content":
        return ContentDetector(threshold=threshold, min_scene_len=0)
    return AdaptiveDetector(adaptive_threshold=threshold, min_content_val=min_change, min_scene_len=0)


def _fades() -> Any:
    from scenedetect import ThresholdDetector

    return ThresholdDetector(threshold=NOTHING_TO_SEE, min_scene_len=0)


def _likeness(a: Seen, b: Seen) -> float:
    """Correlation; two empty pictures of about one colour are alike: in the last of a fade, hue is but noise."""
    if max(a.contrast, b.contrast) < NOTHING_TO_SEE:
        return float(_difference(a.small, b.small) < NOTHING_TO_SEE / 2)
    return _correlation(a.grey, b.grey)


def _correlation(a: Image, b: Image) -> float:
    """Pearson correlation of two grey pictures; 0 where one is of a single shade."""
    x, y = (_centred(image) for image in (a, b))
    norm = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum()) / norm if norm > 1 else 0.0


def _centred(image: Image) -> NDArray[np.float32]:
    values: NDArray[np.float32] = image.astype(np.float32)
    values -= values.mean()
    return values


def _difference(a: Image, b: Image) -> float:
    return float(np.abs(a.astype(np.int16) - b).mean())
