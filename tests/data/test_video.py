"""The decode pass: times, sizes, colours, rotation, closer looks."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import MediaError
from data.media import probe
from data.media.video import closely, frames
from data.records import Episode
from tests.conftest import plain_episode

X264 = ("-c:v", "libx264", "-preset", "veryfast")


def film(ffmpeg: Any, path: Path, source: str, *options: object) -> Episode:
    ffmpeg("-f", "lavfi", "-i", source, *options, path)
    return probe(path, silent_ok=True, content="0" * 64)


@pytest.mark.parametrize("name", ["film.mp4", "film.ts", "film.mkv"])
def test_times_are_presentation_times_from_the_start(ffmpeg: Any, tmp_path: Path, name: str) -> None:
    source = "testsrc2=size=320x180:rate=30000/1001:duration=2"
    episode = film(ffmpeg, tmp_path / name, source, *X264, "-bf", "3", "-output_ts_offset", "12.3")
    pictures = list(frames(episode, width=160))
    period = Fraction(1001, 30000)
    numbers = [picture.time / float(period) for picture in pictures]
    assert numbers[0] == 0
    assert all(abs(number - round(number)) < 0.05 for number in numbers)
    assert all(b.time > a.time for a, b in pairwise(pictures))
    assert len(pictures) + sum(picture.skipped for picture in pictures) == round(numbers[-1]) + 1
    assert {picture.small.shape for picture in pictures} == {(90, 160, 3)}


def test_closely_gives_every_frame(ffmpeg: Any, tmp_path: Path) -> None:
    source = "testsrc2=size=320x180:rate=25:duration=4"
    episode = film(ffmpeg, tmp_path / "film.mp4", source, *X264, "-bf", "3", "-g", "30")
    assert any(picture.skipped for picture in frames(episode, width=160))
    times = [picture.time for picture in closely(episode, 2.04, 2.2, width=160)]
    assert times == pytest.approx([2.04, 2.08, 2.12, 2.16, 2.2], abs=0.001)


@pytest.mark.parametrize("form", ["yuv420p", "yuv420p10le", "yuv444p", "yuvj420p"])
@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
def test_colours_are_those_of_the_film(ffmpeg: Any, tmp_path: Path, form: str, matrix: str) -> None:
    """Upper half red, lower half grey, in the film's own matrix and range."""
    boxes = "color=0xC02020:size=320x180:rate=25:duration=1,drawbox=y=90:h=90:w=320:color=0x808080:t=fill,format=gbrp"
    full = "pc" if form == "yuvj420p" else "tv"
    convert = f"{boxes},scale=out_color_matrix={matrix}:out_range={full},format={form}"
    options = ("-colorspace", matrix, "-color_range", full, "-crf", "8")
    episode = film(ffmpeg, tmp_path / "film.mkv", convert, *X264, *options)
    picture = next(frames(episode, width=160))
    large = picture.large(960).bgr()
    assert large.shape == (180, 320, 3)
    np.testing.assert_allclose(large[40, 160], [0x20, 0x20, 0xC0], atol=6)
    np.testing.assert_allclose(large[140, 160], [0x80] * 3, atol=4)
    np.testing.assert_allclose(picture.small[70, 80], [0x80] * 3, atol=12)


@pytest.mark.parametrize(("turn", "corner"), [(90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))])
def test_pictures_are_upright(ffmpeg: Any, tmp_path: Path, turn: int, corner: tuple[int, int]) -> None:
    """A white mark top left of the stored picture lies where the player shows it."""
    mark = "color=black:size=320x180:rate=25:duration=1,drawbox=w=80:h=60:color=white:t=fill"
    film(ffmpeg, tmp_path / "flat.mp4", mark, *X264)
    ffmpeg("-display_rotation", -turn, "-i", tmp_path / "flat.mp4", "-c", "copy", tmp_path / "film.mp4")
    episode = probe(tmp_path / "film.mp4", silent_ok=True, content="0" * 64)
    assert episode.video.rotation == turn
    picture = next(frames(episode, width=90))
    for image in (picture.small, picture.large(960).bgr()):
        assert (image.shape[0] > image.shape[1]) == (turn != 180)
        corners = {(y, x): int(image[3 + 7 * y, 3 + 7 * x].mean()) for y in (0, -1) for x in (0, -1)}
        assert max(corners, key=lambda at: corners[at]) == corner


def test_wide_pixels_are_shown_wide(ffmpeg: Any, tmp_path: Path) -> None:
    source = "testsrc2=size=360x288:rate=25:duration=1,setsar=64/45"
    picture = next(frames(film(ffmpeg, tmp_path / "film.mp4", source, *X264), width=160))
    assert picture.small.shape == (90, 160, 3)
    assert picture.large(960).bgr().shape == (288, 512, 3)


def test_no_film(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be opened"):
        next(frames(plain_episode(tmp_path / "gone.mp4"), width=160))
