"""The optimiser against brute force, and its guarantees."""

from __future__ import annotations

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.schedule.losses import losses, total
from stages.schedule.optimise import optimise
from stages.schedule.placement import GRAIN, MS, Floats, Ints, Option, Placed, Rules, Slot

PAUSE, BREATH, CROWDING = 0.2, 0.6, 0.15


def costly(table: Sequence[float], late: float = 0.05, early: float = 0.1) -> Rules:
    """Rules whose places cost what the table says for every second of the film, and lateness."""

    def cost(pictures: Floats, seconds: Floats, slots: Ints, starts: Floats) -> Floats:  # noqa: ARG001
        away = starts - pictures
        noise = np.array(table)[(starts + MS).astype(int) % len(table)] * (1 + slots % 2)
        result: Floats = noise + late * np.maximum(away, 0) + early * np.maximum(-away, 0)
        return result

    return Rules(PAUSE, BREATH, CROWDING, cost)


def says_the_same(lines: Sequence[Placed], rules: Rules) -> bool:
    """Whether two lines near each other say the same, written apart from the optimiser."""
    return any(
        abs(a.option.when - b.option.when) <= rules.window + MS
        and (a.option.says == b.option.says or b.option.says in rules.alike.get(a.option.says, ()))
        for a, b in itertools.combinations(lines, 2)
        if a.option.says >= 0 and b.option.says >= 0
    )


def place_cost(rules: Rules, option: Option, slots: Sequence[Slot], number: int, start: float) -> float:
    """The step function, written apart from the optimiser: the cost where the step of `start` begins."""
    slot = slots[number]
    opens, last = max(slot.start, option.earliest), min(option.latest, slot.end - option.seconds)
    step = math.floor(start / GRAIN + MS) * GRAIN
    edges = [e for e in (opens, option.picture, last) if opens - MS <= e <= start + MS]
    start = np.array([max([step if step > opens else opens, *edges])])
    picture, seconds, slots_ = np.array([option.picture]), np.array([option.seconds]), np.array([number])
    return float(rules.cost(picture, seconds, slots_, start)[0])


def value_of(lines: Sequence[Placed], slots: Sequence[Slot], rules: Rules) -> float:
    """The objective, written apart from the optimiser."""
    worth = 0.0
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else None
        worth += line.option.value - place_cost(rules, line.option, slots, line.slot, line.start)
        if before and before.slot == line.slot and line.start < before.end + rules.breath - MS:
            worth -= rules.crowding
    return worth


def feasible(lines: Sequence[Placed], slots: Sequence[Slot], pause: float = PAUSE) -> bool:
    """Inside the slots and the sync windows, in order, apart, and no slot overfilled."""
    for line in lines:
        slot, option = slots[line.slot], line.option
        if not (slot.start - MS <= line.start and line.end <= slot.end + MS):
            return False
        if not option.earliest - MS <= line.start <= option.latest + MS:
            return False
    apart = all(a.end + pause <= b.start + MS or a.slot < b.slot for a, b in itertools.pairwise(lines))
    spoken = {n: sum(x.option.seconds for x in lines if x.slot == n) for n in range(len(slots))}
    return apart and all(spoken[n] <= slot.capacity + MS for n, slot in enumerate(slots))


def brute_force(moments: Sequence[Sequence[Option]], slots: Sequence[Slot], rules: Rules) -> float:
    """The best value over every choice of options, slots and starts. All times are tenths, so all starts are too."""

    def continuations(lines: list[Placed], rest: Sequence[Sequence[Option]]) -> Iterator[float]:
        yield value_of(lines, slots, rules)
        for at, moment in enumerate(rest):
            for option, number in itertools.product(moment, range(len(slots))):
                for tenth in range(math.ceil(option.earliest * 10 - MS), math.floor(option.latest * 10 + MS) + 1):
                    longer = [*lines, Placed(option, number, tenth / 10)]
                    in_order = not lines or lines[-1].slot <= number
                    if in_order and feasible(longer, slots) and not says_the_same(longer, rules):
                        yield from continuations(longer, rest[at + 1 :])

    return max(continuations([], moments))


