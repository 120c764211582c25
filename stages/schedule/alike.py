"""Which lines say nearly the same: those that share most of their words (Dice 1945).

Compared by words and not by letters: "한 사람이 있다" and "두 사람이 있다" share most letters and say different things.
Only lines near each other in the film are compared, all of a stretch at once; a line that is like very many others is
taken for one with all of these, so that what is to be remembered stays linear in the lines.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stages.schedule.placement import Floats, Ints

MOST = 32
"""Lines that one may be like; what is like more is taken for one with them."""
AT_ONCE = 512
"""Lines that are compared with all others of their stretch at once."""


class Sayings:
    """Numbers for what lines say: the same words, whatever their order and signs, have the same number."""

    def __init__(self) -> None:
        self._numbers: dict[frozenset[str], int] = {}
        self._words: dict[str, int] = {}
        self._bags: list[Ints] = []
        self._of: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of what a line says."""
        if text not in self._of:
            bag = frozenset(re.findall(r"\w+", text.casefold())) or frozenset([text])
            if bag not in self._numbers:
                words = sorted(self._words.setdefault(word, len(self._words)) for word in sorted(bag))
                self._numbers[bag] = len(self._bags)
                self._bags.append(np.array(words))
            self._of[text] = self._numbers[bag]
        return self._of[text]

    def alike(
        self, said: Sequence[tuple[float, int]], window: float, similarity: float
    ) -> tuple[Ints, Mapping[int, frozenset[int]]]:
        """Of lines as (time, number): by what number each is to be known, and which of these are alike.

        Lines that lie more than `window` seconds apart may be left out.
        """
        pairs = [self._pairs(*near, similarity) for near in _stretches(said, window)]
        one, other = np.unique(np.concatenate([np.zeros((0, 2), np.int64), *pairs]), axis=0).T
        known = _families(one, other, len(self._bags))
        alike: dict[int, set[int]] = defaultdict(set)
        for a, b in zip(known[one].tolist(), known[other].tolist(), strict=True):
            if a != b:
                alike[a].add(b)
                alike[b].add(a)
        return known, {number: frozenset(others) for number, others in alike.items()}

    def _pairs(self, these: Ints, those: Ints, similarity: float) -> Ints:
        """(pairs, 2), rising: which of these share enough of their words with one of those."""
        sizes, shared = self._incidence(those)
        rows, found = np.searchsorted(those, these), []
        for at in range(0, len(rows), AT_ONCE):
            part = rows[at : at + AT_ONCE]
            common = shared[part] @ shared.T  # whole numbers: exact in any order
            close = np.argwhere(2 * common >= similarity * (sizes[part][:, None] + sizes) - 1e-6)
            pairs = np.stack([those[part[close[:, 0]]], those[close[:, 1]]], axis=1)
            found.append(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1))
        return np.concatenate(found)

    def _incidence(self, numbers: Ints) -> tuple[Floats, NDArray[np.float32]]:
        """How many words each has, and which of those that two or more have: (numbers, words)."""
        bags = [self._bags[number] for number in numbers.tolist()]
        line = np.repeat(np.arange(len(bags)), [len(bag) for bag in bags])
        _, column, times = np.unique(np.concatenate(bags), return_inverse=True, return_counts=True)
        common = np.flatnonzero(times > 1)
        place = np.searchsorted(common, column)
        kept = times[column] > 1
        shared = np.zeros((len(bags), len(common)), np.float32)
        shared[line[kept], place[kept]] = 1.0
        return np.bincount(line, minlength=len(bags)).astype(float), shared


def _stretches(said: Sequence[tuple[float, int]], window: float) -> Iterator[tuple[Ints, Ints]]:
    """What is said in each stretch of a window's length, and with it what is said in the next."""
    stretches: dict[int, set[int]] = defaultdict(set)
    for time, number in said:
        stretches[int(time // window) if window > 0 else 0].add(number)
    for stretch, numbers in sorted(stretches.items()):
        yield np.array(sorted(numbers)), np.array(sorted(numbers | stretches.get(stretch + 1, set())))


def _families(one: Ints, other: Ints, count: int) -> Ints:
    """For each of `count` numbers that by which it is known: where too many are alike, the least of all of them."""
    crowded = np.bincount(np.concatenate([one, other]), minlength=count) > MOST
    joined = crowded[one] | crowded[other]
    known, settled = np.arange(count), False
    while not settled:
        before = known.copy()
        least = np.minimum(known[one[joined]], known[other[joined]])
        np.minimum.at(known, one[joined], least)
        np.minimum.at(known, other[joined], least)
        settled = np.array_equal(known, before)
    return known
