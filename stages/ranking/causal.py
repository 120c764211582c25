"""`causal`: the likelihood of a line as the answer of a causal language model, phi-2 with a LoRA adapter by default."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite
from typing import TYPE_CHECKING, Any

from data.errors import ConfigError
from data.reasons import Message, say
from stages.models import in_batches
from stages.ranking import model as ranking_model
from stages.ranking.model import ModelRanker, RankerOptions
from stages.ranking.prompt import RankingPrompt
from stages.ranking.template import encode_prompt, encode_response, render

if TYPE_CHECKING:
    import torch

IGNORED = -100  # torch's own index for targets that do not count


@dataclass(frozen=True)
class TokenQuestion:
    """Token ids of one prompt and of the responses to it; `number` is its place among the questions asked."""

    number: int
    prompt: list[int]
    responses: list[list[int]]


class CausalRanker(ModelRanker):
    """Mean log-likelihood of each candidate's tokens, end included, as the response to the prompt.

    Ranking by the length-normalised log-likelihood of the response, as RRHF (Yuan et al. 2023, arXiv:2304.05302)
    scores candidates. The prompt is computed once for all its candidates.
    """

    _loaded: tuple[Any, Any] | None = None

    def score(self, prompts: Sequence[RankingPrompt], texts: Sequence[Sequence[str]]) -> list[list[dict[str, float]]]:
        """The part `likelihood` of each text of each prompt.

        It is the likelihood relative to the best text of the prompt, per token: exp(mean log-likelihood - the best
        one's). 1 for the best; 0.5 for one whose tokens are half as likely on (geometric) average. So it does not
        depend on how hard the keyframe is to describe. Raises ConfigError.
        """
        scored = self.log_likelihoods([render(prompt) for prompt in prompts], texts)
        return [[{"likelihood": exp(value - max(values))} for value in values] for values in scored]

    def log_likelihoods(self, prompts: Sequence[str], texts: Sequence[Sequence[str]]) -> list[list[float]]:
        """Mean log-likelihood in nats per token of each text as the response to its rendered prompt.

        Raises ConfigError for a model that cannot be loaded, or that computes no finite likelihood.
        """
        if not any(texts):
            return [[] for _ in prompts]
        return log_likelihoods(*self._load(), prompts, texts, self.options)

    def caveat(self) -> Message | None:
        """What people should know of the results; None: nothing."""
        if self.options.adapter:
            return None
        return say(
            "Lines were ranked by the base model {model} without an adapter; set ranking.options.adapter to one that "
            "was trained on described drama",
            model=self.options.model,
        )

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            self._loaded = ranking_model.load("AutoModelForCausalLM", self.options, "CAUSAL_LM")
        return self._loaded


def log_likelihoods(
    model: Any, tokenizer: Any, prompts: Sequence[str], texts: Sequence[Sequence[str]], options: RankerOptions
) -> list[list[float]]:
    """`CausalRanker.log_likelihoods` by a model that is loaded already: in training it is ranked with as in a run."""
    # Prompts of like length share a batch, for padding costs as much as text. The longest first: what does not
    # fit into memory shows at once.
    asked = sorted(_questions(tokenizer, prompts, texts, ranking_model.context_of(model)), key=_length)
    done = in_batches(asked[::-1], options.batch, lambda batch: _scores(model, batch), options.model)
    scored: list[list[float]] = [[] for _ in prompts]
    for question, values in zip(asked[::-1], done, strict=True):
        scored[question.number] = values
    if not all(isfinite(value) for values in scored for value in values):
        raise ConfigError(
            "{model} computes no finite likelihood in {dtype}; set ranking.options.dtype=fp32 or bf16",
            model=options.model,
            dtype=str(model.dtype).removeprefix("torch."),
        )
    return scored


def _questions(
    tokenizer: Any, prompts: Sequence[str], texts: Sequence[Sequence[str]], context: int | None
) -> list[TokenQuestion]:
    """Those that have texts."""
    questions = []
    for number, (prompt, offered) in enumerate(zip(prompts, texts, strict=True)):
        responses = [encode_response(tokenizer, text) for text in offered]
        if responses:
            ids = encode_prompt(tokenizer, prompt, context, max(map(len, responses)))
            questions.append(TokenQuestion(number, ids, responses))
    return questions


def _length(question: TokenQuestion) -> tuple[int, int]:
    return len(question.prompt), max(map(len, question.responses))


def _scores(model: Any, batch: Sequence[TokenQuestion]) -> list[list[float]]:
    """Mean log-likelihoods of the responses of a batch of questions, in two forward passes.

    The first fills the key-value cache with all of each prompt but its last token; the cache is then handed to each
    response. The second reads that last token and the response, so that its outputs are all that is to be scored.
    """
    import torch

    owner = [row for row, question in enumerate(batch) for _ in question.responses]
    with torch.inference_mode():
        cache, mask = _prefill(model, [q.prompt[:-1] for q in batch])
        cache.batch_select_indices(torch.tensor(owner, device=model.device))
        rows = [(q.prompt[-1:] + response[:-1], response) for q in batch for response in q.responses]
        means = iter(_continue(model, cache, mask[owner], rows).tolist())
    return [[next(means) for _ in question.responses] for question in batch]


def _prefill(model: Any, prompts: Sequence[list[int]]) -> tuple[Any, torch.Tensor]:
    """The cache of the prompts, and its mask (prompts × longest). Padded on the left: responses follow on the right."""
    import torch

    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(p)) + p for p in prompts], device=model.device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=model.device)
    places = (mask.cumsum(1) - 1).clamp(min=0)
    return _forward(model, ids, mask, places, use_cache=True, logits_to_keep=1).past_key_values, mask


def _continue(model: Any, cache: Any, mask: torch.Tensor, rows: Sequence[tuple[list[int], list[int]]]) -> torch.Tensor:
    """Mean log-likelihood of the wanted tokens of each row (given, wanted) after its cached prompt."""
    import torch

    longest = max(len(given) for given, _ in rows)
    ids = torch.tensor([given + [0] * (longest - len(given)) for given, _ in rows], device=model.device)
    wanted = torch.tensor([want + [IGNORED] * (longest - len(want)) for _, want in rows], device=model.device)
    places = mask.sum(1, keepdim=True) + torch.arange(longest, device=model.device)
    whole = torch.cat([mask, (wanted != IGNORED).long()], dim=1)
    logits = _forward(model, ids, whole, places, past_key_values=cache, use_cache=True).logits
    costs = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), wanted.flatten(), reduction="none")
    return -costs.view_as(wanted).sum(1) / (wanted != IGNORED).sum(1)


def _forward(model: Any, ids: torch.Tensor, mask: torch.Tensor, places: torch.Tensor, **more: Any) -> Any:
    """One pass; what the architecture does not take (positions where it has none) is left out."""
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    known = inspect.signature(plain.forward).parameters
    optional = {"position_ids": places, "logits_to_keep": more.pop("logits_to_keep", None)}
    taken = {name: value for name, value in optional.items() if name in known and value is not None}
    return model(input_ids=ids, attention_mask=mask, **taken, **more)
