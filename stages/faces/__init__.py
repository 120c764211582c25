"""Faces: how many people look our way. A lower bound, for backs and profiles are not found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import Field

from data.pictures import read_picture
from data.records import Box, Face, Keyframe, record_id
from stages.stage import Job, StageConfig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 1


class Config(StageConfig):
    """Settings of the faces stage."""

    backend: str = Field("cascade", description="Face detector: none, cascade, or module:Class")
    options: dict[str, Any] = Field({}, description="Settings of the detector")
    min_score: float = Field(
        0.5, ge=0, le=1, description="Faces scored lower are left out; a false person is worse than a missed one"
    )


@dataclass(frozen=True)
class FaceBox:
    """One face as a detector returns it; the box is (x, y, width, height) in fractions of the picture."""

    score: float
    box: Box


class Detector(Protocol):
    """The one method of a face backend."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[FaceBox]]:
        """The faces of each picture (H×W×3 BGR)."""


def run(job: Job[Config]) -> Iterable[Face]:
    """One record per face, in order of keyframes, left to right. Raises StageError for an unreadable still."""
    if job.backend is None:
        return
    keyframes, number = job.read(Keyframe), 0
    for done, keyframe in enumerate(keyframes, start=1):
        (found,) = job.backend.detect([read_picture(job.folder_of(Keyframe) / keyframe.image)])
        for face in sorted(found, key=lambda f: f.box):
            if face.score >= job.config.min_score:
                number += 1
                yield Face(id=record_id("f", number), keyframe=keyframe.id, score=face.score, box=face.box)
        job.progress(done, len(keyframes))
