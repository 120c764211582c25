"""Does the ranker pick better than chance, simple rules and its own base? On dramas it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from data.errors import UserError
from finetune.corpus import by_drama
from finetune.judges import Judge, Scores
from finetune.ranking_metrics import METRICS, Compared, Interval, Metric, compared, interval, values
from finetune.rows import Example

MISSES = 30
"""Worst misses shown; about what a person reads through."""


class Judged(BaseModel):
    """One judge on all examples and on those of each drama. Regret is missing where likeness is not known."""

    model_config = ConfigDict(frozen=True)
    name: str
    metrics: dict[Metric, Interval]
    dramas: dict[str, dict[Metric, float]]


class Miss(BaseModel):
    """An example on which the ranker chose another text than the response."""

    model_config = ConfigDict(frozen=True)
    drama: str
    prompt: str
    response: str
    chosen: str
    regret: float | None
    behind: float
    """How far the response's score lies below that of the choice."""
    image: str | None = None
    episode: str | None = None
    time: float | None = None


class Evaluation(BaseModel):
    """How a ranker and its rivals did."""

    model_config = ConfigDict(frozen=True)
    ours: str
    examples: int
    left_out: int
    """Examples without a rejected text: there is nothing to choose."""
    dramas: dict[str, int]
    offered: float
    """Texts to choose from, mean."""
    judges: tuple[Judged, ...]
    comparisons: tuple[Compared, ...]
    misses: tuple[Miss, ...]

    def beaten(self, metric: Metric) -> dict[str, bool]:
        """Rival → whether our whole confidence interval lies on the better side of theirs."""
        ours = next(j for j in self.judges if j.name == self.ours).metrics[metric]
        return {
            j.name: (ours.high < j.metrics[metric].low) if metric == "regret" else (ours.low > j.metrics[metric].high)
            for j in self.judges
            if j.name != self.ours
        }


def evaluate(examples: Sequence[Example], judges: Mapping[str, Judge], ours: str) -> Evaluation:
    """Judge all examples that leave a choice; `ours` names the judge that is compared with the others.

    Raises UserError where no example leaves a choice.
    """
    chosen = [e for e in examples if e.rejected]
    if not chosen:
        raise UserError("No example has a rejected text: there is nothing to rank; run vdesc finetune select")
    scores = {name: judge(chosen) for name, judge in judges.items()}
    measured = {name: {metric: values(chosen, s, metric) for metric in METRICS} for name, s in scores.items()}
    known = [metric for metric in METRICS if not np.isnan(measured[ours][metric]).all()]
    return Evaluation(
        ours=ours,
        examples=len(chosen),
        left_out=len(examples) - len(chosen),
        dramas={drama: len(rows) for drama, rows in by_drama(chosen).items()},
        offered=round(sum(len(e.offered) for e in chosen) / len(chosen), 2),
        judges=tuple(_judged(name, chosen, found, known) for name, found in measured.items()),
        comparisons=tuple(
            compared(chosen, measured[ours][metric], found[metric], metric, name)
            for name, found in measured.items()
            for metric in known
            if name != ours
        ),
        misses=tuple(_misses(chosen, scores[ours], measured[ours]["regret"])),
    )


def _judged(
    name: str, examples: Sequence[Example], measured: Mapping[Metric, np.ndarray], known: Sequence[Metric]
) -> Judged:
    places: dict[str, list[int]] = {}
    for number, example in enumerate(examples):
        places.setdefault(example.drama, []).append(number)
    dramas: dict[str, dict[Metric, float]] = {
        drama: {metric: round(float(np.nanmean(measured[metric][rows])), 4) for metric in known
                if not np.isnan(measured[metric][rows]).all()}
        for drama, rows in places.items()
    }  # fmt: skip
    return Judged(name=name, metrics={m: interval(examples, measured[m]) for m in known}, dramas=dramas)


def _misses(examples: Sequence[Example], scores: Scores, regrets: np.ndarray) -> list[Miss]:
    """The worst first: by regret where it is known, else by how far the response lies behind."""
    missed = []
    for example, given, lost in zip(examples, scores, regrets, strict=True):
        best = max(range(len(given)), key=given.__getitem__)
        if best:
            fields = example.model_dump(include={"drama", "prompt", "response", "image", "episode", "time"})
            missed.append(
                Miss(chosen=example.offered[best], behind=round(given[best] - given[0], 4),
                     regret=None if np.isnan(lost) else round(float(lost), 4), **fields)
            )  # fmt: skip
    return sorted(missed, key=lambda m: (-(m.regret or 0.0), -m.behind))[:MISSES]
