"""Loudness and true peak of a sound that streams through in constant memory.

The method is ITU-R BS.1770-5: K-weighting, channel weights (the LFE does not count, surrounds weigh +1.5 dB), and
gating over 400 ms blocks; windows that are not gated follow EBU Tech 3341 (momentary 0.4 s, short-term 3 s). The
filters run in libavfilter (`biquad`, `aresample`). What is kept is the mean square of every 10 ms, so the loudness
of any window can be asked for afterwards.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.span import Span

if TYPE_CHECKING:
    import av

CELLS = 100
"""Cells a second. 10 ms is far below the 400 ms of the shortest window the standard knows."""
MOMENTARY = 40
"""Cells of 0.4 s, the window of momentary loudness (EBU Tech 3341)."""
FLOOR = -100.0
"""LUFS. Below it there is nothing but the rounding of 16-bit samples: digital silence."""
ABSOLUTE_GATE = -70.0  # LUFS, BS.1770-5 Annex 1
RELATIVE_GATE = -10.0  # LU below the mean of what passes the absolute gate
SURROUND = 1.41  # weight of the power of a surround, BS.1770-5 Table 3
OVERSAMPLING = 4  # BS.1770-5 Annex 2, for 48 kHz

FAINTEST_DIALOGUE = -40.0
"""LUFS. Films keep their dialogue between −20 and −33; quieter is noise taken for voices, or a damaged stretch."""


@dataclass(frozen=True)
class Loudness:
    """What was measured of one sound. Times are seconds from its first sample."""

    energy: NDArray[np.float64] = field(repr=False)
    """K-weighted, channel-weighted mean square of every 10 ms; the rest of the last cell counts as silence."""
    peaks: NDArray[np.float64] | None = field(default=None, repr=False)
    """Largest oversampled magnitude of every 10 ms (1.0 = full scale); None: not asked for."""

    @property
    def duration(self) -> float:
        """Seconds, rounded up to whole cells."""
        return len(self.energy) / CELLS

    @property
    def integrated(self) -> float | None:
        """LUFS of the whole, gated; None when all of it is silence."""
        return self.gated([(0.0, self.duration)])

    @property
    def true_peak(self) -> float | None:
        """dBTP of the whole; None when it was not asked for or all is zero."""
        return self.true_peak_between(0.0, self.duration)

    def true_peak_between(self, start: float, end: float) -> float | None:
        """dBTP of the cells that [start, end] touches."""
        if self.peaks is None:
            return None
        part = self.peaks[max(0, math.floor(start * CELLS)) : max(0, math.ceil(end * CELLS))]
        peak = float(part.max(initial=0.0))
        return 20 * math.log10(peak) if peak > 0 else None

    def between(self, start: float, end: float) -> float | None:
        """LUFS of [start, end] without gating; None for digital silence or an empty window."""
        first, last = max(0.0, start * CELLS), min(float(len(self.energy)), end * CELLS)
        if last <= first:
            return None
        cells = np.arange(math.floor(first), math.ceil(last))
        shares = np.minimum(cells + 1, last) - np.maximum(cells, first)
        return lufs(float(shares @ self.energy[cells]) / (last - first))

    def gated(self, spans: Sequence[Span]) -> float | None:
        """LUFS over the 400 ms blocks that lie inside the spans, e.g. of the dialogue; None when all is silence.

        Blocks start every 100 ms of a span (75 % overlap); a span shorter than a block counts as one block.
        """
        blocks = [self._blocks(start, end) for start, end in spans]
        power = np.concatenate(blocks) if blocks else np.empty(0)
        power = power[power > _power(ABSOLUTE_GATE)]
        if not len(power):
            return None
        return lufs(float(power[power > power.mean() * 10 ** (RELATIVE_GATE / 10)].mean()))

    def dialogue(self, spans: Sequence[Span]) -> float | None:
        """LUFS of the dialogue that lies in the spans; None where they hold nothing loud enough to be followed."""
        level = self.gated(spans)
        return level if level is not None and level > FAINTEST_DIALOGUE else None

    def _blocks(self, start: float, end: float) -> NDArray[np.float64]:
        cells = self.energy[max(0, round(start * CELLS)) : max(0, round(end * CELLS))]
        if not len(cells):
            return np.empty(0)
        return _means(cells, min(MOMENTARY, len(cells)))

    def momentary(self) -> NDArray[np.float64]:
        """LUFS of the 0.4 s that start at 0, 0.1, 0.2 … s, never below `FLOOR`."""
        if len(self.energy) < MOMENTARY:
            return np.empty(0)
        return -0.691 + 10 * np.log10(np.maximum(_means(self.energy, MOMENTARY), _power(FLOOR)))


def lufs(power: float) -> float | None:
    """LUFS of a weighted mean square; None below `FLOOR`."""
    return -0.691 + 10 * math.log10(power) if power > _power(FLOOR) else None


def _means(energy: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    """Mean of every window of `cells` cells, one window each 100 ms."""
    windows = np.lib.stride_tricks.sliding_window_view(energy, cells)[:: CELLS // 10]
    return np.asarray(windows.mean(axis=1), dtype=np.float64)


def _power(loudness: float) -> float:
    return float(10 ** ((loudness + 0.691) / 10))


def measure(blocks: Iterable[NDArray[np.float32]], rate: int, layout: str, *, true_peak: bool = False) -> Loudness:
    """Measure a sound given as consecutive blocks (samples, channels), full scale ±1; `layout` is FFmpeg's name.

    `true_peak` also oversamples it ×4 (BS.1770-5 Annex 2).
    """
    meter = Meter(rate, layout, true_peak=true_peak)
    for block in blocks:
        meter.feed(block)
    return meter.result()


class Meter:
    """`measure` for whoever hands the blocks over one by one, several sounds in step for example."""

    def __init__(self, rate: int, layout: str, *, true_peak: bool = False) -> None:
        self.rate, self.weights = rate, channel_weights(layout)
        self.weighting = _Filter(rate, layout, "dbl", k_weighting(rate))
        self.resampler = _Filter(rate, layout, "flt", [f"aresample={rate * OVERSAMPLING}"]) if true_peak else None
        self.energy, self.peaks = _Cells(np.add, rate), _Cells(np.maximum, rate * OVERSAMPLING)

    def feed(self, block: NDArray[np.float32]) -> None:
        """Take the next samples (samples, channels)."""
        if len(block):
            self._feed(block)

    def result(self) -> Loudness:
        """What was measured; call once, at the end."""
        self._feed(None)
        energy = self.energy.all() / (self.rate / CELLS)
        return Loudness(energy, self.peaks.all()[: len(energy)] if self.resampler else None)

    def _feed(self, block: NDArray[np.float32] | None) -> None:
        for part in self.weighting.feed(block):
            self.energy.feed(np.einsum("c,cs,cs->s", self.weights, part, part))  # BLAS would wake every core for this
        for part in self.resampler.feed(block) if self.resampler else ():
            self.peaks.feed(np.abs(part).max(axis=0).astype(np.float64))


@lru_cache
def channel_names(layout: str) -> tuple[str, ...]:
    """FFmpeg's names of the channels, e.g. FL FR FC LFE BL BR. A bare count has the usual order of that count."""
    import av

    known = av.AudioLayout(layout)
    names = tuple(channel.name for channel in known.channels)
    return channel_names(f"{known.nb_channels}c") if "NONE" in names else names


