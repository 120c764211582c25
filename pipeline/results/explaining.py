"""What a run left of its choice of lines: what was seen, offered, refused, spoken and lost at a moment.

Read from the workspace, whatever stages have been run; nothing is run again.
"""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from data.errors import UserError
from data.products import Kind, ScriptFile
from data.reach import reach
from data.reasons import ByPeople, Outranked, Reason, Shortened
from data.records import (
    Candidate,
    Clip,
    Context,
    Draft,
    Extended,
    Gap,
    Keyframe,
    Line,
    Missed,
    Narration,
    Ranked,
    RefusedCandidate,
    RefusedDraft,
    Row,
    Shot,
    Utterance,
)
from data.scripts import timecode
from data.scripts.script import load
from data.workspace import Workspace

R = TypeVar("R", bound=Row)
Fate = Line | Extended | Reason
"""What becomes of a candidate: it is spoken, or the reason why not."""
READ: tuple[type[Row], ...] = (
    Shot, Keyframe, Utterance, Gap, Context, Draft, RefusedDraft, Candidate, Ranked, Narration, Missed,
    RefusedCandidate, Line, Clip, Extended,
)  # fmt: skip
"""What an explanation rests on."""
STAMPED: tuple[Kind, ...] = (*READ, ScriptFile)
KEPT = 4
"""Runs that a server keeps in memory."""


@dataclass(frozen=True)
class Place:
    """Where an explanation is asked for: a second, and the picture that it is about."""

    time: float
    keyframe: Keyframe | None


@functools.lru_cache(KEPT)
def _kept(results: Path, _: tuple[tuple[int, int], ...]) -> Choice:
    return Choice(results)


def choice_of(results: Path) -> Choice:
    """As `Choice`, read again only where a run has changed something."""
    workspace = Workspace(results / "workspace")
    return _kept(results, tuple(workspace.stamp(kind) for kind in STAMPED))


