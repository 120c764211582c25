"""One to three keyframes a shot, from the stills alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data.records import Keyframe, Shot, Still
from stages import keyframes, shots
from stages.keyframes import Config
from tests.stages.films import episode

LONG = Shot(id="s0001", start=0.0, end=10.0)


def still(time: float, sharpness: float, shade: float) -> Still:
    return Still(time=time, image=f"{time:010.3f}.jpg", sharpness=sharpness, luma=shade, look=(shade,) * 48)


def times(stills: list[Still], shot: Shot = LONG, **settings: Any) -> list[float]:
    return [chosen.time for chosen in keyframes.choose(stills, shot, Config(**settings))]


def test_a_still_shot_gets_its_sharpest_picture_alone() -> None:
    assert times([still(1, 50, 100), still(4, 90, 101), still(7, 60, 99)]) == [4]


def test_a_changing_shot_gets_the_most_different_ones() -> None:
    changing = [still(t, 50 + t, shade) for t, shade in [(1, 40), (3, 80), (5, 120), (7, 160), (9, 200)]]
    assert times(changing) == [1, 5, 9]
    assert times(changing, max_per_shot=1) == [9]
    assert times(changing, Shot(id="s0001", start=0.0, end=1.9)) == [9]


def test_blurred_pictures_are_passed_over() -> None:
    assert times([still(1, 100, 100), still(4, 10, 200), still(7, 90, 160)]) == [1, 7]


def test_a_shot_without_stills_gets_none() -> None:
    assert times([]) == []


CARD = "drawbox=x=80:y=70:w=12:h=40:color=white:t=fill,drawbox=x=120:y=70:w=90:h=4:color=white:t=fill"


@pytest.fixture
def described(ffmpeg: Any, make_job: Any, tmp_path: Path) -> tuple[list[Shot], list[Keyframe], Path]:
    """Picture, two seconds of black, picture, a card of white strokes on black."""
    sources = [
        "testsrc2=size=320x180:rate=25",
        "color=black:size=320x180:rate=25",
        "mandelbrot=size=320x180:rate=25",
        f"color=black:size=320x180:rate=25,{CARD}",
    ]
    graph = ";".join(f"{source},trim=end_frame=50,format=yuv420p[p{i}]" for i, source in enumerate(sources))
    graph += ";[p0][p1][p2][p3]concat=n=4:v=1,setsar=1[v]"
    ffmpeg("-filter_complex", graph, "-map", "[v]", "-c:v", "libx264", "-preset", "veryfast", tmp_path / "film.mp4")
    job = make_job(shots.Config(), episode=episode(tmp_path / "film.mp4"))
    found: list[Any] = list(shots.run(job))
    stills = job.folder.rename(tmp_path / "stills")
    second = make_job(Config(), {Shot: found}, episode=job.episode, folders={Shot: stills})
    chosen: list[Any] = list(keyframes.run(second))
    return found, chosen, second.folder


def test_black_is_no_keyframe_but_text_on_black_is(
    described: tuple[list[Shot], list[Keyframe], Path],
) -> None:
    found, chosen, folder = described
    assert [round(shot.start, 2) for shot in found] == [0, 2, 4, 6]
    shown = {shot.id: [k for k in chosen if k.shot == shot.id] for shot in found}
    assert [len(frames) > 0 for frames in shown.values()] == [True, False, True, True]
    assert all(len(frames) <= 3 for frames in shown.values())
    assert sorted(path.name for path in folder.iterdir()) == [k.image for k in chosen]
    for shot in found:
        assert all(shot.start < k.time < shot.end and k.image == f"{k.time:010.3f}.jpg" for k in shown[shot.id])


def test_real_film(media: Path, make_job: Any, tmp_path: Path) -> None:
    job = make_job(shots.Config(), episode=episode(media / "bbb-30s" / "big_buck_bunny_0_30.webm"))
    found: list[Any] = list(shots.run(job))
    stills = job.folder.rename(tmp_path / "stills")
    second = make_job(Config(), {Shot: found}, episode=job.episode, folders={Shot: stills})
    chosen: list[Any] = list(keyframes.run(second))
    assert all(1 <= sum(k.shot == shot.id for k in chosen) <= 3 for shot in found)
    assert all(k.luma > 30 for k in chosen)
    assert any(25 < k.time < 29 for k in chosen), "the title of the film is seen"
    assert Still.open(stills)
