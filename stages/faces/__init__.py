"""Faces: how many people look our way, and who they are. A lower bound, for backs and profiles are not found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from data.errors import ConfigError
from data.media.pictures import read_picture
from data.messages import tr
from data.records import Box, Face, Keyframe, record_id
from data.series import cast, strangers
from stages.backend import Backend
from stages.sources import Photos
from stages.stage import Job, StageConfig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 2

KEYFRAMES_AT_ONCE = 16
"""So many stills are handed to the backend at once: about 100 MB at 1080p."""


class Config(StageConfig):
    """Settings of the faces stage."""

    backend: str = Field("cascade", description="Face detector: none, cascade, deepface, or module:Class")
    options: dict[str, Any] = Field({}, description="Settings of the detector")
    min_score: float = Field(
        0.5, ge=0, le=1, description="Faces scored lower are left out; a false person is worse than a missed one"
    )


@dataclass(frozen=True)
class FaceBox:
    """One face as a detector returns it; the box is (x, y, width, height) in fractions of the picture."""

    score: float
    box: Box
    embedding: tuple[float, ...] | None = None
    """What tells this person from others; None where the detector cannot, or the face is too small."""
    emotion: str | None = None
    """What the expression looks like; evidence, never to be spoken."""


class Detector(Backend, ABC):
    """Base of the backends that find faces."""

    @abstractmethod
    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[FaceBox]]:
        """The faces of each picture (H×W×3 BGR)."""


class Recogniser(Detector, ABC):
    """Base of those whose faces have embeddings."""

    @property
    @abstractmethod
    def metric(self) -> str:
        """How embeddings are compared: cosine, angular, euclidean or euclidean_l2."""

    @property
    @abstractmethod
    def threshold(self) -> float:
        """Embeddings at most so far apart show the same person."""


def run(job: Job[Config, Detector | None]) -> Iterable[Face]:
    """One record per face, in order of keyframes, left to right.

    Raises ConfigError for a cast whose faces cannot be learnt, StageError for an unreadable still.
    """
    photos = job.open(Photos)
    people, detector = photos.cast, job.backend
    if people and people.seen and not isinstance(detector, Recogniser):
        raise ConfigError(cannot_recognise(job.config.backend))
    if detector is None:
        return
    seen = list(_seen(job, detector))
    persons: Sequence[str | None] = [None] * len(seen)
    if isinstance(detector, Recogniser):
        from stages.faces.identity import name_faces

        known, met = cast_faces(detector, people) if people else {}, _met(detector, photos)
        faces = [(keyframe, face.embedding) for keyframe, face in seen]
        first = max(map(strangers.number, met), default=0) + 1
        persons = name_faces(faces, known | met, detector.metric, detector.threshold, first)
    for number, ((keyframe, face), person) in enumerate(zip(seen, persons, strict=True), start=1):
        yield Face(
            id=record_id("f", number),
            keyframe=keyframe,
            score=face.score,
            box=face.box,
            person=person,
            emotion=face.emotion,
        )


def _met(recogniser: Recogniser, photos: Photos) -> dict[str, list[tuple[float, ...]]]:
    """The strangers of earlier episodes of the series, by the pictures kept of them."""
    if photos.cast is None:
        return {}
    found: dict[str, list[tuple[float, ...]]] = {}
    for person, photo in photos.strangers.items():
        (faces,) = recogniser.detect([cast.read_photo(photos.cast, person, photo)])
        largest = max(faces, key=_area, default=None)
        found[person] = [largest.embedding] if largest and largest.embedding else []  # its number is taken all the same
    return found


def cannot_recognise(backend: str) -> str:
    """The message for a series with photos given to a detector that knows no faces."""
    return tr(
        "--cast: the face detector {backend} cannot tell people apart; add --set faces.backend=deepface, or leave "
        "--cast out",
        backend=backend,
    )


def cast_faces(backend: Recogniser, people: cast.Cast) -> dict[str, list[tuple[float, ...]]]:
    """Each member's embeddings, one a photo: its largest face. Raises ConfigError for a photo that shows none."""
    photos = [(member.id, photo) for member in people.members for photo in member.photos]
    found: dict[str, list[tuple[float, ...]]] = {}
    for member, photo in photos:
        (faces,) = backend.detect([cast.read_photo(people, member, photo)])
        largest = max(faces, key=_area, default=None)
        if largest is None or largest.embedding is None:
            raise ConfigError(
                "{file}: {id}.photos: no face is found in {photo}, or only a tiny one; give a sharp photo of the "
                "face from the front",
                file=people.file,
                id=member,
                photo=photo.name,
            )
        found.setdefault(member, []).append(largest.embedding)
    return found


def _seen(job: Job[Config, Detector | None], detector: Detector) -> Iterator[tuple[str, FaceBox]]:
    """(keyframe, face) for every face that counts, left to right."""
    keyframes = job.read(Keyframe)
    for at in range(0, len(keyframes), KEYFRAMES_AT_ONCE):
        some = keyframes[at : at + KEYFRAMES_AT_ONCE]
        stills = [read_picture(job.folder_of(Keyframe) / k.image) for k in some]
        for keyframe, faces in zip(some, detector.detect(stills), strict=True):
            for face in sorted(faces, key=lambda f: f.box):
                if face.score >= job.config.min_score:
                    yield keyframe.id, face
        job.progress(at + len(some), len(keyframes))


def _area(face: FaceBox) -> float:
    return face.box[2] * face.box[3]
