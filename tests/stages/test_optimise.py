"""The optimiser against brute force, and its guarantees."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from stages.schedule.optimise import MS, Option, Placed, Rules, Slot, optimise, settle

RULES = Rules(pause=0.2, delay_cost=0.05, repeat_cost=0.7, similar=lambda a, b: a == b)


def value_of(lines: Sequence[Placed], rules: Rules = RULES) -> float:
    """The objective, written apart from the optimiser."""
    total = 0.0
    for before, line in zip([None, *lines], lines, strict=False):
        total += line.option.value - rules.delay_cost * (line.start - line.option.earliest)
        if before and rules.similar(before.option.text, line.option.text):
            total -= rules.repeat_cost
    return total


def feasible(lines: Sequence[Placed], slots: Sequence[Slot], pause: float = RULES.pause) -> bool:
    """Inside the slots and the sync windows, in order, apart, and no slot overfilled."""
    for line in lines:
        slot, option = slots[line.slot], line.option
        if not (slot.start <= line.start and line.end <= slot.end + MS):
            return False
        if not option.earliest <= line.start <= option.latest:
            return False
    apart = all(a.end + pause <= b.start + MS or a.slot < b.slot for a, b in itertools.pairwise(lines))
    spoken = {n: sum(x.option.seconds for x in lines if x.slot == n) for n in range(len(slots))}
    return apart and all(spoken[n] <= slot.capacity + MS for n, slot in enumerate(slots))


def brute_force(moments: Sequence[Sequence[Option]], slots: Sequence[Slot]) -> float:
    """The best value over every choice of options and slots, each placed as early as it can be."""
    best = 0.0
    for choice in itertools.product(*[[None, *itertools.product(m, range(len(slots)))] for m in moments]):
        lines: list[Placed] = []
        for picked in filter(None, choice):
            option, number = picked
            after = lines[-1].end + RULES.pause if lines and lines[-1].slot == number else -math.inf
            if lines and lines[-1].slot > number:
                break
            lines.append(Placed(option, number, max(slots[number].start, option.earliest, after)))
        else:
            if feasible(lines, slots):
                best = max(best, value_of(lines))
    return best


def tenths(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(low, high).map(lambda n: n / 10)


@st.composite
def problems(draw: st.DrawFn, most: int = 4) -> tuple[list[list[Option]], list[Slot]]:
    slots, time = [], 0.0
    for _ in range(draw(st.integers(1, 3))):
        start = time + draw(tenths(0, 20))
        time = start + draw(tenths(5, 60))
        slots.append(Slot(start, time, draw(tenths(5, 60))))
    moments, picture = [], 0.0
    for number in range(draw(st.integers(1, most))):
        picture += draw(tenths(0, 30))
        options = []
        for which in range(draw(st.integers(1, 2))):
            words, seconds, value = draw(st.sampled_from("abc")), draw(tenths(3, 30)), draw(tenths(1, 15))
            latest = picture + draw(tenths(0, 80))
            options.append(Option(f"{number}.{which}", words, seconds, value, picture, latest))
        moments.append(options)
    return moments, slots


@given(problems())
@settings(max_examples=300, deadline=None)
def test_is_as_good_as_brute_force(problem: tuple[list[list[Option]], list[Slot]]) -> None:
    moments, slots = problem
    lines = optimise(moments, slots, RULES)
    assert feasible(lines, slots)
    assert math.isclose(value_of(lines), brute_force(moments, slots), abs_tol=1e-9)


@given(problems(most=12))
@settings(max_examples=200, deadline=None)
def test_lines_are_ordered_apart_and_inside(problem: tuple[list[list[Option]], list[Slot]]) -> None:
    moments, slots = problem
    lines = optimise(moments, slots, RULES)
    assert feasible(lines, slots)
    order = [line.option.key for line in lines]
    assert order == sorted(order, key=lambda k: int(k.split(".")[0]))
    assert len({k.split(".")[0] for k in order}) == len(order), "at most one line a moment"


@given(problems(most=8), st.floats(0, 3))
@settings(max_examples=100, deadline=None)
def test_settling_moves_lines_towards_their_pictures_only(
    problem: tuple[list[list[Option]], list[Slot]], early: float
) -> None:
    moments, slots = problem
    moments = [[replace(o, picture=o.earliest + early, latest=o.latest + early) for o in m] for m in moments]
    before = optimise(moments, slots, RULES)
    after = settle(before, slots, RULES.pause)
    assert [(x.option, x.slot) for x in after] == [(x.option, x.slot) for x in before]
    assert feasible(after, slots)
    assert all(b.start <= a.start <= max(b.start, a.option.picture) for a, b in zip(after, before, strict=True))


def test_a_film_of_three_hours_keeps_few_plans() -> None:
    """1,000 moments × 4 candidates: finishes, and every line is placed rightly."""
    draw = random.Random(5)
    slots = [Slot(t, t + draw.uniform(1.5, 6), 9.0) for t in range(0, 10_800, 12)]
    moments = []
    for number in range(1000):
        picture = number * 10.8
        moments.append(
            [
                Option(f"{number}.{k}", f"{number}-{k}", draw.uniform(1, 4), draw.random(), picture, picture + 9)
                for k in range(4)
            ]
        )
    lines = optimise(moments, slots, RULES)
    assert feasible(lines, slots)
    assert len(lines) > 500
