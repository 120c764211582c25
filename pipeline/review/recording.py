"""A person's recording of a line: decoded before anything else touches it, kept as WAV under its own hash."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from data.errors import UserError
from data.files import write_atomically
from data.review.applied import RECORDINGS

RATE = 48_000
LONGEST = 120.0
"""Seconds of one line; the longest pause of dialogue in the films measured lasts two minutes."""
_KINDS = ((b"RIFF", "wav"), (b"\x1a\x45\xdf\xa3", "matroska"), (b"OggS", "ogg"), (b"fLaC", "flac"), (b"ID3", "mp3"))


def save_recording(upload: IO[bytes], folder: Path) -> str:
    """Decode a recording into `folder`/recordings and return the file's name. Raises UserError for what is none."""
    samples = decoded(upload)
    content = _wav(samples)
    name = f"{hashlib.sha256(content).hexdigest()}.wav"
    target = folder / RECORDINGS / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, content)
    except OSError as error:
        raise UserError("The recording cannot be kept ({cause}); make room", cause=error.strerror) from None
    return name


def decoded(upload: IO[bytes]) -> NDArray[np.int16]:
    """48 kHz mono samples of a WAV, WebM, Ogg, MP4, FLAC or MP3. Raises UserError.

    The container is told from the first bytes and no other demuxer may look: FFmpeg has some that open further files
    which the first one names (HLS, concat).
    """
    import av

    kind = _container(upload.read(12))
    upload.seek(0)
    try:
        with av.open(upload, "r", format=kind, options={"protocol_whitelist": ""}) as container:
            parts = list(_parts(container))
    except (av.FFmpegError, ValueError, IndexError, OverflowError, EOFError) as error:
        raise _unreadable() from error
    if sum(map(len, parts)) < RATE // 10:
        raise UserError("There is nothing in the recording; record it again")
    return np.concatenate(parts)


def _parts(container: object) -> Iterator[NDArray[np.int16]]:
    import av

    assert isinstance(container, av.container.InputContainer)
    if not container.streams.audio:
        raise _unreadable()
    resampler, left = av.AudioResampler(format="s16", layout="mono", rate=RATE), int(LONGEST * RATE)
    for frame in container.decode(container.streams.audio[0]):
        for made in resampler.resample(frame):
            left -= made.samples
            if left < 0:
                raise UserError("The recording is longer than {seconds} seconds; cut it", seconds=int(LONGEST))
            yield made.to_ndarray()[0]
    for made in resampler.resample(None):
        yield made.to_ndarray()[0]


def _container(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return "mov"
    if head[:1] == b"\xff" and head[1:2] and head[1] & 0xE0 == 0xE0:
        return "mp3"
    for magic, name in _KINDS:
        if head.startswith(magic):
            return name
    raise _unreadable()


def _unreadable() -> UserError:
    return UserError("The recording cannot be read; send WAV, WebM, Ogg, MP4, FLAC or MP3")


def _wav(samples: NDArray[np.int16]) -> bytes:
    import soundfile

    with io.BytesIO() as file:
        soundfile.write(file, samples, RATE, format="WAV", subtype="PCM_16")
        return file.getvalue()
