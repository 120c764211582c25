"""Counting faces: never a false person on the films at hand, and the real ones found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from data.errors import StageError
from data.records import Keyframe
from stages import faces, objects
from stages.backend import NoOptions
from stages.faces.cascade import Cascade
from stages.objects import ObjectBox

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    return Cascade(Cascade.Options())


def photograph(path: Path, width: int = 960) -> Picture:
    picture = cv2.imread(str(path))
    assert picture is not None
    height = round(picture.shape[0] * width / picture.shape[1])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)


def frames(ffmpeg: Callable[..., None], film: Path, folder: Path) -> list[Picture]:
    """Two frames a second, as wide as keyframes are."""
    ffmpeg("-i", film, "-vf", "fps=2,scale='min(960,iw)':-2", "-q:v", 3, folder / "%04d.jpg")
    return [p.astype(np.uint8) for f in sorted(folder.glob("*.jpg")) if (p := cv2.imread(str(f))) is not None]


def count(cascade: Cascade, pictures: list[Picture]) -> list[int]:
    """Faces per picture that the stage would keep."""
    return [sum(f.score >= faces.Config().min_score for f in found) for found in cascade.detect(pictures)]


def keyframe(number: int, image: str) -> Keyframe:
    return Keyframe(
        id=f"k{number:05d}", shot="s00001", time=float(number), image=image, sharpness=50, luma=90, look=(90.0,) * 48
    )


@pytest.mark.parametrize(("name", "people"), [("obama", 1), ("biden", 1), ("two_people", 2)])
def test_real_photographs(cascade: Cascade, media: Path, name: str, people: int) -> None:
    assert count(cascade, [photograph(media / "faces" / f"{name}.jpg")]) == [people]


def test_a_face_is_found_where_it_is(cascade: Cascade, media: Path) -> None:
    (found,) = cascade.detect([photograph(media / "faces" / "two_people.jpg")])
    left, right = sorted(f.box for f in found)
    assert left[0] + left[2] < 0.5 < right[0]
    assert 0.5 < min(f.score for f in found) < 1


def test_a_photograph_in_grey_needs_both_eyes(cascade: Cascade, media: Path) -> None:
    picture = photograph(media / "faces" / "biden.jpg")
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR).astype(np.uint8)
    assert count(cascade, [grey]) == [1]
    green = picture.copy()
    green[..., 2] //= 3  # no skin has this colour
    assert count(cascade, [green]) == [0]


@pytest.mark.parametrize(
    "film",
    [
        "bbb-30s/big_buck_bunny_0_30.webm",
        "rabbit-ad/video.mp4",
        "rabbit-ad/video-with-voiceover.mp4",
        "ae-timecode/example.mp4",
    ],
)
def test_films_without_people_show_none(
    cascade: Cascade, media: Path, ffmpeg: Callable[..., None], tmp_path: Path, film: str
) -> None:
    pictures = frames(ffmpeg, media / film, tmp_path)
    assert len(pictures) > 20
    assert sum(count(cascade, pictures)) == 0


def test_a_real_man_at_his_desk(cascade: Cascade, media: Path, ffmpeg: Callable[..., None], tmp_path: Path) -> None:
    counts = count(cascade, frames(ffmpeg, media / "wai-perspective" / "perspective-video.mp4", tmp_path))
    assert max(counts) == 1
    assert sum(counts[10:13] + counts[21:29]) >= 8  # 5–6.5 s and 10.5–14.5 s: the man, alone, face in view
    assert sum(counts[14:20]) == 0  # 7–10 s: a mouse on the floor, a hand


def test_the_stage_numbers_faces_left_to_right(
    make_job: Callable[..., Any], media: Path, tmp_path: Path, cascade: Cascade
) -> None:
    cv2.imwrite(str(tmp_path / "a.jpg"), photograph(media / "faces" / "two_people.jpg"))
    cv2.imwrite(str(tmp_path / "b.jpg"), np.full((540, 960, 3), 90, np.uint8))
    job = make_job(faces.Config(), {Keyframe: [keyframe(1, "b.jpg"), keyframe(2, "a.jpg")]}, backend=cascade)
    found = list(faces.run(job))
    assert [(f.id, f.keyframe) for f in found] == [("f00001", "k00002"), ("f00002", "k00002")]
    assert found[0].box[0] < found[1].box[0]


def test_switched_off_stages_yield_nothing(make_job: Callable[..., Any]) -> None:
    rows = {Keyframe: [keyframe(1, "never-opened.jpg")]}
    assert list(faces.run(make_job(faces.Config(backend="none"), rows))) == []
    assert list(objects.run(make_job(objects.Config(), rows))) == []


class OneDog(objects.Detector):
    """A detector that sees a dog, and hardly a cat."""

    def detect(self, images: list[Picture]) -> list[list[ObjectBox]]:
        return [[ObjectBox("cat", 0.2, (0, 0, 1, 1)), ObjectBox("dog", 0.8, (0.1, 0.1, 0.5, 0.5))] for _ in images]


def test_objects_of_a_model_become_records(make_job: Callable[..., Any], tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.jpg"), np.zeros((90, 160, 3), np.uint8))
    job = make_job(objects.Config(backend="m:C"), {Keyframe: [keyframe(1, "a.jpg")]}, backend=OneDog(NoOptions()))
    assert [(d.id, d.keyframe, d.label, d.score) for d in objects.run(job)] == [("d00001", "k00001", "dog", 0.8)]


def test_an_unreadable_still_is_an_error(make_job: Callable[..., Any], cascade: Cascade) -> None:
    job = make_job(faces.Config(), {Keyframe: [keyframe(1, "gone.jpg")]}, backend=cascade)
    with pytest.raises(StageError, match=r"gone\.jpg"):
        list(faces.run(job))
