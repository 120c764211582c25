"""Sound as voices hand it over: decoded from what a service answers, checked, stretched where nothing else helps."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.text.language import syllables

Sound = tuple[NDArray[np.float32], int]
"""Mono samples in −1…1 and their sampling rate."""
NOTHING: Sound = (np.zeros(0, np.float32), 24_000)
"""What is said for a text without a letter or digit."""
SILENCE = 10 ** (-60 / 20)
"""Peak in full scale below which an answer holds no speech."""
FASTEST_SPEECH = 15.0
"""Syllables per second nobody speaks at (twice a screen reader at full speed): an answer so short is cut off."""


class NoSpeechError(Exception):
    """What a voice gave back is no sound, is silent or is cut off; the text says which."""


def readable(text: str) -> bool:
    """Whether there is anything in `text` to say."""
    return any(character.isalnum() for character in text)


def decoded(content: bytes) -> Sound:
    """The sound in a file of any format FFmpeg reads (MP3, WAV, Ogg, FLAC). Raises NoSpeechError."""
    import av

    try:
        with av.open(io.BytesIO(content), "r") as container:
            if not container.streams.audio:
                raise NoSpeechError("no sound")
            resampler = av.AudioResampler(format="flt", layout="mono")
            frames = [f for frame in container.decode(audio=0) for f in resampler.resample(frame)]
    except (av.error.FFmpegError, EOFError) as error:
        raise NoSpeechError(str(getattr(error, "strerror", "") or error)) from error
    if not frames:
        raise NoSpeechError("no sound")
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]), frames[0].sample_rate


def checked(sound: Sound, text: str, language: str) -> Sound:
    """`sound` if it can be `text` as spoken. Raises NoSpeechError for silence and for less than the text takes."""
    samples, rate = sound
    if not len(samples):
        raise NoSpeechError("no sound")
    if not np.isfinite(samples).all() or float(np.abs(samples).max()) < SILENCE:
        raise NoSpeechError("silence")
    if len(samples) / rate < syllables(text, language) / FASTEST_SPEECH:
        raise NoSpeechError(f"cut off after {len(samples) / rate:.1f} s")
    return sound


def stretched(sound: Sound, tempo: float) -> Sound:
    """`sound` spoken `tempo` times as fast at the same pitch, by FFmpeg's atempo (WSOLA)."""
    samples, rate = sound
    if abs(tempo - 1) < 0.005 or not len(samples):
        return sound
    return np.concatenate([*_filtered(samples, rate, tempo), np.zeros(0, np.float32)]), rate


def _filtered(samples: NDArray[np.float32], rate: int, tempo: float) -> Iterator[NDArray[np.float32]]:
    import av
    import av.filter

    graph = av.filter.Graph()
    parts: list[Any] = [
        graph.add_abuffer(sample_rate=rate, format="flt", layout="mono", time_base=Fraction(1, rate)),
        graph.add("atempo", f"{tempo:.6f}"),
        graph.add("aformat", "sample_fmts=flt:channel_layouts=mono"),
        graph.add("abuffersink"),
    ]
    graph.link_nodes(*parts).configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], format="flt", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    for pushed in (frame, None):
        graph.push(pushed)
        while True:
            try:
                yield graph.pull().to_ndarray()[0]
            except (av.error.BlockingIOError, av.error.EOFError):
                break
