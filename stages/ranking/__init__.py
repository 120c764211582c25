"""Ranking: a score with named parts for every candidate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from pydantic import Field

from data import style
from data.errors import ConfigError
from data.records import Context, Draft, Gap, Ranked
from stages.ranking.asking import HEURISTIC, MEMORY, Parts, Question, asked_of_model, questions, walk, weighted
from stages.ranking.prompt import RankingPrompt
from stages.stage import Job, StageConfig

VERSION = 3
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
    memory: float = Field(MEMORY, ge=0, description="Seconds in which a line is remembered as said")

    def files(self) -> dict[str, str]:
        """The rules of style, which the part `style` depends on."""
        return {"rules": style.identity()}


class Ranker(Protocol):
    """The one method of a ranker. One may also have `caveat() -> Message | None`, what people should know of it."""

    def score(self, prompts: Sequence[RankingPrompt], texts: Sequence[Sequence[str]]) -> list[list[dict[str, float]]]:
        """Named parts, each 0–1, of each text of each prompt."""


def run(job: Job[Config]) -> Iterable[Ranked]:
    """One record per candidate, in order of time.

    Raises ConfigError where no weight names a part, or none names the part of a model that runs.
    """
    asked = list(questions(job.read(Context), job.read(Draft), job.read(Gap), job.settings))
    judged = _judged(job, asked) if job.backend else [[{} for _ in q.offered] for q in asked]
    for done, (question, (_, parts)) in enumerate(
        zip(asked, walk(asked, judged, job.config.weights, job.config.memory), strict=True), start=1
    ):
        yield from _ranked(question.offered, parts, job.config.weights)
        if not job.backend:
            job.progress(done, len(asked))


def _judged(job: Job[Config], asked: Sequence[Question]) -> list[Parts]:
    """The model's parts."""
    prompts = asked_of_model(asked, job.config.memory)
    judged: list[Parts] = []
    for first in range(0, len(asked), CHUNK):
        chunk = slice(first, first + CHUNK)
        judged += job.backend.score(prompts[chunk], [q.texts for q in asked[chunk]])
        _check_weighed(judged[first:], job.config.weights)
        job.progress(len(judged), len(asked))
    caveat = job.backend.caveat() if asked and hasattr(job.backend, "caveat") else None
    if caveat:
        job.note(caveat)
    return judged


def _ranked(offered: Sequence[Draft], parts: Parts, weights: Mapping[str, float]) -> Iterator[Ranked]:
    for candidate, named in zip(offered, parts, strict=True):
        yield Ranked(
            id=f"r{candidate.id}",
            candidate=candidate.id,
            keyframe=candidate.keyframe,
            score=weighted(named, weights),
            parts={name: round(value, 4) for name, value in named.items()},
        )


def _check_weighed(judged: Sequence[Parts], weights: Mapping[str, float]) -> None:
    """A model must not run for nothing: weights that were set before there was one do not name its part."""
    missing = sorted({name for parts in judged for named in parts for name in named} - set(weights))
    if missing:
        raise ConfigError(
            "ranking.weights does not name {parts}, which the model computes: give it a weight, or set "
            "ranking.backend=heuristic",
            parts=", ".join(missing),
        )
