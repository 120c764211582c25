"""The best placement of a film by a general solver: a flow through moments and times, in HiGHS.

Times lie on a grid here (`on_grid`), so that the starts that can be best are finitely many. A unit of flow is the plan:
a node is a moment and the time at which the last line has ended, an arc leaves the moment out, waits, or speaks an
option; what a slot holds and what may not be said twice are rows of their own. Nothing of `stages.schedule` is used but
the costs of places.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from stages.schedule.placement import GRAIN, Floats, Ints, Option, Rules, Slot

Problem = tuple[list[list[Option]], list[Slot], Rules]
GAP = 1e-4
"""Share of the value by which the solver may miss the best."""


@dataclass(frozen=True)
class Solved:
    """The worth of the best plan that was found, and what no plan is worth more than."""

    value: float
    bound: float


@dataclass(frozen=True)
class Arc:
    """An option spoken after `tail` so that it ends at `head`: numbers of times."""

    option: int
    moment: int
    slot: int
    tail: int
    head: int
    gain: float


def on_grid(moments: Sequence[Sequence[Option]], slots: Sequence[Slot], rules: Rules) -> Problem:
    """The problem with all times moved to multiples of GRAIN; lengths grow by less than that."""

    def moved(time: float) -> float:
        return round(time / GRAIN) * GRAIN

    gridded = [
        [
            replace(o, seconds=math.ceil(o.seconds / GRAIN - 1e-6) * GRAIN, earliest=moved(o.earliest),
                    latest=moved(o.latest), picture=moved(o.picture))
            for o in options
        ]
        for options in moments
    ]  # fmt: skip
    held = [Slot(moved(s.start), moved(s.end), s.capacity) for s in slots]

    def cost(pictures: Floats, seconds: Floats, slots: Ints, starts: Floats) -> Floats:
        """5.8 and 29 × 0.2 lie on two sides of a tenth of a second, where the cost of a place may change."""
        return rules.cost(pictures, seconds, slots, np.round(starts, 6))

    return gridded, [s for s in held if s.end > s.start], replace(rules, cost=cost)


def best(problem: Problem, seconds: float) -> Solved:
    """Solve a problem on the grid within `seconds`."""
    moments, slots, rules = problem
    options = [option for moment in moments for option in moment]
    times = Times(slots, rules)
    arcs = list(_arcs(moments, slots, rules, times))
    flow = _flow(len(moments), arcs, times)
    rows = [*_capacities(arcs, slots, options), *_repetitions(moments, rules, arcs)]
    spoken = len(flow[0]) - len(arcs)
    gains = np.array([*[0.0] * spoken, *(arc.gain for arc in arcs)])
    at, columns, values = [flow[0], flow[1]], [np.arange(len(gains))] * 2, [np.ones(len(gains)), -np.ones(len(gains))]
    count = flow[2]
    for number, (members, weights, _) in enumerate(rows):
        at.append(np.full(len(members), count + number))
        columns.append(np.array(members) + spoken)
        values.append(np.array(weights))
    matrix = coo_array((np.concatenate(values), (np.concatenate(at), np.concatenate(columns))),
                       shape=(count + len(rows), len(gains)))  # fmt: skip
    needed = np.zeros(count)
    needed[0], needed[-1] = 1, -1
    low = np.append(needed, np.full(len(rows), -np.inf))
    high = np.append(needed, [most for _, _, most in rows])
    whole = np.append(np.zeros(spoken), np.ones(len(arcs)))
    found = milp(-gains, constraints=LinearConstraint(matrix.tocsr(), low, high), integrality=whole,
                 bounds=Bounds(0, 1), options={"time_limit": seconds, "mip_rel_gap": GAP})  # fmt: skip
    value = 0.0 if found.fun is None else -found.fun
    if (
        found.mip_dual_bound is None or -found.mip_dual_bound > 2 * value + 1
    ):  # not even the first relaxation was solved
        return best(problem, 4 * seconds)
    return Solved(-found.fun if found.fun is not None else 0.0, -found.mip_dual_bound)


class Times:
    """The times of all slots in one row; a breath of them before each slot, from which all of it is open."""

    def __init__(self, slots: Sequence[Slot], rules: Rules) -> None:
        self.pause, self.breath = (
            round(rules.pause / GRAIN),
            max(round(rules.breath / GRAIN), round(rules.pause / GRAIN)),
        )
        self.begins = [round(slot.start / GRAIN) for slot in slots]
        lengths = [round(slot.end / GRAIN) - b + 1 + self.breath for slot, b in zip(slots, self.begins, strict=True)]
        self.base = [self.breath + sum(lengths[:number]) for number in range(len(slots))]
        self.count = sum(lengths) + self.breath

    def at(self, slot: int, time: int) -> int:
        """The number of a time, in grains, in a slot."""
        return self.base[slot] + time - self.begins[slot]


def _arcs(moments: Sequence[Sequence[Option]], slots: Sequence[Slot], rules: Rules, times: Times) -> Iterator[Arc]:
    number = itertools.count()
    for moment, options in enumerate(moments):
        for option in options:
            which = next(number)
            for slot, place in enumerate(slots):
                if option.seconds <= place.capacity + 1e-6:
                    yield from _of(option, which, moment, slot, place, rules, times)


def _of(
    option: Option, which: int, moment: int, slot: int, place: Slot, rules: Rules, times: Times
) -> Iterator[Arc]:  # fmt: skip
    first = round(max(place.start, option.earliest) / GRAIN)
    last = round(min(option.latest, place.end - option.seconds) / GRAIN)
    starts = np.arange(first, last + 1)
    if len(starts):
        same = (np.full(len(starts), value) for value in (option.picture, option.seconds, slot))
        costs = rules.cost(*same, starts * GRAIN)
        for start, cost in zip(starts.tolist(), costs.tolist(), strict=True):
            begins = times.at(slot, start)
            ends = begins + round(option.seconds / GRAIN)
            for behind, crowding in ((times.breath, 0.0), (times.pause, rules.crowding)):
                if option.value - cost - crowding > 0:
                    yield Arc(which, moment, slot, begins - behind, ends, option.value - cost - crowding)


def _flow(moments: int, arcs: Sequence[Arc], times: Times) -> tuple[np.ndarray, np.ndarray, int]:
    """Tails and heads of all arcs, those that speak last, and the number of nodes.

    A moment has nodes for the times between the first at which a later line may begin and the last at which one before
    has ended: earlier ones count as the first, later ones are not reached.
    """
    by_moment = defaultdict(list)
    for arc in arcs:
        by_moment[arc.moment].append(arc)
    first, last = [times.count - 1] * (moments + 1), [0] * (moments + 1)
    for moment in reversed(range(moments)):
        first[moment] = min([first[moment + 1], *(arc.tail for arc in by_moment[moment])])
    for moment in range(moments + 1):
        before = [arc.head for arc in by_moment[moment - 1]] if moment else []
        tails = [arc.tail for arc in by_moment[moment]] if moment < moments else []
        last[moment] = max([last[moment - 1] if moment else 0, first[moment], *before, *tails])
    base = np.append(0, np.cumsum([z - a + 1 for a, z in zip(first, last, strict=True)]))

    def node(moment: int, time: int) -> int:
        return int(base[moment]) + max(time, first[moment]) - first[moment]

    tails, heads = list[int](), list[int]()
    for moment in range(moments + 1):
        for time in range(first[moment], last[moment] + 1):
            if time < last[moment]:
                tails.append(node(moment, time))
                heads.append(node(moment, time + 1))
            if moment < moments:
                tails.append(node(moment, time))
                heads.append(node(moment + 1, time))
    tails += [node(arc.moment, arc.tail) for arc in arcs]
    heads += [node(arc.moment + 1, arc.head) for arc in arcs]
    return np.array(tails), np.array(heads), int(base[-1])


Row = tuple[list[int], list[float], float]
"""Numbers of arcs, their weights, and the most they may come to."""


def _capacities(arcs: Sequence[Arc], slots: Sequence[Slot], options: Sequence[Option]) -> Iterator[Row]:
    members = defaultdict(list)
    for number, arc in enumerate(arcs):
        members[arc.slot].append(number)
    for slot, found in members.items():
        if math.isfinite(slots[slot].capacity):
            yield found, [options[arcs[n].option].seconds for n in found], slots[slot].capacity + 1e-6


def _repetitions(moments: Sequence[Sequence[Option]], rules: Rules, arcs: Sequence[Arc]) -> Iterator[Row]:
    """Of what says the same within the window one line; and of every two that are alike."""
    when = [options[0].when if options else 0.0 for options in moments]
    said: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    options = [option for moment in moments for option in moment]
    for number, arc in enumerate(arcs):
        if options[arc.option].says >= 0:
            said[options[arc.option].says][arc.moment].append(number)
    for says, places in said.items():
        for first in sorted(places):
            near = [m for m in sorted(places) if m >= first and when[m] - when[first] <= rules.window + 1e-6]
            found = [number for moment in near for number in places[moment]]
            if len(near) > 1:
                yield found, [1.0] * len(found), 1.0
            for other in rules.alike.get(says, ()):
                for moment, numbers in said.get(other, {}).items():
                    if moment != first and abs(when[moment] - when[first]) <= rules.window + 1e-6 and says < other:
                        both = places[first] + numbers
                        yield both, [1.0] * len(both), 1.0
