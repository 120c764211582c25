"""What may not be said twice: which later options an option rules out, and the cliques of which one at most is spoken.

An option that says what others say has a column: a place in the memory of a plan that keeps the moment at which that
was said last. Columns are given back when what they stand for comes no more, so a memory is no larger than what recurs
within `Rules.window`, however long the film is.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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


@dataclass
class Run:
    """The moments at which one thing could be said, each at most `window` seconds after the one before, with their
    options; and its column."""

    says: int
    moments: list[int] = field(default_factory=list)
    options: list[list[int]] = field(default_factory=list)
    column: int = COLUMN

    @property
    def all(self) -> list[int]:
        """Its options."""
        return [option for row in self.options for option in row]


class Repetition:
    """What recurs among the options of a film.

    `column` of each option (COLUMN: none) tells whether it has been said, `paid` whether a clique of it has; `marks`:
    the columns that speaking an option writes to; `fresh`: the columns that begin to stand for something at a moment;
    `since`: the first moment that is still remembered at each.
    """

    def __init__(self, windows: Windows, when: Floats, rules: Rules) -> None:
        self._when, self._window, self._alike = when, rules.window + MS, rules.alike
        self.since = np.searchsorted(when, when - self._window)
        self.fresh: dict[int, list[int]] = defaultdict(list)
        self.column, self.paid = (np.full(len(windows.options), COLUMN) for _ in range(2))
        self.marks: dict[int, Ints] = {}
        said = defaultdict(list)
        for option in np.flatnonzero(windows.until > windows.first).tolist():
            said[windows.options[option].says].append((int(windows.moment[option]), option))
        said.pop(COLUMN, None)
        self._runs = {says: self._divided(says, places) for says, places in said.items()}
        alone = [run for runs in self._runs.values() for run in runs if self._recurs(run)]
        families = [family for family in _families(sorted(said), rules.alike) if len(family) > 1]
        joined = [sorted(place for says in family for place in said[says]) for family in families]
        together = [run for family, places in zip(families, joined, strict=True)
                    for run in self._divided(family[0], places) if len(run.moments) > 1]  # fmt: skip
        self.columns = self._allot([*alone, *together])
        for run in alone:
            self.column[run.all] = self.paid[run.all] = run.column
        for run in together:
            self.paid[run.all] = run.column
        for run in alone:
            self._mark(run)
        members = {says for family in families for says in family}
        priced = [*(run for run in alone if run.says not in members), *together]
        self.cliques = sorted((c for run in priced for c in self._cliques(run)), key=lambda c: (c.first, c.says))

    def _divided(self, says: int, places: Sequence[tuple[int, int]]) -> list[Run]:
        """Moments and options, in order, as runs."""
        runs = list[Run]()
        for moment, option in places:
            if not runs or self._when[moment] - self._when[runs[-1].moments[-1]] > self._window:
                runs.append(Run(says))
            run = runs[-1]
            if not run.moments or run.moments[-1] != moment:
                run.moments.append(moment)
                run.options.append([])
            run.options[-1].append(option)
        return runs

    def _recurs(self, run: Run) -> bool:
        """Whether something is to be remembered of a run."""
        return len(run.moments) > 1 or any(self._near(run, other) for other in self._alike.get(run.says, ()))

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
        for run in sorted(runs, key=lambda r: (r.moments[0], r.says)):
            begins = int(self.since[run.moments[0]])
            if used and used[0][0] < begins:
                _, run.column = heapq.heappop(used)
            else:
                run.column, columns = columns, columns + 1
            self.fresh[begins].append(run.column)
            heapq.heappush(used, (run.moments[-1], run.column))
        return columns

    def _mark(self, run: Run) -> None:
        for moment, options in zip(run.moments, run.options, strict=True):
            found = {run.column, *self.paid[options].tolist()}
            for says in self._alike.get(run.says, ()):
                found |= self._ahead(says, moment)
            self.marks.update(dict.fromkeys(options, np.array(sorted(found), int)))

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


def _families(numbers: Iterable[int], alike: Mapping[int, frozenset[int]]) -> Iterable[list[int]]:
    """The numbers in groups all of which are alike: near each other one of a group at most is spoken."""
    families, of = list[list[int]](), dict[int, int]()
    for number in numbers:
        known = Counter(of[other] for other in alike.get(number, ()) if other in of)
        home = min((f for f, count in known.items() if count == len(families[f])), default=len(families))
        if home == len(families):
            families.append([])
        families[home].append(number)
        of[number] = home
    return families


class Credit:
    """What prices a plan need not pay any more: a clique of which it has spoken a line costs its future nothing.

    Of cliques in order of time.

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
