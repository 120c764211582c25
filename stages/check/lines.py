"""Every clip looked for in the narration stem: where it lies, how loud, and whether it is whole."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.records import Clip, Narration
from stages.check.measure import CELL, CELLS, FOLD, RATE, VOICE_FLOOR, Measured, runs

if TYPE_CHECKING:
    from soundfile import SoundFile

REACH = RATE
"""A clip is looked for within a second of its place."""
ALIKE = 0.4
"""Correlation below which what lies there is not the clip; half a clip correlates by 0.7, speech of others by 0.1."""
LOUD = 10 ** (-25 / 20)
"""Share of a clip's loudest 10 ms above which its cells are compared: speech, but not its tails."""
LOST = 0.25
"""Share of its level below which 10 ms of a clip are missing."""
SILENT = 10 ** (-40 / 20)
"""Share of a clip's loudest 10 ms below which nothing is said: −40 dB are the pauses of a voice over its own noise."""
EDGE = RATE // 1000
"""Samples at either end of a clip that its fade of 10 ms keeps near zero."""

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Spoken:
    """A clip and what the stem holds of it. Without `place` and `voice` it is not there."""

    clip: Clip
    narration: Narration
    place: tuple[float, float] | None = None
    """Where the clip begins and ends in the stem, to an eighth of a millisecond."""
    voice: tuple[float, float] | None = None
    """First and last voice in it, to 10 ms."""
    lost: float = 0.0
    """Seconds of its voice that are missing."""
    hole: float = 0.0
    """Longest stretch without voice between first and last voice, in seconds."""
    edge: float = 0.0
    """Largest sample within 1 ms of its ends, as a share of its peak."""


def spoken(
    clips: Sequence[Clip], narrations: Sequence[Narration], folder: Path, stem: Path, heard: Measured
) -> list[Spoken]:
    """Every clip that should be heard, in order of time. `folder` holds the clips' files."""
    import soundfile

    lines = {n.id: n for n in narrations}
    wanted = sorted((c for c in clips if not c.dropped), key=lambda c: (c.start, c.id))
    with soundfile.SoundFile(stem) as sound:
        return [_found(clip, lines[clip.narration], folder, sound, heard) for clip in wanted]


def _found(clip: Clip, narration: Narration, folder: Path, stem: SoundFile, heard: Measured) -> Spoken:
    import soundfile

    wave = soundfile.read(folder / str(clip.file), dtype="float32", always_2d=True)[0][:, 0]
    planned = round(clip.start * RATE)
    near = _cut(stem, planned - REACH, len(wave) + 2 * REACH)
    shift = _shift(wave, near)
    if shift is None:
        return Spoken(clip, narration)
    there, start = near[shift : shift + len(wave)], (planned - REACH + shift) / RATE
    place = round(start, 4), round(start + len(wave) / RATE, 4)
    voice = heard.voiced_within(*place)
    return Spoken(clip, narration, place, voice, _lost(wave, there), _hole(heard, voice), _edge(there))


def _cut(stem: SoundFile, first: int, length: int) -> Samples:
    """Samples [first, first + length) of the stem, silence beyond its ends."""
    out = np.zeros(length, np.float32)
    begin, end = min(max(first, 0), stem.frames), min(max(first + length, 0), stem.frames)
    stem.seek(begin)
    out[begin - first : end - first] = stem.read(end - begin, dtype="float32", always_2d=True)[:, 0]
    return out


def _shift(wave: Samples, near: Samples) -> int | None:
    """Where in `near` the clip begins, by normalised cross-correlation at 8 kHz; None where it is not."""
    short, long = _folded(wave), _folded(near)
    size = 1 << (len(short) + len(long)).bit_length()
    product = np.fft.irfft(np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size)), size)
    shifts = len(long) - len(short) + 1
    energy = np.concatenate([[0.0], np.cumsum(np.square(long, dtype=np.float64))])
    local = energy[len(short) : len(short) + shifts] - energy[:shifts]
    norm = np.sqrt(np.maximum(local, 1e-12) * max(float(short @ short), 1e-12))
    alike = product[:shifts] / norm
    best = int(np.argmax(product[:shifts]))  # the most of the clip, not the purest scrap of it
    return best * FOLD if alike[best] >= ALIKE else None


def _folded(wave: Samples) -> Samples:
    return np.asarray(wave[: len(wave) // FOLD * FOLD].reshape(-1, FOLD).mean(axis=1), dtype=np.float32)


def _lost(wave: Samples, there: Samples) -> float:
    """Seconds of loud cells of the clip that are 12 dB or more below their level, by the level of the others."""
    clip, stem = _rms(wave), _rms(there)
    loud = clip > LOUD * clip.max(initial=0.0)
    share = stem[loud] / clip[loud]
    if not len(share):
        return 0.0
    usual = float(np.median(share[share > LOST * share.max()]))
    return float(np.count_nonzero(share < LOST * usual)) / CELLS


def _rms(wave: Samples) -> NDArray[np.float64]:
    cells = wave[: len(wave) // CELL * CELL].reshape(-1, CELL)
    return np.asarray(np.sqrt(np.square(cells, dtype=np.float64).mean(axis=1)))


def _hole(heard: Measured, voice: tuple[float, float] | None) -> float:
    """The longest run of silent cells between the first and the last voice, in seconds."""
    if voice is None:
        return 0.0
    cells = heard.stem_rms[round(voice[0] * CELLS) : round(voice[1] * CELLS)]
    return max((last - first for first, last in runs(cells < SILENT * cells.max())), default=0) / CELLS


def _edge(there: Samples) -> float:
    ends = max(float(np.abs(there[:EDGE]).max(initial=0.0)), float(np.abs(there[-EDGE:]).max(initial=0.0)))
    return ends / peak if (peak := float(np.abs(there).max(initial=0.0))) else 0.0


def unscripted(lines: Sequence[Spoken], heard: Measured) -> Iterator[tuple[float, float]]:
    """Stretches of voice in the stem, 50 ms or longer, that belong to no line."""
    free = heard.stem_rms > VOICE_FLOOR
    for line in lines:
        if line.place:
            free[max(0, math.floor(line.place[0] * CELLS)) : math.ceil(line.place[1] * CELLS)] = False
    for first, last in runs(free):
        if last - first >= 5:
            yield first / CELLS, last / CELLS
