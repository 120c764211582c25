"""Objects: what things the keyframes show. The embedded profile has no object model and finds nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import Field

from data.pictures import read_picture
from data.records import Box, Detection, Keyframe, record_id
from stages.stage import Job, StageConfig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 1


class Config(StageConfig):
    """Settings of the objects stage."""

    backend: str = Field("none", description="Object detector: none, or module:Class")
    options: dict[str, Any] = Field({}, description="Settings of the detector")
    min_score: float = Field(0.5, ge=0, le=1, description="Detections scored lower are left out")


@dataclass(frozen=True)
class ObjectBox:
    """One object as a detector returns it; the box is (x, y, width, height) in fractions of the picture."""

    label: str
    score: float
    box: Box


class Detector(Protocol):
    """The one method of an object backend."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[ObjectBox]]:
        """The objects of each picture (H×W×3 BGR)."""


def run(job: Job[Config]) -> Iterable[Detection]:
    """One record per object, in order of keyframes, best first. Raises StageError for an unreadable still."""
    if job.backend is None:
        return
    keyframes, number = job.read(Keyframe), 0
    for done, keyframe in enumerate(keyframes, start=1):
        (found,) = job.backend.detect([read_picture(job.folder_of(Keyframe) / keyframe.image)])
        for item in sorted(found, key=lambda o: (-o.score, o.box)):
            if item.score >= job.config.min_score:
                number += 1
                yield Detection(
                    id=record_id("d", number), keyframe=keyframe.id, label=item.label, score=item.score, box=item.box
                )
        job.progress(done, len(keyframes))