def tenths(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(low, high).map(lambda n: n / 10)


@st.composite
def problems(draw: st.DrawFn, most: int = 3, window: int = 12) -> tuple[list[list[Option]], list[Slot], Rules]:
    slots, time = [], 0.0
    for _ in range(draw(st.integers(1, 3))):
        start = round(time + draw(tenths(0, 15)), 1)
        time = round(start + draw(tenths(5, 50)), 1)
        slots.append(Slot(start, time, draw(st.one_of(st.just(math.inf), tenths(5, 50)))))
    moments, picture = [], 0.0
    for number in range(draw(st.integers(1, most))):
        picture = round(picture + draw(tenths(0, 20)), 1)
        options = []
        for which in range(draw(st.integers(1, 2))):
            seconds, value = draw(tenths(3, 25)), draw(tenths(1, 15))
            earliest = max(0.0, round(picture - draw(tenths(0, 5)), 1))
            latest = round(picture + draw(tenths(0, window)), 1)
            options.append(Option(f"{number}.{which}", seconds, value, earliest, latest, picture))
        moments.append(options)
    rules = costly(draw(st.lists(tenths(0, 6), min_size=3, max_size=5)))
    saying, pair = st.integers(-1, 3), st.tuples(st.integers(0, 3), st.integers(0, 3))
    moments = [[replace(o, says=draw(saying), when=o.picture) for o in moment] for moment in moments]
    alike: dict[int, set[int]] = defaultdict(set)
    for one, other in draw(st.lists(pair, max_size=2)):
        if one != other:
            alike[one].add(other)
            alike[other].add(one)
    return moments, slots, replace(rules, window=draw(tenths(0, 60)), alike={k: frozenset(v) for k, v in alike.items()})


Problem = tuple[list[list[Option]], list[Slot], Rules]


@given(problems())
@settings(max_examples=250)
def test_is_as_good_as_brute_force(problem: Problem) -> None:
    is_best(*problem)


@given(problems(most=5, window=3))
@settings(max_examples=150)
def test_is_as_good_as_brute_force_for_longer_films(problem: Problem) -> None:
    is_best(*problem)


def is_best(moments: Sequence[Sequence[Option]], slots: Sequence[Slot], rules: Rules) -> None:
    """The plan obeys the rules, is worth what it says, and as much as can be; its bound is no lower."""
    plan = optimise(moments, slots, rules)
    best = brute_force(moments, slots, rules)
    assert feasible(plan.lines, slots)
    assert not says_the_same(plan.lines, rules)
    assert math.isclose(value_of(plan.lines, slots, rules), plan.value, abs_tol=1e-6)
    assert best - 1e-6 <= plan.bound
    assert math.isclose(plan.value, best, abs_tol=1e-6)


@given(problems(most=12, window=40))
@settings(max_examples=200)
def test_lines_are_ordered_apart_and_inside(problem: Problem) -> None:
    moments, slots, rules = problem
    lines = optimise(moments, slots, rules).lines
    assert feasible(lines, slots)
    order = [line.option.key for line in lines]
    assert order == sorted(order, key=lambda k: int(k.split(".")[0]))
    assert len({k.split(".")[0] for k in order}) == len(order), "at most one line a moment"


@given(problems(most=8, window=20))
@settings(max_examples=100)
def test_the_losses_are_what_the_objective_takes_away(problem: Problem) -> None:
    moments, slots, rules = problem
    lines = optimise(moments, slots, rules).lines
    assert math.isclose(total(lines, slots, rules), value_of(lines, slots, rules), abs_tol=1e-6)
    assert all(lost >= 0 for line in losses(lines, slots, rules) for lost in line.values())


def test_a_line_waits_for_a_loud_effect_to_pass() -> None:
    loud = costly([0.0, 0.8, 0.8, 0.0, 0.0])
    moment = [Option("0.0", 1.0, 1.0, 1.0, 4.0, 1.0)]
    (line,) = optimise([moment], [Slot(0.0, 5.0)], loud).lines
    assert line.start == 3.0
    (line,) = optimise([moment], [Slot(0.0, 3.4)], loud).lines
    assert line.start == 1.0, "where there is no time to wait it is spoken at once"


def test_of_two_lines_that_say_the_same_one_is_spoken() -> None:
    moments = [[Option(f"{n}.0", 1.0, 0.5, n * 3.0, n * 3.0 + 1, n * 3.0, n * 3.0, n % 2)] for n in range(3)]
    lines = optimise(moments, [Slot(0.0, 10.0)], costly([0.0])).lines
    assert [x.option.key for x in lines] == ["0.0", "1.0"], "another line between them does not make it news"
    near = replace(costly([0.0]), window=5.0)
    assert len(optimise(moments, [Slot(0.0, 10.0)], near).lines) == 3, "6 s later it may be said again"


def long_film(hours: float, seed: int = 5) -> Problem:
    """One keyframe every 10.8 s with four candidates, gaps every 12 s, one line in four like one of eighteen."""
    draw = random.Random(seed)
    length = hours * 3600
    slots = [Slot(t, t + draw.uniform(1.5, 9), 6.0) for t in np.arange(0, length - 12, 12.0).tolist()]
    moments = []
    for number in range(int(length / 10.8)):
        picture = number * 10.8
        moments.append(
            [
                Option(
                    f"{number}.{k}", draw.uniform(1, 4), draw.random() + 0.3, picture - 2, picture + 9, picture,
                    picture, draw.randrange(18) if draw.random() < 0.25 else 100 + 4 * number + k,
                )
                for k in range(4)
            ]
        )  # fmt: skip
    return moments, slots, replace(costly([0.0, 0.1, 0.05, 0.3], late=0.02), window=60.0)


def test_a_film_of_three_hours_is_placed_rightly() -> None:
    """1,000 moments × 4 candidates."""
    moments, slots, rules = long_film(3)
    plan = optimise(moments, slots, rules)
    assert feasible(plan.lines, slots)
    assert not says_the_same(plan.lines, rules)
    assert len(plan.lines) > 500
    assert 0 <= plan.short < 0.01
