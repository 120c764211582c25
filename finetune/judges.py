"""What a ranker is measured against: simple rules, the heuristic, and models."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

from pydantic import TypeAdapter, ValidationError

from data.errors import UserError
from data.text.language import syllables
from finetune.rows import Example
from stages.ranking import heuristic
from stages.ranking.causal import CausalRanker
from stages.ranking.prompt import RankingPrompt
from stages.ranking.reward import RewardRanker

Scores = list[list[float]]
"""For each example the score of each of its `offered` texts; the highest is the judge's choice."""
Judge = Callable[[Sequence[Example]], Scores]


def by_chance(examples: Sequence[Example], seed: int = 0) -> Scores:
    """A number drawn for each text; a hash, so that it does not hang on the order of rows."""
    return [[_drawn(f"{seed}\0{e.prompt}\0{text}") for text in e.offered] for e in examples]


def first(examples: Sequence[Example]) -> Scores:
    """The candidate that was written first; needs `places`. Raises UserError."""
    if not all(e.places for e in examples):
        raise UserError("The examples do not say in which order the candidates were written (places)")
    return [[-float(place) for place in e.places] for e in examples]


def longest(examples: Sequence[Example]) -> Scores:
    """The text of most syllables."""
    return [[float(syllables(text, e.language)) for text in e.offered] for e in examples]


def by_heuristic(examples: Sequence[Example], weights: Mapping[str, float]) -> Scores:
    """The weighted parts of the heuristic, from what the prompt was made of (`asked`); else from the language alone."""
    scores = []
    for example in examples:
        parts = heuristic.parts(asked(example), list(example.offered))
        scores.append([sum(weights.get(name, 0.0) * value for name, value in named.items()) for named in parts])
    return scores


def causal(ranker: CausalRanker) -> Judge:
    """The mean log-likelihood of each text under a causal language model."""
    return lambda examples: ranker.log_likelihoods([e.prompt for e in examples], [e.offered for e in examples])


def reward(ranker: RewardRanker) -> Judge:
    """The reward of each text under a reward model."""
    return lambda examples: ranker.rewards([e.prompt for e in examples], [e.offered for e in examples])


def asked(example: Example) -> RankingPrompt:
    """The prompt's fields, in the order the offered texts have. Raises UserError for fields it does not know."""
    try:
        prompt = TypeAdapter(RankingPrompt).validate_python({"language": example.language} | (example.asked or {}))
    except ValidationError as error:
        cause = error.errors()[0]["msg"]
        raise UserError("asked of an example does not fit the ranker's prompt: {cause}", cause=cause) from None
    return prompt


def _drawn(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") / 2**56