def panning(layout: str) -> NDArray[np.float32]:
    """Gain of the narration in every channel, (channels,).

    The centre where there is one, else the phantom centre: left and right at −3 dB, so that the loudness is the same.
    """
    names = channel_names(layout)
    for chosen in ({"FC"}, {"FL", "FR"}, {"DL", "DR"}):
        if chosen <= set(names):
            break
    else:
        chosen = {names[0]}
    return np.array([math.sqrt(1 / len(chosen)) if name in chosen else 0.0 for name in names], np.float32)


@lru_cache
def channel_weights(layout: str) -> NDArray[np.float64]:
    """Weight of every channel's power: 0 for LFE, 1.41 at the sides (60°–120°), else 1 (BS.1770-5 Table 3 and 4).

    BL and BR are the surrounds of 5.1 and quad; where the layout has SL and SR too, they are the true back.
    """
    names = channel_names(layout)
    sides = {"SL", "SR"} if "SL" in names else {"BL", "BR"}
    return np.array([0.0 if n.startswith("LFE") else SURROUND if n in sides else 1.0 for n in names])


def k_weighting(rate: int) -> list[str]:
    """The two filters of BS.1770-5 Annex 1 as FFmpeg's `biquad`: a shelf for the head, then a high-pass.

    The standard gives coefficients for 48 kHz only; these are its analogue prototypes mapped to `rate` by the
    bilinear transform (De Man, "Evaluation of Implementations of the EBU R128 Loudness Measurement", AES 2018).
    """
    k, q = math.tan(math.pi * 1681.974450955533 / rate), 0.7071752369554196
    high = 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    shelf = (high + band * k / q + k * k, 2 * (k * k - high), high - band * k / q + k * k)
    stages = [_biquad(shelf, k, q)]
    k, q = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    scale = 1 + k / q + k * k  # the numerator of the high-pass is 1, −2, 1 as it stands
    return [*stages, _biquad((scale, -2 * scale, scale), k, q)]


