"""Measures the finished files: the described track decoded again beside the source, and the narration stem.

One pass over all three in step and in constant memory. What the check says of the sound comes from here alone,
not from what the stages before intended.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data import media, sound
from data.loudness import Loudness, measure
from data.records import AudioStream, Duck, Episode

RATE = 48_000
CELL = 480
"""Samples in 10 ms, the grain of every curve here."""
VOICE_FLOOR = 10 ** (-60 / 20)
"""Root mean square of 10 ms of stem above which it counts as voice; the fades at clip edges lie below."""
SNIPPET = 2 * RATE
"""Samples compared to find the described track's delay: long enough to be unmistakable, short enough to be quick."""
REACH = RATE // 20
"""The delay is looked for within 50 ms."""

Block = NDArray[np.float32]


@dataclass
class Dip:
    """Inner products over one duck's hold: programme (p), stem (s), described track (d)."""

    pp: float = 0.0
    ss: float = 0.0
    ps: float = 0.0
    dp: float = 0.0
    ds: float = 0.0

    def add(self, programme: Block, stem: Block, described: Block) -> None:
        """Take in samples of the three sounds, each mono."""
        p, s, d = (x.astype(np.float64) for x in (programme, stem, described))
        self.pp, self.ss, self.ps = self.pp + float(p @ p), self.ss + float(s @ s), self.ps + float(p @ s)
        self.dp, self.ds = self.dp + float(d @ p), self.ds + float(d @ s)

    def bed_gain(self) -> float | None:
        """The programme's gain in the mix by least squares, d ≈ g·p + n·s; None where nothing is to be lowered."""
        determinant = self.pp * self.ss - self.ps**2
        if self.pp < 1e-6 * RATE / 100 or determinant <= 1e-9 * self.pp * max(self.ss, 1e-12):
            return self.dp / self.pp if self.ss == 0 and self.pp > 0 else None
        return (self.dp * self.ss - self.ds * self.ps) / determinant


@dataclass
class Measured:
    """What the files hold, by measurement. Curves have one value for every 10 ms."""

    programme: Loudness
    described: Loudness
    stem: Loudness
    stem_rms: NDArray[np.float64]
    programme_power: NDArray[np.float64]
    described_power: NDArray[np.float64]
    residual_power: NDArray[np.float64]
    dips: dict[str, Dip]
    stem_peak: float
    delay: float | None
    """Seconds by which the described track's programme lags the source; None: nothing loud enough to tell."""
    samples: int
    stem_samples: int
    stem_format: str
    track: AudioStream
    file: Episode

    def voiced(self, pause: float = 0.35) -> list[tuple[float, float]]:
        """Stretches of the stem that hold voice, in seconds; pauses shorter than `pause` belong to a stretch."""
        cells = np.flatnonzero(self.stem_rms > VOICE_FLOOR)
        if not len(cells):
            return []
        breaks = np.flatnonzero(np.diff(cells) > pause * 100)
        starts, ends = np.concatenate([[0], breaks + 1]), np.concatenate([breaks, [len(cells) - 1]])
        return [(cells[a] / 100, (cells[b] + 1) / 100) for a, b in zip(starts, ends, strict=True)]

    def voiced_within(self, start: float, end: float) -> tuple[float, float] | None:
        """First and last voice inside [start, end]; None for none."""
        first = max(round(start * 100), 0)
        cells = np.flatnonzero(self.stem_rms[first : round(end * 100) + 1] > VOICE_FLOOR)
        return ((first + cells[0]) / 100, (first + cells[-1] + 1) / 100) if len(cells) else None


