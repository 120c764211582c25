"""What is placed and what a placement is worth: options, slots, rules, and the lines chosen.

The model. Moments are ordered by time; at most one option of each is spoken (an option is a candidate, a shortened
or a faster form of one); lines keep the order of their moments, lie inside a slot, and a pause lies between two. No
slot holds more speech than its capacity, and no two lines say the same within `Rules.window` seconds. A line is worth
its value, less what its place costs, a step function of its start (sampled every `GRAIN` seconds and where its window
or its picture begins), less `crowding` where it follows the line before within `breath` seconds in one slot.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MS = 1e-6
"""Tolerance for sums of times that are exact to 1 ms."""
GRAIN = 0.2
"""Seconds: steps in which the cost of a place is known; finer than anybody hears a line to be early."""


@dataclass(frozen=True)
class Slot:
    """Where narration may lie: a gap inside its guards. `capacity` bounds the seconds spoken in it."""

    start: float
    end: float
    capacity: float = math.inf


@dataclass(frozen=True)
class Option:
    """One way to speak of a moment: may start in [earliest, latest], takes `seconds`, is worth `value`.

    `picture` is when what it speaks of appears, `when` the time of its moment, `says` the number of what it says:
    options of one number say the same.
    """

    key: str
    seconds: float
    value: float
    earliest: float
    latest: float
    picture: float
    when: float = 0.0
    says: int = -1
    """-1: nothing that any other option says."""


class PlaceCost(Protocol):
    """What places cost, one for each start: at least 0."""

    def __call__(self, pictures: Floats, seconds: Floats, slots: Ints, starts: Floats) -> Floats:
        """Costs of lines that show `pictures`, take `seconds`, and begin at `starts` in the slots of these numbers."""


@dataclass(frozen=True)
class Rules:
    """What lines cost each other and their place.

    Of two options of which one says what the other says, or what is `alike` to it, with moments at most `window`
    seconds apart, only one is spoken. `alike` is symmetric.
    """

    pause: float
    breath: float
    crowding: float
    cost: PlaceCost
    window: float = math.inf
    alike: Mapping[int, frozenset[int]] = field(default_factory=dict)

    def again(self, earlier: Option, later: Option) -> bool:
        """Whether the later option says again what the earlier one has said."""
        if earlier.says < 0 or later.says < 0 or abs(later.when - earlier.when) > self.window + MS:
            return False
        return earlier.says == later.says or later.says in self.alike.get(earlier.says, ())


@dataclass(frozen=True)
class Placed:
    """An option in a slot, with its start."""

    option: Option
    slot: int
    start: float

    @property
    def end(self) -> float:
        """When the line has ended by its estimate."""
        return self.start + self.option.seconds
