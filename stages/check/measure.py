"""Measures the finished files: the described track decoded again beside the source, and the narration stem.

One pass over all three in step and in constant memory but for curves of one value for every 10 ms. What the check
says of the sound comes from here alone, not from what the stages before intended.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.media import sound
from data.media.loudness import Loudness, Meter
from data.records import AudioStream, Episode

RATE = 48_000
CELL = 480
"""Samples in 10 ms, the grain of every curve here."""
CELLS = RATE // CELL
FOLD = 6
"""Samples averaged to one (8 kHz) before sounds are compared: codecs put noise of their own in place of what lies
above 4 kHz, and a fraction of a sample of delay would count as a difference there."""
VOICE_FLOOR = 10 ** (-60 / 20)
"""Root mean square of 10 ms of stem above which it counts as voice; the fades at clip edges lie below."""
SNIPPET = 2 * RATE
"""Samples compared to find the described track's delay: long enough to be unmistakable, short enough to be quick."""
EVERY = 300
"""Seconds of film for which the delay is measured once: a drift shows, and each costs a few milliseconds."""
REACH = RATE // 2
"""The delay is looked for within half a second."""
ALIKE = 0.3
"""Correlation below which a stretch of the described track is not that stretch of the programme at all."""
IN_STEP = 0.001
"""Seconds of delay above which the sounds cannot be compared sample by sample."""

Block = NDArray[np.float32]
Curve = NDArray[np.float64]


class Gains(NamedTuple):
    """What became of programme and stem in the described track, as factors; None: too quiet to tell."""

    programme: float | None
    narration: float | None


@dataclass(frozen=True)
class Products:
    """Inner products of every 10 ms: programme p, described track d, stem s; those with the stem for each channel."""

    pp: Curve
    dp: Curve
    ss: Curve
    ps: Curve
    """(cells, channels)"""
    ds: Curve
    """(cells, channels)"""

    def gains(self, start: float, end: float) -> Gains:
        """Least squares of d = g·p + n·s over [start, end], n free in every channel; the power of n's is summed."""
        span = slice(math.ceil(round(start * CELLS, 3)), math.floor(round(end * CELLS, 3)))
        pp, dp, ss = (float(curve[span].sum()) for curve in (self.pp, self.dp, self.ss))
        ps, ds = self.ps[span].sum(axis=0), self.ds[span].sum(axis=0)
        if ss < 1e-9:
            return Gains(dp / pp if pp > 1e-9 else None, None)
        alone = pp - float(ps @ ps) / ss  # what of the programme the stem does not explain
        gain = (dp - float(ds @ ps) / ss) / alone if alone > max(1e-9, 1e-3 * pp) else None
        return Gains(gain, float(np.linalg.norm(ds - (gain or 0.0) * ps)) / ss)


@dataclass
class Measured:
    """What the files hold, by measurement. Curves have one value for every 10 ms: mean squares over all channels."""

    programme: Loudness
    described: Loudness
    """With its peaks."""
    stem: Loudness
    stem_rms: Curve
    programme_power: Curve
    described_power: Curve
    products: Products
    stem_peak: float
    """Largest sample, 1 is full scale."""
    programme_peak: float | None
    """Largest sample in dBFS; None: digital silence."""
    delays: tuple[float, ...]
    """Seconds by which the described track's programme lags the source, every few minutes where it can be told."""
    stem_samples: int
    stem_format: str
    track: AudioStream
    file: Episode

    @property
    def delay(self) -> float | None:
        """The largest delay, in seconds; None: nothing in the film tells."""
        return max(self.delays, key=abs, default=None)

    @property
    def in_step(self) -> bool:
        """Whether gains can be measured: the programme in the described track is where it is in the source."""
        return abs(self.delay or 0.0) <= IN_STEP

    @cached_property
    def voiced(self) -> NDArray[np.float64]:
        """(stretches, 2): where the stem holds voice, in seconds; pauses under 0.35 s belong to a stretch."""
        cells = np.flatnonzero(self.stem_rms > VOICE_FLOOR)
        breaks = np.flatnonzero(np.diff(cells) > 0.35 * CELLS)
        if not len(cells):
            return np.empty((0, 2))
        starts, ends = cells[np.r_[0, breaks + 1]], cells[np.r_[breaks, len(cells) - 1]] + 1
        return np.stack([starts, ends], axis=1) / CELLS

    def voiced_within(self, start: float, end: float) -> tuple[float, float] | None:
        """First and last voice inside [start, end]; None for none."""
        first = max(0, math.floor(start * CELLS + 0.5))
        cells = np.flatnonzero(self.stem_rms[first : math.floor(end * CELLS + 0.5)] > VOICE_FLOOR)
        return ((first + int(cells[0])) / CELLS, (first + int(cells[-1]) + 1) / CELLS) if len(cells) else None


def measured(episode: Episode, file: Episode, stem: Path, progress: Callable[[float], None]) -> Measured:
    """Decode the source's programme, the last audio track of the described `file` and the stem, and measure them.

    `progress` is told the seconds of film that are done. A source of another layout is compared in the track's.
    """
    track = file.audio_streams[-1]
    layout = sound.native_layout(track)
    passing = _Pass(layout)
    sources = (
        sound.audio_blocks(episode, rate=RATE, layout=layout),
        sound.audio_blocks(file, track, rate=RATE),
        _stem(stem),
    )
    for number, (programme, heard, voice) in enumerate(itertools.zip_longest(*sources), 1):
        passing.take(programme, heard, voice)
        progress(min(number * 10.0, episode.duration))
    return passing.result(stem, track, file)


