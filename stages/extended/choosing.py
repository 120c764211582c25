"""Which lines without a place are important enough that the film waits for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from data.reasons import LostTo, NoRoom, Reason, TooLong
from data.records import Clip, Kind, Line, Missed
from data.style import refuse

SAME, NEAR = 0.8, 60.0
"""Share of equal words from which a line says what another said within so many seconds (as the schedule's)."""
DECIDED = 3.0
"""What a line is worth that a person wrote or kept."""


@dataclass(frozen=True)
class Wanted:
    """A line without a place; its picture, or its text, is on screen from `start` to `end`."""

    start: float
    end: float
    text: str
    kind: Kind
    keyframe: str
    candidate: str
    worth: float
    scene: bool
    why: Reason

    @property
    def rank(self) -> tuple[int, float, float]:
        """The most important first: words on the screen, then changes of scene, then the rest by its worth."""
        first = 0 if self.kind != "visual" or self.worth >= DECIDED else 1 if self.scene else 2
        return first, -self.worth, self.start


def wanted(missed: Iterable[Missed], lines: Sequence[Line], clips: Sequence[Clip], language: str) -> Iterator[Wanted]:
    """What the schedule found no room for and what the voice could not fit.

    Never a text that must not be spoken.
    """
    for row in missed:
        gave_way = isinstance(row.why, LostTo) and row.kind != "visual"
        if (isinstance(row.why, NoRoom | TooLong) or gave_way) and not refuse(row.text, language):
            yield Wanted(
                row.start, row.end, row.text, row.kind, row.keyframe, row.candidate, row.worth, row.scene, row.why
            )
    dropped = {clip.narration: clip.dropped for clip in clips if clip.dropped}
    for line in lines:
        if line.id in dropped and not refuse(line.text, language):
            worth = DECIDED if line.person or line.given else _worth(line)
            yield Wanted(
                line.start, line.until, line.text, line.kind, line.keyframe, line.candidate,
                worth, "scene" in line.parts, dropped[line.id],
            )  # fmt: skip


def _worth(line: Line) -> float:
    """What the schedule made of the line, wherever it is spoken."""
    return sum(value for name, value in line.parts.items() if value > 0) if line.parts else line.score


def chosen(left: Iterable[Wanted], spoken: Iterable[tuple[float, str]], least: float) -> Iterator[Wanted]:
    """Those worth it, the most important first, none that says what is said near it; `spoken` are starts and texts."""
    said = [(start, frozenset(text.split())) for start, text in spoken]
    for item in sorted(left, key=lambda item: item.rank):
        bag = frozenset(item.text.split())
        again = any(abs(at - item.start) <= NEAR and _alike(bag, other) >= SAME for at, other in said)
        if not again and (item.kind != "visual" or item.worth >= least):
            said.append((item.start, bag))
            yield item


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Dice's coefficient of two sets of words."""
    return 2 * len(one & other) / max(len(one) + len(other), 1)
