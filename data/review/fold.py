"""From a draft and the acts on it to the lines as they stand."""

from __future__ import annotations

import bisect
import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from data.review.model import Act, Drafted, ReviewLine
from data.text import language

NEAR = 2.0
"""Seconds by which a line may lie elsewhere in another run and be the same line, if it says the same."""


def state(draft: Sequence[Drafted], acts: Sequence[Act]) -> list[ReviewLine]:
    """The lines as they stand, by time. A line that was undone is as the machine drafted it, under its last version."""
    versions = {act.line: act.number for act in acts}
    return [
        line if line.version or line.id not in versions else line.model_copy(update={"version": versions[line.id]})
        for line in merged(draft, touched(acts))
    ]


def touched(acts: Sequence[Act]) -> list[ReviewLine]:
    """The lines that people decided on, by time: what a run has to take over."""
    last = {act.line: act for act in acts}
    return sorted((act.after for act in last.values() if not _untouched(act)), key=_place)


def merged(draft: Sequence[Drafted], touched: Sequence[ReviewLine]) -> list[ReviewLine]:
    """Lines people touched on a draft they may never have seen, by time. Every line of theirs is in it as it is.

    A drafted line is left out where a touched one is what became of it: they say the same nearby, or the drafted one
    lies mostly where that was drafted (a rejected line bars its own words only). It yields where it lies mostly under a
    line that people want spoken: then it is there, deleted, with version 0, so that they can have it back.
    """
    known, spoken = _Times(touched, _origin_span), _Times([t for t in touched if t.spoken], _spoken_span)
    lines = list(touched)
    taken = {line.id for line in touched}
    for drafted in draft:
        span = drafted.start - NEAR, drafted.end + NEAR
        if any(_became(drafted, line) for line in known.within(*span)):
            continue
        line = untouched(drafted)
        if line.id not in taken:
            taken.add(line.id)
            covered = any(_covers(line, drafted) for line in spoken.within(*span))
            lines.append(line.model_copy(update={"deleted": True}) if covered else line)
    return sorted(lines, key=_place)


@functools.lru_cache(16384)
def untouched(drafted: Drafted) -> ReviewLine:
    """A drafted line that nobody has touched. Its id follows from start and text."""
    name = hashlib.sha256(f"{drafted.start:.3f} {drafted.text}".encode()).hexdigest()[:16]
    placed = drafted.model_dump(include={"start", "text", "kind", "keyframe_time", "candidate"})
    return ReviewLine.model_validate({"id": f"d-{name}", "draft": drafted, **placed})


def same(one: ReviewLine | None, other: ReviewLine | None) -> bool:
    """Whether two states of a line differ in nothing but their versions; a line that is not there is a deleted one."""
    if one is None or other is None:
        return all(line is None or line.deleted for line in (one, other))
    return one.model_copy(update={"version": 0}) == other.model_copy(update={"version": 0})


def seconds(line: ReviewLine) -> float:
    """About how long the line is spoken, in seconds, in whatever language it is."""
    return _seconds(line.text) / (line.speed or 1.0)


@functools.lru_cache(16384)
def _seconds(text: str) -> float:
    spoken_in = "ko" if any("가" <= char <= "힣" for char in text) else "en"
    return language.seconds(text, spoken_in, language.PLAN_RATE[spoken_in])


def _untouched(act: Act) -> bool:
    """Whether the line is again as if nobody had touched it: all was undone, or what was added is gone."""
    line = act.after
    if line.draft is None:
        return line.deleted
    return act.kind == "undo" and same(line, untouched(line.draft).model_copy(update={"id": line.id}))


def _place(line: ReviewLine) -> tuple[float, str]:
    return line.start, line.id


def _origin_span(line: ReviewLine) -> tuple[float, float]:
    """Where the machine had placed the line, or where people added it."""
    return (line.draft.start, line.draft.end) if line.draft else _spoken_span(line)


def _spoken_span(line: ReviewLine) -> tuple[float, float]:
    return line.start, line.start + seconds(line)


def _became(drafted: Drafted, line: ReviewLine) -> bool:
    origin = line.draft
    if origin is None:
        return False
    if drafted.text == origin.text and abs(drafted.start - origin.start) <= NEAR:
        return True
    return line.state != "rejected" and _mostly(drafted, (origin.start, origin.end))


def _covers(line: ReviewLine, drafted: Drafted) -> bool:
    return _mostly(drafted, _spoken_span(line))


def _mostly(drafted: Drafted, span: tuple[float, float]) -> bool:
    """Whether the two share half of the shorter one."""
    shared = min(drafted.end, span[1]) - max(drafted.start, span[0])
    return shared > 0 and shared * 2 >= min(drafted.end - drafted.start, span[1] - span[0])


class _Times:
    """Lines that can be asked for by time."""

    def __init__(self, lines: Iterable[ReviewLine], span: Callable[[ReviewLine], tuple[float, float]]) -> None:
        self._spans = sorted(((*span(line), line) for line in lines), key=lambda row: row[:2])
        self._longest = max((end - start for start, end, _ in self._spans), default=0.0)

    def within(self, start: float, end: float) -> Iterator[ReviewLine]:
        """The lines that share any time with [start, end]."""
        first = bisect.bisect_left(self._spans, start - self._longest, key=lambda row: row[0])
        for line_start, line_end, line in self._spans[first:]:
            if line_start > end:
                return
            if line_end >= start:
                yield line
