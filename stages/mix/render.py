"""The samples of the mix: programme × gain curve + narration, block by block in constant memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.media.loudness import panning
from data.records import Clip, Duck
from stages.mix.ducking import Plan

RATE = 48_000
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Block:
    """A stretch of the finished sound."""

    first: int
    """Position of its first sample in the programme."""
    programme: Samples
    """(samples, channels) as decoded."""
    mix: Samples
    """(samples, channels)"""
    narration: Samples
    """(samples,), at the level it has in the mix."""


def rendered(
    programme: Iterable[Samples], layout: str, plan: Plan, clips: Sequence[Clip], folder: Path, first: int = 0
) -> Iterator[Block]:
    """Mix a programme of blocks (samples, channels) at 48 kHz with the clips in `folder` as planned.

    The first sample of the first block has position `first` in the film.

    Where nothing is said and nothing is lowered, the mix is the programme bit for bit.
    """
    pan = panning(layout)
    for block in programme:
        narration = spoken(clips, folder, plan.gains, first, len(block))
        mix = lowered(block, plan.ducks, first) + narration[:, None] * pan
        yield Block(first, block, mix, narration)
        first += len(block)


def lowered(block: Samples, ducks: Sequence[Duck], first: int) -> Samples:
    """A copy of `block`, whose first sample has position `first`, with the dips applied."""
    out = block.copy()
    for duck in ducks:
        begin = max(0, math.floor((duck.start - duck.attack) * RATE) - first)
        end = min(len(block), math.ceil((duck.end + duck.release) * RATE) + 1 - first)
        if begin < end:
            curve = gain_curve(duck, (first + np.arange(begin, end)) / RATE)
            out[begin:end] = block[begin:end] * curve[:, None]
    return out


def gain_curve(duck: Duck, time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gain of the programme at `time` (seconds): 1 outside, 10^(−depth/20) inside, straight lines between."""
    low = 10 ** (-duck.depth / 20)
    down = _rise(time, duck.start - duck.attack, duck.attack)
    up = _rise(time, duck.end, duck.release)
    return 1 - (1 - low) * np.maximum(down - up, 0)


def _rise(time: NDArray[np.float64], start: float, length: float) -> NDArray[np.float64]:
    """From 0 to 1 within `length` seconds from `start` on."""
    if length <= 0:
        return (time >= start).astype(np.float64)
    return np.clip((time - start) / length, 0, 1)


def spoken(clips: Sequence[Clip], folder: Path, gains: Mapping[str, float], first: int, samples: int) -> Samples:
    """The narration of one block, (samples,); only clips that lie in it are read."""
    out = np.zeros(samples, np.float32)
    for clip in clips:
        start = round(clip.start * RATE)
        if clip.file is None or start >= first + samples or clip.end * RATE + RATE < first:
            continue
        wave = read_clip(folder / clip.file) * np.float32(10 ** (gains[clip.id] / 20))
        part = wave[max(0, first - start) : max(0, first + samples - start)]
        at = max(0, start - first)
        out[at : at + len(part)] += part
    return out


def read_clip(path: Path) -> Samples:
    """The samples of a clip, (samples,); clips are 48 kHz mono."""
    import soundfile

    wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate == RATE
    assert wave.shape[1] == 1
    return np.asarray(wave[:, 0], dtype=np.float32)


class Residual:
    """The largest difference between mix and programme where neither a dip nor a clip is."""

    def __init__(self, ducks: Sequence[Duck]) -> None:
        self.spans = [(duck.start - duck.attack, duck.end + duck.release) for duck in ducks]
        self.largest = 0.0

    def feed(self, block: Block) -> None:
        """Take the next block."""
        outside = np.ones(len(block.mix), bool)
        for start, end in self.spans:
            outside[max(0, math.floor(start * RATE) - block.first) : max(0, math.ceil(end * RATE) - block.first)] = (
                False
            )
        difference = np.abs(block.mix - block.programme)[outside]
        self.largest = max(self.largest, float(difference.max(initial=0.0)))

    @property
    def dbfs(self) -> float | None:
        """dBFS; None when there is no difference at all."""
        return 20 * math.log10(self.largest) if self.largest > 0 else None
