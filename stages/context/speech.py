"""The utterances of a film, asked by time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.records import Utterance


class Speech:
    """Answers in time that does not grow with the square of the film."""

    def __init__(self, utterances: Sequence[Utterance]) -> None:
        self._utterances = list(utterances)
        self._starts = np.array([u.start for u in utterances])
        self._ends = np.array([u.end for u in utterances])

    def between(self, start: float, end: float) -> list[Utterance]:
        """The utterances that lie at least partly in [start, end], seconds."""
        if not self._utterances:
            return []
        return [self._utterances[i] for i in np.flatnonzero((self._starts <= end) & (self._ends >= start))]

    def around(self, time: float, seconds: float) -> tuple[str, str]:
        """What is said up to, and from, a time; an utterance that is under way counts as before."""
        near = self.between(time - seconds, time + seconds)
        before = (u.text for u in near if u.start < time)
        after = (u.text for u in near if u.start >= time)
        return " ".join(filter(None, before)), " ".join(filter(None, after))
