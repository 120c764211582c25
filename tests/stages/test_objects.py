"""Objects: thresholds, and the same thing in several keyframes of a shot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from data.errors import StageError
from data.records import Box, Detection, Keyframe
from stages import objects
from stages.objects import Detector, ObjectBox
from stages.objects.tracks import Tracks, distance_iou

MAN: Box = (0.1, 0.3, 0.1, 0.5)


class Known(Detector):
    """Finds what it is told, picture by picture."""

    def __init__(self, *found: Sequence[ObjectBox]) -> None:
        self.found = [list(things) for things in found]
        self.calls: list[int] = []

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[ObjectBox]]:
        self.calls.append(len(images))
        first = sum(self.calls[:-1])
        return self.found[first : first + len(images)]


def person(x: float, y: float = 0.3, height: float = 0.5, score: float = 0.9) -> ObjectBox:
    return ObjectBox("person", score, (x, y, height / 5, height))


@pytest.fixture
def detected(make_job: Callable[..., Any], tmp_path: Path) -> Callable[..., list[Detection]]:
    """The records of a film: for each shot its keyframes, for each keyframe its things."""

    def run(*shots: Sequence[Sequence[ObjectBox]], **config: Any) -> list[Detection]:
        cv2.imwrite(str(tmp_path / "a.jpg"), np.zeros((90, 160, 3), np.uint8))
        shot_of = [f"s{n:05d}" for n, keyframes in enumerate(shots, 1) for _ in keyframes]
        keyframes = [
            Keyframe(id=f"k{n:05d}", shot=shot, time=n, image="a.jpg", sharpness=9, luma=9, look=(9.0,) * 48)
            for n, shot in enumerate(shot_of, 1)
        ]
        backend = Known(*(things for shot in shots for things in shot))
        return list(objects.run(make_job(objects.Config(**config), {Keyframe: keyframes}, backend=backend)))

    return run


def test_thresholds(detected: Callable[..., list[Detection]]) -> None:
    faint, tiny = person(0.5, score=0.4), ObjectBox("cup", 0.9, (0.5, 0.5, 0.05, 0.05))
    assert [d.label for d in detected([[person(0.1), faint, tiny]])] == ["person"]
    kept = detected([[person(0.1), faint, tiny]], min_score=0.3, min_size=0.0025)
    assert [(d.id, d.label, d.score) for d in kept] == [
        ("d00001", "person", 0.9),
        ("d00002", "cup", 0.9),
        ("d00003", "person", 0.4),
    ]


def test_one_man_who_walks_through_a_shot_is_one(detected: Callable[..., list[Detection]]) -> None:
    found = detected([[person(0.1)], [person(0.3)], [person(0.5, height=0.6)]], [[person(0.5)]])
    assert [d.track for d in found] == ["d00001", "d00001", "d00001", "d00004"]


def test_he_is_known_again_after_a_keyframe_without_him(detected: Callable[..., list[Detection]]) -> None:
    found = detected([[person(0.1)], [], [person(0.15)]])
    assert [d.track for d in found] == ["d00001", "d00001"]


def test_two_who_are_seen_together_stay_two(detected: Callable[..., list[Detection]]) -> None:
    found = detected([[person(0.4)], [person(0.41), person(0.6)], [person(0.6), person(0.42)]])
    assert [(d.keyframe, d.track) for d in found] == [
        ("k00001", "d00001"),
        ("k00002", "d00001"),
        ("k00002", "d00003"),
        ("k00003", "d00001"),
        ("k00003", "d00003"),
    ]


def test_other_things_are_not_joined(detected: Callable[..., list[Detection]]) -> None:
    chair = ObjectBox("chair", 0.8, person(0.1).box)
    far, large = [person(0.0, height=0.3), person(0.9, height=0.3)], person(0.0, 0.0, 0.9)
    assert len({d.track for d in detected([[person(0.1)], [chair]])}) == 2
    assert len({d.track for d in detected([[far[0]], [far[1]]])}) == 2
    assert len({d.track for d in detected([[far[0]], [large]])}) == 2


def test_tracks_do_not_depend_on_how_keyframes_are_batched(
    detected: Callable[..., list[Detection]], monkeypatch: pytest.MonkeyPatch
) -> None:
    film = [[[person(0.1 * n)] for n in range(3)], [[person(0.1)]] * 2]
    whole = detected(*film)
    monkeypatch.setattr(objects, "AT_ONCE", 2)
    assert detected(*film) == whole
    assert [d.track for d in whole] == ["d00001"] * 3 + ["d00004"] * 2


@pytest.mark.parametrize(
    ("other", "wanted"),
    [
        (MAN, 1.0),
        ((0.2, 0.3, 0.1, 0.5), -0.01 / 0.29),  # side by side: no overlap, one width apart
        ((0.1, 0.3, 0.1, 0.25), 0.5 - 0.125**2 / 0.26),
    ],
)
def test_distance_iou(other: Box, wanted: float) -> None:
    assert distance_iou(MAN, other, 1.0) == pytest.approx(wanted)
    assert distance_iou(other, MAN, 1.0) == pytest.approx(wanted)


def test_the_width_counts_as_it_is_seen() -> None:
    """0.1 of the width is more than 0.1 of the height in a wide picture."""
    aside, below = (0.3, 0.3, 0.1, 0.1), (0.1, 0.5, 0.1, 0.1)
    seen = (0.1, 0.3, 0.1, 0.1)
    assert distance_iou(seen, aside, 1.0) == pytest.approx(distance_iou(seen, below, 1.0))
    assert distance_iou(seen, aside, 1.6) < distance_iou(seen, below, 1.6)


def test_the_most_alike_are_joined_first() -> None:
    tracks = Tracks()
    assert tracks.join(["person"] * 2, [(0.1, 0.3, 0.1, 0.5), (0.3, 0.3, 0.1, 0.5)], ["d1", "d2"], 1.6) == ["d1", "d2"]
    moved: list[Box] = [(0.28, 0.3, 0.1, 0.5), (0.15, 0.3, 0.1, 0.5), (0.5, 0.3, 0.1, 0.5)]
    assert tracks.join(["person"] * 3, moved, ["d3", "d4", "d5"], 1.6) == ["d2", "d1", "d5"]


def test_a_detection_without_size_is_no_error() -> None:
    tracks = Tracks()
    assert tracks.join(["cup"], [(0.5, 0.5, 0.0, 0.0)], ["d1"], 1.0) == ["d1"]
    assert tracks.join(["cup"], [(0.5, 0.5, 0.0, 0.0)], ["d2"], 1.0) == ["d1"]
    assert tracks.join([], [], [], 1.0) == []


def test_switched_off_the_stage_yields_nothing(make_job: Callable[..., Any]) -> None:
    assert list(objects.run(make_job(objects.Config(), {Keyframe: []}))) == []


def test_an_unreadable_still_is_an_error(make_job: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    keyframe = Keyframe(id="k00001", shot="s00001", time=1, image="a.jpg", sharpness=9, luma=9, look=(9.0,) * 48)
    with pytest.raises(StageError, match=r"a\.jpg cannot be read"):
        list(objects.run(make_job(objects.Config(), {Keyframe: [keyframe]}, backend=Known([]))))
