"""Loudness against the reference signals of EBU Tech 3341, pyloudnorm and ffmpeg's ebur128."""

from __future__ import annotations

import math
import re
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from data.media.loudness import FLOOR, channel_weights, measure

Samples = NDArray[np.float32]


def sine(level: float, seconds: float, rate: int = 48000, hertz: float = 1000.0, phase: float = 0.0) -> Samples:
    """(samples, 1) of a sine whose peak is at `level` dBFS."""
    time = np.arange(round(seconds * rate)) / rate
    return (10 ** (level / 20) * np.sin(2 * np.pi * hertz * time + phase)).astype(np.float32)[:, None]


def noise(channels: int, seconds: float, rate: int = 48000, level: float = 0.05, seed: int = 1) -> Samples:
    """Noise whose level wanders, so that the gates have something to do."""
    rng = np.random.default_rng(seed)
    samples = round(seconds * rate)
    wander = np.interp(np.arange(samples), np.linspace(0, samples, 12), rng.uniform(0.02, 2, 12))
    return (rng.normal(size=(samples, channels)) * wander[:, None] * level).astype(np.float32)


@pytest.mark.parametrize("rate", [48000, 44100, 22050])
@pytest.mark.parametrize("level", [-23.0, -33.0])
def test_reference_sine(rate: int, level: float) -> None:
    """Tech 3341 cases 1 and 2: a stereo sine at −23 dBFS is −23 LUFS."""
    measured = measure([np.repeat(sine(level, 20, rate), 2, axis=1)], rate, "stereo")
    assert measured.integrated == pytest.approx(level, abs=0.1)
    assert measured.momentary() == pytest.approx(level, abs=0.1)


@pytest.mark.parametrize(
    ("levels", "seconds"),
    [
        ((-36, -23, -36), (10, 60, 10)),
        ((-72, -36, -23, -36, -72), (10, 10, 60, 10, 10)),
        ((-26, -20, -26), (20, 20.1, 20)),
    ],
)
def test_reference_gating(levels: tuple[float, ...], seconds: tuple[float, ...]) -> None:
    """Tech 3341 cases 3 to 5: −23 LUFS after gating."""
    parts = [np.repeat(sine(level, length), 2, axis=1) for level, length in zip(levels, seconds, strict=True)]
    assert measure(parts, 48000, "stereo").integrated == pytest.approx(-23.0, abs=0.1)


def test_reference_surround() -> None:
    """Tech 3341 case 6: surrounds weigh +1.5 dB; a loud LFE does not count."""
    levels = {"FL": -28, "FR": -28, "FC": -24, "LFE": -3, "BL": -30, "BR": -30}
    tone = np.hstack([sine(level, 20) for level in levels.values()])
    assert measure([tone], 48000, "5.1").integrated == pytest.approx(-23.0, abs=0.1)
    assert measure([tone], 48000, "5.1(side)").integrated == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(
    ("layout", "weights"),
    [
        ("mono", [1]),
        ("stereo", [1, 1]),
        ("quad", [1, 1, 1.41, 1.41]),
        ("7.1", [1, 1, 1, 0, 1, 1, 1.41, 1.41]),
        ("6 channels", [1, 1, 1, 0, 1.41, 1.41]),
        ("downmix", [1, 1]),
    ],
)
def test_channel_weights(layout: str, weights: list[float]) -> None:
    assert channel_weights(layout).tolist() == weights


@pytest.mark.parametrize("rate", [48000, 44100])
@pytest.mark.parametrize(("layout", "channels"), [("mono", 1), ("stereo", 2), ("5.0", 5)])
def test_agrees_with_pyloudnorm(rate: int, layout: str, channels: int) -> None:
    samples = noise(channels, 12, rate)
    expected = pyloudnorm.Meter(rate).integrated_loudness(samples.astype(np.float64))
    assert measure([samples], rate, layout).integrated == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(("layout", "channels"), [("stereo", 2), ("5.1", 6)])
def test_agrees_with_ffmpeg(layout: str, channels: int, tmp_path: Path) -> None:
    import imageio_ffmpeg
    import soundfile

    samples = noise(channels, 12)
    soundfile.write(tmp_path / "noise.wav", samples, 48000, subtype="FLOAT")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(tmp_path / "noise.wav")]
    command += ["-af", f"aformat=channel_layouts={layout},ebur128=peak=true:framelog=quiet", "-f", "null", "-"]
    summary = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    loudness, peak = (float(re.findall(rf"{name}:\s+(-?[\d.]+)", summary)[-1]) for name in ("I", "Peak"))
    measured = measure([samples], 48000, layout, true_peak=True)
    assert measured.integrated == pytest.approx(loudness, abs=0.1)
    assert measured.true_peak == pytest.approx(peak, abs=0.15)