class Choice:
    """The choice of lines of one run."""

    def __init__(self, results: Path) -> None:
        """Raises UserError where nothing was looked at yet, and for results of another version."""
        self.results, self.workspace = results, Workspace(results / "workspace")
        self._rows = {kind: self.workspace.found(kind) for kind in READ}
        if not self.of(Keyframe):
            raise UserError("{folder} has no {stage} yet; run vdesc run first", folder=results, stage=Keyframe.stage)

    def of(self, kind: type[R]) -> list[R]:
        """All rows of a kind."""
        return [row for row in self._rows[kind] if isinstance(row, kind)]

    @property
    def duration(self) -> float:
        """Seconds of the film, as far as its pictures tell."""
        return max((shot.end for shot in self.of(Shot)), default=math.inf)

    @functools.cached_property
    def contexts(self) -> dict[str, Context]:
        """Keyframe → what was known of it."""
        return {context.keyframe: context for context in self.of(Context)}

    @functools.cached_property
    def candidates(self) -> dict[str, Candidate]:
        """By id."""
        return {candidate.id: candidate for candidate in self.of(Candidate)}

    @functools.cached_property
    def ranks(self) -> dict[str, Ranked]:
        """Candidate → its score."""
        return {rank.candidate: rank for rank in self.of(Ranked)}

    @functools.cached_property
    def clips(self) -> dict[str, Clip]:
        """Line → how it was spoken."""
        return {clip.narration: clip for clip in self.of(Clip)}

    @functools.cached_property
    def spoken(self) -> list[tuple[Line, Clip]]:
        """The lines that are heard, by time."""
        pairs = [(line, self.clips[line.id]) for line in self.of(Line) if line.id in self.clips]
        return sorted(((line, clip) for line, clip in pairs if not clip.dropped), key=lambda pair: pair[1].start)

    @property
    def pictures(self) -> Path:
        """The folder of the keyframes."""
        return self.workspace.folder_of(Keyframe)

    def place(self, at: str) -> Place:
        """A time, or the id of a line, a candidate, a picture or a gap. Raises UserError where there is none."""
        try:
            second = timecode.seconds(at)
        except timecode.NoRateError:
            raise UserError("{time} counts frames; write it as 12:30 or 750.5", time=at) from None
        except timecode.NoTimeError:
            return self._named(at)
        if second > self.duration:
            end = timecode.clock(self.duration)
            raise UserError("{time} lies behind the end of the film; it ends at {end}", time=at, end=end)
        return self.at(second)

    def at(self, second: float) -> Place:
        """The line that is heard then decides which picture it is about, else what is on screen."""
        heard = next((line for line, clip in self.spoken if clip.start <= second <= clip.end), None)
        return Place(second, self._keyframe(heard.keyframe) if heard else self._shown(second))

    def _named(self, name: str) -> Place:
        lines: list[Narration | Extended] = [*self.of(Line), *self.of(Narration), *self.of(Extended)]
        line = next((line for line in lines if name in (line.id, getattr(line, "review", ""))), None)
        if line:
            return Place(line.start if isinstance(line, Narration) else line.time, self._keyframe(line.keyframe))
        if gap := next((gap for gap in self.of(Gap) if gap.id == name), None):
            return self.at((gap.start + gap.end) / 2)
        drafts: dict[str, Draft] = {draft.id: draft for draft in self.of(Draft)} | self.candidates
        keyframe = self._keyframe(drafts[name].keyframe if name in drafts else name)
        if keyframe:
            return Place(keyframe.time, keyframe)
        raise UserError(
            "{id} is neither a time (12:30) nor a line, candidate, picture or gap of {folder}; script.json lists them",
            id=name, folder=self.results,
        )  # fmt: skip

    def _keyframe(self, name: str) -> Keyframe | None:
        return next((keyframe for keyframe in self.of(Keyframe) if keyframe.id == name), None)

    def _shown(self, second: float) -> Keyframe:
        """The picture on screen: the last of its shot before that second, else the next one."""
        keyframes = self.of(Keyframe)
        shot = next((shot.id for shot in self.of(Shot) if shot.start <= second < shot.end), "")
        own = [keyframe for keyframe in keyframes if keyframe.shot == shot] or keyframes
        return own[max(bisect.bisect_right(own, second, key=lambda k: k.time) - 1, 0)]

    def offered(self, keyframe: Keyframe) -> list[Candidate]:
        """The candidates of a picture, best first."""
        rows = [candidate for candidate in self.candidates.values() if candidate.keyframe == keyframe.id]
        return sorted(rows, key=lambda c: (-(self.ranks[c.id].score if c.id in self.ranks else -1.0), c.id))

    def fate(self, candidate: Candidate) -> Fate:
        """The line that it is, or why it is none."""
        for line, clip in self.spoken:
            if clip.candidate == candidate.id:
                return line
        name, view = candidate.id, candidate.kind == "visual"
        moment = (row for row in self.of(Missed) if (row.keyframe, row.kind == "visual") == (candidate.keyframe, view))
        known: tuple[Fate | None, ...] = (
            next((line for line in self.of(Extended) if line.candidate == name), None),
            self._unspoken(candidate),
            next((row.why for row in self.of(RefusedCandidate) if row.candidate == name), None),
            next((row.why for row in moment), None),
        )
        return next((fate for fate in known if fate), Outranked())

    def _unspoken(self, candidate: Candidate) -> Reason | None:
        """What became of a candidate that was placed, and is not heard."""
        placed = any(line.candidate == candidate.id for line in self.of(Narration))
        line = next((line for line in self.of(Line) if line.candidate == candidate.id), None)
        if line and line.id in self.clips:
            return self.clips[line.id].dropped or Shortened()
        return ByPeople() if placed and not line and self.of(Line) else None

    def missed(self, keyframe: Keyframe) -> list[Missed]:
        """What of a picture is not spoken: the view, its text, or both."""
        return [row for row in self.of(Missed) if row.keyframe == keyframe.id]

    def displaced(self, line: Line) -> list[Candidate]:
        """What found no room because of a line."""
        return [self.candidates[name] for name in line.displaced if name in self.candidates]

    def lines_of(self, candidates: Sequence[str]) -> list[tuple[Line, Clip]]:
        """The lines that candidates became."""
        return [pair for pair in self.spoken if pair[1].candidate in candidates or pair[0].candidate in candidates]

    def gap_at(self, second: float) -> Gap | None:
        """The gap a second lies in."""
        return next((gap for gap in self.of(Gap) if gap.start <= second < gap.end), None)

    def spoken_in(self, gap: Gap) -> list[tuple[Line, Clip]]:
        """The lines that are heard in a gap."""
        return [(line, clip) for line, clip in self.spoken if line.gap == gap.id]

    @functools.cached_property
    def silent(self) -> dict[str, Reason]:
        """Gap → why nothing is spoken in it, as the script has it."""
        path = self.workspace.open(ScriptFile).path
        return {gap.id: gap.why for gap in load(path).gaps if gap.why} if path else {}

    def shown_in(self, gap: Gap) -> list[Keyframe]:
        """The pictures whose shots are on screen in a gap."""
        seen = [(k, self.contexts[k.id]) for k in self.of(Keyframe) if k.id in self.contexts]
        return [keyframe for keyframe, context in seen if context.start < gap.end and context.end > gap.start]

    def near(self, keyframe: Keyframe) -> list[tuple[Gap, float]]:
        """The gaps in reach of a picture, each with the seconds that a line of it has there; 0 where none may lie."""
        context = self.contexts.get(keyframe.id)
        if context is None:
            return []
        early, late = self._reach()
        until = max([context.end, *(text.last_seen for text in context.texts)]) + late
        near = [gap for gap in self.of(Gap) if gap.end > context.start - early and gap.start <= until]
        return [(gap, reach(context, gap, early=early, late=late) if gap.usable else 0.0) for gap in near]

    def _reach(self) -> tuple[float, float]:
        """Seconds before and after its picture that a line may start, as the schedule was told."""
        manifest = self.workspace.manifest(Narration.stage)
        settings = manifest.settings if manifest else {}
        return settings.get("early", 0.0), settings.get("late", 0.0)
