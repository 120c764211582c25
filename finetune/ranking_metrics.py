"""How well a judge ranks: accuracy@1, mean reciprocal rank and regret, with confidence intervals and significance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from finetune.corpus import by_drama
from finetune.judges import Scores
from finetune.rows import Example

Metric = Literal["accuracy", "mrr", "regret"]
Values = NDArray[np.float64]
RESAMPLES = 10_000
"""Bootstrap and permutation draws: the 95 % limits then repeat to about 0.001 of a share."""
CLUSTERS = 10
"""From so many dramas on whole dramas are drawn, for lines of one drama resemble each other; below, single examples."""


class Interval(BaseModel):
    """A mean with the limits of its 95 % confidence interval."""

    model_config = ConfigDict(frozen=True)
    mean: float
    low: float
    high: float


class Compared(BaseModel):
    """Ours against another judge on the same examples: the mean difference and the chance of it by luck alone."""

    model_config = ConfigDict(frozen=True)
    metric: Metric
    other: str
    difference: Interval
    p: float
    """Two-sided p of the paired permutation test (Fisher 1935; sign flips of whole clusters)."""


def accuracy(_: Example, scores: Sequence[float]) -> float:
    """1 where the response has the highest score; shared where others have the same one."""
    best = max(scores)
    return (scores[0] == best) / sum(s == best for s in scores)


def reciprocal_rank(_: Example, scores: Sequence[float]) -> float:
    """1 / rank of the response (Voorhees 1999); among equal scores the mean rank."""
    above, same = sum(s > scores[0] for s in scores), sum(s == scores[0] for s in scores)
    return 1 / (above + (same + 1) / 2)


def regret(example: Example, scores: Sequence[float]) -> float:
    """Likeness to the truth that the choice loses against the best candidate; nan where likeness is not known.

    Simple regret, as in best-arm identification (Bubeck et al. 2009); the mean of equal choices.
    """
    if not example.scores:
        return float("nan")
    chosen = [like for like, s in zip(example.scores, scores, strict=True) if s == max(scores)]
    return max(example.scores) - sum(chosen) / len(chosen)


METRICS: Mapping[Metric, Callable[[Example, Sequence[float]], float]] = {
    "accuracy": accuracy, "mrr": reciprocal_rank, "regret": regret,
}  # fmt: skip


def values(examples: Sequence[Example], scores: Scores, metric: Metric) -> Values:
    """The metric of every example, (n,)."""
    return np.array([METRICS[metric](e, s) for e, s in zip(examples, scores, strict=True)], float)


def interval(examples: Sequence[Example], measured: Values, seed: int = 0) -> Interval:
    """Mean and percentile bootstrap interval (Efron 1979), 95 %; of whole dramas from `CLUSTERS` on."""
    sums, counts = _clustered(examples, measured)
    drawn = np.random.default_rng(seed).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), RESAMPLES)
    means = (drawn @ sums) / (drawn @ counts)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(mean=round(float(np.nanmean(measured)), 4), low=round(float(low), 4), high=round(float(high), 4))


def compared(
    examples: Sequence[Example], ours: Values, others: Values, metric: Metric, other: str, seed: int = 0
) -> Compared:
    """Ours minus the other's, paired by example."""
    sums, _ = _clustered(examples, ours - others)
    signs = np.random.default_rng(seed).integers(0, 2, (RESAMPLES, len(sums)), dtype=np.int8) * 2 - 1
    extreme = int((np.abs(signs @ sums) >= abs(sums.sum()) - 1e-12).sum())
    p = (extreme + 1) / (RESAMPLES + 1)
    return Compared(metric=metric, other=other, difference=interval(examples, ours - others, seed), p=round(p, 5))


def _clustered(examples: Sequence[Example], measured: Values) -> tuple[Values, Values]:
    """Sum and number of the known values of each cluster."""
    known = np.where(np.isnan(measured), 0.0, measured)
    counted = (~np.isnan(measured)).astype(float)
    dramas = {drama: number for number, drama in enumerate(by_drama(examples))}
    if len(dramas) < CLUSTERS:
        return known[counted > 0], counted[counted > 0]
    places = np.array([dramas[e.drama] for e in examples])
    return np.bincount(places, known).astype(float), np.bincount(places, counted).astype(float)
