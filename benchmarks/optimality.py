"""How near the chosen lines come to the best possible: against an exact solver, and against greedy placements.

    python -m benchmarks.optimality --media FOLDER [--work DIR]

Films of 5, 10 and 15 minutes with gaps of a drama, with long ones, and without dialogue; captions that recur in five
ways (`benchmarks.choice`), in English and Korean by turns; and films cut fast, with 27 keyframes a minute. Times are
moved to a grid of 0.2 s, on which HiGHS finds the best placement (`benchmarks.exact`, within 12 s; where it does not
prove it, its bound counts). Every placement of a film obeys the same rules and is valued by the same sum.

Writes `benchmarks/results/optimality.md`.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import choice, exact
from benchmarks.greedy import greedy_by_value, greedy_in_time
from benchmarks.harness import machine
from stages.schedule.losses import total
from stages.schedule.optimise import optimise
from stages.schedule.windows import Windows

RESULTS = Path(__file__).parent / "results"
LIMIT = 12.0
FAST = 2.2
"""Seconds between keyframes of a film cut fast."""
SEEDS = {5: 10, 10: 6, 15: 2}
KINDS = [
    *((minutes, gaps, choice.EVERY, seeds) for minutes, seeds in SEEDS.items() for gaps in choice.GAPS),
    *((5, gaps, FAST, 3) for gaps in ("none", "long")),
]
"""Minutes, gaps, seconds between keyframes, and how many films of each with each kind of captions."""


@dataclass(frozen=True)
class Compared:
    """One film: the worth of our plan and its bound, the best there is and its bound, the better of two greedy ones."""

    kind: str
    value: float
    bound: float
    best: float
    at_most: float
    greedy: float
    seconds: float
    solver: float

    @property
    def share(self) -> float:
        """Of the best possible, or of what it is at most."""
        return self.value / self.at_most if self.at_most > 1e-9 else 1.0


def compared(kind: tuple[int, str, float, int], captions: str, seed: int, clips: Path, work: Path) -> Compared:
    """A drawn film, solved and placed."""
    minutes, gaps, every, _ = kind
    language = ("en", "ko")[seed % 2]
    film = choice.drawn(minutes * 60, gaps, 100 * minutes + seed, every)
    lines = choice.human(clips, language)
    plan = choice.planner(film, choice.captioner(lines, captions, language, seed), work, language, seed)
    plan.prepare()
    moments, slots, rules = problem = exact.on_grid(plan.problem(), plan.slots, plan.rules)
    started = time.perf_counter()
    solved = _solved(problem, work)
    between = time.perf_counter()
    ours = optimise(moments, slots, rules)
    taken = time.perf_counter() - between
    greedy = max(total(place(moments, slots, rules), slots, rules) for place in (greedy_in_time, greedy_by_value))
    name = f"{minutes} min, {gaps}{', cut fast' if every == FAST else ''}"
    return Compared(f"{name} | {captions}", ours.value, ours.bound, solved.value, solved.bound, greedy, taken,
                    between - started)  # fmt: skip


def _solved(problem: exact.Problem, work: Path) -> exact.Solved:
    """What the solver finds, kept: it takes most of the time and does not depend on what is measured."""
    moments, slots, rules = problem
    costs = Windows(moments, slots, rules).costs
    digest = hashlib.sha256(repr((moments, slots, costs.tolist(), sorted(rules.alike.items()))).encode()).hexdigest()
    file = work / f"{digest[:32]}.json"
    if not file.exists():
        found = exact.best(problem, LIMIT)
        file.write_text(json.dumps([found.value, found.bound]))
    return exact.Solved(*json.loads(file.read_text()))


def all_films(clips: Path, work: Path) -> Iterator[Compared]:
    """Every kind of film with every kind of captions, one seed after the other."""
    for seed, kind, captions in itertools.product(range(max(SEEDS.values())), KINDS, choice.CAPTIONS):
        if seed < kind[-1]:
            yield compared(kind, captions, seed, clips, work)


def table(found: Sequence[Compared]) -> list[str]:
    """A row for each kind, and the sum of all."""
    kinds = defaultdict(list)
    for row in found:
        kinds[row.kind].append(row)
    head = (
        "| films | captions | number | of the best: mean | least | said to be below at most | proved by the solver | "
    )
    lines = [head + "over the better greedy: mean | least |", "|---|---|---|---|---|---|---|---|---|"]
    return lines + [_row(kind, rows) for kind, rows in kinds.items()] + [_row("**all** | ", found)]


def _row(kind: str, rows: Sequence[Compared]) -> str:
    shares = [row.share for row in rows]
    short = max(max(0.0, 1 - row.value / row.bound) if row.bound > 0 else 0.0 for row in rows)
    over = [row.value / row.greedy for row in rows if row.greedy > 1e-9]
    proved = sum(row.at_most - row.best <= 2 * exact.GAP * row.at_most for row in rows)
    least, mean = 100 * min(over) - 100, 100 * sum(over) / len(over) - 100
    return (
        f"| {kind} | {len(rows)} | {100 * sum(shares) / len(shares):.3f} % | {100 * min(shares):.3f} % | "
        f"{100 * short:.2f} % | {proved} | {mean:+.1f} % | {least:+.1f} % |"
    )


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/optimality"))
    arguments = parser.parse_args()
    found = []
    for row in all_films(arguments.media, arguments.work):
        found.append(row)
        print(f"{len(found):4} {row.kind}: {100 * row.share:.3f} %, {row.seconds:.2f} s, solver {row.solver:.1f} s")
        _write(found)  # each time: it takes hours, and what is known serves


def _write(found: Sequence[Compared]) -> None:
    wrong = [
        row for row in found if row.bound < row.best - 1e-4 or row.value > row.at_most * (1 + 2 * exact.GAP) + 1e-6
    ]
    head = [
        "# How near to the best",
        "",
        *(__doc__ or "").split("\n\n")[2].splitlines(),
        "",
        f"Machine: {machine()}",
        "",
    ]
    tail = ["", f"Bounds that were wrong: {len(wrong)}.", ""]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "optimality.md").write_text("\n".join([*head, *table(found), *tail]), encoding="utf-8")


if __name__ == "__main__":
    main()
