"""Text: the words that stand in the picture. What of it belongs to the story is decided by the context stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import Field

from data.messages import tr
from data.pictures import read_picture
from data.records import Keyframe, TextRegion, record_id
from stages.stage import Job, StageConfig
from stages.text.lines import TextLine, join_lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 1


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
    keyframes, number = job.read(Keyframe), 0
    for done, keyframe in enumerate(keyframes, start=1):
        image = read_picture(job.folder_of(Keyframe) / keyframe.image)
        (lines,) = job.backend.read([image])
        for line in join_lines([t for t in lines if t.score >= job.config.min_score], image.shape[1] / image.shape[0]):
            number += 1
            yield TextRegion(
                id=record_id("t", number), keyframe=keyframe.id, text=line.text, score=line.score, box=line.box
            )
        job.progress(done, len(keyframes))
