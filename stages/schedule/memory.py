"""What has been said of place, people and objects, so that lines say what is new.

A line is held against the lines that are spoken before it: in the same place those of the last minutes, elsewhere those
of the last minute. Who is meant may be said again: names and words for people cost nothing.

What is known before a line depends on all lines chosen before it, which no cost between two lines can hold exactly. So
it is settled in rounds, as measured lengths are: every optimisation is exact for what the one before has said, the next
one is held against its lines, and of all plans the one is kept that is worth most against its own lines.
"""

from __future__ import annotations

import functools
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from data.records import Context
from data.text.claims import claims
from data.text.words import REMEMBERED, telling
from stages.schedule.objective import TELLING, Level, Weights


@dataclass(frozen=True)
class Said:
    """A line and the keyframe it speaks of: what is seen there, or what is read out."""

    context: Context
    text: str
    view: bool = True


class Memory:
    """What lines have said when a later moment comes; `said` in order of time."""

    def __init__(
        self,
        language: str,
        weights: Weights,
        level: Level,
        *,
        place: float,
        elsewhere: float,
        said: Sequence[Said] = (),
    ) -> None:
        self._language, self._weights, self._level = language, weights, level
        self._place, self._elsewhere = place, elsewhere
        self.said = tuple(said)
        self._times = [line.context.time for line in said]
        self._known: dict[tuple[str, bool], frozenset[str]] = {}

    def holding(self, said: Sequence[Said]) -> Memory:
        """A memory of these lines instead."""
        return Memory(
            self._language, self._weights, self._level, place=self._place, elsewhere=self._elsewhere, said=said
        )

    def known(self, context: Context, view: bool = True) -> frozenset[str]:
        """The words that lines of earlier keyframes have said, as far as they are remembered at this one.

        Of a view also those of what is read out of the same keyframe.
        """
        key = (context.id, view)
        if key not in self._known:
            since = bisect_left(self._times, context.time - max(self._place, self._elsewhere))
            now, after = bisect_left(self._times, context.time), bisect_right(self._times, context.time)
            near = [s for s in self.said[since:now] if self._near(s, context)]
            near += [s for s in self.said[now:after] if view and not s.view and s.context.id == context.id]
            self._known[key] = frozenset[str]().union(*(telling(s.text, self._language) for s in near))
        return self._known[key]

    def cost(self, text: str, context: Context, view: bool = True) -> float:
        """What is taken from a line for telling what is known: its share, and the news that it would else be."""
        known = self.known(context, view)
        said = telling(text, self._language) if known else frozenset()
        if not said & known:
            return 0.0
        fresh = said - telling(f"{context.dialogue_before} {context.dialogue_after}", self._language)
        again = (fresh & known) - _people(text, self._language)
        if not again:
            return 0.0
        news = min(1.0, len(fresh) / TELLING) - min(1.0, len(fresh - again) / TELLING)
        return self._weights.known * len(again) / len(said) + self._weights.new * self._level.news * news

    def _near(self, earlier: Said, context: Context) -> bool:
        """Whether an earlier line is remembered: in the same place, or said a moment ago."""
        here = context.place and context.place == earlier.context.place
        return bool(here) or context.time - earlier.context.time <= self._elsewhere


@functools.lru_cache(REMEMBERED)
def _people(text: str, language: str) -> frozenset[str]:
    """The words by which a line says who is meant."""
    who = [c.word.casefold() for c in claims(text, language) if c.kind in ("people", "count", "name")]
    return frozenset(word for word in telling(text, language) if any(word in named for named in who))
