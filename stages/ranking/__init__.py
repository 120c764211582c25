"""Ranking: a score with named parts for every candidate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pydantic import Field

from data.errors import ConfigError
from data.language import PLAN_RATE
from data.messages import tr
from data.objects import object_name
from data.reach import reach
from data.records import Candidate, Context, Evidence, Gap, Ranked
from stages.ranking import heuristic
from stages.ranking.prompt import RankingPrompt
from stages.stage import Job, RunSettings, StageConfig

VERSION = 2
HEURISTIC = {"fit": 0.35, "new": 0.25, "style": 0.15, "evidence": 0.25}
MODELS = {"likelihood": 1.0, "reward": 1.0}
"""A model that is there counts as much as all of the heuristic together. Working values."""
CHUNK = 64
"""Keyframes a model is given at once: enough to batch prompts of like length, few enough to tell the progress."""


class Config(StageConfig):
    """Settings of the ranking stage."""

    backend: str = Field(
        "heuristic",
        description="heuristic: no model; causal: likelihood under a causal language model (phi-2) with an optional "
        "LoRA adapter; reward: a reward model; or module:Class. A model adds its part to those of the heuristic",
    )
    options: dict[str, Any] = Field({}, description="Settings of the ranker")
    weights: dict[str, float] = Field(
        HEURISTIC | MODELS,
        description="Weight of each part in the score, of any sum; parts not named, or of a model that does not run, "
        "do not count. fit: length against the gaps in reach; new: what was not said before; style: the rules of "
        "style; evidence: how sure it is; likelihood, reward: the model's opinion",
    )
    memory: float = Field(120.0, ge=0, description="Seconds in which a line is remembered as said")


class Ranker(Protocol):
    """The one method of a ranker. One may also say what people should know of its results: `caveat() -> str`."""

    def score(self, prompts: Sequence[RankingPrompt], texts: Sequence[Sequence[str]]) -> list[list[dict[str, float]]]:
        """Named parts, each 0–1, of each text of each prompt."""


@dataclass(frozen=True)
class _Question:
    """A keyframe with its candidates; its prompt does not hold the earlier lines yet."""

    time: float
    prompt: RankingPrompt
    offered: tuple[Candidate, ...]

    @property
    def texts(self) -> list[str]:
        return [candidate.text for candidate in self.offered]


Parts = list[dict[str, float]]
"""Named parts of each candidate of a keyframe."""


def run(job: Job[Config]) -> Iterable[Ranked]:
    """One record per candidate, in order of time.

    Raises ConfigError where no weight names a part, or none names the part of a model that runs.
    """
    questions = list(_questions(job))
    judged = _judged(job, questions) if job.backend else [[{} for _ in q.offered] for q in questions]
    for done, (question, (_, parts)) in enumerate(
        zip(questions, _walk(questions, judged, job.config.weights, job.config.memory), strict=True), start=1
    ):
        yield from _ranked(question.offered, parts, job.config.weights)
        if not job.backend:
            job.progress(done, len(questions))


def _questions(job: Job[Config]) -> Iterator[_Question]:
    """The keyframes that have candidates, in order of time."""
    gaps = [g for g in job.read(Gap) if g.usable]
    candidates: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in job.read(Candidate):
        candidates[candidate.keyframe].append(candidate)
    for context in sorted((c for c in job.read(Context) if c.keyframe in candidates), key=lambda c: c.time):
        offered = tuple(candidates[context.keyframe])
        yield _Question(context.time, _prompt(context, offered, gaps, job.settings), offered)


def _prompt(
    context: Context, offered: Sequence[Candidate], gaps: Sequence[Gap], settings: RunSettings
) -> RankingPrompt:
    labels = [o.label for o in context.objects]
    return RankingPrompt(
        language=settings.language,
        rate=settings.plan_rate or PLAN_RATE[settings.language],
        windows=tuple(w for g in gaps if (w := reach(context, g, early=settings.early, late=settings.late)) > 0),
        light=context.light,
        known_place=context.same_place is not None,
        people=max(context.people, labels.count("person")),
        persons=tuple(p.call for p in context.persons),
        names=context.names,
        objects=tuple(object_name(label, settings.language) for label in labels if label != "person"),
        texts=tuple(t.text for t in context.texts if t.role != "subtitle"),
        dialogue_before=context.dialogue_before,
        dialogue_after=context.dialogue_after,
        support=tuple(tuple(_confidence(e) for e in c.evidence) for c in offered),
    )


def _judged(job: Job[Config], questions: Sequence[_Question]) -> list[Parts]:
    """The model's parts. The earlier lines it is told are the heuristic's choice, so that it can work in batches."""
    nothing: list[Parts] = [[{} for _ in q.offered] for q in questions]
    prompts = [prompt for prompt, _ in _walk(questions, nothing, HEURISTIC, job.config.memory)]
    judged: list[Parts] = []
    for first in range(0, len(questions), CHUNK):
        chunk = slice(first, first + CHUNK)
        judged += job.backend.score(prompts[chunk], [q.texts for q in questions[chunk]])
        _check_weighed(judged[first:], job.config.weights)
        job.progress(len(judged), len(questions))
    caveat = job.backend.caveat() if questions and hasattr(job.backend, "caveat") else ""
    if caveat:
        job.note(caveat)
    return judged


def _walk(
    questions: Sequence[_Question], judged: Sequence[Parts], weights: Mapping[str, float], memory: float
) -> Iterator[tuple[RankingPrompt, Parts]]:
    """The questions in turn with the lines said before, and all parts; the best of each is taken as said."""
    said: list[tuple[float, str]] = []
    for question, of_model in zip(questions, judged, strict=True):
        said = [(time, text) for time, text in said if time >= question.time - memory]
        prompt = replace(question.prompt, earlier=tuple(text for _, text in said))
        parts = [a | b for a, b in zip(heuristic.parts(prompt, question.texts), of_model, strict=True)]
        scores = [_weighted(p, weights) for p in parts]
        said.append((question.time, question.texts[scores.index(max(scores))]))  # the first of equals
        yield prompt, parts


def _ranked(offered: Sequence[Candidate], parts: Parts, weights: Mapping[str, float]) -> Iterator[Ranked]:
    for candidate, named in zip(offered, parts, strict=True):
        yield Ranked(
            id=f"r{candidate.id}",
            candidate=candidate.id,
            keyframe=candidate.keyframe,
            score=_weighted(named, weights),
            parts={name: round(value, 4) for name, value in named.items()},
        )


def _confidence(evidence: Evidence) -> tuple[str, float]:
    return evidence.kind, min(1.0, max(0.0, 1.0 if evidence.score is None else evidence.score))


def _weighted(parts: Mapping[str, float], weights: Mapping[str, float]) -> float:
    total = sum(weights.get(name, 0.0) for name in parts)
    if total <= 0:
        named = ", ".join(sorted(parts))
        raise ConfigError(
            tr("ranking.weights weighs none of the ranker's parts: give at least one of {parts} a weight", parts=named)
        )
    return round(sum(weights.get(name, 0.0) * value for name, value in parts.items()) / total, 4)


def _check_weighed(judged: Sequence[Parts], weights: Mapping[str, float]) -> None:
    """A model must not run for nothing: weights that were set before there was one do not name its part."""
    missing = sorted({name for parts in judged for named in parts for name in named} - set(weights))
    if missing:
        raise ConfigError(
            tr("ranking.weights does not name {parts}, which the model computes: give it a weight, or set "
               "ranking.backend=heuristic", parts=", ".join(missing))
        )  # fmt: skip
