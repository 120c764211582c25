"""Review: the narration as people left it, on whatever the machine has drafted now.

People's lines keep their place and their words, and what the machine drafted where they lie yields to them
(`data.review.fold`). Without a review every narration goes through as it is.
"""

from __future__ import annotations

import bisect
import shutil
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.records import Gap, Keyframe, Line, Narration, record_id
from data.review import applied
from data.review.draft import drafted
from data.review.fold import merged
from data.review.model import ReviewLine
from data.scripts.script import one_line
from data.standard import PAUSE
from data.text import language
from stages.sources import Edits, Planning
from stages.stage import Job, StageConfig

VERSION = 1
SHORTEST = 0.5
"""Seconds: a line that starts later before the end of its gap's window was not meant to end there."""


class Config(StageConfig):
    """The review has nothing to set."""


def run(job: Job[Config]) -> Iterator[Line]:
    """Yield the lines to be spoken, in order of time; recordings go into the stage's folder.

    Raises UserError for a recording that is missing.
    """
    narrations = job.read(Narration)
    edits = job.open(Edits)
    if not edits.lines:
        yield from (_as_placed(narration) for narration in narrations)
        return
    for line in arranged(job, merged(drafted(narrations, job.read(Keyframe)), edits.lines)):
        if line.recording:
            _keep(edits.folder / applied.RECORDINGS / line.recording, job.folder)
        yield line


def arranged(job: Job[Any], lines: Sequence[ReviewLine]) -> list[Line]:
    """The lines that are spoken, in order of time, each with the room it has; what people decided is never moved.

    Reads Narration, Gap and Keyframe. A film without a single gap has no place for a line, and none is returned.
    """
    if not job.read(Gap):
        return []
    places = _Places(job)
    made = sorted((places.line(line) for line in lines if line.spoken), key=lambda line: (line.start, line.review))
    return [
        _ended(line, after).model_copy(update={"id": record_id("n", number)})
        for number, (line, after) in enumerate(zip_longest(made, made[1:]), 1)
    ]


def _as_placed(narration: Narration, **changes: Any) -> Line:
    return Line.model_validate(narration.model_dump() | changes)


class _Places:
    """Where people's lines lie among the gaps and pictures."""

    def __init__(self, job: Job[Any]) -> None:
        self.settings, self.duration = job.open(Planning), job.episode.duration
        self.gaps, self.keyframes = job.read(Gap), job.read(Keyframe)
        self.given = {n.candidate for n in job.read(Narration) if n.given}
        self.narrations = {(n.start, one_line(n.text)): n for n in job.read(Narration)}

    def line(self, line: ReviewLine) -> Line:
        """A reviewed line as one to speak; its id is given later."""
        known = self.narrations.get((line.start, line.text))
        if known and line.version == 0:
            return _as_placed(known, review=line.id)
        gap, person = self._gap(line.start), line.version > 0
        rate = self.settings.plan_rate or language.PLAN_RATE[self.settings.language]
        until = max(self._until(line.start, gap), line.start)
        length = language.seconds(line.text, self.settings.language, rate)
        return Line(
            id="",
            start=line.start,
            end=min(line.start + length, until),
            until=until,
            text=line.text,
            kind=line.kind,
            gap=gap.id,
            keyframe=self._keyframe(line),
            candidate=line.candidate or f"person-{line.id}",
            score=known.score if known else 1.0,
            parts=known.parts if known else {},
            displaced=known.displaced if known else (),
            given=line.candidate in self.given,
            review=line.id,
            person=person,
            voice=line.voice,
            speed=line.speed,
            readings=line.readings,
            recording=line.recording,
        )

    def _gap(self, start: float) -> Gap:
        """The gap that a start lies in, else the nearest."""
        return min(self.gaps, key=lambda gap: max(gap.start - start, start - gap.end, 0.0))

    def _until(self, start: float, gap: Gap) -> float:
        """The end of the gap's window; that of the film for a line that nobody meant to end in the gap."""
        end = gap.window[1]
        return end if gap.start <= start <= end - SHORTEST else self.duration

    def _keyframe(self, line: ReviewLine) -> str:
        time = line.start if line.keyframe_time is None else line.keyframe_time
        after = bisect.bisect_left(self.keyframes, time, key=lambda k: k.time)
        return min(self.keyframes[max(after - 1, 0) : after + 1], key=lambda k: abs(k.time - time)).id


def _ended(line: Line, after: Line | None) -> Line:
    """`line` as it must end before the next one, where a person decided on either."""
    if after is None or not (line.person or after.person) or after.start <= line.start:
        return line
    until = round(max(min(line.until, after.start - PAUSE), line.start), 3)
    return line.model_copy(update={"until": until, "end": min(line.end, until)})


def _keep(recording: Path, folder: Path) -> None:
    """Take a recording over, so that the result depends on the review's files no more."""
    try:
        shutil.copyfile(recording, folder / recording.name)
    except FileNotFoundError as error:
        raise UserError(
            "The recording {file} is missing; put it back or record the line again", file=recording
        ) from error
