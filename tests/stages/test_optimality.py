"""The optimiser against an exact solver and greedy placements, and its work on the worst inputs."""

from __future__ import annotations

import itertools
import math
import random
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings, target
from hypothesis import strategies as st

from benchmarks import choice, exact
from benchmarks.greedy import greedy_by_value, greedy_in_time
from stages.schedule.losses import total
from stages.schedule.optimise import optimise
from stages.schedule.placement import Option, Rules, Slot
from stages.schedule.relaxed import QUICK, Paths
from stages.schedule.search import Search
from tests.stages.test_optimise import Problem, costly, feasible, says_the_same, value_of

SUBJECTS = ("한 남자가", "노인이", "소녀가", "두 형사가", "간호사가", "아이들이", "주인이", "검은 개가")
PLACES = ("젖은 골목에서", "옥상 난간에", "병원 복도를", "낡은 부엌에서", "다리 밑으로", "빈 교실에서", "시장 한복판을")
ACTS = (
    "천천히 걷는다.",
    "편지를 찢는다.",
    "고개를 든다.",
    "창문을 닫는다.",
    "칼을 내려놓는다.",
    "뒤돌아 웃는다.",
    "달린다.",
)
LINES = [" ".join(words) for words in itertools.product(SUBJECTS, PLACES, ACTS)]


@pytest.mark.slow
@pytest.mark.parametrize(("gaps", "captions"), [*itertools.product(choice.GAPS, choice.CAPTIONS)])
def test_is_as_good_as_an_exact_solver(gaps: str, captions: str, tmp_path: Path) -> None:
    """Films of 4 minutes; benchmarks/results/optimality.md has those of up to 15."""
    film = choice.drawn(240, gaps, 11)
    planner = choice.planner(film, choice.captioner(LINES, captions, "ko", 11), tmp_path, "ko")
    planner.prepare()
    problem = moments, slots, rules = exact.on_grid(planner.problem(), planner.slots, planner.rules)
    solved, plan = exact.best(problem, 60), optimise(moments, slots, rules)
    assert solved.value > 5
    assert math.isclose(value_of(plan.lines, slots, rules), plan.value, abs_tol=1e-6)
    assert plan.value <= solved.bound + 1e-3, "no placement is worth more than the best: one of both is wrong"
    assert solved.value * (1 - 2 * exact.GAP) - 1e-6 <= plan.bound, "the bound is one"
    assert plan.value >= 0.98 * solved.bound
    for place in (greedy_in_time, greedy_by_value):
        assert plan.value >= total(place(moments, slots, rules), slots, rules) - 1e-6


@st.composite
def adversaries(draw: st.DrawFn) -> Problem:
    """Anything a film might be made of to make the choice slow.

    Windows of minutes over many slots, lines of a tenth of a second or as long as a slot, equal values, places that
    grow cheaper all the time, everything alike or nothing.
    """
    random_ = random.Random(draw(st.integers(0, 2**32)))
    length = draw(st.sampled_from((20.0, 120.0, 400.0)))
    shortest, longest = draw(st.sampled_from(((0.1, 0.2), (0.5, 6.0), (5.0, 30.0))))
    apart, reach = draw(st.sampled_from((0.0, 0.3, 3.0))), draw(st.sampled_from((1.0, 20.0, 1000.0)))
    slot = draw(st.sampled_from((1.5, 10.0, 400.0)))
    fill, kinds = draw(st.sampled_from((0.3, 0.8, math.inf))), draw(st.sampled_from((1, 7, 1000)))
    level, window = draw(st.booleans()), draw(st.sampled_from((0.0, 60.0, math.inf)))
    slots, time = list[Slot](), 0.0
    while time < length:
        slots.append(Slot(time, time + slot, slot * fill))
        time += slot + random_.choice((0.0, 0.1, 2.0))
    moments, when = list[list[Option]](), 0.0
    for number in range(draw(st.integers(1, 30))):
        when += apart * random_.random()
        moments.append(
            [
                Option(f"{number}.{k}", random_.uniform(shortest, longest), 1.0 if level else random_.uniform(0.3, 4.0),
                       max(when - reach, 0.0), when + reach, when, when, random_.randrange(kinds))
                for k in range(draw(st.integers(1, 4)))
            ]
        )  # fmt: skip
    says = range(kinds if kinds < 1000 else 0)
    alike = {a: frozenset(says) - {a} for a in says} if draw(st.booleans()) else {}
    late, early = draw(st.sampled_from(((0.0, 0.0), (0.02, 0.2), (0.0, 0.005))))
    noise = draw(st.sampled_from(((0.0,), (0.0, 0.4, 0.1), tuple(n / 50 for n in range(50, 0, -1)))))
    rules = costly(noise, late=late, early=early)
    return moments, slots, Rules(rules.pause, rules.breath, rules.crowding, rules.cost, window, alike)


class Work:
    """Counts what the choice handles: cells on all paths, and plans grown."""

    def __init__(self) -> None:
        self.done = 0

    def follow(self, paths: Paths, prices: object) -> float:
        """`Paths.follow`, counted."""
        self.done += len(paths._gains)
        return FOLLOW(paths, prices)  # type: ignore[arg-type]

    def grown(self, search: Search, *given: object) -> object:
        """`Search._grown`, counted."""
        found = GROWN(search, *given)  # type: ignore[arg-type]
        self.done += len(found.value)
        return found


FOLLOW, GROWN = Paths.follow, Search._grown
MOST_AN_OPTION = 120_000
"""What one option may cost at worst, in cells and plans; `MOST_CELLS` × (passes of `QUICK` and `THOROUGH` + 2) and the
search's widths."""


def worked(problem: Problem) -> float:
    """Choose lines; what an option costs in cells and plans."""
    moments, slots, rules = problem
    work = Work()
    with (
        patch.object(Paths, "follow", lambda paths, prices: work.follow(paths, prices)),
        patch.object(Search, "_grown", lambda search, *given: work.grown(search, *given)),
    ):
        plan = optimise(moments, slots, rules)
    assert feasible(plan.lines, slots)
    assert not says_the_same(plan.lines, rules)
    assert plan.value <= plan.bound + 1e-9
    assert math.isclose(total(plan.lines, slots, rules), plan.value, abs_tol=1e-6)
    return work.done / sum(len(moment) for moment in moments)


@given(adversaries())
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_film_costs_more_than_so_much_for_each_candidate(problem: Problem) -> None:
    """1,000 of them: benchmarks/results/narration.md."""
    cost = worked(problem)
    target(cost)
    assert cost <= MOST_AN_OPTION


def test_the_count_of_work_sees_all_passes_and_searches() -> None:
    moments = [[Option(f"{n}.0", 2.0, 1.0, 3.0 * n, 3.0 * n + 5, 3.0 * n, 3.0 * n, 0)] for n in range(20)]
    rules = costly([0.0])
    assert worked((moments, [Slot(0.0, 90.0, 20.0)], rules)) > 100 / QUICK.passes
