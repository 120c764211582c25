"""Which line is spoken where: an exact choice over moments × options × gaps × starts.

The model. Moments are ordered by time; at most one option of each is spoken (an option is a candidate, a shortened
or a faster form of one); lines keep the order of their moments, lie inside a slot, and a pause lies between two. A
line is worth its value, less

* what its place costs: a step function of its start (`Rules.cost`, sampled every `GRAIN` seconds and where its window
  or its picture begins), which may rise and fall: earliness, lateness, a loud effect under it;
* `crowding`, where it follows the line before within `breath` seconds in one slot;
* the highest of `repeats[said][it]` over all lines said before it.

Why it is exact. Let two plans have come to the same moment. All that the future depends on is: the slot and the end of
the last line, how much of that slot is filled, and what a later line would cost as a repetition of what was said. Let
plan P be in an earlier slot, or in the same slot, ended no later and filled no more. Then P can follow every
continuation of Q: the next line's start costs the same wherever it lies in one step, so P's line may begin where that
step begins, or where P allows, whichever is later, and never later than Q's; from then on both are alike. Only
repetitions can cost P more: for one later moment at most the difference of the two costs, and never more than that
line is worth, for P may leave it out. So P replaces Q if it is worth at least as much more as the sum of that over the
moments to come. The same argument says which starts are enough: as soon as possible, as soon as possible without
crowding, and from there every step that is cheaper than all before it. Ends that lie before anything later can start
count as that start. Everything that is not dominated in this way is kept. (Bellman 1957; dominance of labels:
Irnich & Desaulniers 2005.)

Options, windows and labels lie around one moment each, so the work grows with the length of the film.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MS = 1e-6
"""Tolerance for sums of times that are exact to 1 ms."""
GRAIN = 0.2
"""Seconds: steps in which the cost of a place is known; finer than anybody hears a line to be early."""
BLOCK = 32
"""Labels that are compared with all others at once."""
NEVER = -1e9
"""Before the film; a number, for infinities do not add up."""


@dataclass(frozen=True)
class Slot:
    """Where narration may lie: a gap inside its guards. `capacity` bounds the seconds spoken in it."""

    start: float
    end: float
    capacity: float = math.inf


@dataclass(frozen=True)
class Option:
    """One way to speak of a moment: may start in [earliest, latest], takes `seconds`, is worth `value`.

    `picture` is when what it speaks of appears.
    """

    key: str
    seconds: float
    value: float
    earliest: float
    latest: float
    picture: float


@dataclass(frozen=True)
class Rules:
    """What lines cost each other and their place.

    `cost(option, number of the slot, starts)` ≥ 0 is what the place costs at each start. `repeats[key][later key]` ≥ 0
    is what the later line costs if the first was said; pairs that are not there cost nothing.
    """

    pause: float
    breath: float
    crowding: float
    cost: Callable[[Option, int, Floats], Floats]
    repeats: Mapping[str, Mapping[str, float]]


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
class Window:
    """The starts of one option in one slot: steps in order of time, the cost from each to the next, and for each the
    next step that is cheaper (its own number where there is none). `last` is the latest start."""

    option: Option
    slot: int
    steps: Floats
    costs: Floats
    cheaper: Ints
    last: float

    def step(self, start: float) -> int:
        """The number of the step that a start inside the window lies in."""
        return max(0, int(np.searchsorted(self.steps, start + MS, "right")) - 1)


@dataclass(frozen=True)
class Labels:
    """Plans, one in each row: worth, slot and end of the last line, seconds filled in that slot, what has been said
    (a row of the search's table), the last of their lines before this moment; and the line added now."""

    value: Floats
    slot: Ints
    end: Floats
    filled: Floats
    said: Ints
    line: Ints
    window: Ints
    start: Floats

    def rows(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> Labels:
        """Some of the plans."""
        return Labels(*(getattr(self, f.name)[which] for f in fields(self)))


def optimise(moments: Sequence[Sequence[Option]], slots: Sequence[Slot], rules: Rules) -> list[Placed]:
    """The most valuable placement; `moments` in order of time, `slots` in order of time and disjoint."""
    return _Search(moments, slots, rules).run()


def windows(option: Option, slots: Sequence[Slot], rules: Rules) -> list[Window]:
    """Where `option` can be spoken, slot by slot."""
    found = []
    first = bisect.bisect_right(slots, option.earliest, key=lambda s: s.end)
    for number in range(first, len(slots)):
        slot = slots[number]
        if slot.start > option.latest + MS:
            break
        opens, last = max(slot.start, option.earliest), min(option.latest, slot.end - option.seconds)
        if last >= opens - MS and option.seconds <= slot.capacity + MS:
            found.append(_window(option, number, opens, max(last, opens), rules))
    return found


def _window(option: Option, number: int, opens: float, last: float, rules: Rules) -> Window:
    grid = np.arange(math.floor(opens / GRAIN) + 1, math.ceil(last / GRAIN)) * GRAIN
    if opens < option.picture < last:
        grid = np.insert(grid, int(np.searchsorted(grid, option.picture)), option.picture)
    steps = np.concatenate([[opens], grid, [last]] if last > opens else [[opens]])
    costs = rules.cost(option, number, steps)
    return Window(option, number, steps, costs, _next_cheaper(costs), last)


def _next_cheaper(costs: Floats) -> Ints:
    """For each the number of the next lower one; its own where none follows."""
    result = np.arange(len(costs))
    if not np.any(costs[1:] < costs[:-1]):
        return result
    waiting: list[int] = []
    for number, cost in enumerate(costs.tolist()):
        while waiting and cost < costs[waiting[-1]] - 1e-9:
            result[waiting.pop()] = number
        waiting.append(number)
    return result


class _Search:
    """The labels of the plans that may still become the best, moment by moment."""

    def __init__(self, moments: Sequence[Sequence[Option]], slots: Sequence[Slot], rules: Rules) -> None:
        self.moments, self.slots, self.rules = moments, slots, rules
        options = [option for moment in moments for option in moment]
        self.number = {option.key: n for n, option in enumerate(options)}
        self.of_moment = np.repeat(np.arange(len(moments)), [len(m) for m in moments]) if moments else np.zeros(0, int)
        self.worth = np.array([max(option.value, 0.0) for option in options])
        self.lines: list[tuple[int, Placed]] = []
        self.said: list[dict[int, float]] = [{}]
        zero, none = np.zeros(1), np.full(1, -1)
        self.labels = Labels(zero, none, np.full(1, NEVER), zero, none + 1, none, none, zero)
        self.bounded = np.array([*(math.isfinite(s.capacity) for s in slots), False])  # the last: no slot

    def run(self) -> list[Placed]:
        """Go through the moments and follow the best plan back."""
        for moment, floor in zip(self.moments, self._floors(), strict=True):
            if moment:
                self._step(moment, floor)
        line, found = int(self.labels.line[np.argmax(self.labels.value)]), []
        while line >= 0:
            line, placed = self.lines[line]
            found.append(placed)
        return found[::-1]

    def _floors(self) -> list[float]:
        """For each moment: an end of line before this is as good as this for every later option."""
        floors, earliest = [], math.inf
        for options in reversed(self.moments):
            floors.append(min(earliest, 1e9) - max(self.rules.pause, self.rules.breath))
            earliest = min([earliest, *(o.earliest for o in options)])
        return floors[::-1]

    def _step(self, moment: Sequence[Option], floor: float) -> None:
        """Add every option of the moment to every plan, and keep what is not dominated."""
        after = self.number[moment[-1].key] + 1
        table: dict[frozenset[tuple[int, float]], int] = {}
        places = [w for option in moment for w in windows(option, self.slots, self.rules)]
        grown = [self._carried(table, after)]
        unsaid = grown[0].said  # of a line that costs no other anything: as if nothing were said
        for number, window in enumerate(places):
            new = self.rules.repeats.get(window.option.key)
            row = self._said(table, after, {self.number[k]: cost for k, cost in new.items()}) if new else None
            grown += self._spoken(number, window, unsaid if row is None else row[self.labels.said])
        labels = Labels(*(np.concatenate([getattr(g, f.name) for g in grown]) for f in fields(Labels)))
        self.said = [dict(row) for row in table]
        self.labels = self._remembered(self._undominated(self._settled(labels, floor)), places)

    def _carried(self, table: dict[frozenset[tuple[int, float]], int], after: int) -> Labels:
        """The plans as they are, which leave the moment out."""
        old = self.labels
        said = self._said(table, after, {})
        return Labels(old.value, old.slot, old.end, old.filled, said[old.said], old.line,
                      np.full(len(old.value), -1), old.start)  # fmt: skip

    def _said(self, table: dict[frozenset[tuple[int, float]], int], after: int, new: Mapping[int, float]) -> Ints:
        """For each row of what was said: its row in the next table, once `new` is said too."""
        rows = []
        for row in self.said:
            joined = {o: max(cost, new.get(o, 0.0)) for o, cost in row.items()} | {
                o: cost for o, cost in new.items() if o not in row
            }
            rows.append(table.setdefault(frozenset(i for i in joined.items() if i[0] >= after), len(table)))
        return np.array(rows)

    def _spoken(self, number: int, window: Window, said: Ints) -> list[Labels]:
        """The plans with the option in the window, at every start that can be the best."""
        option, rules, old = window.option, self.rules, self.labels
        same = old.slot == window.slot
        fits = (old.slot <= window.slot) & (
            np.where(same, old.filled, 0.0) + option.seconds <= self.slots[window.slot].capacity + MS
        )
        if not fits.any():
            return []
        which = np.flatnonzero(fits)
        same, end = same[which], old.end[which]
        key = self.number[option.key]
        repeated = np.array([row.get(key, 0.0) for row in self.said])[old.said[which]]
        said, value = said[which], old.value[which] + option.value - repeated
        filled = np.where(same, old.filled[which], 0.0) + option.seconds
        result = []
        for distance, crowding in ((rules.pause, rules.crowding), (rules.breath, 0.0)):
            start = np.where(same, np.maximum(end + distance, window.steps[0]), window.steps[0])
            mine = (start <= window.last + MS) & (same | (distance == rules.pause))
            step = np.maximum(np.searchsorted(window.steps, start + MS, "right") - 1, 0)
            while mine.any():
                crowded = crowding * (same & (start < end + rules.breath - MS))
                result.append(
                    Labels(
                        (value - window.costs[step] - crowded)[mine],
                        np.full(int(mine.sum()), window.slot),
                        (start + option.seconds)[mine],
                        filled[mine],
                        said[mine],
                        old.line[which][mine],
                        np.full(int(mine.sum()), number),
                        start[mine],
                    )
                )
                mine &= window.cheaper[step] != step
                step = window.cheaper[step]
                start = window.steps[step]
            if rules.breath <= rules.pause or not crowding or not same.any():
                break
        return result

    def _settled(self, labels: Labels, floor: float) -> Labels:
        """The labels as the next moments see them: nothing before the floor matters any more."""
        open_slot = bisect.bisect_right(self.slots, floor, key=lambda s: s.end)
        slot = np.maximum(labels.slot, open_slot)
        counts = (slot == labels.slot) & self.bounded[slot]
        return Labels(
            labels.value, slot, np.maximum(labels.end, floor), np.where(counts, labels.filled, 0.0), labels.said,
            labels.line, labels.window, labels.start,
        )  # fmt: skip

    def _undominated(self, labels: Labels) -> Labels:
        """Drop every plan that another one equals or beats whatever comes next.

        In blocks by falling worth, for only a plan that is worth as much can beat another; few of the first beat most.
        """
        labels = labels.rows(np.lexsort((labels.filled, labels.end, labels.slot, -labels.value)))
        extra, kept = self._extra(), []
        rest: Ints = np.arange(len(labels.value))
        while len(rest):
            better = _beats(labels, rest[:BLOCK], rest, extra)
            alive: NDArray[np.bool_] = ~np.any(better, axis=0)
            kept.append(rest[:BLOCK][alive[:BLOCK]])
            rest = rest[BLOCK:][alive[BLOCK:]]
        return labels.rows(np.concatenate(kept))

    def _extra(self) -> Floats:
        """How much more the future can cost a plan that has said one row of the table than one that has said another.

        (rows, rows): summed over moments, the most that one option of the moment costs more, or is worth.
        """
        keys = sorted({key for row in self.said for key in row})
        if not keys:
            return np.zeros((len(self.said), len(self.said)))
        costs = np.array([[row.get(key, 0.0) for key in keys] for row in self.said])
        more = np.minimum(np.maximum(costs[:, None] - costs[None], 0.0), self.worth[keys])
        firsts = np.flatnonzero(np.diff(self.of_moment[keys], prepend=-1))
        summed: Floats = np.maximum.reduceat(more, firsts, axis=2).sum(axis=2)
        return summed

    def _remembered(self, labels: Labels, places: Sequence[Window]) -> Labels:
        """The labels with their new lines written down."""
        line = labels.line.copy()
        for row in np.flatnonzero(labels.window >= 0).tolist():
            window = places[labels.window[row]]
            self.lines.append((int(line[row]), Placed(window.option, window.slot, float(labels.start[row]))))
            line[row] = len(self.lines) - 1
        nothing = np.full(len(line), -1)
        return Labels(labels.value, labels.slot, labels.end, labels.filled, labels.said, line, nothing, labels.start)


def _beats(labels: Labels, these: Ints, those: Ints, extra: Floats) -> NDArray[np.bool_]:
    """(these, those): whether no future is worth more after one of those; of equals the first beats the others."""
    one, other = these[:, None], those[None, :]
    enough = labels.value[one] + 1e-12 >= labels.value[other] + extra[labels.said[one], labels.said[other]]
    slot = labels.slot[one] - labels.slot[other]
    fuller = (slot == 0) & (labels.filled[one] > labels.filled[other] + MS)
    better: NDArray[np.bool_] = enough & (slot <= 0) & (labels.end[one] <= labels.end[other] + MS) & ~fuller
    among = better[:, : len(these)]
    among &= ~(among.T & np.tri(len(these), k=0, dtype=bool))
    return better


def window_of(line: Placed, slots: Sequence[Slot], rules: Rules) -> Window:
    """The window a placed line lies in."""
    return next(w for w in windows(line.option, slots, rules) if w.slot == line.slot)


def losses(lines: Sequence[Placed], slots: Sequence[Slot], rules: Rules) -> list[dict[str, float]]:
    """What each line loses, by `place`, `crowding` and `repeat`; its worth is its value less their sum."""
    found = []
    said: list[str] = []
    for before, line in zip([None, *lines], lines, strict=False):
        near = before is not None and before.slot == line.slot and line.start < before.end + rules.breath - MS
        window = window_of(line, slots, rules)
        repeated = max((rules.repeats.get(key, {}).get(line.option.key, 0.0) for key in said), default=0.0)
        place = float(window.costs[window.step(line.start)])
        found.append({"place": place, "crowding": rules.crowding * near, "repeat": repeated})
        said.append(line.option.key)
    return found


def total(lines: Sequence[Placed], slots: Sequence[Slot], rules: Rules) -> float:
    """What the lines are worth together."""
    lost = losses(lines, slots, rules)
    return sum(line.option.value - sum(taken.values()) for line, taken in zip(lines, lost, strict=True))
