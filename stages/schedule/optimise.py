"""Which line is spoken where: the most valuable placement of a film, and how far from the best it can be at most.

`placement` tells the model. It is the choice of a path through moments and times with two rules that tie far-off lines
together, how much a slot may hold and what may not be said twice; with them it is as hard as packing and assigning
together (NP-hard), so no bounded method is exact for all of it. What is done instead is bounded in time and memory for
every input, and proves how good its result is:

1. The two rules become prices (`relaxed`). For prices a longest path gives an upper bound. On films it lies within a
   per cent of the best placement, for lines are short against the stretches that the rules speak of.
2. Plans are grown moment by moment, and those are kept that promise most with what that path may still bring
   (`search`). Each search is held against the plan of the narrower one before; where no plan was given up but for being
   beaten, or promising less than one that is known, the result is exact. That is so for nearly every film whose pauses
   are short, and shown against brute force.
3. Where a film of up to some twenty minutes is still not close to its bound, prices are sought four times as long
   and the search is repeated with them: in films cut fast, most of whose lines recur, they are what it goes by.
4. The bound is the lesser of the two: the one of the prices, and the best promise of all plans that were given up.

Why it is bounded. Windows end where a place costs more than a line is worth, and after `REACH` seconds; cells grow with
their number; the search keeps a fixed number of labels a moment. So time and memory are linear in options. No clock is
read and sums are taken in one order, so every machine finds the same plan. What `windows` leaves out (starts minutes
after the picture, the 25th slot in reach, the 33rd step that is cheaper still) is no part of the problem, nor of the
bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stages.schedule.placement import Option, Placed, Rules, Slot
from stages.schedule.relaxed import EPS, QUICK, ROUGH, THOROUGH, Effort, Prices, Relaxed
from stages.schedule.repetition import Repetition
from stages.schedule.search import Search
from stages.schedule.windows import Windows

NARROWEST, NARROW, WIDE, WIDEST = 8, 16, 64, 1024
"""Labels a moment: of a search whose plan is not kept; of the first search else; of later ones, where it is not close
enough to the bound; and of those where the film is small."""
LABELS = 12_000
"""Labels over all moments up to which a film is small."""
CLOSE = 5e-3
"""Share of the worth of a longer film below its bound that is close enough."""


@dataclass(frozen=True)
class Plan:
    """The chosen lines in order of time, what they are worth, and what no placement is worth more than.

    `prices` serve to start from where nearly the same is decided again.
    """

    lines: list[Placed]
    value: float
    bound: float
    prices: Prices

    @property
    def short(self) -> float:
        """How far below the best possible it is at most, as a share of that; 0: it is the best."""
        return max(0.0, 1 - self.value / self.bound) if self.bound > 0 else 0.0


def optimise(
    moments: Sequence[Sequence[Option]],
    slots: Sequence[Slot],
    rules: Rules,
    start: Prices | None = None,
    *,
    wide: bool = True,
) -> Plan:
    """The most valuable placement; `moments` in order of time, `slots` in order of time and disjoint.

    `start`: the prices of a problem much like this one. Not `wide`: of a long film the first search alone, for a plan
    that serves to know more and not to be kept.
    """
    windows = Windows(moments, slots, rules).useful()
    if not len(windows.option):
        return Plan([], 0.0, 0.0, start or Prices())
    when = np.array([max((o.when for o in moment), default=-math.inf) for moment in moments])
    repetition = Repetition(windows, np.maximum.accumulate(when), rules)
    relaxed = Relaxed(windows, len(moments), slots, rules, repetition.cliques)
    search = Search(windows, slots, rules, repetition, relaxed)
    speaking = int(np.count_nonzero(np.diff(windows.moment[windows.option]))) + 1
    small = speaking * WIDE <= LABELS
    value, lines, bound, prices = 0.0, list[Placed](), math.inf, start or Prices()
    for effort, width, close in _attempts(speaking, small, wide):
        if effort:
            prices = relaxed.find(prices, effort)
            bound = min(bound, relaxed.hold(prices, fine=effort is not ROUGH))
        found = search.run(width, value)
        if found.lines:
            value, lines = found.value, found.lines
        bound = max(value, min(bound, max(found.bound, value)))
        if bound <= value * (1 + close) + EPS:
            break
    return Plan(lines, value, bound, prices)


def _attempts(speaking: int, small: bool, wide: bool) -> Iterator[tuple[Effort | None, int, float]]:
    """The effort for prices, None: those there are; labels a moment; and the share of the worth close enough then."""
    widest = max(WIDE, min(WIDEST, LABELS // speaking))
    if not (small or wide):
        yield ROUGH, NARROWEST, CLOSE
        return
    yield QUICK, NARROW, 0.0 if small else CLOSE
    yield None, widest, CLOSE
    if small and wide:
        yield THOROUGH, widest, 0.0
