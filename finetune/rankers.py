"""The judges of an evaluation: ours, its base, the heuristic and simple rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

from data.errors import UserError
from finetune import judges
from finetune.judges import Judge, Scores
from finetune.rows import Example
from stages.ranking import adapter
from stages.ranking.causal import CausalRanker
from stages.ranking.model import RankerOptions
from stages.ranking.reward import RewardRanker

Kind = Literal["causal", "reward"]
CHUNK = 64
"""Examples a model is given at once: enough to batch prompts of like length, few enough to tell the progress."""
Progress = Callable[[str, int, int], None]
"""The judge's name, examples done, examples in all."""


def unseen(examples: Sequence[Example]) -> list[Example]:
    """The rows to judge on: those marked test where there are any, else all but those marked train.

    Raises UserError where every row was trained on.
    """
    test = [e for e in examples if e.split == "test"]
    rows = test or [e for e in examples if e.split != "train"]
    if not rows:
        raise UserError("All rows are marked train: a ranker is judged on dramas it has not seen; give test rows")
    return rows


def of_adapter(options: RankerOptions) -> tuple[RankerOptions, Kind]:
    """The options with the base and the commit the adapter was trained on, and what it computes. Raises ConfigError."""
    if options.adapter is None:
        return options, "causal"
    made = json.loads((adapter.local(options.adapter) / adapter.CONFIG).read_text(encoding="utf-8"))
    base = {"model": made.get("base_model_name_or_path"), "revision": made.get("revision")}
    kind: Kind = "reward" if made.get("task_type") == "SEQ_CLS" else "causal"
    return options.model_copy(update={name: value for name, value in base.items() if value}), kind


def rivals(
    examples: Sequence[Example], options: RankerOptions, kind: Kind, ours: str, weights: Mapping[str, float],
    progress: Progress = lambda name, done, total: None,
) -> dict[str, Judge]:  # fmt: skip
    """Every judge by its name, ours last. `first` where the order of the candidates is known, `base` for an adapter.

    The base of a reward adapter has no reward head; it ranks by likelihood. `weights`: of the heuristic's parts.
    """
    judges_of: dict[str, Judge] = {"random": judges.by_chance}
    if all(e.places for e in examples):
        judges_of["first"] = judges.first
    judges_of |= {"longest": judges.longest, "heuristic": partial(judges.by_heuristic, weights=weights)}
    if options.adapter is not None:
        base = options.model_copy(update={"adapter": None})
        judges_of["base"] = partial(_by_model, CausalRanker, base, judges.causal, partial(progress, "base"))
    ranker, judge = (RewardRanker, judges.reward) if kind == "reward" else (CausalRanker, judges.causal)
    judges_of[ours] = partial(_by_model, ranker, options, judge, partial(progress, ours))
    return judges_of


def _by_model(
    ranker: Callable[[RankerOptions], CausalRanker | RewardRanker], options: RankerOptions,
    judge: Callable[..., Judge], progress: Callable[[int, int], None], examples: Sequence[Example],
) -> Scores:  # fmt: skip
    """The scores of a model, which is loaded for them and freed."""
    loaded = ranker(options)
    scores: Scores = []
    try:
        for first in range(0, len(examples), CHUNK):
            scores += judge(loaded)(examples[first : first + CHUNK])
            progress(len(scores), len(examples))
    finally:
        loaded.close()
    return scores
