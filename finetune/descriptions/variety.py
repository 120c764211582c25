"""How varied lines are, without any reference: a model that always says the same collapses here first.

Human lines repeat themselves too, so the same figures of the human script stand beside ours.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np

from finetune.descriptions.tokens import Tokens

ORDER = 4
"""Self-BLEU counts n-grams of 1…4 tokens, as BLEU does."""
NEIGHBOURS = 2
"""Repetition counts bigrams: single morphemes, particles among them, repeat in any text."""

Ngram = tuple[str, ...]


def distinct(lines: Tokens, order: int) -> float:
    """distinct-n, 0…1 (Li et al. 2016): different n-grams of all lines / their number. Falls with the number of lines.

    nan where no line is as long as `order`.
    """
    ngrams = [ngram for line in lines for ngram in _ngrams(line, order)]
    return len(set(ngrams)) / len(ngrams) if ngrams else float("nan")


def self_bleu(lines: Tokens) -> float:
    """Self-BLEU-4, 0…100 (Zhu et al. 2018): mean BLEU of each line with all others as its references; low is varied.

    Sentence BLEU as sacrebleu computes it (exponential smoothing, effective order), from statistics counted once for
    all lines, so that it grows with their number and not with its square. nan for fewer than two lines.
    """
    from sacrebleu.metrics.bleu import BLEU

    if len(lines) < 2:
        return float("nan")
    counts = [Counter(ngram for n in range(1, ORDER + 1) for ngram in _ngrams(line, n)) for line in lines]
    most, second = _two_largest(counts)
    lengths = np.array([len(line) for line in lines])
    scores = []
    for number, own in enumerate(counts):
        correct, total = [0] * ORDER, [0] * ORDER
        for ngram, count in own.items():
            others = second[ngram] if most[ngram] == (count, number) else most[ngram][0]
            correct[len(ngram) - 1] += min(count, others)
            total[len(ngram) - 1] += count
        length, reference = len(lines[number]), _closest(lengths, number)
        scores.append(
            BLEU.compute_bleu(correct, total, length, reference, smooth_method="exp", effective_order=True).score
        )
    return float(np.mean(scores))


def _two_largest(counts: list[Counter[Ngram]]) -> tuple[dict[Ngram, tuple[int, int]], Counter[Ngram]]:
    """Of every n-gram the largest count with the line that has it, and the largest count of the other lines."""
    most: dict[Ngram, tuple[int, int]] = {}
    second: Counter[Ngram] = Counter()
    for number, own in enumerate(counts):
        for ngram, count in own.items():
            best = most.get(ngram, (0, -1))
            if count > best[0]:
                most[ngram], second[ngram] = (count, number), best[0]
            elif count > second[ngram]:
                second[ngram] = count
    return most, second


def _closest(lengths: np.ndarray[tuple[int], np.dtype[np.int64]], number: int) -> int:
    """The length nearest to that of line `number` among the other lines; of two, the shorter."""
    others = np.delete(lengths, number)
    return int(min(others, key=lambda length: (abs(length - lengths[number]), length)))


def repetition(lines: Tokens) -> float:
    """Share of a line's bigrams that the line before already had, mean over consecutive lines, 0…1; low is better.

    An n-gram form of the overlap between consecutive lines that CoherentAD (2025) asks a description to avoid; counts
    are clipped as in BLEU. Lines of one token are passed over; nan where nothing is left.
    """
    shares = []
    for before, line in pairwise(lines):
        said, now = Counter(_ngrams(before, NEIGHBOURS)), Counter(_ngrams(line, NEIGHBOURS))
        if now:
            shares.append((said & now).total() / now.total())
    return float(np.mean(shares)) if shares else float("nan")


def _ngrams(line: list[str], order: int) -> list[Ngram]:
    return [tuple(line[at : at + order]) for at in range(len(line) - order + 1)]
