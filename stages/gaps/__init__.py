"""Stretches without speech, which of them narration may use, and what sounds in them.

`loudness.npy` in the stage's folder is the programme's momentary loudness: LUFS of the 0.4 s that start at 0, 0.1,
0.2 … s.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from data.media import audio_blocks
from data.media.loudness import Loudness, measure
from data.media.sound import native_layout
from data.products import LoudnessCurve
from data.reasons import Protected, TooShort
from data.records import Gap, Song, Utterance, record_id
from data.standard import GUARD
from stages.gaps.bed import Notes, bed_of
from stages.stage import Job, StageConfig

VERSION = 2
RATE = 48_000


class Config(StageConfig):
    """Which stretches without speech are used, in seconds."""

    min_gap: float = Field(1.5, ge=1.2, description="Shorter gaps are left alone; never below 1.2 s")
    lead_in: float = Field(GUARD, ge=0, description="Guard after the last word before a gap")
    lead_out: float = Field(GUARD, ge=0, description="Guard before the first word after a gap")
    merge: float = Field(0.3, ge=0, description="Shorter holes between words belong to the speech")

    @model_validator(mode="after")
    def _room_left(self) -> Config:
        if self.lead_in + self.lead_out >= self.min_gap:
            raise ValueError("lead_in + lead_out must be less than min_gap")
        return self


class Stretch(NamedTuple):
    """A part of the film without speech; `song` where one is sung in it."""

    start: float
    end: float
    song: bool


def run(job: Job[Config]) -> Iterable[Gap]:
    """All of [0, duration] outside the utterances, in order; songs are gaps of their own and not usable."""
    duration = job.episode.duration
    songs = [(song.start, song.end) for song in job.read(Song)]
    speech = union([(u.start, u.end) for u in job.read(Utterance)], job.config.merge)
    stretches = without_speech(speech, union(songs, 0.0), duration)
    loudness, notes = _listen(job)
    LoudnessCurve(loudness.momentary().astype(np.float32)).leave(job.folder)
    for number, stretch in enumerate(stretches, 1):
        yield _gap(record_id("g", number), stretch, job.config, duration, loudness, notes)


def union(spans: Iterable[tuple[float, float]], hole: float) -> list[tuple[float, float]]:
    """Spans in order, joined where they overlap or lie less than `hole` apart."""
    result: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if result and (start <= result[-1][1] or start - result[-1][1] < hole):
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def without_speech(
    speech: Sequence[tuple[float, float]], songs: Sequence[tuple[float, float]], duration: float
) -> Iterator[Stretch]:
    """The complement of `speech` in [0, duration], cut where songs begin and end. Spans lie in order and apart."""
    edges = sorted({0.0, duration, *(t for span in [*speech, *songs] for t in span if 0 < t < duration)})
    for start, end in itertools.pairwise(edges):
        middle = (start + end) / 2
        if end - start >= 0.001 and not _inside(middle, speech):
            yield Stretch(start, end, _inside(middle, songs))


def _inside(time: float, spans: Sequence[tuple[float, float]]) -> bool:
    i = bisect.bisect_right(spans, (time, float("inf")))
    return i > 0 and time < spans[i - 1][1]


def _listen(job: Job[Config]) -> tuple[Loudness, NDArray[np.int32]]:
    """Loudness and notes of the programme in one pass; of a film without sound: silence."""
    audio, duration = job.episode.audio, job.episode.duration
    if audio is None:
        return Loudness(np.zeros(0)), np.zeros(0, np.int32)
    notes = Notes(RATE)

    def heard() -> Iterator[NDArray[np.float32]]:
        done = 0
        for block in audio_blocks(job.episode, rate=RATE):
            notes.feed(block)
            done += len(block)
            job.progress(done / RATE, duration)
            yield block

    return measure(heard(), RATE, native_layout(audio)), notes.all()


def _gap(
    name: str, stretch: Stretch, config: Config, duration: float, loudness: Loudness, notes: NDArray[np.int32]
) -> Gap:
    """The record of one stretch. Bed and loudness are those between the guards, where narration will lie."""
    start, end, song = stretch
    lead_in = config.lead_in if start > 0 else 0.0
    lead_out = config.lead_out if end < duration else 0.0
    heard = (start + lead_in, end - lead_out) if end - start > lead_in + lead_out else (start, end)
    level = loudness.between(*heard)
    seconds = round(end - start, 3)
    short = TooShort(room=seconds, needed=config.min_gap) if seconds < config.min_gap else None
    why = Protected() if song else short
    return Gap(
        id=name,
        start=start,
        end=end,
        lead_in=lead_in,
        lead_out=lead_out,
        bed=bed_of(level, notes, *heard),
        loudness=None if level is None else round(level, 2),
        usable=not why,
        why=why,
    )