@pytest.mark.parametrize(("divisor", "degrees"), [(4, 0), (4, 45), (6, 60), (8, 67.5)])
def test_reference_true_peak(divisor: int, degrees: float) -> None:
    """Tech 3341 cases 15 to 18: −6.0 dBTP, +0.2/−0.4, whatever the samples themselves show."""
    tone = sine(20 * math.log10(0.5), 2, hertz=48000 / divisor, phase=math.radians(degrees))
    tone *= np.clip(np.minimum(np.arange(len(tone)), np.arange(len(tone))[::-1]) / 4800, 0, 1).astype(np.float32)[
        :, None
    ]
    measured = measure([tone], 48000, "mono", true_peak=True)
    assert measured.true_peak is not None
    assert -6.4 <= measured.true_peak <= -5.8


def test_true_peak_lies_where_it_is() -> None:
    tone = sine(-20, 4)
    tone[96000:96480] *= 5
    measured = measure([tone], 48000, "mono", true_peak=True)
    assert measured.true_peak_between(2.0, 2.01) == pytest.approx(-20 + 20 * math.log10(5), abs=0.5)
    assert measured.true_peak_between(2.1, 4.0) == pytest.approx(-20, abs=0.1)
    assert measure([tone], 48000, "mono").true_peak is None


def test_window_is_the_loudness_of_that_part() -> None:
    samples = noise(2, 20)
    whole, part = measure([samples], 48000, "stereo"), measure([samples[48000 * 3 : 48000 * 9]], 48000, "stereo")
    assert whole.between(3, 9) == pytest.approx(part.between(0, 6), abs=0.01)
    assert whole.gated([(3, 9)]) == pytest.approx(part.integrated, abs=0.01)
    middle = whole.between(3.0, 3.014)
    lower, higher = sorted(whole.between(a, b) or 0 for a, b in ((3.0, 3.01), (3.01, 3.02)))
    assert middle is not None
    assert lower <= middle <= higher


def test_gated_over_dialogue_ignores_the_rest() -> None:
    quiet, loud = np.repeat(sine(-30, 5), 2, axis=1), np.repeat(sine(-10, 5), 2, axis=1)
    measured = measure([quiet, loud, quiet], 48000, "stereo")
    assert measured.gated([(0.5, 4.5), (10.5, 14.5)]) == pytest.approx(-30, abs=0.1)
    assert measured.gated([(1, 1.2)]) == pytest.approx(-30, abs=0.1), "a span shorter than a block"
    assert measured.gated([]) is None


def test_silence_is_none() -> None:
    measured = measure([np.zeros((480000, 2), np.float32)], 48000, "stereo", true_peak=True)
    assert measured.integrated is None
    assert measured.true_peak is None
    assert measured.between(1, 2) is None
    assert measured.between(20, 30) is None, "after the end"
    assert measured.momentary() == pytest.approx(FLOOR)
    assert len(measured.momentary()) == 97
    assert measure([], 48000, "stereo", true_peak=True).integrated is None


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 30000), max_size=12), st.sampled_from([48000, 44100, 22050, 11025]))
def test_blocks_do_not_matter(cuts: list[int], rate: int) -> None:
    samples = noise(1, 30000 / rate, rate)
    whole = measure([samples], rate, "mono", true_peak=True)
    parts = measure(np.split(samples, sorted(cuts)), rate, "mono", true_peak=True)
    assert whole.peaks is not None
    assert parts.peaks is not None
    np.testing.assert_allclose(parts.energy, whole.energy, rtol=1e-9)
    np.testing.assert_allclose(parts.peaks, whole.peaks, rtol=1e-5)
    assert len(whole.energy) == len(whole.peaks) == math.ceil(len(samples) * 100 / rate)


def test_memory_does_not_grow_with_length() -> None:
    block = noise(2, 1)

    def peak(seconds: int) -> int:
        blocks: Iterator[Samples] = (block for _ in range(seconds))
        tracemalloc.start()
        measure(blocks, 48000, "stereo", true_peak=True)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(2)
    assert peak(200) - peak(10) < 190 * 100 * 8 * 2 * 4, "only the cells (two doubles per 10 ms) may be kept"


def test_noise_is_no_dialogue_to_go_by() -> None:
    """Damaged stretches and noise taken for voices would bring the narration down to where nobody hears it."""
    noise = np.random.default_rng(2).normal(0, 1, (4 * 48_000, 1)).astype(np.float32)
    loud, faint = (measure([noise * gain], 48_000, "mono") for gain in (0.05, 0.002))
    assert loud.dialogue([(1.0, 3.0)]) == loud.gated([(1.0, 3.0)])
    assert faint.gated([(1.0, 3.0)]) is not None
    assert faint.dialogue([(1.0, 3.0)]) is None
