"""At which instant the film is stopped for a line: in a pause of the dialogue, on a frame, never inside a word."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from data.span import Span
from stages.extended.choosing import Wanted

MARGIN = 0.1
"""Seconds kept to the words around, where the pause is long enough."""
EARLY = 2.0
"""How many times worse it is to stop before the picture appears than as long after it has gone."""


@dataclass(frozen=True)
class Instant:
    """Where the programme pauses, in seconds, on a frame."""

    time: float


def free_stretches(speech: Iterable[Span], lines: Iterable[Span], duration: float) -> list[Span]:
    """Where neither speech nor narration is, in order; where one utterance ends as the next begins, that instant."""
    stretches, at = [], 0.0
    for start, end in [*sorted([*speech, *lines]), (duration, duration)]:
        if start >= at:
            stretches.append((at, min(start, duration)))
        at = max(at, end)
    return [(start, end) for start, end in stretches if start <= end]


def instant(
    line: Wanted, free: Sequence[Span], taken: Sequence[Instant], reach: float, apart: float, rate: Fraction
) -> Instant | None:
    """The instant at which the film best waits for a line; None where no pause is within `reach` of its moment.

    As early in its moment as a pause is; else in the pause nearest to it. A stop that another line makes within
    `apart` seconds while the line's picture is shown is shared.
    """
    shared = [w for w in taken if line.start <= w.time < line.end]
    times = [time for span in free if (time := _in(span, line, rate)) is not None and _away(time, line) <= reach]
    if not times:
        return None
    best = min(times, key=lambda time: (_cost(time, line), time))
    near = [w for w in shared if abs(w.time - best) <= apart]
    return min(near, key=lambda w: abs(w.time - best)) if near else Instant(best)


def _in(span: Span, line: Wanted, rate: Fraction) -> float | None:
    """The frame of the free stretch that is nearest to the moment's begin, with a margin to the words around."""
    start, end = span
    margin = min(MARGIN, (end - start) / 2)
    first = start + (margin if start > 0 else 0.0)
    wish = min(max(line.start, first), max(end - margin, first))
    for frame in (round(wish * rate), math.ceil(wish * rate), math.floor(wish * rate)):
        time = float(frame / rate)
        if start - 0.0005 <= time <= end + 0.0005:
            return round(time, 3)
    return None if end > start else round(float(round(wish * rate) / rate), 3)


def _away(time: float, line: Wanted) -> float:
    """Seconds outside the moment."""
    return max(line.start - time, time - line.end, 0.0)


def _cost(time: float, line: Wanted) -> float:
    before, after = max(line.start - time, 0.0), max(time - line.end, 0.0)
    return EARLY * before + after
