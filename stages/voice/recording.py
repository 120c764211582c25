"""From what a person recorded to a clip like those of the voice: trimmed to the speech, levelled, faded."""

from __future__ import annotations

import numpy as np

from data.errors import UserError
from data.messages import tr
from stages.voice import clip
from stages.voice.clip import Samples
from stages.voice.sound import NoSpeechError, decoded

VERSION = 1
CELL = clip.RATE // 100
FLOOR = 10
"""Percent of a recording, at least, that is the room alone: before, after and between words."""
SHORTEST = 5
"""Cells of speech; less is a click."""
ABOVE = 10 ** (12 / 20)
"""12 dB above its room a recording is speech; speech itself lies 20 dB and more above a quiet room."""
LOUDEST_ROOM = 10 ** (-32 / 20)
"""Where a voice at −23 LUFS is trimmed at the latest: its soft ends lie below."""


def shaped(content: bytes, text: str) -> Samples:
    """The clip of a recording, (n,) samples at 48 kHz. Raises UserError where nobody speaks in it."""
    try:
        wave = trimmed(clip.levelled(clip.resampled(*decoded(content))))
    except NoSpeechError as error:
        raise _nothing(text, str(error)) from error
    made = clip.shaped(wave, clip.RATE)
    if not len(made):
        raise _nothing(text, tr("silence"))
    return made


def trimmed(wave: Samples) -> Samples:
    """`wave`, levelled, from the first to the last 10 ms that stand out from the room, with what a clip keeps around.

    A microphone's room is louder than the silence of a synthetic voice, so that a fixed threshold trims nothing.
    """
    cells = wave[: len(wave) // CELL * CELL].reshape(-1, CELL)
    if not len(cells):
        return wave[:0]
    level = np.sqrt(np.square(cells, dtype=np.float64).mean(axis=1))
    threshold = min(max(float(np.percentile(level, FLOOR)) * ABOVE, clip.SILENCE), LOUDEST_ROOM)
    loud = np.flatnonzero(level > threshold)
    if len(loud) < SHORTEST:
        return wave[:0]
    return clip.faded(wave[max(0, int(loud[0]) * CELL - clip.PAD) : (int(loud[-1]) + 1) * CELL + clip.PAD])


def _nothing(text: str, cause: str) -> UserError:
    return UserError(
        "The recording of “{text}” holds no speech ({cause}); record the line again.", text=text, cause=cause
    )