class _Pass:
    """What is gathered while the three sounds stream by in step, in blocks of whole cells."""

    def __init__(self, layout: str) -> None:
        self.channels = sound.layout_channels(layout)
        self.meters = Meter(RATE, layout), Meter(RATE, layout, true_peak=True), Meter(RATE, "mono")
        self.curves: list[tuple[Curve, ...]] = []
        self.stem_peak = self.programme_peak = 0.0
        self.delays = _Delays()

    def take(self, programme: Block | None, described: Block | None, stem: Block | None) -> None:
        """The next ten seconds of each; None for one that has ended."""
        for meter, block in zip(self.meters, (programme, described, stem), strict=True):
            if block is not None:
                meter.feed(block)
        length = max(len(block) for block in (programme, described, stem) if block is not None)
        length = -(-length // CELL) * CELL
        p, d, s = _fit(programme, length, self.channels), _fit(described, length, self.channels), _fit(stem, length, 1)
        self.stem_peak = max(self.stem_peak, _peak(s))
        self.programme_peak = max(self.programme_peak, _peak(p))
        curves = (_power(s), _power(p), _power(d), *_products(_folded(p), _folded(d), _folded(s)[..., 0]))
        self.curves.append(curves)
        self.delays.take(p, d, curves[1], np.sqrt(curves[0]) > VOICE_FLOOR)

    def result(self, stem: Path, track: AudioStream, file: Episode) -> Measured:
        """Everything that was gathered."""
        stem_power, programme_power, described_power, *products = map(np.concatenate, zip(*self.curves, strict=True))
        samples, form = _stem_format(stem)
        programme, described, voice = (meter.result() for meter in self.meters)
        return Measured(
            programme=programme,
            described=described,
            stem=voice,
            stem_rms=np.sqrt(stem_power),
            programme_power=programme_power,
            described_power=described_power,
            products=Products(*products),
            stem_peak=self.stem_peak,
            programme_peak=20 * math.log10(self.programme_peak) if self.programme_peak else None,
            delays=tuple(self.delays.all()),
            stem_samples=samples,
            stem_format=form,
            track=track,
            file=file,
        )


@dataclass
class _Delays:
    """The delay of the loudest two seconds without narration of every few minutes."""

    found: list[float] = field(default_factory=list)
    loudest: float = 1e-7
    snippet: tuple[Block, Block] | None = None
    seconds: float = 0.0

    def take(self, programme: Block, described: Block, power: Curve, voiced: NDArray[np.bool_]) -> None:
        """The next block; `power` and `voiced` are those of its cells."""
        cells = SNIPPET // CELL
        for first in range(0, len(power) - cells + 1, cells // 2):
            here = float(power[first : first + cells].mean())
            if here > self.loudest and not voiced[first : first + cells].any():
                span = slice(first * CELL, (first + cells) * CELL)
                self.loudest, self.snippet = here, (programme[span].mean(axis=1), described[span].mean(axis=1))
        self.seconds += len(power) / CELLS
        if self.seconds >= EVERY:
            self._measure()

    def all(self) -> Iterable[float]:
        """Every delay found; call once, at the end."""
        self._measure()
        return self.found

    def _measure(self) -> None:
        lag = delay(*self.snippet) if self.snippet else None
        if lag is not None:
            self.found.append(lag)
        self.loudest, self.snippet, self.seconds = 1e-7, None, 0.0


def delay(programme: Block, described: Block) -> float | None:
    """Seconds that `described` lags `programme`, by the peak of their cross-correlation; None where they differ."""
    size = 1 << (2 * len(programme) - 1).bit_length()
    spectrum = np.fft.rfft(described, size) * np.conj(np.fft.rfft(programme, size))
    correlation = np.fft.irfft(spectrum, size)
    lags = np.concatenate([correlation[-REACH:], correlation[: REACH + 1]])
    energy = float(np.linalg.norm(programme)) * float(np.linalg.norm(described))
    if lags.max() < ALIKE * energy or not energy:
        return None
    return float(np.argmax(lags) - REACH) / RATE


def runs(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and one past the last of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _stem(path: Path) -> Iterator[Block]:
    import soundfile

    yield from soundfile.blocks(path, blocksize=10 * RATE, dtype="float32", always_2d=True)


def _stem_format(path: Path) -> tuple[int, str]:
    """Samples, and what the file says it is: rate, channels, sample format."""
    import soundfile

    info = soundfile.info(path)
    return info.frames, f"{info.samplerate} Hz, {info.channels} ch, {info.subtype}"


def _fit(block: Block | None, length: int, channels: int) -> Block:
    """The block padded with silence to `length` samples; its first channels alone."""
    out = np.zeros((length, channels), np.float32)
    if block is not None:
        out[: len(block)] = block[:, :channels]
    return out


def _peak(block: Block) -> float:
    return max(float(block.max(initial=0.0)), -float(block.min(initial=0.0)))


def _folded(block: Block) -> Block:
    """(cells, samples of a cell at 8 kHz, channels)"""
    low = sum(block[k::FOLD] for k in range(1, FOLD)) + block[::FOLD]
    return np.asarray(low / np.float32(FOLD)).reshape(-1, CELL // FOLD, block.shape[1])


def _products(p: Block, d: Block, s: Block) -> tuple[Curve, ...]:
    """pp, dp, ss, ps and ds of every cell; see `Products`."""
    pairs = (("ctk,ctk->c", p, p), ("ctk,ctk->c", d, p), ("ct,ct->c", s, s), ("ctk,ct->ck", p, s), ("ctk,ct->ck", d, s))
    return tuple(np.einsum(rule, one, other).astype(np.float64) for rule, one, other in pairs)


def _power(block: Block) -> Curve:
    """Mean square of every 10 ms over all channels."""
    cells = block.reshape(-1, CELL * block.shape[1])
    return np.asarray(np.einsum("ct,ct->c", cells, cells) / cells.shape[1], dtype=np.float64)
