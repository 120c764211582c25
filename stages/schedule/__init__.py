"""Schedule: which candidate is spoken in which gap, and when."""

from __future__ import annotations

import difflib
import functools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator

from pydantic import Field

from data import language
from data.records import Alternative, Candidate, Context, Gap, Kind, Narration, Ranked, Seconds, record_id
from stages.schedule import given
from stages.schedule.optimise import Option, Placed, Rules, Slot, optimise, settle
from stages.stage import Job, StageConfig

VERSION = 1


class Config(StageConfig):
    """How lines are placed."""

    pause: float = Field(0.2, ge=0, description="Seconds between two lines in one gap (standard 0.15–0.25)")
    early_cost: float = Field(0.15, ge=0, description="Value lost by a line that starts before its picture")
    delay_cost: float = Field(0.02, ge=0, description="Value lost for each second after the picture")
    fill: float = Field(0.8, gt=0, le=1, description="Share of a long gap that may be spoken")
    long_gap: float = Field(6.0, ge=0, description="Seconds from which a gap counts as long")
    min_score: float = Field(0.35, ge=0, le=1, description="Lines that score less are not spoken")
    text_value: float = Field(0.5, ge=0, description="Value added to on-screen text and titles, which come first")
    repeat_cost: float = Field(1.0, ge=0, description="Value lost by saying nearly the same twice running")
    similarity: float = Field(0.8, gt=0, le=1, description="Share of equal words from which lines say the same")
    repeat_window: float = Field(60.0, ge=0, description="Seconds within which no line says the same again")


def run(job: Job[Config]) -> Iterator[Narration]:
    """Yield the chosen lines in order of time; those of a person's script where one is given."""
    if job.settings.script:
        yield from given.narrations(job, job.settings.script, job.config.pause)
        return
    gaps = [g for g in job.read(Gap) if g.usable]
    slots = [Slot(*g.window, capacity=_capacity(g, job.config)) for g in gaps]
    candidates = {c.id: c for c in job.read(Candidate)}
    scores = {r.candidate: r.score for r in job.read(Ranked)}
    moments = _moments(job, candidates, scores)
    lines = settle(_without_repeats(moments, slots, job.config), slots, job.config.pause)
    for number, line in enumerate(lines):
        after = lines[number + 1] if number + 1 < len(lines) else None
        same_gap = after is not None and after.slot == line.slot
        until = after.start - job.config.pause if after and same_gap else slots[line.slot].end
        chosen = candidates[line.option.key.partition("/")[0]]
        yield Narration(
            id=record_id("n", number + 1),
            start=line.start,
            end=min(line.end, until),
            until=until,
            text=chosen.text,
            kind=chosen.kind,
            gap=gaps[line.slot].id,
            keyframe=chosen.keyframe,
            candidate=chosen.id,
            score=scores[chosen.id],
            alternatives=_shorter(chosen, candidates.values(), scores, job.settings.language),
        )


def _capacity(gap: Gap, config: Config) -> float:
    """Seconds that may be spoken in the gap: long ones keep room for the programme."""
    start, end = gap.window
    return (end - start) * config.fill if gap.end - gap.start > config.long_gap else end - start


def _moments(job: Job[Config], candidates: dict[str, Candidate], scores: dict[str, float]) -> list[list[Option]]:
    """The options of each keyframe in order of time; with the second form of each that starts early, if allowed."""
    by_keyframe: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates.values():
        if scores[candidate.id] >= job.config.min_score:
            by_keyframe[candidate.keyframe].append(candidate)
    contexts = sorted(job.read(Context), key=lambda c: c.time)
    moments = [
        [
            option
            for candidate in by_keyframe[context.keyframe]
            for option in _options(candidate, _seen(candidate.kind, context), scores, job)
        ]
        for context in contexts
    ]
    return [m for m in moments if m]


def _options(
    candidate: Candidate, seen: tuple[Seconds, Seconds], scores: dict[str, float], job: Job[Config]
) -> Iterator[Option]:
    """The ways to speak `candidate`: on time, and before its picture where the config allows.

    The length is the bare estimate: a line that overruns is spoken faster or replaced by a shorter one.
    """
    config, run, (shown, gone) = job.config, job.settings, seen
    rate = run.plan_rate or language.PLAN_RATE[run.language]
    needed = language.seconds(candidate.text, run.language, rate)
    seconds = math.ceil(needed * 1000) / 1000
    value = scores[candidate.id] + (config.text_value if candidate.kind != "visual" else 0.0)
    yield Option(candidate.id, candidate.text, seconds, value, shown, gone + run.late)
    if run.early and value > config.early_cost:
        earliest = round(max(shown - run.early, 0.0), 3)
        yield Option(
            f"{candidate.id}/early", candidate.text, seconds, value - config.early_cost, earliest, shown, shown
        )


def _seen(kind: Kind, context: Context) -> tuple[Seconds, Seconds]:
    """From when to when the picture of a line is on screen: its shot, or its text."""
    if kind == "visual" or not context.texts:
        return context.start, context.end
    return min(t.first_seen for t in context.texts), max(t.last_seen for t in context.texts)


def _without_repeats(moments: list[list[Option]], slots: list[Slot], config: Config) -> list[Placed]:
    """Optimise; where a line still says the same as one within the window, take it away and optimise again."""

    @functools.cache
    def similar(one: str, other: str) -> bool:
        """Compared by words: "한 사람이 있다" and "두 사람이 있다" share most letters and say different things."""
        return difflib.SequenceMatcher(None, one.split(), other.split(), False).ratio() >= config.similarity

    rules = Rules(config.pause, config.delay_cost, config.repeat_cost, similar)
    while True:
        lines = optimise(moments, slots, rules)
        repeats = {
            line.option.key
            for number, line in enumerate(lines)
            for before in lines[:number]
            if line.start - before.end < config.repeat_window and similar(before.option.text, line.option.text)
        }
        if not repeats:
            return lines
        moments = [[o for o in m if o.key not in repeats] for m in moments]


def _shorter(
    chosen: Candidate, candidates: Iterable[Candidate], scores: dict[str, float], lang: str
) -> tuple[Alternative, ...]:
    """Candidates of the same moment with fewer syllables, best first: what may be spoken if the voice overruns."""
    longest = language.syllables(chosen.text, lang)
    others = [c for c in candidates if c.keyframe == chosen.keyframe and language.syllables(c.text, lang) < longest]
    others.sort(key=lambda c: (-scores[c.id], c.id))
    return tuple(Alternative(candidate=c.id, text=c.text, score=scores[c.id]) for c in others)
