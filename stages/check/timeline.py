"""The timeline of the report: the film in rows, in each row lanes of bars, and the loudness of both sounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from data.records import Clip, Gap, Shot, Utterance

ROW_SECONDS = 120.0
"""The most film shown in one row: a minute is then about 500 pixels wide, a short line still visible."""
LEFT, WIDTH = 112, 1080
"""Pixels for the names of the lanes, and for the film."""
CURVE = 72
"""Pixels of the loudness lane's height."""
LOUDEST, QUIETEST = -5.0, -65.0
"""LUFS at its upper and lower edge."""
STEPS = (1.0, 2.0, 5.0, 10.0)
"""Seconds between two ticks; the first that gives twelve or fewer."""


class Lasting(Protocol):
    """Anything with a start and an end."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...


@dataclass(frozen=True)
class Lanes:
    """What is drawn, of the whole film."""

    shots: Sequence[Shot]
    utterances: Sequence[Utterance]
    gaps: Sequence[Gap]
    used: set[str]
    """Gaps in which something is spoken."""
    clips: Sequence[tuple[int, Clip]]
    """Spoken clips with their number in the list of lines."""
    wrong: set[str]
    """Clips with an error."""
    step: float
    """Seconds between the values of the loudness curves, in LUFS."""
    programme: Sequence[float | None]
    voice: Sequence[float | None]


@dataclass(frozen=True)
class _Row:
    start: float
    end: float

    def x(self, time: float) -> float:
        """Pixels from the left edge."""
        return round(LEFT + (time - self.start) * WIDTH / (self.end - self.start), 1)

    def bar(self, span: Lasting) -> dict[str, float] | None:
        """Position and width of the part of a span that lies in this row; None where none does."""
        first, last = max(span.start, self.start), min(span.end, self.end)
        return {"x": self.x(first), "w": max(round(self.x(last) - self.x(first), 1), 1.0)} if last > first else None

    def bars(self, spans: Sequence[Lasting]) -> list[dict[str, Any]]:
        """The bars of all spans in this row, each with its span."""
        return [bar | {"of": span} for span in spans if (bar := self.bar(span))]


def rows(duration: float, lanes: Lanes, clock: Callable[[float], str]) -> Iterator[dict[str, Any]]:
    """Rows of equal length, so that a short film uses all the width; positions are pixels."""
    number = max(1, math.ceil(duration / ROW_SECONDS))
    for k in range(number):
        row = _Row(duration * k / number, duration * (k + 1) / number)
        yield {
            "start": row.start,
            "end": row.end,
            "left": LEFT,
            "width": WIDTH,
            "curve": CURVE,
            "shots": row.bars(lanes.shots),
            "speech": row.bars(lanes.utterances),
            "gaps": [bar | {"used": bar["of"].id in lanes.used} for bar in row.bars(lanes.gaps)],
            "narration": [
                bar | {"of": clip, "number": n, "wrong": clip.id in lanes.wrong}
                for n, clip in lanes.clips
                if (bar := row.bar(clip))
            ],
            "programme": list(_polylines(lanes.programme, lanes.step, row)),
            "voice": list(_polylines(lanes.voice, lanes.step, row)),
            "levels": [(level, round(_y(level), 1)) for level in (-20, -40, -60)],
            "ticks": [(row.x(t), clock(t)) for t in _ticks(row)],
        }


def _ticks(row: _Row) -> list[float]:
    step = next((s for s in STEPS if (row.end - row.start) / s <= 12), STEPS[-1])
    return [k * step for k in range(math.ceil(row.start / step), math.floor(row.end / step) + 1)]


def _y(level: float) -> float:
    return CURVE * (LOUDEST - min(max(level, QUIETEST), LOUDEST)) / (LOUDEST - QUIETEST)


def _polylines(values: Sequence[float | None], step: float, row: _Row) -> Iterator[str]:
    """The curve inside a row as SVG point lists, broken where there is silence."""
    points: list[str] = []
    for number in range(round(row.start / step), round(row.end / step)):
        value = values[number] if number < len(values) else None
        if value is not None:
            points.append(f"{min(max(row.x((number + 0.5) * step), LEFT), LEFT + WIDTH)},{_y(value):.1f}")
        elif points:
            yield _line(points)
            points = []
    if points:
        yield _line(points)


def _line(points: list[str]) -> str:
    """A single point becomes a short dash, or it would not be seen."""
    if len(points) > 1:
        return " ".join(points)
    x, y = points[0].split(",")
    return f"{float(x) - 2:.1f},{y} {float(x) + 2:.1f},{y}"
