"""What may not be said twice: which later options an option rules out, and the cliques of which one at most is spoken.

An option that says what others say has a column: a place in the memory of a plan that keeps the moment at which that
was said last. Columns are given back when what they stand for comes no more, so a memory is no larger than what recurs
within `Rules.window`, however long the film is.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from stages.schedule.placement import MS, Floats, Ints, Rules
from stages.schedule.windows import Windows

COLUMN = -1
"""Of an option that nobody else repeats."""


@dataclass(frozen=True)
class Clique:
    """Options of which one at most is spoken: those that say the same from one moment to `window` seconds later.

    Of moments the first and the last; `column` is where it is remembered that one was spoken.
    """

    first: int
    last: int
    column: int
    says: int
    options: Ints


class Run:
    """The moments at which one thing could be said, each at most `window` seconds after the one before."""

    def __init__(self, says: int) -> None:
        self.says, self.moments, self.options = says, list[int](), list[list[int]]()
        self.column, self.apart = COLUMN, True


class Repetition:
    """What recurs among the options of a film.

    `column` of each option (COLUMN: none); `marks`: the columns that speaking an option writes to; `fresh`: the columns
    that begin to stand for something at a moment; `since`: the first moment that is still remembered at each.
    """

    def __init__(self, windows: Windows, when: Floats, rules: Rules) -> None:
        self._when, self._window = when, rules.window + MS
        self.since = np.searchsorted(when, when - self._window)
        self.fresh: dict[int, list[int]] = defaultdict(list)
        self.column = np.full(len(windows.options), COLUMN)
        self.marks: dict[int, Ints] = {}
        self._runs: dict[int, list[Run]] = defaultdict(list)
        for option in np.flatnonzero(windows.until > windows.first).tolist():
            if windows.options[option].says >= 0:
                self._add(windows.options[option].says, int(windows.moment[option]), option)
        recurring = list(self._recurring(rules))
        self.columns = self._allot(recurring)
        for run in recurring:
            self._mark(run, rules)
        self.cliques = [clique for run in recurring for clique in self._cliques(run)]

    def _add(self, says: int, moment: int, option: int) -> None:
        runs = self._runs[says]
        if not runs or self._when[moment] - self._when[runs[-1].moments[-1]] > self._window:
            runs.append(Run(says))
        run = runs[-1]
        if not run.moments or run.moments[-1] != moment:
            run.moments.append(moment)
            run.options.append([])
        run.options[-1].append(option)

    def _recurring(self, rules: Rules) -> Iterable[Run]:
        """The runs that something is to be remembered of, in the order in which they begin."""
        runs = (run for found in self._runs.values() for run in found)
        for run in sorted(runs, key=lambda r: (r.moments[0], r.says)):
            if len(run.moments) > 1 or any(self._near(run, other) for other in rules.alike.get(run.says, ())):
                yield run

    def _near(self, run: Run, says: int) -> bool:
        """Whether something else is said near enough to the run to matter to it."""
        begins, ends = self._when[run.moments[0]] - self._window, self._when[run.moments[-1]] + self._window
        runs = self._runs.get(says, [])
        at = bisect_left(runs, begins, key=lambda r: self._when[r.moments[-1]])
        return at < len(runs) and bool(self._when[runs[at].moments[0]] <= ends)

    def _allot(self, runs: Sequence[Run]) -> int:
        """Give every run a column from the moment on at which something may rule it out; how many there are."""
        used: list[tuple[int, int]] = []
        columns = 0
        for run in runs:
            begins = int(self.since[run.moments[0]])
            if used and used[0][0] < begins:
                _, run.column = heapq.heappop(used)
            else:
                run.column, columns = columns, columns + 1
            self.fresh[begins].append(run.column)
            heapq.heappush(used, (run.moments[-1], run.column))
            self.column[[option for row in run.options for option in row]] = run.column
        return columns

    def _mark(self, run: Run, rules: Rules) -> None:
        for moment, options in zip(run.moments, run.options, strict=True):
            found = {run.column} if moment < run.moments[-1] else set()
            for says in rules.alike.get(run.says, ()):
                found |= self._ahead(says, moment)
            marks = np.array(sorted(found), int)
            self.marks.update(dict.fromkeys(options, marks))

    def _ahead(self, says: int, moment: int) -> set[int]:
        """The column of what is said, if it comes again soon after the moment."""
        runs = self._runs.get(says, [])
        at = bisect_right(runs, moment, key=lambda r: r.moments[-1])
        if at == len(runs):
            return set()
        after = runs[at].moments[bisect_right(runs[at].moments, moment)]
        return {runs[at].column} if self._when[after] - self._when[moment] <= self._window else set()

    def _cliques(self, run: Run) -> Iterable[Clique]:
        """The largest stretches of a run in which one line at most can be spoken."""
        reached, times = run.moments[0], self._when[run.moments]
        for number, moment in enumerate(run.moments):
            until = int(np.searchsorted(times, times[number] + self._window, "right"))
            last = run.moments[until - 1]
            if last > reached:
                reached = last
                options = [option for row in run.options[number:until] for option in row]
                yield Clique(moment, last, run.column, run.says, np.array(options))


class Credit:
    """What prices a plan need not pay any more: a clique of which it has spoken a line costs its future nothing.

    `left[m]` is the sum of the prices of all cliques that have options after moment m.
    """

    def __init__(self, cliques: Sequence[Clique], prices: Floats, moments: int) -> None:
        ends = np.zeros(moments + 1)
        np.add.at(ends, [c.last for c in cliques], prices)
        self.left: Floats = np.cumsum(ends[:0:-1])[::-1]
        self._of: dict[int, tuple[Ints, Ints, Floats]] = {}
        by_column = defaultdict(list)
        for number, clique in enumerate(cliques):
            by_column[clique.column].append(number)
        for column, numbers in by_column.items():
            first, last = (np.array([getattr(cliques[n], name) for n in numbers]) for name in ("first", "last"))
            self._of[column] = first, last, np.append(0.0, np.cumsum(prices[numbers]))

    def of(self, column: int, said: Ints, moment: int) -> Floats:
        """After a moment, for plans that have said `column` last at these moments."""
        if column not in self._of:
            return np.zeros(len(said))
        first, last, summed = self._of[column]
        over = summed[np.searchsorted(last, moment, "right")]
        found: Floats = np.maximum(summed[np.searchsorted(first, said, "right")] - over, 0.0)
        return found
