"""Objects: what things the keyframes show. The embedded profile has no object model and finds nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from data.media.pictures import read_picture
from data.records import Box, Detection, Keyframe, record_id
from stages.backend import Backend
from stages.objects.tracks import Tracks
from stages.stage import Job, StageConfig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 2
AT_ONCE = 32
"""Keyframes held in memory at once (50 MB of 960×540 stills); the detector batches them as its own settings say."""


class Config(StageConfig):
    """Settings of the objects stage."""

    backend: str = Field("none", description="Object detector: none, yolo, or module:Class")
    options: dict[str, Any] = Field({}, description="Settings of the detector")
    min_score: float = Field(0.5, ge=0, le=1, description="Detections scored lower are left out")
    min_size: float = Field(
        0.003,
        ge=0,
        le=1,
        description="Detections that cover less of the picture are left out; 0.003 is what COCO calls a small object "
        "(32×32 of 640×480 pixels)",
    )


@dataclass(frozen=True)
class ObjectBox:
    """One object as a detector returns it; the box is (x, y, width, height) in fractions of the picture."""

    label: str
    score: float
    box: Box


class Detector(Backend, ABC):
    """Base of the backends that find objects."""

    @abstractmethod
    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[ObjectBox]]:
        """The objects of each picture (H×W×3 BGR)."""


def run(job: Job[Config, Detector | None]) -> Iterable[Detection]:
    """One record per object, in order of keyframes, best first; the same thing in one shot has one track.

    So the number of different tracks of persons in a shot is the least number of persons it shows.
    Raises StageError for an unreadable still.
    """
    if job.backend is None:
        return
    number, shot, tracks = 0, "", Tracks()
    for keyframe, things, aspect in _seen(job, job.backend):
        if keyframe.shot != shot:
            shot, tracks = keyframe.shot, Tracks()
        ids = [record_id("d", number + n) for n in range(1, len(things) + 1)]
        number += len(things)
        joined = tracks.join([t.label for t in things], [t.box for t in things], ids, aspect)
        for own, track, thing in zip(ids, joined, things, strict=True):
            yield Detection(
                id=own, keyframe=keyframe.id, label=thing.label, score=thing.score, box=thing.box, track=track
            )


def _seen(job: Job[Config, Detector | None], detector: Detector) -> Iterator[tuple[Keyframe, list[ObjectBox], float]]:
    """Every keyframe with the things to keep, best first, and its width / height."""
    keyframes, folder = job.read(Keyframe), job.folder_of(Keyframe)
    for at in range(0, len(keyframes), AT_ONCE):
        some = keyframes[at : at + AT_ONCE]
        pictures = [read_picture(folder / keyframe.image) for keyframe in some]
        for keyframe, picture, found in zip(some, pictures, detector.detect(pictures), strict=True):
            kept = (t for t in found if t.score >= job.config.min_score and t.box[2] * t.box[3] >= job.config.min_size)
            yield keyframe, sorted(kept, key=lambda t: (-t.score, t.box)), picture.shape[1] / picture.shape[0]
        job.progress(at + len(some), len(keyframes))
