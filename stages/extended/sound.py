"""The sound of the extended film: the described programme, silent while the picture stands still, and the lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import MediaError
from data.media.extended import freezes
from data.media.loudness import measure, panning
from data.products import ExtendedFilm
from data.records import Extended

RATE = 48_000
FADE = round(0.020 * RATE)
"""Samples over which the programme falls silent before a freeze and comes back after it, against clicks."""
CEILING = 10 ** (-1.5 / 20)
"""Largest sample of a line: −1 dBTP (EBU R 128) with room for what lies between samples and for the codec."""
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Take:
    """A spoken line: its WAV, who speaks, and its length in seconds."""

    path: Path
    voice: str
    seconds: float


@dataclass(frozen=True)
class Stop:
    """A freeze in samples: where the programme pauses, how long, and what is heard meanwhile, (samples,)."""

    at: int
    length: int
    voice: Samples


def take(path: Path, voice: str) -> Take:
    """A line as the voice spoke it, its length up to a whole millisecond."""
    import soundfile

    return Take(path, voice, math.ceil(soundfile.info(path).frames * 1000 / RATE) / 1000)


def write(
    target: Path, blocks: Iterable[Samples], layout: str, lines: Sequence[Extended], folder: Path,
    shape: tuple[Fraction, float],
) -> None:  # fmt: skip
    """Write the sound as 24-bit FLAC. `shape`: the film's frame rate, and the LUFS of the lines. Raises MediaError."""
    import soundfile

    pan = panning(layout)
    try:
        with soundfile.SoundFile(target, "w", RATE, len(pan), "PCM_24", format="FLAC") as out:
            for block in stopped(blocks, stops(lines, folder, *shape), pan):
                out.write(block)
    except soundfile.LibsndfileError as error:
        values = {"name": ExtendedFilm.pattern, "reason": str(error).rstrip(".")}
        raise MediaError("{name} cannot be written: {reason}. Check the disk and the film.", **values) from error


def stops(lines: Sequence[Extended], folder: Path, rate: Fraction, level: float) -> list[Stop]:
    """The freezes in samples, whole frames long as the picture's, with the lines at `level` LUFS."""
    found = []
    for freeze in freezes(lines):
        at, length = (round(round(seconds * rate) / rate * RATE) for seconds in (freeze.time, freeze.seconds))
        voice = np.zeros(length, np.float32)
        for line in lines:
            if line.time == freeze.time:
                wave = _levelled(folder / line.file, level)
                first = round((line.start - freeze.start) * RATE)
                voice[first : first + len(wave)] = wave[: length - first]
        found.append(Stop(at, length, voice))
    return found


def _levelled(path: Path, level: float) -> Samples:
    import soundfile

    wave = np.asarray(soundfile.read(path, dtype="float32")[0], np.float32)
    loudness = measure([wave[:, None]], RATE, "mono").integrated
    gain = 10 ** ((level - loudness) / 20) if loudness is not None else 1.0
    return wave * np.float32(min(gain, CEILING / max(float(np.abs(wave).max()), 1e-9)))


def stopped(blocks: Iterable[Samples], stops: Sequence[Stop], pan: Samples) -> Iterator[Samples]:
    """The programme (samples, channels) with every stop inserted, faded out before it and in after it."""
    first, left = 0, list(stops)
    for block in blocks:
        block, begin = _faded(block, first, stops), 0
        while left and left[0].at <= first + len(block):
            stop = left.pop(0)
            yield block[begin : stop.at - first]
            yield stop.voice[:, None] * pan
            begin = stop.at - first
        yield block[begin:]
        first += len(block)
    for stop in left:  # the film's sound ends before the picture stands still
        yield stop.voice[:, None] * pan


def _faded(block: Samples, first: int, stops: Sequence[Stop]) -> Samples:
    out = block.copy()
    for stop in stops:
        begin, end = max(stop.at - FADE - first, 0), min(stop.at + FADE - first, len(block))
        if begin < end:
            distance = np.abs(np.arange(begin, end) + first + 0.5 - stop.at) / FADE
            out[begin:end] *= (np.sin(np.pi / 2 * np.minimum(distance, 1)) ** 2).astype(np.float32)[:, None]
    return out