@dataclass
class _Pass:
    """Sums of the pass over the three sounds in step."""

    ducks: Sequence[Duck]
    dips: dict[str, Dip] = field(default_factory=dict)
    curves: list[list[NDArray[np.float64]]] = field(default_factory=lambda: [[], [], [], []])
    stem_peak: float = 0.0
    loudest: float = 0.0
    snippet: tuple[Block, Block] | None = None
    samples: int = 0

    def blocks(self, sources: Iterator[tuple[Block, Block, Block]]) -> Iterator[Block]:
        """Take in blocks of (programme, described, stem); pass the described one on to the loudness meter."""
        for programme, described, stem in sources:
            length = len(described)
            one, two = _mono(_fit(programme, length)), _mono(described)
            voice = _fit(stem, length)[:, 0]
            self._sum(one, two, voice)
            self.samples += length
            yield described

    def _sum(self, programme: Block, described: Block, stem: Block) -> None:
        start = self.samples
        for curve, heard in zip(self.curves, (stem, programme, described, described - programme), strict=True):
            curve.append(_power(heard))
        self.stem_peak = max(self.stem_peak, float(np.abs(stem).max(initial=0.0)))
        for duck in self.ducks:
            a, b = (min(max(round(t * RATE) - start, 0), len(stem)) for t in (duck.start, duck.end))
            if b > a:
                self.dips.setdefault(duck.id, Dip()).add(programme[a:b], stem[a:b], described[a:b])
        self._keep_snippet(programme, described, start)

    def _keep_snippet(self, programme: Block, described: Block, start: int) -> None:
        """The loudest two seconds of this block outside ducks, if louder than those kept."""
        for a in range(0, len(programme) - SNIPPET, SNIPPET):
            b = a + SNIPPET
            if any(
                start + a < (d.end + d.release) * RATE and start + b > (d.start - d.attack) * RATE for d in self.ducks
            ):
                continue
            power = float(np.mean(programme[a:b].astype(np.float64) ** 2))
            if power > self.loudest:
                self.loudest, self.snippet = power, (programme[a:b].copy(), described[a:b].copy())


def measured(episode: Episode, described: Path, stem: Path, ducks: Sequence[Duck]) -> Measured:
    """Decode the source's programme, the described file's last audio track and the stem, and measure them."""
    file = media.probe(described, content="", silent_ok=True)
    track = file.audio_streams[-1]
    layout = sound.native_layout(track)
    passing = _Pass(ducks)
    source = sound.audio_blocks(episode, rate=RATE, layout=layout)
    sources = itertools.zip_longest(sound.audio_blocks(file, track, rate=RATE), source, _stem(stem))
    in_step = ((_or_empty(p), d, _or_empty(s)) for d, p, s in sources if d is not None)
    loudness = measure(passing.blocks(in_step), RATE, layout, true_peak=True)
    stem_curve, programme_curve, described_curve, residual = (
        np.concatenate(curve) if curve else np.empty(0) for curve in passing.curves
    )
    stem_samples, stem_format = _stem_format(stem)
    return Measured(
        programme=measure(sound.audio_blocks(episode, rate=RATE), RATE, _layout(episode), true_peak=True),
        described=loudness,
        stem=measure(_stem(stem), RATE, "mono"),
        stem_rms=np.sqrt(stem_curve),
        programme_power=programme_curve,
        described_power=described_curve,
        residual_power=residual,
        dips=passing.dips,
        stem_peak=passing.stem_peak,
        delay=_delay(*passing.snippet) if passing.snippet and passing.loudest > 1e-7 else None,
        samples=passing.samples,
        stem_samples=stem_samples,
        stem_format=stem_format,
        track=track,
        file=file,
    )


def _layout(episode: Episode) -> str:
    return sound.native_layout(episode.audio) if episode.audio else "mono"


def _stem(path: Path) -> Iterator[Block]:
    import soundfile

    yield from soundfile.blocks(path, blocksize=10 * RATE, dtype="float32", always_2d=True)


def _stem_format(path: Path) -> tuple[int, str]:
    """Samples, and what the file says it is: rate, channels, sample format."""
    import soundfile

    info = soundfile.info(path)
    return info.frames, f"{info.samplerate} Hz, {info.channels} ch, {info.subtype}"


def _or_empty(block: Block | None) -> Block:
    return block if block is not None else np.zeros((0, 1), np.float32)


def _fit(block: Block, length: int) -> Block:
    """The block cut or padded with silence to `length` samples."""
    if len(block) >= length:
        return block[:length]
    return np.concatenate([block, np.zeros((length - len(block), block.shape[1]), np.float32)])


def _mono(block: Block) -> Block:
    return np.asarray(block.mean(axis=1), dtype=np.float32)


def _power(sound: Block) -> NDArray[np.float64]:
    """Mean square of every 10 ms."""
    whole = np.zeros(-(-len(sound) // CELL) * CELL, np.float32)
    whole[: len(sound)] = sound
    return np.asarray(np.square(whole.reshape(-1, CELL)).mean(axis=1), dtype=np.float64)


def _delay(programme: Block, described: Block) -> float:
    """Seconds that `described` lags `programme`, by the peak of their cross-correlation."""
    size = 1 << (2 * SNIPPET - 1).bit_length()
    spectrum = np.fft.rfft(described, size) * np.conj(np.fft.rfft(programme, size))
    correlation = np.fft.irfft(spectrum, size)
    lags = np.concatenate([correlation[-REACH:], correlation[: REACH + 1]])
    return float(np.argmax(lags) - REACH) / RATE
