"""Where options may start and what each place costs, for a whole film at once.

A window is one option in one slot: its starts [opens, last], divided into steps in each of which the cost is known.
All windows lie one after the other in flat arrays, in the order of moments, options and slots, so that the costs of a
film are one call and not one for each window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stages.schedule.placement import GRAIN, MS, Floats, Ints, Option, Placed, Rules, Slot

AHEAD, REACH = 60.0, 300.0
"""Seconds before its picture until which a line is not spoken, and after it from which no more, whatever that costs."""
MOST_SLOTS = 24
"""Slots in reach of one option that are considered, the first ones."""
MOST_WAITS = 32
"""Cheaper starts after the first possible one that are considered."""
AT_ONCE = 1 << 17
"""Steps that are looked at together: bounds the memory that this takes on the way."""


class Windows:
    """The windows of all options.

    One row an option: `options`, `moment` (its number), `first` and `until` (its windows). One row a window: `option`,
    `slot`, `opens`, `last`, `begin` and `end` (its steps). One row a step: `steps` (seconds) and `costs`.
    """

    def __init__(self, moments: Sequence[Sequence[Option]], slots: Sequence[Slot], rules: Rules) -> None:
        self.options = [option for moment in moments for option in moment]
        self.moment = np.repeat(np.arange(len(moments)), [len(m) for m in moments]) if moments else np.zeros(0, int)
        self.value, self.seconds, self.picture = (
            np.array([getattr(o, name) for o in self.options], float) for name in ("value", "seconds", "picture")
        )
        self._open(slots)
        self._divide()
        self.costs = self._costs(rules)

    def _open(self, slots: Sequence[Slot]) -> None:
        """Find the slots in reach of each option."""
        starts, ends, capacity = (np.array([getattr(s, n) for s in slots]) for n in ("start", "end", "capacity"))
        earliest = np.maximum(np.array([o.earliest for o in self.options]), self.picture - AHEAD)
        latest = np.minimum(np.array([o.latest for o in self.options]), self.picture + REACH)
        first = np.searchsorted(ends, earliest, "right")
        number = np.clip(np.searchsorted(starts, latest + MS, "right") - first, 0, MOST_SLOTS)
        option = np.repeat(np.arange(len(self.options)), number)
        slot = first[option] + counted(number)
        opens = np.maximum(starts[slot], earliest[option])
        last = np.minimum(latest[option], ends[slot] - self.seconds[option])
        fits = (last >= opens - MS) & (self.seconds[option] <= capacity[slot] + MS)
        self.option, self.slot, self.opens = option[fits], slot[fits], opens[fits]
        self.last = np.maximum(last[fits], self.opens)
        self.first, self.until = _bounds(self.option, len(self.options))

    def _divide(self) -> None:
        """Divide each window into steps: its ends, every multiple of GRAIN between, and where its picture appears."""
        opens, last, picture = self.opens, self.last, self.picture[self.option]
        low = np.floor(opens / GRAIN) + 1
        grid = np.maximum(np.ceil(last / GRAIN) - low, 0).astype(np.int64)
        shows, wide = (opens < picture) & (picture < last), last > opens
        length = 1 + grid + shows + wide
        self.end = np.cumsum(length)
        self.begin = self.end - length
        self.steps = np.empty(int(length.sum()))
        self.steps[self.begin] = opens
        window, nth = np.repeat(np.arange(len(grid)), grid), counted(grid)
        times = (low[window] + nth) * GRAIN
        behind = shows[window] & (times >= picture[window])
        self.steps[self.begin[window] + 1 + nth + behind] = times
        before = np.bincount(window[~behind], minlength=len(grid)) if len(grid) else grid
        self.steps[(self.begin + 1 + before)[shows]] = picture[shows]
        self.steps[(self.end - 1)[wide]] = last[wide]

    def _costs(self, rules: Rules) -> Floats:
        window = np.repeat(np.arange(len(self.slot)), self.end - self.begin)
        option, slot = self.option[window], self.slot[window]
        found = np.empty(len(self.steps))
        for at in range(0, len(found), AT_ONCE):
            part = slice(at, at + AT_ONCE)
            which = option[part]
            found[part] = rules.cost(self.picture[which], self.seconds[which], slot[part], self.steps[part])
        return found

    def step(self, window: Ints, starts: Floats) -> Ints:
        """The steps that starts inside these windows lie in."""
        rising, apart = self._rising
        found = np.searchsorted(rising, starts - self.opens[window] + MS + window * apart, "right") - 1
        begun: Ints = np.maximum(found, self.begin[window])
        return begun

    @cached_property
    def _rising(self) -> tuple[Floats, float]:
        """The steps of all windows as one rising row: seconds from the opening of each, and what lies between two."""
        window = np.repeat(np.arange(len(self.slot)), self.end - self.begin)
        apart = 2.0 ** math.ceil(math.log2(float(np.max(self.last - self.opens, initial=1.0)) + 1))
        return self.steps - self.opens[window] + window * apart, apart

    def of(self, option: int, slot: int) -> int | None:
        """The window of an option in a slot."""
        mine = slice(int(self.first[option]), int(self.until[option]))
        found = np.flatnonzero(self.slot[mine] == slot)
        return int(found[0]) + mine.start if len(found) else None

    def steps_of(self, lines: Sequence[Placed]) -> Ints:
        """The steps that lines begin in, one line for each option."""
        windows = [self.of(option, line.slot) for option, line in enumerate(lines)]
        return self.step(np.array(windows, np.int64), np.array([line.start for line in lines]))

    @cached_property
    def cheaper(self) -> Ints:
        """For each step the next of its window that costs less; its own number where none does."""
        own = np.arange(len(self.steps))
        following = own + 1
        following[self.end - 1] = self.end - 1  # by pointer jumping: what lies between costs no less
        while True:
            open_ = np.flatnonzero((following != own) & (self.costs[following] >= self.costs - 1e-9))
            if not len(open_):
                return following
            ahead = following[open_]
            following[open_] = np.where(following[ahead] == ahead, open_, following[ahead])

    def useful(self) -> Windows:
        """Windows and steps in which a line is worth more than its place costs: the others are never missed.

        To leave out a line that is worth nothing where it lies gives its time back and crowds no other.
        """
        window = np.repeat(np.arange(len(self.slot)), self.end - self.begin)
        gains = np.flatnonzero(self.costs < self.value[self.option[window]])
        kept, begin = np.unique(window[gains], return_index=True)
        first = gains[begin]
        after = np.minimum(gains[np.append(begin[1:], len(gains)) - 1] + 2 if len(kept) else gains, self.end[kept])
        return self._cut(kept, first, after)

    def _cut(self, kept: Ints, first: Ints, after: Ints) -> Windows:
        """Some of the windows, each with the steps [first, after)."""
        found = object.__new__(Windows)
        found.options, found.moment = self.options, self.moment
        found.value, found.seconds, found.picture = self.value, self.seconds, self.picture
        found.option, found.slot = self.option[kept], self.slot[kept]
        length = after - first
        steps = np.repeat(first, length) + counted(length)
        found.steps, found.costs = self.steps[steps], self.costs[steps]
        found.end = np.cumsum(length)
        found.begin = found.end - length
        found.opens, found.last = found.steps[found.begin], found.steps[found.end - 1]
        whole = after == self.end[kept]
        found.last = np.where(whole, self.last[kept], found.last)
        found.first, found.until = _bounds(found.option, len(self.options))
        return found


class Waits:
    """For each step the later ones of its window that are cheaper than all between, MOST_WAITS at most.

    Found for AT_ONCE steps at a time, in the order in which they are asked for: all of them would not be linear.
    """

    def __init__(self, windows: Windows) -> None:
        self._windows, self._since, self._until = windows, 0, 0

    def of(self, first: int, until: int, steps: Ints) -> tuple[Ints, Ints]:
        """How many waits each of `steps` has, all of which lie in the windows [first, until), and all waits in turn."""
        since, end = int(self._windows.begin[first]), int(self._windows.end[until - 1])
        if since < self._since or end > self._until:
            self._look(since, end)
        rows = steps - self._since
        count = self._begin[rows + 1] - self._begin[rows]
        return count, self._waits[np.repeat(self._begin[rows], count) + counted(count)]

    def _look(self, since: int, until: int) -> None:
        cheaper = self._windows.cheaper
        self._since, self._until = since, max(until, min(since + AT_ONCE, len(cheaper)))
        origin, found = np.arange(self._since, self._until), []
        step = origin
        for _ in range(MOST_WAITS):
            further = np.flatnonzero(cheaper[step] != step)
            origin, step = origin[further], cheaper[step[further]]
            found.append((origin, step))
        origins, waits = (np.concatenate(column) for column in zip(*found, strict=True))
        self._waits: Ints = waits[np.argsort(origins, kind="stable")]
        count = np.bincount(origins - self._since, minlength=self._until - self._since)
        self._begin: Ints = np.append(0, np.cumsum(count))


def counted(lengths: NDArray[np.integer]) -> Ints:
    """0, 1, 2, … for each of the lengths, one after the other."""
    ends = np.cumsum(lengths)
    found: Ints = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    return found


def _bounds(numbers: Ints, count: int) -> tuple[Ints, Ints]:
    """Where each of 0 … count − 1 begins and ends in a rising row of numbers."""
    each = np.arange(count)
    first: Ints = np.searchsorted(numbers, each, "left")
    until: Ints = np.searchsorted(numbers, each, "right")
    return first, until
