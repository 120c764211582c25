"""The search for the best placement: plans grown moment by moment, those kept that promise most.

A label is a plan up to a moment: its worth, the slot and end of its last line, the seconds spoken in that slot, and
what it has said that could come again. Each moment adds every option at every start that can be best: as soon as
possible, as soon as possible without crowding, and from there every step that is cheaper than all before it. A label
goes

* where another one equals or beats it whatever comes next: it is worth as much, stands no later, has filled its slot no
  more, and remembers the same (dominance; Irnich & Desaulniers 2005);
* where even what it may hope for (`Relaxed.hope`) lifts it no higher than a plan that is known;
* where more than `width` others promise more (beam). The best promise among these is the bound: no placement that was
  left out is worth more. Where none was, the search is exact.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.schedule.placement import MS, Floats, Ints, Placed, Rules, Slot
from stages.schedule.relaxed import EPS, Relaxed
from stages.schedule.repetition import COLUMN, Repetition
from stages.schedule.windows import Waits, Windows

NEVER = -1e9
"""Before the film; a number, for infinities do not add up."""
CROWD = 3
"""Times the width: labels that are held against each other."""
BLOCK = 32
"""Labels that are held against all others at once."""
NONE = -1


@dataclass(frozen=True)
class Labels:
    """Plans, one a row: worth, slot and end of the last line, seconds spoken in that slot, the last of their lines.

    `said` (rows, columns): the moment at which each thing that may recur was said last, NONE: never; `credit` likewise
    what it saves in prices, `saved` all of it together.
    """

    value: Floats
    slot: Ints
    end: Floats
    filled: Floats
    line: Ints
    said: Ints
    credit: Floats
    saved: Floats


@dataclass(frozen=True)
class Grown:
    """Labels with one more moment, as they come of `parent` by `window` (NONE: the moment is left out) at `start`."""

    value: Floats
    slot: Ints
    end: Floats
    filled: Floats
    parent: Ints
    window: Ints
    start: Floats

    def rows(self, which: NDArray[np.integer] | NDArray[np.bool_]) -> Grown:
        """Some of them."""
        return Grown(
            self.value[which], self.slot[which], self.end[which], self.filled[which],
            self.parent[which], self.window[which], self.start[which],
        )  # fmt: skip


@dataclass(frozen=True)
class Found:
    """The best plan of a search and its worth; `bound`: no plan that was given up is worth more."""

    value: float
    lines: list[Placed]
    bound: float


class Search:
    """Looks for the best placement of one film."""

    def __init__(
        self, windows: Windows, slots: Sequence[Slot], rules: Rules, repetition: Repetition, relaxed: Relaxed
    ) -> None:
        self._windows, self._slots, self._rules = windows, slots, rules
        self._repetition, self._relaxed = repetition, relaxed
        self._waits = Waits(windows)
        self._ends = [slot.end for slot in slots]
        self._capacity = np.array([*(slot.capacity for slot in slots), np.inf])
        self._bounded = np.isfinite(self._capacity)
        moments = len(repetition.since)
        self._first, self._until = (np.searchsorted(windows.moment[windows.option], np.arange(moments), side)
                                    for side in ("left", "right"))  # fmt: skip
        self._marks = np.random.default_rng(1).integers(1, 2**62, max(repetition.columns, 1), dtype=np.int64)
        self._floors = self._settling(moments)
        self._columns: list[set[int]] = [set() for _ in range(moments)]
        self._speaking: list[list[int]] = [[] for _ in range(moments)]
        for option, marks in sorted(repetition.marks.items()):
            self._columns[windows.moment[option]].add(int(repetition.paid[option]))
            if len(marks):
                self._speaking[windows.moment[option]].append(option)

    def _settling(self, moments: int) -> Floats:
        """For each moment: a line that ended before this is as good as one that ended then for all that comes."""
        earliest = np.full(moments + 1, np.inf)
        np.minimum.at(earliest, self._windows.moment[self._windows.option], self._windows.opens)
        behind = np.minimum.accumulate(earliest[::-1])[::-1]
        found: Floats = np.minimum(behind[1:], -NEVER) - max(self._rules.pause, self._rules.breath)
        return found

    def run(self, width: int, known: float) -> Found:
        """Search with `width` labels a moment for a plan worth more than `known`; its lines are empty without one."""
        self._lines: list[tuple[int, int, float]] = []
        self._lost, self._known = -np.inf, known
        zero, none = np.zeros(1), np.zeros(1, np.int64)
        said = np.full((1, self._repetition.columns), NONE)
        labels = Labels(zero, none, zero + NEVER, zero, none + NONE, said, np.zeros(said.shape), zero)
        for moment in range(len(self._floors)):
            for column in self._repetition.fresh.get(moment, ()):
                labels.said[:, column] = NONE
            if self._first[moment] < self._until[moment]:
                labels = self._step(labels, moment, width)
        if not len(labels.value):
            return Found(known, [], self._lost)
        best = int(np.argmax(labels.value))
        return Found(float(labels.value[best]), self._followed(int(labels.line[best])), self._lost)

    def _followed(self, line: int) -> list[Placed]:
        """A plan's lines in order of time."""
        found, windows = [], self._windows
        while line != NONE:
            line, window, start = self._lines[line]
            found.append(Placed(windows.options[windows.option[window]], int(windows.slot[window]), start))
        return found[::-1]

    def _step(self, labels: Labels, moment: int, width: int) -> Labels:
        """Let the plans speak of a moment or leave it out; those worth keeping."""
        grown = self._settled(self._grown(labels, moment), moment)
        credit = self._credits(labels, grown, moment)
        saved = labels.saved[grown.parent]
        for column, row in credit.items():
            saved = saved + (row - labels.credit[grown.parent, column])
        promise = grown.value + self._relaxed.hope(moment, grown.slot, grown.end, grown.filled) - saved
        hoping = np.flatnonzero(promise > self._known + EPS)
        order = hoping[np.argsort(-promise[hoping], kind="stable")]
        order = self._cut(order, promise, CROWD * width)
        chosen = grown.rows(order)
        said = self._said(labels, chosen, moment)
        kept = np.flatnonzero(self._undominated(chosen, self._signature(said, moment)))
        kept = kept[: len(self._cut(order[kept], promise, width))]
        rows = order[kept]
        credits = labels.credit[grown.parent[rows]]
        for column, row in credit.items():
            credits[:, column] = row[rows]
        return self._labels(labels, grown.rows(rows), said[kept], credits, saved[rows])

    def _cut(self, order: Ints, promise: Floats, most: int) -> Ints:
        """The first rows; the best promise among the others is remembered."""
        if len(order) > most:
            self._lost = max(self._lost, float(promise[order[most]]))
        return order[:most]

    def _grown(self, labels: Labels, moment: int) -> Grown:
        """Every plan as it is, and with every option in every place at every start that can be best."""
        windows = self._windows
        parent, window = np.nonzero(self._open(labels, moment))
        window += self._first[moment]
        parent, window, start, cost = self._starts(labels, moment, parent, window)
        option, slot = windows.option[window], windows.slot[window]
        before = np.where(labels.slot[parent] == slot, labels.filled[parent], 0.0)
        value = labels.value[parent] + windows.value[option] - cost
        seconds = windows.seconds[option]
        count = np.arange(len(labels.value))
        both = np.concatenate
        return Grown(
            both([labels.value, value]), both([labels.slot, slot]), both([labels.end, start + seconds]),
            both([labels.filled, before + seconds]), both([count, parent]),
            both([np.full(len(count), NONE), window]), both([labels.end, start]),
        )  # fmt: skip

    def _open(self, labels: Labels, moment: int) -> NDArray[np.bool_]:
        """(labels, windows of the moment): where there is room left and nothing is said again."""
        mine = slice(self._first[moment], self._until[moment])
        slot, option = self._windows.slot[mine], self._windows.option[mine]
        filled = np.where(labels.slot[:, None] == slot, labels.filled[:, None], 0.0)
        found: NDArray[np.bool_] = labels.slot[:, None] <= slot
        found &= filled + self._windows.seconds[option] <= self._capacity[slot] + MS
        column = self._repetition.column[option]
        again = np.flatnonzero(column != COLUMN)
        if len(again):
            found[:, again] &= labels.said[:, column[again]] < self._repetition.since[moment]
        return found

    def _starts(self, labels: Labels, moment: int, parent: Ints, window: Ints) -> tuple[Ints, Ints, Floats, Floats]:
        """Parents and windows with each start that can be the best, and what it costs there."""
        rules, windows = self._rules, self._windows
        end, opens = labels.end[parent], windows.opens[window]
        same = labels.slot[parent] == windows.slot[window]
        soon = np.where(same, np.maximum(end + rules.pause, opens), opens)
        near = np.flatnonzero(same & (soon < end + rules.breath - MS))
        start = np.append(soon, np.maximum(end + rules.breath, opens)[near])
        free = np.full(len(start), np.inf)
        free[near] = end[near] + rules.breath - MS
        parent, window = np.append(parent, parent[near]), np.append(window, window[near])
        rows = np.flatnonzero(start <= windows.last[window] + MS)
        parent, window, start, free = parent[rows], window[rows], start[rows], free[rows]
        step = windows.step(window, start)
        waits, later = self._waits.of(self._first[moment], self._until[moment], step)
        which = np.repeat(np.arange(len(step)), waits)
        rows = np.flatnonzero(windows.steps[later] < free[which])  # from there on the line that does not crowd waits
        which, later = np.append(np.arange(len(step)), which[rows]), np.append(step, later[rows])
        start = np.append(start, windows.steps[later[len(start) :]])
        cost = windows.costs[later] + np.where(np.isfinite(free[which]), rules.crowding, 0.0)
        return parent[which], window[which], start, cost

    def _settled(self, grown: Grown, moment: int) -> Grown:
        """The plans as the next moments see them: nothing before the floor matters any more."""
        floor = self._floors[moment]
        slot = np.maximum(grown.slot, bisect.bisect_right(self._ends, floor))
        counts = (slot == grown.slot) & self._bounded[slot]
        filled = np.where(counts, grown.filled, 0.0)
        end = np.maximum(grown.end, floor)
        return Grown(grown.value, slot, end, filled, grown.parent, grown.window, grown.start)

    def _credits(self, labels: Labels, grown: Grown, moment: int) -> dict[int, Floats]:
        """For each column that the moment has an option of: what each plan saves by having said it."""
        repetition, of = self._repetition, self._relaxed.credit.of
        now = np.where(grown.window == NONE, COLUMN, repetition.paid[self._windows.option[grown.window]])
        found = {}
        for column in sorted(self._columns[moment]):
            kept = of(column, labels.said[:, column], moment)[grown.parent]
            found[column] = np.where(now == column, of(column, np.array([moment]), moment)[0], kept)
        return found

    def _said(self, labels: Labels, grown: Grown, moment: int) -> Ints:
        """What plans have said, with what they say now."""
        said = labels.said[grown.parent]
        option = np.where(grown.window == NONE, NONE, self._windows.option[grown.window])
        for number in self._speaking[moment]:
            rows = np.flatnonzero(option == number)
            said[rows[:, None], self._repetition.marks[number]] = moment
        return said

    def _signature(self, said: Ints, moment: int) -> Ints:
        """A number for all that a plan remembers: equal for equal memories, and for others (all but) never."""
        kept = np.where(said >= self._repetition.since[moment], said + 1, 0)
        found: Ints = (kept * self._marks[: said.shape[1]]).sum(axis=1)  # wraps around: exact on every machine
        return found

    def _undominated(self, grown: Grown, memory: Ints) -> NDArray[np.bool_]:
        """Which plans no other one equals or beats whatever comes next; by blocks, for few of the first beat most."""
        alive = np.ones(len(memory), bool)
        order: Ints = np.argsort(-grown.value, kind="stable")
        while len(order):
            beaten = _beaten(grown, memory, order[:BLOCK], order)
            alive[order[beaten]] = False
            order = order[BLOCK:][~beaten[BLOCK:]]
        return alive

    def _labels(self, old: Labels, grown: Grown, said: Ints, credit: Floats, saved: Floats) -> Labels:
        """The plans to go on with, their new lines written down."""
        line = old.line[grown.parent]
        for row in np.flatnonzero(grown.window != NONE).tolist():
            self._lines.append((int(line[row]), int(grown.window[row]), float(grown.start[row])))
            line[row] = len(self._lines) - 1
        return Labels(grown.value, grown.slot, grown.end, grown.filled, line, said, credit, saved)


def _beaten(grown: Grown, memory: Ints, these: Ints, those: Ints) -> NDArray[np.bool_]:
    """Which of those one of these, the first of them, equals or beats; of equals the first stays."""
    one, other = these[:, None], those[None, :]
    slot = grown.slot[one] - grown.slot[other]
    fuller = (slot == 0) & (grown.filled[one] > grown.filled[other] + MS)
    better = (grown.value[one] + 1e-12 >= grown.value[other]) & (memory[one] == memory[other])
    better &= (slot <= 0) & (grown.end[one] <= grown.end[other] + MS) & ~fuller
    among = better[:, : len(these)]
    among &= ~(among.T & np.tri(len(these), k=0, dtype=bool))
    found: NDArray[np.bool_] = better.any(axis=0)
    return found
