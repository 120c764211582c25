"""Text: the words that stand in the picture. What of it belongs to the story is decided by the context stage."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import Field

from data.messages import tr
from data.pictures import read_picture
from data.records import Keyframe, Shot, TextRegion, record_id
from stages.stage import Job, StageConfig
from stages.text.lines import TextLine, join_lines
from stages.text.presence import extent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 3


class Config(StageConfig):
    """Settings of the text stage."""

    backend: str = Field("rapidocr", description="Text reader: none, rapidocr, or module:Class")
    options: dict[str, Any] = Field({}, description="Settings of the reader")
    min_score: float = Field(
        0.9,
        ge=0,
        le=1,
        description="Lines read with less confidence are left out. With rapidocr, true text measured 0.97 and more, "
        "text seen in leaves and fur 0.85 and less",
    )


class Reader(Protocol):
    """The one method of a text backend, and what it knows."""

    hangul: bool
    """Whether it can read Korean."""

    def read(self, images: Sequence[NDArray[np.uint8]]) -> list[list[TextLine]]:
        """The lines of each picture (H×W×3 BGR)."""


def run(job: Job[Config]) -> Iterable[TextRegion]:
    """One record per line of text, in order of keyframes, top to bottom. Raises StageError for an unreadable still."""
    if job.backend is None:
        return
    if not job.backend.hangul:
        job.note(
            tr(
                "The text reader {name} cannot read Korean: a person should add Korean text seen in the picture",
                name=job.config.backend,
            )
        )
    keyframes, number, stills = job.read(Keyframe), 0, _stills(job)
    shots = {shot.id: shot for shot in job.read(Shot)}
    for done, keyframe in enumerate(keyframes, start=1):
        image = read_picture(job.folder_of(Keyframe) / keyframe.image)
        (lines,) = job.backend.read([image])
        for line in join_lines([t for t in lines if t.score >= job.config.min_score], image.shape[1] / image.shape[0]):
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
        job.progress(done, len(keyframes))


def _stills(job: Job[Config]) -> list[tuple[float, Path]]:
    """Time and file of every still of the film, in order of time."""
    folder = job.folder_of(Shot)
    stills = json.loads((folder / "stills.json").read_text(encoding="utf-8"))
    return sorted((still["time"], folder / still["image"]) for still in stills)


def _seen(
    line: TextLine, time: float, image: NDArray[np.uint8], shot: Shot, stills: Sequence[tuple[float, Path]]
) -> tuple[float, float]:
    """From when to when the line is seen in its shot, as closely as the shot's stills tell."""
    inside = [(at, partial(read_picture, path)) for at, path in stills if shot.start <= at < shot.end]
    before, after = [s for s in inside[::-1] if s[0] < time], [s for s in inside if s[0] > time]
    first, last = extent(image, line.box, before, after)
    latest = not after or last == after[-1][0]
    return time if first is None else first, shot.end if latest else last or time
