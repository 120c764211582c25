"""Text: the words that stand in the picture. What of it belongs to the story is decided by the context stage."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from data.media.pictures import read_picture
from data.reasons import say
from data.records import Keyframe, Shot, Still, TextRegion, record_id
from stages.backend import Backend
from stages.stage import Job, StageConfig
from stages.text.lines import TextLine, join_lines
from stages.text.presence import extent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 4
AT_ONCE = 32
"""Keyframes held in memory at once (50 MB of 960×540 stills); the reader batches them as its own settings say."""


class Config(StageConfig):
    """Settings of the text stage."""

    backend: str = Field("rapidocr", description="Text reader: none, rapidocr, easyocr, or module:Class")
    options: dict[str, Any] = Field({}, description="Settings of the reader")
    min_score: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Lines read with less mean confidence of their letters are left out; none: the reader's own limit "
        "(rapidocr 0.9, measured; easyocr 0.8, a proposal)",
    )


class Reader(Backend, ABC):
    """Base of the backends that read text."""

    min_score: ClassVar[float] = 0.8
    """Confidence from which its lines are believed, 0–1."""

    @property
    def hangul(self) -> bool:
        """Whether it can read Korean."""
        return True

    @abstractmethod
    def read(self, images: Sequence[NDArray[np.uint8]]) -> list[list[TextLine]]:
        """The lines of each picture (H×W×3 BGR)."""


def run(job: Job[Config, Reader | None]) -> Iterable[TextRegion]:
    """One record per line of text, in order of keyframes, top to bottom. Raises StageError for an unreadable still."""
    if job.backend is None:
        return
    if not job.backend.hangul:
        job.note(
            say(
                "The text reader {name} cannot read Korean: a person should add Korean text seen in the picture",
                name=job.config.backend,
            )
        )
    number, stills = 0, _stills(job)
    shots = {shot.id: shot for shot in job.read(Shot)}
    for keyframe, image, lines in _read(job, job.backend):
        for line in lines:
            number += 1
            first, last = _seen(line, keyframe.time, image, shots[keyframe.shot], stills)
            yield TextRegion(
                id=record_id("t", number),
                keyframe=keyframe.id,
                text=line.text,
                first_seen=first,
                last_seen=last,
                score=line.score,
                box=line.box,
            )


def _read(
    job: Job[Config, Reader | None], reader: Reader
) -> Iterator[tuple[Keyframe, NDArray[np.uint8], list[TextLine]]]:
    """Every keyframe with its picture and the lines to keep, top to bottom."""
    keyframes, folder = job.read(Keyframe), job.folder_of(Keyframe)
    least = reader.min_score if job.config.min_score is None else job.config.min_score
    for at in range(0, len(keyframes), AT_ONCE):
        some = keyframes[at : at + AT_ONCE]
        pictures = [read_picture(folder / keyframe.image) for keyframe in some]
        for keyframe, picture, lines in zip(some, pictures, reader.read(pictures), strict=True):
            sure = [line for line in lines if line.score >= least]
            yield keyframe, picture, join_lines(sure, picture.shape[1] / picture.shape[0])
        job.progress(at + len(some), len(keyframes))


def _stills(job: Job[Config]) -> list[tuple[float, Path]]:
    """Time and file of every still of the film, in order of time."""
    folder = job.folder_of(Shot)
    return sorted((still.time, folder / still.image) for still in job.read(Still))


def _seen(
    line: TextLine, time: float, image: NDArray[np.uint8], shot: Shot, stills: Sequence[tuple[float, Path]]
) -> tuple[float, float]:
    """From when to when the line is seen in its shot, as closely as the shot's stills tell."""
    inside = [(at, partial(read_picture, path)) for at, path in stills if shot.start <= at < shot.end]
    before, after = [s for s in inside[::-1] if s[0] < time], [s for s in inside if s[0] > time]
    first, last = extent(image, line.box, before, after)
    latest = not after or last == after[-1][0]
    return time if first is None else first, shot.end if latest else last or time
