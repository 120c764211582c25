"""The choice of lines with its hard rules turned into prices: what no placement can be worth more than.

Two rules tie lines together that lie far apart: a slot holds no more speech than its capacity, and nothing is said
twice within the window. Both are relaxed (Lagrange; Geoffrion 1974): a second of speech in a slot, and a line of a
clique of lines that say the same, cost a price, and what is paid comes back whole. For any prices ≥ 0 the best
placement without the two rules is worth at least as much as the best with them. What is left is a longest path over
moments and times, which is followed backwards from the end of the film in cells of `grain` seconds: a line begins and
ends, in this problem, at the earliest time of its cell and costs the least of what its cell costs, so that the result
errs on the side of more.

Prices are found by their signs alone (the resilient steps of Riedmiller & Braun 1993, on the subgradient that the best
path shows): prices of different slots and cliques live in different parts of the film, so each has a step of its own,
which grows while more is asked for than there is, and shrinks when that turns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from stages.schedule.placement import GRAIN, MS, Floats, Ints, Rules, Slot
from stages.schedule.repetition import Clique, Credit
from stages.schedule.windows import Windows, counted

FINE = 0.1
"""Seconds of a cell where plans are held against what may still come; prices are found in cells of GRAIN."""
MOST_CELLS = 600
"""Cells for each option, on average, above which they are made larger: bounds time and memory."""
PROGRESS = 1e-3
"""Share by which the bound has to fall in a few passes, or they end."""
GROW, SHRINK, FIRST_SECOND, FIRST_LINE = 1.1, 0.6, 0.1, 0.3
"""Factors of the steps; the first step of the price of a second and of a line, in worth."""
EPS = 1e-9
AFTER = 1e9
"""Seconds: after every film."""


@dataclass(frozen=True)
class Effort:
    """Most passes over the film to find prices, the few of them that may bring nothing, and the share of the first
    step where prices are known."""

    passes: int
    patience: int
    again: float


ROUGH, QUICK, THOROUGH = Effort(12, 3, 0.2), Effort(16, 3, 0.2), Effort(64, 10, 0.5)


@dataclass(frozen=True)
class Prices:
    """Of a second in each slot, and of a line of each clique, named by what it says and its first moment."""

    seconds: dict[int, float] = field(default_factory=dict)
    lines: dict[tuple[int, int], float] = field(default_factory=dict)


class Grid:
    """Times of all slots as cells of one row, and one more slot that stands for after the film. Before each slot lie
    cells in which no line may start, as many as a breath takes: whoever ended in an earlier one may begin with it."""

    def __init__(self, slots: Sequence[Slot], rules: Rules, grain: float) -> None:
        self.grain = grain
        starts = np.array([s.start for s in slots])
        lengths = np.floor((np.array([s.end for s in slots]) - starts) / grain + MS).astype(np.int64) + 2
        self.pause = int(rules.pause / grain + MS)
        self.breath = max(self.pause, int(rules.breath / grain + MS))
        self.size = int(np.sum(lengths + self.breath)) + self.breath
        self.base = np.append(np.cumsum(lengths + self.breath) - lengths, self.size)
        self.starts = np.append(starts, AFTER)

    def cells(self, slots: Ints, times: Floats) -> Ints:
        """The cells of times in slots; times before a slot lie where everything in it may follow."""
        away = np.floor((times - self.starts[slots]) / self.grain + MS)
        found: Ints = self.base[slots] + np.maximum(away, -self.breath).astype(np.int64)
        return found


class Paths:
    """The best paths through a film for prices, from every moment and time to the end."""

    def __init__(self, windows: Windows, moments: int, slots: Sequence[Slot], rules: Rules, grain: float) -> None:
        self._windows, self._crowding = windows, rules.crowding
        self.grid = grid = Grid(slots, rules, grain)
        first, last = grid.cells(windows.slot, windows.opens), grid.cells(windows.slot, windows.last)
        self._lengths = last - first + 1
        self._low, self._high = (np.zeros(len(windows.options), np.int64) for _ in range(2))
        has = np.flatnonzero(windows.until > windows.first)
        self._low[has], self._high[has] = first[windows.first[has]], last[windows.until[has] - 1] + 1
        self._offset = np.cumsum(self._high - self._low) - (self._high - self._low)
        self._takes = np.floor(windows.seconds / grain + MS).astype(np.int64)
        self._gains = np.full(int((self._high - self._low).sum()), -np.inf)
        self._fill(first)
        self._rows: list[list[tuple[int, int, int, int, int]]] = [[] for _ in range(moments)]
        for option in has.tolist():
            low, high, takes, offset = (int(v[option]) for v in (self._low, self._high, self._takes, self._offset))
            self._rows[int(windows.moment[option])].append((option, low, high, takes, offset))
        self._span = [(min((r[1] for r in row), default=0), max((r[2] for r in row), default=0)) for row in self._rows]
        self._furthest = np.maximum.accumulate([max((h + n for _, _, h, n, _ in r), default=0) for r in self._rows])

    def _fill(self, first: Ints) -> None:
        """What a line gains that begins in a cell: its value less the least that the steps in the cell cost."""
        windows, grid = self._windows, self.grid
        window = np.repeat(np.arange(len(first)), self._lengths)
        nth = counted(self._lengths)
        option, slot = windows.option[window], windows.slot[window]
        begins = grid.starts[slot] + (first[window] - grid.base[slot] + nth) * grid.grain
        one = windows.step(window, np.clip(begins, windows.opens[window], windows.last[window]))
        other = windows.step(window, np.clip(begins + grid.grain - 2 * MS, windows.opens[window], windows.last[window]))
        pairs = np.stack([one, np.maximum(one, other) + 1], axis=1).ravel()
        costs = np.minimum.reduceat(np.append(windows.costs, np.inf), pairs)[::2] if len(pairs) else np.zeros(0)
        self._cells = self._offset[option] + first[window] + nth - self._low[option]
        self._gains[self._cells] = windows.value[option] - costs

    def follow(self, prices: Floats) -> float:
        """Find the best paths where using a window costs its price; what the best of all is worth."""
        self._priced = self._gains.copy()
        self._priced[self._cells] -= np.repeat(prices, self._lengths)
        self._rest: list[tuple[int, Floats]] = [(0, np.zeros(1))] * len(self._rows)
        self._begun: list[tuple[int, int, Floats, Floats] | None] = [None] * len(self._rows)
        rest, floor = np.zeros(self.grid.size + self.grid.breath + 2), self.grid.size - 1
        for moment in range(len(self._rows) - 1, -1, -1):
            top = int(self._furthest[moment])
            self._rest[moment] = floor, rest[floor : max(floor, top) + 1].copy()
            if self._rows[moment]:
                floor = self._step(moment, rest, floor)
        return float(rest[floor])

    def _step(self, moment: int, rest: Floats, floor: int) -> int:
        """Let a line of the moment be spoken before the rest; the first cell that `rest` holds now."""
        pause, breath = self.grid.pause, self.grid.breath
        low, high = self._span[moment]
        if low - breath < floor:
            rest[low - breath : floor] = rest[floor]
            floor = low - breath
        best = np.full(high - low, -np.inf)
        for _, begins, ends, takes, offset in self._rows[moment]:
            there = best[begins - low : ends - low]
            gains = self._priced[offset : offset + ends - begins]
            np.maximum(there, gains + rest[begins + takes : ends + takes], out=there)
        best = np.maximum.accumulate(best[::-1])[::-1]
        self._begun[moment] = low, high, rest[low - breath : high].copy(), best
        crowded = best - self._crowding
        for since, until, gained in (
            (floor, low - breath, best[0]),
            (low - breath, high - breath, best),
            (low - breath, low - pause, crowded[0]),
            (low - pause, high - pause, crowded),
        ):
            if since < until:
                np.maximum(rest[since:until], gained, out=rest[since:until])
        return floor

    def rest(self, moment: int, cells: Ints) -> Floats:
        """What may come after the moment where the last line has ended in one of the cells."""
        floor, found = self._rest[moment]
        return found[np.minimum(np.maximum(cells - floor, 0), len(found) - 1)]

    def lines(self) -> list[tuple[int, int]]:
        """The options of the best path and the cells they begin in."""
        found, at = list[tuple[int, int]](), -1
        for moment, begun in enumerate(self._begun):
            if begun is None:
                continue
            low, high, before, best = begun
            cell = max(at, low - self.grid.breath)
            if cell >= high:
                continue
            starts = [max(cell + self.grid.breath, low), max(cell + self.grid.pause, low)]
            worth = [
                best[s - low] - c if s < high else -np.inf for s, c in zip(starts, (0.0, self._crowding), strict=True)
            ]
            if max(worth) > before[cell - low + self.grid.breath] + EPS:
                option, begins = self._best(moment, starts[0] if worth[0] >= worth[1] else starts[1])
                found.append((option, begins))
                at = begins + int(self._takes[option])
        return found

    def _best(self, moment: int, since: int) -> tuple[int, int]:
        """The option of the moment that is best from a cell on, and where it is."""
        found = (-np.inf, 0, 0)
        floor, rest = self._rest[moment]
        for option, begins, ends, takes, offset in self._rows[moment]:
            start = max(begins, since)
            if start < ends:
                skipped = min(
                    max(floor - start - takes, 0), ends - start
                )  # cells before the floor are worth what the floor is
                after = rest[max(start + takes - floor, 0) : max(ends + takes - floor, 0)]
                gains = self._priced[offset + start - begins : offset + ends - begins].copy()
                gains[:skipped] += rest[0]
                gains[skipped:] += after
                nth = int(gains.argmax())
                if gains[nth] > found[0]:
                    found = float(gains[nth]), option, start + nth
        return found[1], found[2]


class Relaxed:
    """The relaxed problem of a film: its prices, the bound they prove, and what any plan may still hope for."""

    def __init__(
        self, windows: Windows, moments: int, slots: Sequence[Slot], rules: Rules, cliques: Sequence[Clique]
    ) -> None:
        self._windows, self._moments, self._slots, self._rules = windows, moments, slots, rules
        self._cliques = cliques
        self._capacity = np.array([s.capacity for s in slots])
        self._bounded = np.isfinite(self._capacity)
        none = np.zeros(0, np.int64)
        self._of_clique = np.repeat(np.arange(len(cliques)), np.array([len(c.options) for c in cliques], int))
        self._in_clique = np.concatenate([none, *(c.options for c in cliques)])
        self._made: dict[float, Paths] = {}

    def find(self, start: Prices, effort: Effort = QUICK) -> Prices:
        """Prices whose bound is low, from those of this problem or of one much like it."""
        paths = self._in_cells(GRAIN)
        prices = self._known(start)
        count = len(prices)
        steps = np.repeat([FIRST_SECOND, FIRST_LINE], [len(self._slots), len(self._cliques)])
        steps *= effort.again if start.seconds or start.lines else 1.0
        turned, best, lowest = np.zeros(count), prices, list[float]()
        for _ in range(effort.passes):
            bound, over = self._pass(paths, prices)
            if bound < min(lowest, default=math.inf):
                best = prices
            lowest.append(min([bound, *lowest[-1:]]))
            signs = np.where((prices <= 0) & (over < 0), 0.0, np.sign(over))
            if not signs.any() or _stalls(lowest, effort.patience):
                break
            steps = np.where(signs * turned < 0, steps * SHRINK, np.where(signs * turned > 0, steps * GROW, steps))
            turned = np.where(signs != 0, signs, turned)
            prices = np.maximum(prices + signs * steps, 0.0)
        return self._named(best)

    def _pass(self, paths: Paths, prices: Floats) -> tuple[float, Floats]:
        """The bound of prices, and how much more the best path takes of each slot and clique than there is."""
        worth = paths.follow(self._of_windows(prices))
        spoken = np.zeros(len(self._windows.options))
        options, cells = np.array(paths.lines(), np.int64).reshape(-1, 2).T
        spoken[options] = 1.0
        used = np.bincount(
            np.searchsorted(paths.grid.base, cells, "right") - 1, self._windows.seconds[options], len(self._slots)
        )
        fuller = np.where(self._bounded, np.round(used - np.where(self._bounded, self._capacity, 0.0), 6), 0.0)
        said = np.bincount(self._of_clique, spoken[self._in_clique], len(self._cliques)) - 1.0
        return worth + self._paid(prices), np.concatenate([fuller, said])

    def _paid(self, prices: Floats) -> float:
        seconds, lines = np.split(prices, [len(self._slots)])
        held = seconds[self._bounded] * self._capacity[self._bounded]
        return math.fsum(held.tolist()) + math.fsum(lines.tolist())

    def _of_windows(self, prices: Floats) -> Floats:
        """What using each window costs."""
        seconds, lines = np.split(prices, [len(self._slots)])
        charge = np.bincount(self._in_clique, lines[self._of_clique], len(self._windows.options))
        windows = self._windows
        found: Floats = seconds[windows.slot] * windows.seconds[windows.option] + charge[windows.option]
        return found

    def hold(self, prices: Prices, *, fine: bool = True) -> float:
        """Ready `hope` for prices; the bound they prove. Not `fine`: in the cells that prices are found in."""
        found = self._known(prices)
        self._ahead = self._in_cells(FINE if fine else GRAIN)
        self._seconds = np.append(found[: len(self._slots)], 0.0)
        held = np.where(np.append(self._bounded, False), np.append(self._capacity, 0.0), 0.0)
        self._held = held
        self._later = np.append(np.cumsum((self._seconds * held)[::-1])[::-1], 0.0)
        self.credit = Credit(self._cliques, found[len(self._slots) :], self._moments)
        return self._ahead.follow(self._of_windows(found)) + self._paid(found)

    def hope(self, moment: int, slots: Ints, ends: Floats, filled: Floats) -> Floats:
        """The most that lines after a moment can add to plans, before what they have said is taken into account.

        Of plans the slot (their number for: none), the end of the last line and the seconds spoken in that slot.
        """
        cells = self._ahead.grid.cells(slots, ends)
        room = self._seconds[slots] * np.maximum(self._held[slots] - filled, 0.0)
        found: Floats = self._ahead.rest(moment, cells) + room + self._later[slots + 1] + self.credit.left[moment]
        return found

    def _in_cells(self, grain: float) -> Paths:
        if grain not in self._made:
            cells = grain * self._coarse(grain)
            self._made[grain] = Paths(self._windows, self._moments, self._slots, self._rules, cells)
        return self._made[grain]

    def _coarse(self, grain: float) -> int:
        """How many times larger cells must be for their number to stay linear in the options."""
        windows = self._windows
        cells = float(np.sum(windows.last - windows.opens)) / grain + len(windows.slot)
        return max(1, math.ceil(cells / (MOST_CELLS * max(len(windows.options), 1))))

    def _known(self, prices: Prices) -> Floats:
        seconds = [prices.seconds.get(number, 0.0) for number in range(len(self._slots))]
        return np.array(seconds + [prices.lines.get((c.says, c.first), 0.0) for c in self._cliques])

    def _named(self, prices: Floats) -> Prices:
        seconds, lines = prices[: len(self._slots)].tolist(), prices[len(self._slots) :].tolist()
        return Prices(
            {number: price for number, price in enumerate(seconds) if price},
            {(c.says, c.first): price for c, price in zip(self._cliques, lines, strict=True) if price},
        )


def _stalls(lowest: Sequence[float], patience: int) -> bool:
    return len(lowest) > patience and lowest[-1 - patience] - lowest[-1] < PROGRESS * abs(lowest[-1])