def _biquad(b: tuple[float, float, float], k: float, q: float) -> str:
    a = (1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k)
    pairs = (f"b{i}={zero!r}:a{i}={pole!r}" for i, (zero, pole) in enumerate(zip(b, a, strict=True)))
    return ":".join(["biquad=a=tdii", *pairs])


class _Filter:
    """A chain of libavfilter's audio filters over floats, packed on both sides: PyAV miscounts eight planes."""

    def __init__(self, rate: int, layout: str, sample_format: str, chain: Sequence[str]) -> None:
        import av
        import av.filter

        self.rate, self.layout, self.format, self.fed = rate, layout, sample_format, 0
        self.channels = av.AudioLayout(layout).nb_channels
        graph = av.filter.Graph()
        self.source = last = graph.add_abuffer(
            sample_rate=rate, format=sample_format, layout=layout, time_base=Fraction(1, rate)
        )
        for name, _, arguments in (part.partition("=") for part in [*chain, f"aformat={sample_format}"]):
            following = graph.add(name, arguments)
            last.link_to(following)
            last = following
        self.sink = graph.add("abuffersink")
        last.link_to(self.sink)
        graph.configure()
        self.graph = graph

    def feed(self, block: NDArray[np.float32] | None) -> Iterator[NDArray[np.float64]]:
        """Filtered samples (channels, samples) as far as they are known; None ends the sound."""
        import av

        self.source.push(None if block is None else self._frame(block))
        while True:
            try:
                frame = self.sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            assert isinstance(frame, av.AudioFrame)
            yield np.ascontiguousarray(frame.to_ndarray().reshape(-1, self.channels).T)

    def _frame(self, block: NDArray[np.float32]) -> av.AudioFrame:
        import av

        packed = np.ascontiguousarray(block, np.float32).reshape(1, -1)
        samples = packed.astype(np.float64) if self.format == "dbl" else packed
        frame = av.AudioFrame.from_ndarray(samples, self.format, self.layout)
        frame.sample_rate, frame.pts, frame.time_base = self.rate, self.fed, Fraction(1, self.rate)
        self.fed += len(block)
        return frame


class _Cells:
    """Reduces samples to one value per 10 ms as they stream by."""

    def __init__(self, reduce: np.ufunc, rate: int) -> None:
        self.reduce, self.rate, self.fed = reduce, rate, 0
        self.values = array("d")

    def feed(self, samples: NDArray[np.float64]) -> None:
        """Take the next samples (samples,)."""
        if not len(samples):
            return
        first, last = (s * CELLS // self.rate for s in (self.fed, self.fed + len(samples) - 1))
        begins = -(-np.arange(first, last + 1) * self.rate // CELLS) - self.fed  # the first sample of every cell
        parts = self.reduce.reduceat(samples, np.maximum(begins, 0))
        if first < len(self.values):  # the block before ended inside this cell
            parts[0] = self.reduce(parts[0], self.values.pop())
        self.values.frombytes(parts.tobytes())
        self.fed += len(samples)

    def all(self) -> NDArray[np.float64]:
        """One value per cell."""
        return np.array(self.values, dtype=np.float64)
