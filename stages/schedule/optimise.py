"""Which line is spoken where: an exact choice over moments × candidates × gaps.

The model. Moments are ordered by time; at most one option of each is spoken; lines keep the order of their
moments and never overlap (a pause lies between two). An option starts as early as its picture and the lines
before it allow. Its value falls linearly with its delay, and by a fixed cost if the line before says nearly the
same. Long gaps are filled to a share only.

Why it is exact. The value of an option never grows with a later start, so for any choice of options the earliest
placement is best, and all that the future depends on is: when the last line ended, how much of its slot is filled,
and what it said. Of two plans, one that ended no later, filled no more and is worth no less can follow every
continuation of the other: its lines start no later, and only the first of them can cost more, by at most
`repeat_cost`, where the last words differ. So it may replace the other if the words are the same, or if it is worth
at least that much more. Times before the earliest start of any later option count as that start. Everything that
is not dominated in this way is enumerated. (Bellman 1957; dominance: Irnich & Desaulniers 2005.)
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

MS = 1e-6
"""Tolerance for sums of times that are exact to 1 ms."""


@dataclass(frozen=True)
class Slot:
    """Where narration may lie: a gap inside its guards. `capacity` bounds the seconds spoken in it."""

    start: float
    end: float
    capacity: float


@dataclass(frozen=True)
class Option:
    """One way to speak of a moment: may start in [earliest, latest], takes `seconds`, is worth `value`.

    `picture` is when what it speaks of appears, where that is later than `earliest`.
    """

    key: str
    text: str
    seconds: float
    value: float
    earliest: float
    latest: float
    picture: float = -math.inf


@dataclass(frozen=True)
class Rules:
    """pause: seconds between two lines; delay_cost: value lost per second of delay; repeat_cost: value lost when
    `similar(previous, text)` holds for neighbours."""

    pause: float
    delay_cost: float
    repeat_cost: float
    similar: Callable[[str, str], bool]


@dataclass(frozen=True)
class Placed:
    """An option in a slot, with its start."""

    option: Option
    slot: int
    start: float

    @property
    def end(self) -> float:
        """When the line has ended by its estimate."""
        return self.start + self.option.seconds


@dataclass(frozen=True)
class Plan:
    """A partial choice: its value, the last line, the seconds filled in the last line's slot, and what came before."""

    value: float
    filled: float = 0.0
    last: Placed | None = None
    before: Plan | None = None

    @property
    def slot(self) -> int:
        """Index of the slot of the last line; -1 before the first."""
        return self.last.slot if self.last else -1

    @property
    def end(self) -> float:
        """When the last line ends; minus infinity before the first."""
        return self.last.end if self.last else -math.inf

    def lines(self) -> list[Placed]:
        """The placed lines in order of time."""
        found: list[Placed] = []
        plan: Plan | None = self
        while plan and plan.last:
            found.append(plan.last)
            plan = plan.before
        return found[::-1]


def optimise(moments: Sequence[Sequence[Option]], slots: Sequence[Slot], rules: Rules) -> list[Placed]:
    """The most valuable placement; `moments` in order of time, `slots` in order of time and disjoint."""
    plans = [Plan(0.0)]
    floors = _floors(moments, rules.pause)
    for options, floor in zip(moments, floors, strict=True):
        grown = [p for plan in plans for option in options for p in _extend(plan, option, slots, rules)]
        plans = _undominated(plans + grown, slots, floor, rules.repeat_cost)
    return max(plans, key=lambda p: p.value).lines()


def settle(lines: Sequence[Placed], slots: Sequence[Slot], pause: float) -> list[Placed]:
    """The same lines; those that start before their picture as close to it as the lines after them allow."""
    settled: list[Placed] = []
    for line in reversed(lines):
        after = settled[-1] if settled and settled[-1].slot == line.slot else None
        limit = (after.start - pause if after else slots[line.slot].end) - line.option.seconds
        start = max(line.start, min(line.option.picture, limit))
        settled.append(Placed(line.option, line.slot, start))
    return settled[::-1]


def _floors(moments: Sequence[Sequence[Option]], pause: float) -> list[float]:
    """For each moment: an end of line before this is as good as this for every later option."""
    floors, earliest = [], math.inf
    for options in reversed(moments):
        floors.append(earliest - pause)
        earliest = min([earliest, *(o.earliest for o in options)])
    return floors[::-1]


def _extend(plan: Plan, option: Option, slots: Sequence[Slot], rules: Rules) -> Iterator[Plan]:
    """Every way to add `option` after `plan`: one for each slot it can still start in."""
    first = max(plan.slot, bisect.bisect_right(slots, option.earliest, key=lambda s: s.end))
    for number in range(max(first, 0), len(slots)):
        slot, same = slots[number], number == plan.slot
        if slot.start > option.latest:
            return
        start = max(slot.start, option.earliest, plan.end + rules.pause if same else -math.inf)
        filled = option.seconds + (plan.filled if same else 0.0)
        if start > option.latest or start + option.seconds > slot.end + MS or filled > slot.capacity + MS:
            continue
        repeats = plan.last is not None and rules.similar(plan.last.option.text, option.text)
        gain = option.value - rules.delay_cost * (start - option.earliest) - rules.repeat_cost * repeats
        yield Plan(plan.value + gain, filled, Placed(option, number, start), plan)


def _undominated(plans: list[Plan], slots: Sequence[Slot], floor: float, repeat_cost: float) -> list[Plan]:
    """Drop every plan that another one equals or beats whatever comes next."""
    open_slot = bisect.bisect_right(slots, floor, key=lambda s: s.end)
    states = [_State.of(plan, open_slot, floor) for plan in plans]
    states.sort(key=lambda s: (-s.plan.value, s.slot, s.end, s.filled))
    kept: list[_State] = []
    for state in states:
        if not any(better.dominates(state, repeat_cost) for better in kept):
            kept.append(state)
    return [state.plan for state in kept]


@dataclass(frozen=True)
class _State:
    """What the future of a plan depends on."""

    plan: Plan
    slot: int
    end: float
    filled: float
    words: str | None

    @classmethod
    def of(cls, plan: Plan, open_slot: int, floor: float) -> _State:
        slot = max(plan.slot, open_slot)
        words = plan.last.option.text if plan.last else None
        return cls(plan, slot, max(plan.end, floor), plan.filled if slot == plan.slot else 0.0, words)

    def dominates(self, other: _State, repeat_cost: float) -> bool:
        """No future is worth more after `other`, whose value is no greater than this one's."""
        if self.slot > other.slot or self.end > other.end:
            return False
        if self.slot == other.slot and self.filled > other.filled:
            return False
        return self.words in (other.words, None) or self.plan.value >= other.plan.value + repeat_cost
