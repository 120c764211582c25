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

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
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
    stand together, each is greedy and shuns what the ones before it choose in the same step."""

    def __init__(self, copies: int, ends: Sequence[int]) -> None:
        self.copies, self.ends = copies, ends
        self.over: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        import torch

        ends = torch.tensor(self.ends, device=scores.device)
        over = torch.zeros(len(scores), dtype=torch.bool, device=scores.device)
        self.over = over if self.over is None else self.over | torch.isin(input_ids[:, -1], ends)
        logs = torch.log_softmax(scores.float(), dim=-1).view(-1, self.copies, scores.shape[-1])
        going = ~self.over.view(-1, self.copies)
        taken, chosen = torch.zeros_like(logs[:, 0]), []
        for copy in range(self.copies):
            best = (logs[:, copy] - DIVERSITY * taken).argmax(dim=-1, keepdim=True)
            taken.scatter_add_(1, best, going[:, copy, None].to(taken))
            chosen.append(best)
        picked = torch.cat(chosen, dim=1).view(-1, 1)
        return torch.full_like(scores, -torch.inf).scatter(1, picked, 0.0)
