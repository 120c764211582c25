"""From what a voice says to a clip: 48 kHz mono, one loudness, trimmed, without dead air, faded at the edges."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.media.loudness import measure

if TYPE_CHECKING:
    from pathlib import Path

Samples = NDArray[np.float32]
RATE = 48_000
LOUDNESS = -23.0
"""LUFS of every clip (EBU R 128); the mix lifts or lowers all of them by one gain."""
SILENCE = 10 ** (-50 / 20)  # −50 dBFS, the usual threshold to trim a voice
PAD = round(0.030 * RATE)  # kept around the speech, 20–50 ms are usual
PAUSE = round(0.400 * RATE)  # the longest pause left inside; more than 0.5 s is dead air
FADE = round(0.010 * RATE)  # against clicks at the edges
HEADROOM = 10 ** (-1 / 20)  # −1 dBFS
CREST = 14.0
"""dB a peak may stand above the loudness; recorded narration has 10–14. espeak's reach 20, and would keep the mix from
lifting the narration to loud dialogue without clipping."""
REACH = round(0.005 * RATE)  # a peak is lowered from so long before to so long after it


def shaped(samples: Samples, rate: int) -> Samples:
    """The finished clip, (n,) samples at 48 kHz; empty when there is no speech in `samples`.

    Levelled before it is trimmed, so that −50 dBFS means the same for a loud and for a quiet voice.
    """
    if not len(samples):
        return samples
    wave = levelled(resampled(samples, rate))
    loud = np.flatnonzero(np.abs(wave) > SILENCE)
    if not len(loud):
        return wave[:0]
    return faded(levelled(limited(levelled(without_dead_air(padded(wave, int(loud[0]), int(loud[-1]) + 1))))))


def resampled(samples: Samples, rate: int) -> Samples:
    """`samples` at 48 kHz, by swresample."""
    import av

    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32)[None], format="flt", layout="mono")
    frame.sample_rate = rate
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([f.to_ndarray()[0] for f in frames] or [np.zeros(0, np.float32)])


def levelled(wave: Samples) -> Samples:
    """`wave` at −23 LUFS, less where a peak would pass −1 dBFS; silence comes back as it is."""
    loudness = measure([wave[:, None]], RATE, "mono").integrated if len(wave) else None
    if loudness is None:
        return wave
    gain = min(10 ** ((LOUDNESS - loudness) / 20), HEADROOM / float(np.abs(wave).max()))
    return wave * np.float32(gain)


def limited(wave: Samples) -> Samples:
    """`wave`, which is at −23 LUFS, with no peak more than `CREST` above that: a limiter that looks ahead.

    The gain that every sample needs, held for `REACH` to both sides and smoothed over as much, so that it is nowhere
    more than needed.
    """
    needed = np.minimum(1, 10 ** ((LOUDNESS + CREST) / 20) / np.maximum(np.abs(wave), 1e-9))
    if needed.min(initial=1) == 1:
        return wave
    held = np.lib.stride_tricks.sliding_window_view(np.pad(needed, 2 * REACH, constant_values=1), 2 * REACH + 1)
    weights = np.hanning(2 * REACH + 3)[1:-1]
    gain = np.convolve(held.min(axis=1), weights / weights.sum(), mode="valid")
    return np.asarray(wave * gain, np.float32)


def padded(wave: Samples, first: int, last: int) -> Samples:
    """wave[first:last] with 30 ms around it, silence where the wave has no more."""
    return np.pad(wave, PAD)[first : last + 2 * PAD]


def without_dead_air(wave: Samples) -> Samples:
    """`wave` with every pause inside cut to 0.4 s; the middle of the pause goes."""
    loud = np.flatnonzero(np.abs(wave) > SILENCE)
    keep = np.ones(len(wave), bool)
    for before in np.flatnonzero(np.diff(loud) > PAUSE):
        keep[loud[before] + PAUSE // 2 : loud[before + 1] - PAUSE // 2] = False
    return wave[keep]


def faded(wave: Samples) -> Samples:
    """`wave` with a raised-cosine fade of 10 ms at both edges."""
    ramp = np.sin(np.linspace(0, np.pi / 2, FADE, dtype=np.float32)) ** 2
    gain = np.ones(len(wave), np.float32)
    gain[:FADE], gain[-FADE:] = ramp, ramp[::-1]
    return wave * gain


def encoded(wave: Samples) -> bytes:
    """A WAV file: mono, 48 kHz, 24-bit."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, wave, RATE, format="WAV", subtype="PCM_24")
    return file.getvalue()


def seconds(path: Path) -> float:
    """Length of a WAV file in seconds, from its header, up to a whole millisecond."""
    import soundfile

    frames: int = soundfile.info(path).frames
    return math.ceil(frames * 1000 / RATE) / 1000
