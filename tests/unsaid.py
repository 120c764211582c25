"""What could still have been said: candidates that fit a stretch in which nothing is spoken and tell something new.

Written apart from what chooses the lines, and held to certainties: a line counts as too long where it might be.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data import style
from data.records import Candidate, Context, Ranked
from data.scripts.script import ScriptGap, ScriptNarration, load
from data.text import language
from data.text.words import telling
from data.workspace import Workspace
from pipeline import config as settings

PAUSE = 0.2
"""Seconds between two lines."""
LONGER = 1.3
"""Voices take up to so many times the plan for a line."""


@dataclass(frozen=True)
class Stretch:
    """Nothing is spoken from `start` to `end`, and narration may be, for `room` seconds. `before` and `after`: the
    lines around."""

    start: float
    end: float
    room: float
    before: ScriptNarration | None
    after: ScriptNarration | None


class Unsaid:
    """The candidates of a described film that nothing came of."""

    def __init__(self, results: Path) -> None:
        self.script = load(results / "script.json")
        self.config = settings.load("embedded")
        self.choice = self.config.schedule  # type: ignore[attr-defined]
        space = Workspace(results / "workspace")
        self.scores = {ranked.candidate: ranked.score for ranked in space.read(Ranked)}
        self.contexts = {context.keyframe: context for context in space.read(Context)}
        self.offered: dict[str, list[Candidate]] = defaultdict(list)
        for candidate in space.read(Candidate):
            self.offered[candidate.keyframe].append(candidate)
        self.spoken = {line.keyframe for line in self.script.narrations}

    def stretches(self, least: float) -> Iterator[Stretch]:
        """Stretches of `least` seconds and more in which narration may be and none is, each kept clear of its lines."""
        lines = self.script.narrations
        for gap in self.script.gaps:
            inside = [line for line in lines if line.gap == gap.id]
            before = next((line for line in reversed(lines) if line.start < gap.start), None)
            after = next((line for line in lines if line.start >= gap.end), None)
            opens, closes = gap.start + gap.lead_in, gap.end - gap.lead_out
            edges = [opens, *(t for line in inside for t in (line.start - PAUSE, line.end + PAUSE)), closes]
            around = [before, *inside, after]
            room = self._capacity(gap) - sum(line.end - line.start for line in inside)
            for number, (start, end) in enumerate(zip(edges[::2], edges[1::2], strict=True)):
                if gap.usable and end - start >= least:
                    yield Stretch(start, end, min(room, end - start), around[number], around[number + 1])

    def fitting(self, stretch: Stretch) -> Iterator[Candidate]:
        """Candidates that could have been spoken in a stretch: their picture is there, they fit, and they are news."""
        for keyframe in self.offered.keys() - self.spoken:
            context = self.contexts[keyframe]
            start = max(stretch.start, context.start - self.config.early)
            if start > context.end + self.config.late or not self._in_turn(context, stretch):
                continue
            for candidate in self.offered[keyframe]:
                if longest(candidate) <= min(stretch.end - start, stretch.room) and self._is_fine(candidate):
                    yield candidate

    def instead(self, line: ScriptNarration) -> list[Candidate]:
        """What else could have been said of the same picture in the time the line took."""
        return [
            candidate
            for candidate in self.offered[line.keyframe]
            if candidate.id != line.candidate
            and longest(candidate) <= line.end - line.start
            and self._is_fine(candidate, but=line)
        ]

    def _capacity(self, gap: ScriptGap) -> float:
        fill = self.choice.fill if gap.end - gap.start > self.choice.long_gap else 1.0
        return float((gap.end - gap.lead_out - gap.start - gap.lead_in) * fill)

    def _in_turn(self, context: Context, stretch: Stretch) -> bool:
        """Lines come in the order of their pictures."""
        first = self.contexts[stretch.before.keyframe].time if stretch.before else -1.0
        last = self.contexts[stretch.after.keyframe].time if stretch.after else self.script.episode.duration
        return first < context.time < last

    def _is_fine(self, candidate: Candidate, but: ScriptNarration | None = None) -> bool:
        """Not weak, not blamed, nothing like it is said within the memory (`but` by one line), and partly new."""
        if self.scores.get(candidate.id, 0.0) < self.choice.min_score or style.refuse(candidate.text, "ko"):
            return False
        if any(found.severity != "info" for found in style.findings(candidate.text, "ko")):
            return False
        time, window = self.contexts[candidate.keyframe].time, self.choice.repeat_window
        lines = [line for line in self.script.narrations if line != but]
        near = [line.text for line in lines if abs(self.contexts[line.keyframe].time - time) <= window]
        known = frozenset[str]().union(*(telling(text, "ko") for text in near))
        said = any(alike(candidate.text, text) >= self.choice.similarity for text in near)
        return not said and bool(telling(candidate.text, "ko") - known)


def longest(candidate: Candidate) -> float:
    """Seconds that a candidate takes at most."""
    return LONGER * language.seconds(candidate.text, "ko", language.PLAN_RATE["ko"])


def alike(one: str, other: str) -> float:
    """How many words two lines share (Dice), 0–1."""
    a, b = (set(re.findall(r"\w+", text)) for text in (one, other))
    return 2 * len(a & b) / max(len(a) + len(b), 1)
