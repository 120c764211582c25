"""Who is who among faces that have embeddings. Pure code.

A face is the cast member with the nearest photo, if that is within the model's threshold. The others are strangers:
their embeddings are clustered (agglomerative, average linkage, cut at the same threshold) and numbered as they appear.
Two faces on one keyframe are two people; a mirror or a montage that shows somebody twice is rare, and there the
better match keeps the name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from data.series.cast import UNKNOWN

APART = 1e9
"""Distance put between two faces of one keyframe. An average over fewer than 10^9 pairs that holds one such pair is
still above every threshold, so that clusters with a common keyframe are never joined."""

Embedding = tuple[float, ...]
Faces = Sequence[tuple[str, Embedding | None]]
"""(keyframe, embedding or None), in order of keyframes."""


def name_faces(
    faces: Faces, known: Mapping[str, Sequence[Embedding]], metric: str, threshold: float, first: int = 1
) -> list[str | None]:
    """For each face a key of `known`, or unknown-`first` …; None for faces without embedding."""
    persons: list[str | None] = [None] * len(faces)
    for face, person in _matches(faces, known, metric, threshold):
        persons[face] = person
    strangers = [i for i, (_, e) in enumerate(faces) if e is not None and persons[i] is None]
    labels: dict[int, str] = {}
    for face, cluster in zip(strangers, _clusters([faces[i] for i in strangers], metric, threshold), strict=True):
        persons[face] = labels.setdefault(cluster, f"{UNKNOWN}{len(labels) + first}")
    return persons


def distances(one: NDArray[np.float64], other: NDArray[np.float64], metric: str) -> NDArray[np.float64]:
    """Distance of every row of `one` (N×D) to every row of `other` (M×D), N×M, as deepface.modules.verification.

    Rounded like there to six decimals, more than the last bits of an embedding can change.
    """
    if metric != "euclidean":
        one, other = (a / np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-10) for a in (one, other))
    product = one @ other.T
    if metric == "cosine":
        return np.asarray(np.round(1 - product, 6))
    if metric == "angular":
        return np.asarray(np.round(np.arccos(np.clip(product, -1, 1)) / np.pi, 6))
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :] - 2 * product
    return np.asarray(np.round(np.sqrt(np.maximum(squares, 0)), 6))


def _matches(
    faces: Faces, known: Mapping[str, Sequence[Embedding]], metric: str, threshold: float
) -> list[tuple[int, str]]:
    """(face, person) for the nearest photos first; on one keyframe nobody is matched twice."""
    people = [person for person, photos in known.items() for _ in photos]
    able = [i for i, (_, embedding) in enumerate(faces) if embedding is not None]
    if not people or not able:
        return []
    apart = distances(_matrix([faces[i][1] for i in able]), _matrix([e for p in known.values() for e in p]), metric)
    taken: set[object] = set()
    matches = []
    for row, column in sorted(np.argwhere(apart <= threshold).tolist(), key=lambda at: (apart[at[0], at[1]], at)):
        face, person = able[row], people[column]
        if face not in taken and (faces[face][0], person) not in taken:
            taken |= {face, (faces[face][0], person)}
            matches.append((face, person))
    return matches


def _clusters(faces: Faces, metric: str, threshold: float) -> list[int]:
    """The number of each face's cluster."""
    if len(faces) < 2:
        return [0] * len(faces)
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    matrix = _matrix([embedding for _, embedding in faces])
    apart = distances(matrix, matrix, metric)
    _, keyframes = np.unique([keyframe for keyframe, _ in faces], return_inverse=True)
    apart[keyframes[:, None] == keyframes[None, :]] = APART
    np.fill_diagonal(apart, 0)
    condensed = squareform(np.maximum(apart, 0), checks=False)
    found: list[int] = fcluster(linkage(condensed, "average"), threshold, "distance").tolist()
    return found


def _matrix(embeddings: Sequence[Embedding | None]) -> NDArray[np.float64]:
    return np.array(embeddings, np.float64)
