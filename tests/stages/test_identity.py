"""Who is who: cast members by their photos, strangers by clusters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from data.errors import ConfigError
from data.records import Face, Keyframe
from stages import faces as stage
from stages.backend import NoOptions
from stages.faces import Detector, FaceBox, Recogniser
from stages.faces.identity import distances, name_faces
from stages.sources import RunSettings

METRICS = ("cosine", "angular", "euclidean", "euclidean_l2")


def at(degrees: float) -> tuple[float, ...]:
    """A unit embedding; the cosine distance of two is 1 - cos of the angle between: 0.30 at 45.6°."""
    return float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))


@pytest.mark.parametrize("metric", METRICS)
def test_distances_are_deepface_s(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFACE_BACKEND_ENGINE", "pytorch")
    from deepface.modules.verification import find_distance

    one, other = np.random.default_rng(0).normal(size=(2, 5, 16))
    ours = distances(one, other[:3], metric)
    assert ours.shape == (5, 3)
    np.testing.assert_allclose(ours, find_distance(other[:3], one, metric), atol=2e-6)


def named(*faces: tuple[str, float | None], known: dict[str, list[float]] | None = None) -> list[str | None]:
    """Names of faces given as (keyframe, degrees), for Facenet512's threshold."""
    photos = {person: [at(a) for a in angles] for person, angles in (known or {}).items()}
    return name_faces([(k, None if a is None else at(a)) for k, a in faces], photos, "cosine", 0.30)


def test_the_nearest_photo_within_the_threshold() -> None:
    known = {"a": [0, 170], "b": [80]}
    assert named(("k1", 35), ("k2", 45), ("k3", 165), ("k4", 250), known=known) == ["a", "b", "a", "unknown-1"]


def test_nobody_is_twice_on_a_keyframe_the_better_match_wins() -> None:
    assert named(("k1", 20), ("k1", 5), ("k2", 20), known={"a": [0]}) == ["unknown-1", "a", "a"]
    assert named(("k1", 20), ("k1", 5), known={"a": [0], "b": [50]}) == ["b", "a"]


def test_strangers_are_numbered_as_they_appear() -> None:
    assert named(("k1", 200), ("k1", 0), ("k2", 5), ("k3", 195), ("k4", 100)) == [
        "unknown-1",
        "unknown-2",
        "unknown-2",
        "unknown-1",
        "unknown-3",
    ]


def test_strangers_on_one_keyframe_are_two_however_alike() -> None:
    found = named(("k1", 0), ("k1", 1), ("k2", 0.4), ("k3", 0.2), ("k3", 0.9))
    assert found[0] != found[1]
    assert found[3] != found[4]
    assert len(set(found)) == 2


def test_faces_without_embedding_and_no_faces() -> None:
    assert named(("k1", None), ("k1", 0), ("k2", None)) == [None, "unknown-1", None]
    assert named(("k1", None), known={"a": [0]}) == [None]
    assert named() == []


def test_clusters_of_a_long_episode_are_the_people() -> None:
    draw = np.random.default_rng(1)
    centres = draw.normal(size=(6, 128))
    who = draw.integers(0, 6, 900)
    faces = [(f"k{i}", tuple(centres[p] + draw.normal(size=128) * 0.4)) for i, p in enumerate(who)]
    found = name_faces(faces, {}, "cosine", 0.30)
    assert len(set(found)) == 6
    assert len({(label, p) for label, p in zip(found, who, strict=True)}) == 6
    assert found == name_faces(faces, {}, "cosine", 0.30)


class Painted(Recogniser):
    """Sees one face for each painted column: its hue is the embedding, its brightness the score."""

    metric, threshold = "euclidean", 10.0

    def __init__(self) -> None:
        self.batches: list[int] = []

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[FaceBox]]:
        self.batches.append(len(images))
        return [self._faces(image) for image in images]

    def _faces(self, image: NDArray[np.uint8]) -> list[FaceBox]:
        width = image.shape[1]
        found = []
        for x in range(0, width, 20):
            blue, green, red = map(float, image[10, min(x + 10, width - 1)])
            if red > 100:
                found.append(FaceBox(red / 255, (x / width, 0.1, 20 / width, 0.5), (blue, green), "neutral"))
        return found[::-1]


def column(*people: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.repeat(np.array([people], np.uint8), 20, axis=1).repeat(30, axis=0)


A, B, FAINT, NOBODY = (200, 0, 250), (0, 200, 250), (200, 0, 110), (0, 0, 0)


@pytest.fixture
def run(make_job: Callable[..., Any], tmp_path: Path) -> Callable[..., list[Face]]:
    def faces_of(stills: Sequence[NDArray[np.uint8]], backend: Any, folder: Path | None = None) -> list[Face]:
        keyframes = []
        for i, still in enumerate(stills):
            cv2.imwrite(str(tmp_path / f"k{i}.png"), still)
            keyframes.append(
                Keyframe(id=f"k{i}", shot="s1", time=i, image=f"k{i}.png", sharpness=1, luma=90, look=(0.0,) * 48)
            )
        folders: dict[Any, Path] = {Keyframe: tmp_path}
        job = make_job(
            stage.Config(), {Keyframe: keyframes}, folders=folders, backend=backend, settings=RunSettings(cast=folder)
        )
        return list(stage.run(job))

    return faces_of


@pytest.fixture
def cast_of_a(tmp_path: Path) -> Path:
    folder = tmp_path / "출연진"
    folder.mkdir()
    (folder / "cast.yaml").write_text("- {id: 기주, name: 김기주}\n- {id: x, name: X, photos: []}\n", encoding="utf-8")
    cv2.imencode(".png", column(A))[1].tofile(folder / "기주.png")
    return folder


def test_the_stage_names_the_cast_and_numbers_the_others(run: Callable[..., list[Face]], cast_of_a: Path) -> None:
    found = run([column(B, A), column(FAINT, NOBODY), column(A)], Painted(), cast_of_a)
    assert [(f.id, f.keyframe, f.person, f.emotion) for f in found] == [
        ("f00001", "k0", "unknown-1", "neutral"),
        ("f00002", "k0", "기주", "neutral"),
        ("f00003", "k2", "기주", "neutral"),
    ]


def test_keyframes_are_handed_over_in_batches(run: Callable[..., list[Face]]) -> None:
    backend = Painted()
    assert len(run([column(A)] * 40, backend)) == 40
    assert backend.batches == [16, 16, 8]


def test_a_photo_without_a_face(run: Callable[..., list[Face]], cast_of_a: Path) -> None:
    cv2.imencode(".png", column(NOBODY))[1].tofile(cast_of_a / "기주.png")
    with pytest.raises(ConfigError, match=r"기주\.photos: no face is found in 기주\.png.*sharp photo"):
        run([column(A)], Painted(), cast_of_a)


class Counting(Detector):
    """A detector that cannot tell people apart."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[FaceBox]]:
        return [[FaceBox(0.9, (0.1, 0.1, 0.2, 0.2))] for _ in images]


@pytest.mark.parametrize("backend", [Counting(NoOptions()), None])
def test_a_cast_wants_a_backend_that_knows_faces(backend: Any, run: Callable[..., list[Face]], cast_of_a: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot tell people apart.*faces\.backend=deepface"):
        run([column(A)], backend, cast_of_a)


def test_without_embeddings_nobody_is_anybody(run: Callable[..., list[Face]]) -> None:
    assert [f.person for f in run([column(A)] * 2, Counting(NoOptions()))] == [None, None]
