"""Which shots lie in one place: scenes by overlapping links of look, and places that are known again.

Two shots that look alike within `link` seconds belong to one scene with all that lies between them: of shot and
reverse shot, A B A B, the two A take B with them (Yeung, Yeo & Liu 1998, time-constrained clustering; Hanjalic,
Lagendijk & Biemond 1999, logical story units by overlapping links). A turn of the light and a card that names a jump in
time end a scene. A scene one shot of which looks like an earlier one, within `memory` seconds, is in that one's place.

What two looks cannot tell: a scene cut against another one in quick turns (a telephone call) counts as one place, and a
room whose two sides never return within `link` seconds counts as two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.records import Keyframe
from stages.context.look import Light, grid, telling


@dataclass(frozen=True)
class ShotLook:
    """A shot by its stills, in order of time; `jump`: a card in it says that time has passed."""

    id: str
    stills: tuple[Keyframe, ...]
    light: Light
    jump: bool = False


def places(shots: Sequence[ShotLook], difference: float, link: float, memory: float) -> dict[str, str]:
    """Shot → the first shot of its place; `shots` in order of time, each with a still.

    `difference`: mean difference of colours (0–255) below which two looks are alike; `link`, `memory`: seconds.
    """
    looks = _Looks(shots, difference)
    scene = _scenes(shots, looks, link)
    found: dict[int, str] = {}
    for number, shot in enumerate(shots):
        known = None if scene[number] in found else _known(scene, number, looks, memory, found)
        found.setdefault(scene[number], known or shot.id)
    return {shot.id: found[scene[number]] for number, shot in enumerate(shots)}


def _known(scene: Sequence[int], first: int, looks: _Looks, memory: float, found: Mapping[int, str]) -> str | None:
    """The place of an earlier scene that looks like any shot of the scene that begins at `first`; the most alike."""
    alike: list[tuple[float, int]] = []
    for number in range(first, len(scene)):
        if scene[number] != scene[first]:
            break
        alike += [(distance, other) for other, distance in looks.like(number, memory) if other < first]
    return found[scene[min(alike)[1]]] if alike else None


def _scenes(shots: Sequence[ShotLook], looks: _Looks, link: float) -> list[int]:
    """For each shot the number of its scene, from 0."""
    breaks = _breaks(shots)
    joined = [False] * max(len(shots) - 1, 0)
    for number in range(len(shots)):
        for other, _ in looks.like(number, link):
            if breaks[other] == breaks[number]:
                joined[other:number] = [True] * (number - other)
    numbers = [0]
    for together in joined:
        numbers.append(numbers[-1] + (not together))
    return numbers[: len(shots)]


def _breaks(shots: Sequence[ShotLook]) -> list[int]:
    """How many ends of scenes lie before each shot: turns of the light and jumps in time."""
    light, count, found = "unknown", 0, []
    for shot in shots:
        turned = "unknown" not in (light, shot.light) and shot.light != light
        count += turned or shot.jump
        light = shot.light if shot.light != "unknown" else light
        found.append(count)
    return found


class _Looks:
    """The looks of all shots, compared inside a window of time."""

    def __init__(self, shots: Sequence[ShotLook], difference: float) -> None:
        stills = [(still, number) for number, shot in enumerate(shots) for still in shot.stills if telling(still)]
        self._difference = difference
        self._shot = np.array([number for _, number in stills], int)
        self._times = np.array([still.time for still, _ in stills])
        self._looks: NDArray[np.float32] = np.array([grid(s).ravel() for s, _ in stills], np.float32).reshape(-1, 48)
        self._rows = np.searchsorted(self._shot, np.arange(len(shots) + 1))

    def like(self, number: int, seconds: float) -> list[tuple[int, float]]:
        """Earlier shots at most `seconds` before this one that look like it, each with its least distance."""
        found: dict[int, float] = {}
        until = self._rows[number]
        for row in range(until, self._rows[number + 1]):
            since = int(np.searchsorted(self._times[:until], self._times[row] - seconds))
            distances = np.abs(self._looks[since:until] - self._looks[row]).mean(axis=1)
            for at in np.flatnonzero(distances < self._difference).tolist():
                shot, distance = int(self._shot[since + at]), float(distances[at])
                found[shot] = min(distance, found.get(shot, distance))
        return sorted(found.items())
