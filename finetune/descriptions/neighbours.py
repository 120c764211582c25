"""Can each of our lines be told from its neighbours: is its own human line among those most like it?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from finetune.likeness import Likeness

WINDOW = 16
TOP = 5
"""N and k of AutoAD-II's tables: R@5/16."""


def recall_within_neighbours(
    ours: Sequence[str], theirs: Sequence[str], likeness: Likeness, top: int = TOP, window: int = WINDOW
) -> float:
    """Recall@k/N, 0…1 (AutoAD-II, Han et al. 2023): paired lists, in order of time.

    In windows of N pairs that begin every N/2, the share of our lines whose own human line is among the k most like
    it, then the mean over windows; lines after the last whole window do not count. Among equally like lines it counts
    as it would by chance, k/N then. The paper's scorer is BERTScore of roberta-large with its baseline: with another
    likeness this is another number. nan for fewer than N pairs.
    """
    if len(ours) < window:
        return float("nan")
    alike = _band(ours, theirs, likeness, window)
    recalls = []
    for start in range(0, len(ours) - window + 1, window // 2):
        inside = slice(start, start + window)
        recalls.append(np.mean([_hit(row, own, top) for own, row in enumerate(alike[inside, inside])]))
    return float(np.mean(recalls))


def _band(ours: Sequence[str], theirs: Sequence[str], likeness: Likeness, window: int) -> NDArray[np.float64]:
    """Likeness of each of our lines (rows) to the human lines that share a window with it; nan elsewhere."""
    places = [(i, j) for i in range(len(ours)) for j in range(len(theirs)) if abs(i - j) < window]
    alike = np.full((len(ours), len(theirs)), np.nan)
    rows, columns = zip(*places, strict=True)
    alike[rows, columns] = likeness.of([theirs[j] for j in columns], [ours[i] for i in rows])
    return alike


def _hit(row: NDArray[np.float64], own: int, top: int) -> float:
    above, same = int((row > row[own]).sum()), int((row == row[own]).sum())
    return min(1.0, max(0.0, (top - above) / same))
