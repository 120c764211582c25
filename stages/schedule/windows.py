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

REACH = 300.0
"""Seconds after its picture from which a line is spoken no more, whatever lateness costs."""
MOST_SLOTS = 24
"""Slots in reach of one option that are considered, the first ones."""
MOST_WAITS = 32
"""Cheaper starts after the first possible one that are considered."""
AT_ONCE = 1 << 18
"""Starts whose costs are asked for at once: bounds the memory that costs take on the way."""


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
        earliest = np.array([o.earliest for o in self.options])
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

    def waits(self) -> tuple[Ints, Ints]:
        """For each step the later ones that are cheaper than all between: where they begin, one row after the other.

        (steps + 1,) and (waits,); no more than MOST_WAITS of a step.
        """
        cheaper, found = self._cheaper(), []
        origin = np.flatnonzero(cheaper != np.arange(len(cheaper)))
        step = cheaper[origin]
        for _ in range(MOST_WAITS):
            found.append((origin, step))
            further = np.flatnonzero(cheaper[step] != step)
            origin, step = origin[further], cheaper[step[further]]
        origins, steps = (np.concatenate(column) for column in zip(*found, strict=True))
        begin = np.append(0, np.cumsum(np.bincount(origins, minlength=len(cheaper))))
        return begin, steps[np.argsort(origins, kind="stable")]

    def _cheaper(self) -> Ints:
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
