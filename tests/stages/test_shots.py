"""Cuts at every rate, codec and container; stills; damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from data.errors import MediaError
from data.records import Shot, Still
from stages import shots
from stages.shots import Config
from tests.stages.films import episode, make

FAST = ("-c:v", "libx264", "-preset", "veryfast")


def found(job: Any) -> list[float]:
    records = list(shots.run(job))
    assert records[0].start == 0
    assert records[-1].end == job.episode.duration
    assert all(a.end == b.start and a.id < b.id for a, b in pairwise(records))
    return [record.start for record in records[1:]]


def close(cuts: list[float], expected: list[float], tolerance: float) -> bool:
    return len(cuts) == len(expected) and all(abs(a - b) <= tolerance for a, b in zip(cuts, expected, strict=True))


@pytest.mark.parametrize("rate", ["24000/1001", "25", "30000/1001", "50", "60000/1001"])
def test_cuts_lie_on_their_frame(ffmpeg: Any, make_job: Any, tmp_path: Path, rate: str) -> None:
    expected = make(ffmpeg, tmp_path / "film.mp4", rate, *FAST)
    cuts = found(make_job(Config(), episode=episode(tmp_path / "film.mp4")))
    assert close(cuts, expected, 0.002), (cuts, expected)


@pytest.mark.parametrize("pyramid", ["none", "normal"])
def test_cuts_between_frames_left_undecoded_are_placed_exactly(
    ffmpeg: Any, make_job: Any, tmp_path: Path, pyramid: str
) -> None:
    """No intra frame at the cuts, and always three B-frames in a row: most cuts fall on a skipped frame."""
    params = f"b-pyramid={pyramid}:b-adapt=0:bframes=3:scenecut=0:keyint=250"
    expected = make(ffmpeg, tmp_path / "film.mp4", "24", *FAST, "-x264-params", params)
    cuts = found(make_job(Config(), episode=episode(tmp_path / "film.mp4")))
    assert close(cuts, expected, 0.002), (cuts, expected)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("film.ts", (*FAST, "-output_ts_offset", "37.5")),
        ("film.mkv", ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le")),
        ("film.webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")),
        ("film.mov", ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv422p10le")),
        ("film.avi", ("-c:v", "mpeg4", "-bf", "2", "-q:v", "4")),
        ("av1.mkv", ("-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8")),
    ],
)  # fmt: skip
def test_cuts_in_every_codec(ffmpeg: Any, make_job: Any, tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    expected = make(ffmpeg, tmp_path / name, "25", *options, size="320x180")
    film = episode(tmp_path / name)
    cuts = found(make_job(Config(), episode=film))
    assert close(cuts, expected, 0.042), (cuts, expected)


def test_cuts_at_a_varying_rate(ffmpeg: Any, make_job: Any, tmp_path: Path) -> None:
    """Every third frame of a stretch is missing; the times of the others stand."""
    graph = "testsrc2=size=320x180:rate=30,trim=end_frame=90[a];mandelbrot=size=320x180:rate=30,trim=end_frame=90[b];"
    graph += "[a][b]concat=n=2,select='not(between(n,20,70)*not(mod(n,3)))',setsar=1[v]"
    ffmpeg("-filter_complex", graph, "-map", "[v]", "-fps_mode", "vfr", *FAST, tmp_path / "film.mkv")
    cuts = found(make_job(Config(), episode=episode(tmp_path / "film.mkv")))
    assert close(cuts, [3.0], 0.002), cuts


def test_a_flash_is_no_cut(ffmpeg: Any, make_job: Any, tmp_path: Path) -> None:
    light = "testsrc2=size=320x180:rate=25:duration=6,eq=eval=frame:brightness='if(between(n,50,51),0.9,0)',setsar=1"
    ffmpeg("-f", "lavfi", "-i", light, *FAST, tmp_path / "film.mp4")
    assert found(make_job(Config(), episode=episode(tmp_path / "film.mp4"))) == []


FADES = (
    "testsrc2=size=320x180:rate=25:duration=4,fade=in:0:25,fade=out:74:25[a];"
    "mandelbrot=size=320x180:rate=25,trim=end_frame=100,fade=in:25:25[b];[a][b]concat=n=2,setsar=1,format=yuv420p[v]"
)


def test_a_fade_through_black_is_one_cut_in_the_dark(ffmpeg: Any, make_job: Any, tmp_path: Path) -> None:
    """Nor is there a cut where the film opens in black; no still shows black."""
    ffmpeg("-filter_complex", FADES, "-map", "[v]", *FAST, tmp_path / "film.mp4")
    job = make_job(Config(), episode=episode(tmp_path / "film.mp4"))
    assert close(found(job), [4.5], 0.25)
    assert min(still.luma for still in Still.open(job.folder)) > 20
    assert found(make_job(Config(fades=False), episode=job.episode)) == []


def test_plain_colours_are_pictures_too(ffmpeg: Any, make_job: Any, tmp_path: Path) -> None:
    graph = ";".join(f"color={c}:size=320x180:rate=25:duration=2,setsar=1[{c}]" for c in ("red", "blue", "green"))
    graph += ";[red][blue][green]concat=n=3,format=yuv420p[v]"
    ffmpeg("-filter_complex", graph, "-map", "[v]", *FAST, tmp_path / "film.mp4")
    assert close(found(make_job(Config(), episode=episode(tmp_path / "film.mp4"))), [2.0, 4.0], 0.002)


def test_the_other_detector(ffmpeg: Any, make_job: Any, tmp_path: Path) -> None:
    expected = make(ffmpeg, tmp_path / "film.mp4", "25", *FAST, size="320x180")
    cuts = found(make_job(Config(detector="content"), episode=episode(tmp_path / "film.mp4")))
    assert close(cuts, expected, 0.002), (cuts, expected)


@pytest.mark.parametrize("film", ["bbb-30s/big_buck_bunny_0_30.webm", "wai-perspective/perspective-video.mp4",
                                  "rabbit-ad/video.mp4", "rabbit-ad/video-with-voiceover.mp4"])  # fmt: skip
def test_cuts_of_real_films(media: Path, make_job: Any, film: str) -> None:
    annotated = json.loads((media / film).parent.joinpath("cuts_annotated_by_eye.json").read_text())["hard_cuts_s"]
    if isinstance(annotated, dict):
        annotated = next(cuts for name, cuts in annotated.items() if name.startswith(Path(film).name))
    cuts = found(make_job(Config(), episode=episode(media / film)))
    assert close(cuts, annotated, 0.067), cuts


def test_real_cuts_stay_the_same_in_other_encodings(ffmpeg: Any, media: Path, make_job: Any, tmp_path: Path) -> None:
    """With B-frames that are left undecoded, the same cuts as in the VP8 film, whose every frame is decoded."""
    source = media / "bbb-30s" / "big_buck_bunny_0_30.webm"
    ffmpeg("-i", source, "-an", "-vf", "scale=640:-2", *FAST, "-bf", "3", "-sc_threshold", "0", tmp_path / "film.mp4")
    cuts = found(make_job(Config(), episode=episode(tmp_path / "film.mp4")))
    assert close(cuts, [11.795, 15.67, 22.961], 0.01), cuts


def test_stills_are_upright_named_by_time_and_repeatable(ffmpeg: Any, make_job: Any, tmp_path: Path) -> None:
    make(ffmpeg, tmp_path / "flat.mp4", "25", *FAST)
    ffmpeg("-display_rotation", "90", "-i", tmp_path / "flat.mp4", "-c", "copy", tmp_path / "film.mp4")
    job = make_job(Config(still_width=180), episode=episode(tmp_path / "film.mp4"))
    records = list(shots.run(job))
    first = {path.name: path.read_bytes() for path in job.folder.iterdir()}
    list(shots.run(job))
    assert first == {path.name: path.read_bytes() for path in job.folder.iterdir()}
    stills = json.loads(first["stills.json"])
    assert {still["image"] for still in stills} == first.keys() - {"stills.json"}
    assert all(still["image"] == f"{still['time']:010.3f}.jpg" and len(still["look"]) == 48 for still in stills)
    assert _size(job.folder / stills[0]["image"]) == (180, 320)
    for shot in records:
        times = [still["time"] for still in stills if shot.start <= still["time"] < shot.end]
        assert 1 <= len(times) <= 6
        assert all(shot.start + 0.15 <= time <= shot.end - 0.15 for time in times)


def _size(path: Path) -> tuple[int, int]:
    import cv2

    height, width, _ = cv2.imread(str(path)).shape
    return width, height


def test_a_film_of_one_frame(ffmpeg: Any, make_job: Any, tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-frames:v", "1", *FAST, tmp_path / "film.mp4")
    job = make_job(Config(), episode=episode(tmp_path / "film.mp4"))
    assert found(job) == []
    assert len(Still.open(job.folder)) == 1


def test_a_damaged_stretch_is_noted_and_the_rest_described(ffmpeg: Any, make_job: Any, tmp_path: Path) -> None:
    expected = make(ffmpeg, tmp_path / "film.mp4", "25", *FAST, "-g", "25", "-crf", "18")
    film = episode(tmp_path / "film.mp4")
    _spoil(tmp_path / "film.mp4", 0.50, 0.53)
    job = make_job(Config(), episode=film)
    cuts = found(job)
    (note,) = job.notes
    assert "damaged" in note.text
    assert 0 < note.start < note.end < film.duration
    assert note.end - note.start < 3
    outside = [cut for cut in expected if not note.start - 0.1 <= cut <= note.end + 0.1]
    assert outside
    assert all(min(abs(cut - other) for other in cuts) < 0.05 for cut in outside)


def test_a_film_without_a_picture_that_decodes(ffmpeg: Any, make_job: Any, tmp_path: Path) -> None:
    make(ffmpeg, tmp_path / "film.mp4", "25", *FAST, "-movflags", "+faststart")
    film = episode(tmp_path / "film.mp4")
    _spoil(tmp_path / "film.mp4", 0.0, 1.0)
    with pytest.raises(MediaError, match=r"film\.mp4"):
        list(shots.run(make_job(Config(), episode=film)))


def _spoil(path: Path, start: float, end: float) -> None:
    """Zero a part of the coded pictures."""
    data = bytearray(path.read_bytes())
    first = data.index(b"mdat")
    # With the index at the end of the file, the pictures end where it begins.
    last = data.find(b"moov", first)
    last = len(data) if last < 0 else last - 8
    a, b = (first + 8 + round((last - first - 8) * share) for share in (start, end))
    data[a:b] = bytes(b - a)
    path.write_bytes(data)


def test_progress_runs_to_the_end(ffmpeg: Callable[..., None], make_job: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    make(ffmpeg, tmp_path / "film.mp4", "25", *FAST, size="320x180")
    told: list[tuple[float, float]] = []
    job = make_job(Config(), episode=episode(tmp_path / "film.mp4"))
    records = list(shots.run(replace(job, report_progress=lambda done, total: told.append((done, total)))))
    assert all(isinstance(record, Shot) for record in records)
    assert told == sorted(told)
    assert told[-1][0] > 0.95 * told[-1][1]
