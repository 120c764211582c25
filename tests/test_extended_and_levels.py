"""A film that talks while its first picture is on, described with a film that waits and with two levels of detail."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import short_film
import soundfile
from av.stream import Disposition
from numpy.typing import NDArray

from data import media
from data.formats import dapt, dapt_rules, vtt
from data.media.sound import audio_blocks
from data.reasons import NoRoom
from data.scripts.script import Script, load

pytestmark = pytest.mark.slow

SPOKEN = (0.2, 2.3, 4.1)
"""Seconds at which a line of 1.4 s is spoken: no pause of the first picture, or a second after it, can hold a line."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, ffmpeg: Callable[..., None]) -> Path:
    folder = short_film.ingredients(tmp_path_factory.mktemp("talking"), ffmpeg)
    soundfile.write(folder / "sound.wav", short_film.sound(SPOKEN), short_film.RATE)
    made = folder / "talk.mp4"
    ffmpeg("-i", folder / "picture.mkv", "-i", folder / "sound.wav", "-c:v", "copy", "-c:a", "aac", made)
    return made


@pytest.fixture(scope="module")
def extended(film: Path) -> Path:
    """The results folder of a run that asked for the film that waits."""
    done = short_film.vdesc("run", film, "-c", "embedded", "--out", film.parent / "out", "--extended")
    assert done.returncode == 0, done.stdout + done.stderr
    return film.parent / "out" / "talk"


@pytest.fixture(scope="module")
def script(extended: Path) -> Script:
    return load(extended / "script.json")


def pictures(path: Path) -> NDArray[np.int16]:
    """Every frame small, (frames, height, width)."""
    with av.open(str(path)) as container:
        frames = [f.reformat(96, 54, "yuv420p").to_ndarray()[:54] for f in container.decode(video=0)]
    return np.array(frames, np.int16)


def sound(path: Path) -> NDArray[np.float32]:
    """The last track, (samples,)."""
    film = media.probe(path, content="-")
    return np.concatenate([b[:, 0] for b in audio_blocks(film, film.audio_streams[-1], layout="mono")])


def test_words_on_the_screen_that_no_gap_holds_are_kept(script: Script) -> None:
    (line,) = script.extended
    assert "THREE YEARS LATER" in line.text.upper()
    assert line.kind == "text"
    assert isinstance(line.why, NoRoom)
    assert all(line.text != spoken.text for spoken in script.narrations)
    assert script.narrations, "what a gap can hold lies in it all the same"


def test_the_film_is_stopped_in_a_pause_while_the_picture_is_shown(script: Script) -> None:
    (line,) = script.extended
    assert 0.0 <= line.time < short_film.CUT
    assert not any(u.start < line.time < u.end for u in script.utterances)


def test_the_picture_stands_still_and_goes_on_where_it_stopped(film: Path, extended: Path, script: Script) -> None:
    (line,) = script.extended
    before, after = pictures(film), pictures(extended / "extended.mp4")
    first, added = round(line.time * 25), round(line.stands * 25)
    assert len(after) == len(before) + added
    assert np.abs(after[first : first + added + 1] - after[first]).mean(axis=(1, 2)).max() < 1.0
    rest = np.abs(after[first + added :] - before[first:]).mean(axis=(1, 2))
    assert rest.max() < 3.0, "every frame after the freeze is the source's, that of the cut too"


def test_the_programme_is_silent_meanwhile_and_in_step_after_it(extended: Path, script: Script) -> None:
    (line,) = script.extended
    described, heard = sound(extended / "described.mp4"), sound(extended / "extended.mp4")
    stop, goes_on = round(line.time * 48_000), round((line.time + line.stands) * 48_000)
    edges = heard[stop + 1500 : round((line.start - 0.03) * 48_000)], heard[round((line.end + 0.03) * 48_000) : goes_on]
    assert all(np.abs(edge[:-1500]).max() < 1e-3 for edge in edges), "nothing but the line"
    assert np.abs(heard[round(line.start * 48_000) : round(line.end * 48_000)]).max() > 0.05
    one, other = (w[at + 2000 : at + 2000 + 48_000] for w, at in ((heard, goes_on), (described, stop)))
    assert np.corrcoef(one, other)[0, 1] > 0.97, "the same samples at the same place"


def test_scripts_mark_it(extended: Path, script: Script) -> None:
    (line,) = script.extended
    text = (extended / "descriptions.extended.ko.vtt").read_text(encoding="utf-8")
    assert f"<v.extended 해설>{line.text}" in text
    assert f"for {line.stands:.3f} s" in text
    cues = vtt.read(text.encode())
    assert {cue.id for cue in cues} == {n.id for n in (*script.narrations, line)}
    content = (extended / "script.dapt.xml").read_bytes()
    assert dapt_rules.validate(content) == []
    assert {cue.id: cue.start for cue in dapt.read(content)}[line.id] == line.time
    assert f"{line.stands:.3f}" in (extended / "script.csv").read_text(encoding="utf-8-sig")


