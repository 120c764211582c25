"""Where the extended film stands still: its freezes, and how times of the programme become its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Protocol

from data.records import Extended

FASTEST = 60
"""Frames a second, at most; more tell nobody anything who listens."""


@dataclass(frozen=True)
class Freeze:
    """A pause of the programme at `time` (presentation time) for `seconds`; `start` is its begin in the new film."""

    time: float
    seconds: float
    start: float

    @property
    def end(self) -> float:
        """When the programme goes on, in the extended film's time."""
        return self.start + self.seconds


class Pause(Protocol):
    """What says where the programme pauses, and how long."""

    @property
    def time(self) -> float: ...
    @property
    def stands(self) -> float: ...


def frame_rate(fps: float) -> Fraction:
    """The constant rate of the extended film for a source of `fps` frames a second: 23.976… is 24000/1001."""
    return min(Fraction(fps).limit_denominator(1001), Fraction(FASTEST))


def freezes(lines: Iterable[Pause]) -> list[Freeze]:
    """The freezes that lines, by time, share."""
    stops: list[Freeze] = []
    for time, group in groupby(lines, key=lambda line: line.time):
        added = sum(freeze.seconds for freeze in stops)
        stops.append(Freeze(time, next(group).stands, round(time + added, 3)))
    return stops


def added(stops: Sequence[Freeze]) -> float:
    """Seconds by which the extended film is longer."""
    return round(sum(stop.seconds for stop in stops), 3)


def later(time: float, stops: Sequence[Freeze]) -> float:
    """A time of the programme in the extended film; the moment of a freeze is its end there."""
    return round(time + sum(stop.seconds for stop in stops if stop.time <= time), 3)


__all__ = ["Extended", "Freeze", "added", "frame_rate", "freezes", "later"]
