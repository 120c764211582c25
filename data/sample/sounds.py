"""The sound of the sample episode: spoken lines over silence, ambience and music."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.media import espeak
from data.sample.story import BEDS, DURATION, LINES, Dialogue

RATE = 48_000
SEED = 20_261_120
VOICES = {"ko": ("ko", 175), "en": ("en-us", 165)}
"""Voice and words per minute of espeak-ng."""
SPEECH, AMBIENCE, MUSIC = 0.077, 0.005, 0.03
"""RMS of the parts, full scale 1: about −23, −43 and −28 LUFS."""
SILENCE = 10 ** (-50 / 20)  # what counts as speech begins and ends at −50 dBFS
CHORDS = ((220.0, 261.63, 329.63), (174.61, 220.0, 261.63), (261.63, 329.63, 392.0), (196.0, 246.94, 293.66))
"""A minor, F, C and G in hertz."""
CHORD = 1.5  # seconds of a chord

Samples = NDArray[np.float32]


class Spoken(NamedTuple):
    """A line where it lies in the episode; `end` is measured."""

    start: float
    end: float
    text: str
    samples: Samples


def dialogue(language: str) -> list[Spoken]:
    """Every line spoken, trimmed, 48 kHz."""
    return [_spoken(line, language) for line in LINES]


def gaps(lines: list[Spoken]) -> list[tuple[float, float, str]]:
    """(start, end, bed) of every stretch without speech."""
    starts = [0.0, *(line.end for line in lines)]
    ends = [*(line.start for line in lines), DURATION]
    return list(zip(starts, ends, BEDS, strict=True))


def programme(lines: list[Spoken]) -> Samples:
    """The whole sound, stereo, (samples, 2). A bed turns into the next one under the line between them."""
    time = np.arange(round(DURATION * RATE)) / RATE
    edges = [edge for start, end, _ in gaps(lines) for edge in (start, end)]
    sound = np.zeros((len(time), 2), np.float32)
    for bed, samples in (("ambience", _ambience(len(time))), ("music", _music(len(time)))):
        level = [float(bed == name) for _, _, name in gaps(lines) for _ in range(2)]
        sound += samples * np.interp(time, edges, level).astype(np.float32)[:, None]
    for line in lines:
        first = round(line.start * RATE)
        sound[first : first + len(line.samples)] += line.samples[:, None]
    return sound


def _spoken(line: Dialogue, language: str) -> Spoken:
    text = line.ko if language == "ko" else line.en
    voice, speed = VOICES[language]
    samples = _at_48k(*espeak.speak(text, f"{voice}+{line.variant}", speed, line.pitch))
    samples *= np.float32(SPEECH / np.sqrt(np.mean(samples[np.abs(samples) > SILENCE] ** 2)))
    loud = np.flatnonzero(np.abs(samples) > SILENCE)
    samples = samples[loud[0] : loud[-1] + 1]
    return Spoken(line.start, round(line.start + len(samples) / RATE, 3), text, samples)


def _at_48k(samples: Samples, rate: int) -> Samples:
    import av

    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
    frame.sample_rate = rate
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([f.to_ndarray()[0].astype(np.float32) for f in frames])


def _ambience(count: int) -> Samples:
    """A wide murmur of air: noise that falls 6 dB an octave above 150 Hz, different left and right."""
    noise = np.random.default_rng(SEED).standard_normal((count, 2))
    frequency = np.fft.rfftfreq(count, 1 / RATE)[:, None]
    shape = (frequency > 60) / (1 + (frequency / 150))
    shaped = np.fft.irfft(np.fft.rfft(noise, axis=0) * shape, count, axis=0)
    return np.asarray(shaped * (AMBIENCE / np.sqrt(np.mean(shaped**2))), np.float32)


def _music(count: int) -> Samples:
    """Struck chords, one every 1.5 s, every note with four harmonics that die away."""
    time = np.arange(round(len(CHORDS) * CHORD * RATE)) / RATE
    within = time % CHORD
    sound = np.zeros(len(time))
    for note in range(3):
        frequency = np.array([chord[note] for chord in CHORDS])[(time // CHORD).astype(int)]
        for harmonic in range(1, 5):
            sound += (
                np.sin(2 * np.pi * frequency * harmonic * within) * np.exp(-within * harmonic * 0.8) / harmonic**1.5
            )
    # Rises in 20 ms and is gone before the next is struck, so that nothing clicks.
    sound *= np.minimum(1, within / 0.02) * np.minimum(1, (CHORD - within) / 0.1)
    sound *= MUSIC / np.sqrt(np.mean(sound**2))
    return np.resize(np.stack([sound, np.roll(sound, 240)], axis=1), (count, 2)).astype(np.float32)
