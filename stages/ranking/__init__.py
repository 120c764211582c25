"""Ranking: a score with named parts for every candidate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from pydantic import Field

from data.errors import ConfigError
from data.language import PLAN_RATE
from data.messages import tr
from data.records import Candidate, Context, Evidence, Gap, Ranked
from stages.ranking.prompt import RankingPrompt
from stages.stage import Job, RunSettings, StageConfig

VERSION = 1


class Config(StageConfig):
    """Settings of the ranking stage."""

    backend: str = Field("heuristic", description="Ranker: heuristic, or module:Class")
    options: dict[str, Any] = Field({}, description="Settings of the ranker")
    weights: dict[str, float] = Field(
        {"fit": 0.35, "new": 0.25, "style": 0.15, "evidence": 0.25},
        description="Weight of each part in the score, of any sum; parts not named do not count. fit: length against "
        "the gaps in reach; new: what was not said before; style: the rules of style; evidence: how sure it is",
    )
    memory: float = Field(120.0, ge=0, description="Seconds in which a line is remembered as said")


class Ranker(Protocol):
    """The one method of a ranker."""

    def score(self, prompt: RankingPrompt, texts: Sequence[str]) -> list[dict[str, float]]:
        """Named parts of each text, each 0–1."""


def run(job: Job[Config]) -> Iterable[Ranked]:
    """One record per candidate, in order of time. Raises ConfigError where no weight names a part of the ranker."""
    gaps = [g for g in job.read(Gap) if g.usable]
    candidates: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in job.read(Candidate):
        candidates[candidate.keyframe].append(candidate)
    contexts = sorted((c for c in job.read(Context) if c.keyframe in candidates), key=lambda c: c.time)
    said: list[tuple[float, str]] = []
    for done, context in enumerate(contexts, start=1):
        offered = candidates[context.keyframe]
        said = [(time, text) for time, text in said if time >= context.time - job.config.memory]
        ranked = _ranked(job, context, offered, gaps, [text for _, text in said])
        said.append((context.time, _best(offered, ranked)))
        yield from ranked
        job.progress(done, len(contexts))


def _ranked(
    job: Job[Config], context: Context, offered: Sequence[Candidate], gaps: Sequence[Gap], earlier: Sequence[str]
) -> list[Ranked]:
    prompt = RankingPrompt(
        language=job.settings.language,
        rate=job.settings.plan_rate or PLAN_RATE[job.settings.language],
        windows=tuple(w for g in gaps if (w := _reach(context, g, job.settings)) > 0),
        earlier=tuple(earlier),
        dialogue=f"{context.dialogue_before} {context.dialogue_after}".strip(),
        support=tuple(tuple(_confidence(e) for e in c.evidence) for c in offered),
    )
    scored = job.backend.score(prompt, [c.text for c in offered])
    return [
        Ranked(
            id=f"r{candidate.id}",
            candidate=candidate.id,
            keyframe=candidate.keyframe,
            score=_weighted(parts, job.config.weights),
            parts={name: round(value, 4) for name, value in parts.items()},
        )
        for candidate, parts in zip(offered, scored, strict=True)
    ]


def _reach(context: Context, gap: Gap, settings: RunSettings) -> float:
    """Seconds left to speak in the gap for a line that starts while its shot, or its text, is on screen."""
    opens, closes = gap.window
    start = max(opens, context.start - settings.early)
    seen_until = max([context.end, *(t.last_seen for t in context.texts)])
    return closes - start if start <= seen_until + settings.late else 0.0


def _confidence(evidence: Evidence) -> tuple[str, float]:
    return evidence.kind, min(1.0, max(0.0, 1.0 if evidence.score is None else evidence.score))


def _weighted(parts: dict[str, float], weights: dict[str, float]) -> float:
    total = sum(weights.get(name, 0.0) for name in parts)
    if total <= 0:
        named = ", ".join(sorted(parts))
        raise ConfigError(
            tr("ranking.weights weighs none of the ranker's parts: give at least one of {parts} a weight", parts=named)
        )
    return round(sum(weights.get(name, 0.0) * value for name, value in parts.items()) / total, 4)


def _best(offered: Sequence[Candidate], ranked: Sequence[Ranked]) -> str:
    """The text most likely said: the best, the first of equals."""
    return max(zip(offered, ranked, strict=True), key=lambda pair: pair[1].score)[0].text
