"""`reward`: a sequence-classification model with one output, trained on preferred and rejected lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from math import exp, isfinite
from typing import Any

from data.errors import ConfigError
from stages.models import in_batches
from stages.ranking import model as ranking_model
from stages.ranking.model import ModelRanker, RankerOptions
from stages.ranking.prompt import RankingPrompt
from stages.ranking.template import encode, render


class RewardRanker(ModelRanker):
    """The reward of the prompt with the candidate after it.

    A Bradley-Terry reward model (Ouyang et al. 2022, arXiv:2203.02155), as trl.RewardTrainer trains it: the head
    reads the last token that is not padding, and the padding token is the tokenizer's, else its end of sequence.
    """

    _loaded: tuple[Any, Any] | None = None

    def score(self, prompts: Sequence[RankingPrompt], texts: Sequence[Sequence[str]]) -> list[list[dict[str, float]]]:
        """The part `reward` of each text: the logistic function of its reward. Raises ConfigError."""
        scored = self.rewards([render(prompt) for prompt in prompts], texts)
        return [[{"reward": _logistic(value)} for value in values] for values in scored]

    def rewards(self, prompts: Sequence[str], texts: Sequence[Sequence[str]]) -> list[list[float]]:
        """The reward, any number, of each text as the response to its rendered prompt.

        Raises ConfigError for a model that cannot be loaded, has no trained head, or computes no finite reward.
        """
        if not any(texts):
            return [[] for _ in prompts]
        return rewards(*self._load(), prompts, texts, self.options)

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            model, tokenizer = ranking_model.load(
                "AutoModelForSequenceClassification", self.options, "SEQ_CLS", num_labels=1
            )
            padding = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
            model.config.get_text_config().pad_token_id = padding
            self._loaded = model, tokenizer
        return self._loaded


def rewards(
    model: Any, tokenizer: Any, prompts: Sequence[str], texts: Sequence[Sequence[str]], options: RankerOptions
) -> list[list[float]]:
    """`RewardRanker.rewards` by a model that is loaded already, whose configuration names the padding token."""
    context = ranking_model.context_of(model)
    encoded = [
        list(chain(*encode(tokenizer, prompt, text, context)))
        for prompt, offered in zip(prompts, texts, strict=True)
        for text in offered
    ]
    order = sorted(range(len(encoded)), key=lambda number: -len(encoded[number]))
    done = in_batches(order, options.batch, lambda b: _rewards(model, [encoded[n] for n in b]), options.model)
    by_number = dict(zip(order, done, strict=True))
    if not all(map(isfinite, by_number.values())):
        raise ConfigError(
            "{model} computes no finite reward in {dtype}; set ranking.options.dtype=fp32 or bf16",
            model=options.model,
            dtype=str(model.dtype).removeprefix("torch."),
        )
    ordered = (by_number[number] for number in range(len(encoded)))
    return [[next(ordered) for _ in offered] for offered in texts]


def _rewards(model: Any, batch: Sequence[list[int]]) -> list[float]:
    import torch

    longest, padding = max(map(len, batch)), model.config.get_text_config().pad_token_id or 0
    ids = torch.tensor([row + [padding] * (longest - len(row)) for row in batch], device=model.device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in batch], device=model.device)
    with torch.inference_mode():
        rewards: list[float] = model(input_ids=ids, attention_mask=mask).logits[:, 0].float().tolist()
    return rewards


def _logistic(value: float) -> float:
    """1 / (1 + exp(-value)), without overflow."""
    return 1 / (1 + exp(-value)) if value >= 0 else exp(value) / (1 + exp(value))
