"""Pairs of lines: the dynamic programme against every possible matching, and forced windows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from data.scripts.line import ScriptLine
from finetune.descriptions.matching import W_TEXT, W_TIME, best_chain, closeness, events, windows
from finetune.likeness import ChrF


def matchings(rows: int, columns: int) -> Iterator[list[tuple[int, int]]]:
    """Every order-preserving 1:1 matching."""
    for size in range(min(rows, columns) + 1):
        for chosen in combinations(range(rows), size):
            for taken in combinations(range(columns), size):
                yield list(zip(chosen, taken, strict=True))


@given(
    st.tuples(st.integers(0, 5), st.integers(0, 5)).flatmap(
        lambda shape: arrays(float, shape, elements=st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.7, 1.0]))
    )
)
def test_no_matching_scores_more(scores: NDArray[np.float64]) -> None:
    def total(pairs: list[tuple[int, int]]) -> float:
        return float(sum(scores[i, j] for i, j in pairs))

    found = best_chain(scores)
    assert all(i < k and j < m for (i, j), (k, m) in pairwise(found))
    assert all(scores[i, j] > 0 for i, j in found)
    assert total(found) == pytest.approx(max(map(total, matchings(*scores.shape))))


def test_score_of_a_pair() -> None:
    """Middles 1 s apart, lengths 2 s and 4 s, reach 2 s: closeness 1 − 1 / (2 + 3) = 0.8."""
    ours, theirs = [ScriptLine(1.0, 3.0, "문이 열린다.")], [ScriptLine(1.0, 5.0, "문이 열린다.")]
    assert closeness(ours, theirs, 2.0) == pytest.approx(np.array([[0.8]]))
    (pair,) = events(ours, theirs, ChrF(), 2.0)
    assert (pair.theirs, pair.ours) == (0, (0,))
    assert pair.score == pytest.approx(W_TIME * 0.8 + W_TEXT)


def test_lines_too_far_apart_make_no_pair() -> None:
    ours, theirs = [ScriptLine(0.0, 1.0, "문이 열린다.")], [ScriptLine(3.0, 4.0, "문이 열린다.")]
    assert events(ours, theirs, ChrF(), 2.0) == []
    assert len(events(ours, theirs, ChrF(), 2.1)) == 1
    assert events([], theirs, ChrF()) == events(ours, [], ChrF()) == []


def test_text_decides_between_neighbours() -> None:
    theirs = [ScriptLine(0.0, 2.0, "소영이 우산을 편다."), ScriptLine(2.0, 4.0, "민호가 문을 연다.")]
    ours = [ScriptLine(1.0, 3.0, "민호가 문을 연다.")]
    assert [(p.theirs, p.ours) for p in events(ours, theirs, ChrF())] == [(1, (0,))]


def test_instants_of_no_length() -> None:
    assert closeness([ScriptLine(1.0, 1.0, "가")], [ScriptLine(1.0, 1.0, "가")], 0.0) == pytest.approx(
        np.array([[1.0]])
    )


def test_windows_gather_our_lines_whatever_they_say() -> None:
    theirs = [ScriptLine(0.0, 5.0, "a"), ScriptLine(5.0, 10.0, "b"), ScriptLine(30.0, 31.0, "c")]
    ours = [
        ScriptLine(0.0, 2.0, "x"),
        ScriptLine(3.0, 4.0, "y"),
        ScriptLine(11.0, 12.0, "z"),
        ScriptLine(20.0, 21.0, "w"),
    ]
    assert [(p.theirs, p.ours) for p in windows(ours, theirs, 2.0)] == [(0, (0, 1)), (1, (2,))]
    assert windows([], theirs) == windows(ours, []) == []
