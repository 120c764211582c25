"""Which of our lines tell the same event as which line of the human description.

Metrics compare texts, so lines must be paired first. Pairs found by text make texts look more alike than they are,
pairs found by windows alone do not: that is why there are two ways, and why the share of unmatched lines is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.scripts.line import ScriptLine
from finetune.likeness import Likeness

W_TIME, W_TEXT = 0.3, 0.7
"""Weights of time and text in a pair's score, those of Ko-AD's 1:1 matcher (github.com/horaeng1/Nowyouseeme)."""
REACH = 2.0
"""Seconds of silence two lines may lie apart and still tell one event: a line before or after what it describes."""


@dataclass(frozen=True)
class Pair:
    """A human line and what we said for it."""

    theirs: int
    """Index of the human line."""
    ours: tuple[int, ...]
    """Indices of our lines, in order of time; one in a 1:1 matching, one or more in a window."""
    score: float
    """The pair's score in the matching, 0…1; in windows 1."""


def events(
    ours: Sequence[ScriptLine], theirs: Sequence[ScriptLine], likeness: Likeness, reach: float = REACH
) -> list[Pair]:
    """1:1 and order-preserving: the pairs whose scores add up to the most (dynamic programming, Needleman–Wunsch 1970).

    A pair's score is W_TIME · closeness + W_TEXT · likeness; lines further than `reach` seconds apart make none. Both
    lists in order of time.
    """
    near = closeness(ours, theirs, reach)
    scores = np.where(near > 0, W_TIME * near, 0.0)
    rows, columns = np.nonzero(near > 0)
    if rows.size:
        alike = likeness.of([theirs[int(j)].text for j in columns], [ours[int(i)].text for i in rows])
        scores[rows, columns] += W_TEXT * np.clip(alike, 0.0, 1.0)
    return [Pair(j, (i,), float(scores[i, j])) for i, j in best_chain(scores)]


def closeness(ours: Sequence[ScriptLine], theirs: Sequence[ScriptLine], reach: float) -> NDArray[np.float64]:
    """1 where the middles of two lines meet, falling evenly to 0 where `reach` seconds part them, (ours, theirs)."""
    (a, long_a), (b, long_b) = _middles(ours), _middles(theirs)
    most = reach + (long_a[:, None] + long_b[None, :]) / 2
    apart = np.abs(a[:, None] - b[None, :])
    return np.asarray(np.maximum(0.0, 1.0 - np.divide(apart, most, out=(apart > 0).astype(float), where=most > 0)))


def best_chain(scores: NDArray[np.float64]) -> list[tuple[int, int]]:
    """The pairs (row, column), both rising, of the largest sum; pairs that score 0 are never taken."""
    total = np.zeros((scores.shape[0] + 1, scores.shape[1] + 1))
    for i in range(scores.shape[0]):
        # Either this row stays alone, or it takes a column: the best up to each column is a running maximum.
        total[i + 1, 1:] = np.maximum.accumulate(np.maximum(total[i, 1:], total[i, :-1] + scores[i]))
    pairs = []
    i, j = scores.shape
    while i and j:
        if total[i, j] == total[i, j - 1]:
            j -= 1
        elif total[i, j] == total[i - 1, j]:
            i -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]


def windows(ours: Sequence[ScriptLine], theirs: Sequence[ScriptLine], reach: float = REACH) -> list[Pair]:
    """Forced windows: each of our lines goes to the human line whose stretch its middle lies in or nearest to.

    Lines whose middle lies more than `reach` seconds outside every stretch are left over. Text plays no part.
    """
    if not ours or not theirs:
        return []
    starts, ends = (np.array([getattr(line, side) for line in theirs]) for side in ("start", "end"))
    middles, _ = _middles(ours)
    outside = np.maximum(np.maximum(starts[None, :] - middles[:, None], middles[:, None] - ends[None, :]), 0.0)
    nearest = outside.argmin(axis=1)
    ours_of: dict[int, list[int]] = {}
    for i, j in enumerate(nearest):
        if outside[i, j] <= reach:
            ours_of.setdefault(int(j), []).append(i)
    return [Pair(j, tuple(lines), 1.0) for j, lines in sorted(ours_of.items())]


def _middles(lines: Sequence[ScriptLine]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    starts, ends = (np.array([getattr(line, side) for line in lines], float) for side in ("start", "end"))
    return (starts + ends) / 2, ends - starts
