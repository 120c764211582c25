"""How the next token is chosen, so that a candidate depends on its own prompt and seed and on no other row of a batch.

All but plain beam search run as the library's greedy search with a processor that leaves one token to choose.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Decoding = Literal["sample", "beam", "diverse-beam"]

DIVERSITY = 0.5
"""Log-probability a token loses for each earlier beam that chose it in the same step; Vijayakumar et al. 2016 (Diverse
Beam Search, section 5) find 0.2–0.8 good for captions."""


def seed_of(*parts: object) -> int:
    """A seed that the parts alone decide, on every machine and in every run."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8])


class Sampled:
    """Nucleus sampling (Holtzman et al. 2020, The Curious Case of Neural Text Degeneration), one random number per row
    and step from the row's own seed: `scores` of shape (rows, vocabulary) keep the drawn token alone."""

    def __init__(self, seeds: Sequence[int], steps: int, temperature: float, top_p: float) -> None:
        import numpy as np

        self.drawn = np.stack([np.random.default_rng(seed).random(steps) for seed in seeds])
        self.temperature, self.top_p, self.step = temperature, top_p, 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        import torch

        chances, order = torch.softmax(scores.float() / self.temperature, dim=-1).sort(descending=True, stable=True)
        upto = chances.cumsum(dim=-1)
        nucleus = ((upto - chances) < self.top_p).sum(dim=-1, keepdim=True)
        point = torch.from_numpy(self.drawn[:, self.step, None]).to(upto) * upto.gather(1, nucleus - 1)
        place = torch.minimum((upto <= point).sum(dim=-1, keepdim=True), nucleus - 1)
        self.step += 1
        return torch.full_like(scores, -torch.inf).scatter(1, order.gather(1, place), 0.0)


class Diverse:
    """Diverse beam search with one beam per group (Vijayakumar et al. 2016, Hamming diversity): of `copies` rows that
    stand together, each is greedy and shuns what the ones before it choose in the same step. `earlier` are answers that
    were found before, which all rows shun too."""

    def __init__(self, copies: int, ends: Sequence[int], earlier: Sequence[Sequence[int]] = ()) -> None:
        self.copies, self.ends, self.step = copies, list(ends), 0
        self.earlier = [_ended(answer, self.ends) for answer in earlier]
        self.over: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        import torch

        logs = torch.log_softmax(scores.float(), dim=-1).view(-1, self.copies, scores.shape[-1])
        going = ~self._over(input_ids).view(-1, self.copies, 1)
        taken, chosen = torch.zeros_like(logs[:, 0]), []
        for answer in self.earlier:
            taken[:, answer[self.step : self.step + 1]] += 1
        for copy in range(self.copies):
            best = (logs[:, copy] - DIVERSITY * taken).argmax(dim=-1, keepdim=True)
            taken.scatter_add_(1, best, going[:, copy].to(taken))
            chosen.append(best)
        self.step += 1
        return torch.full_like(scores, -torch.inf).scatter(1, torch.cat(chosen, dim=1).view(-1, 1), 0.0)

    def _over(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Which rows have ended; what they choose from then on is padding, and nobody shuns it."""
        import torch

        ended = torch.isin(input_ids[:, -1], torch.tensor(self.ends, device=input_ids.device))
        self.over = torch.zeros_like(ended) if self.over is None else self.over | ended
        return self.over


def _ended(answer: Sequence[int], ends: Sequence[int]) -> list[int]:
    """The answer up to the token that ends it."""
    return list(answer[: next((at + 1 for at, token in enumerate(answer) if token in ends), len(answer))])