def test_the_check_has_looked_at_it(extended: Path) -> None:
    report = json.loads((extended / "report.json").read_bytes())
    assert [f["severity"] for f in report["findings"] if f["check"] == "extended"] == ["pass"]
    assert len(report["extended"]) == 1
    assert "Extended descriptions" in (extended / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (["-vf", "setpts=PTS", "-af", "adelay=200:all=1"], "the sound is +0.200 s off"),
        (["-af", "volume=-9dB"], "LU off the narration"),
        (["-t", "9"], "lasts 9.00 s instead of"),
        (["-vf", "hue=b=3*sin(t*9)"], "does not stand still"),
    ],
)
def test_the_check_finds_what_is_wrong(
    extended: Path, ffmpeg: Callable[..., None], tmp_path: Path, spoil: list[str], told: str
) -> None:
    from data.records import Extended
    from data.workspace import Workspace
    from stages.check import extended as looked_at

    lines = Workspace(extended / "workspace").read(Extended)
    ffmpeg("-i", extended / "extended.mp4", *spoil, "-preset", "ultrafast", tmp_path / "spoilt.mp4")
    source = media.probe(extended.parents[1] / "talk.mp4", content="-")
    described = media.probe(extended / "described.mp4", content="-")
    level = json.loads((extended / "workspace" / "mix" / "mix.json").read_bytes())["narration_loudness"]
    found = looked_at.check(
        tmp_path / "spoilt.mp4", source, (described, described.audio_streams[-1]), lines, [], level
    )  # fmt: skip
    assert any(told in str(result.message) for result in found if result.severity != "pass"), [*map(str, found)]


def test_without_it_a_run_is_as_ever_and_asked_for_again_it_is_there_at_once(film: Path, extended: Path) -> None:
    plain = film.parent / "again" / "talk"
    shutil.copytree(extended, plain)
    for wanted in (False, True):
        options: list[Any] = ["--extended"] if wanted else []
        done = short_film.vdesc("run", film, "-c", "embedded", "--out", plain.parent, *options)
        assert done.returncode == 0
        assert (plain / "extended.mp4").exists() == wanted
        assert bool(list(plain.glob("*.extended.*"))) == wanted
        assert bool(load(plain / "script.json").extended) == wanted
        assert "mix done" not in done.stdout
        assert "extended done" not in done.stdout, "the rendered film is found again"
        for name in ("described.mp4", "narration.wav", "descriptions.ko.vtt"):
            assert (plain / name).read_bytes() == (extended / name).read_bytes(), name


@pytest.fixture(scope="module")
def levels(film: Path, extended: Path) -> Path:
    done = short_film.vdesc("run", film, "-c", "embedded", "--out", film.parent / "out", "--levels", "rich,short")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "talk: shots done" not in done.stdout, "what the levels share is not done again"
    return extended / "levels"


def test_every_level_is_a_results_folder_of_its_own(levels: Path) -> None:
    assert {p.name for p in levels.iterdir() if p.name[0] != "."} == {"short", "rich", "described.mp4"}
    for level in ("short", "rich"):
        assert (levels / level / "script.json").is_file()
        done = short_film.vdesc("status", levels / level)
        assert done.returncode == 0
        ingredients = json.loads((levels / level / "workspace" / "schedule" / "manifest.json").read_bytes())
        assert ingredients["ingredients"]["config"]["detail"] == level


def test_one_film_holds_the_tracks_of_all_levels(levels: Path) -> None:
    joined = media.probe(levels / "described.mp4", content="-")
    assert len(joined.audio_streams) == 3
    with av.open(str(levels / "described.mp4")) as container:
        tracks = container.streams.audio[1:]
        names = [stream.metadata["handler_name"] for stream in tracks]
        assert all(stream.disposition & Disposition.visual_impaired for stream in tracks)
        assert not any(stream.disposition & Disposition.default for stream in tracks)
    assert names == ["화면해설 (짧게)", "화면해설 (자세히)"]
    for number, level in enumerate(("short", "rich"), 1):
        alone = sound(levels / level / "described.mp4")
        track = np.concatenate(
            [b[:, 0] for b in audio_blocks(joined, joined.audio_streams[number], layout="mono")]
        )  # fmt: skip
        assert np.abs(alone - track).max() == 0, "the very same samples at the same place"


def test_another_run_of_the_levels_does_nothing(film: Path, levels: Path) -> None:
    before = (levels / "described.mp4").stat().st_mtime_ns
    done = short_film.vdesc("run", film, "-c", "embedded", "--out", film.parent / "out", "--levels", "short,rich")
    assert done.returncode == 0
    assert "done in" not in done.stdout
    assert (levels / "described.mp4").stat().st_mtime_ns == before
    assert (levels.parent / "extended.mp4").exists(), "the levels leave the film's own results alone"


def test_a_level_that_does_not_exist_is_named(film: Path) -> None:
    done = short_film.vdesc("run", film, "-c", "embedded", "--levels", "short,long")
    assert done.returncode == 2
    assert done.stderr.strip() == "There is no level of detail long; choose from short, standard, rich, or all"
