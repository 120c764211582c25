"""The check, rows 22 and 23: labels of the track, the original streams and the scripts of results that are wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data.records import Duck, Written
from data.scripts.script import load, save
from tests.stages.described import Described, cells, describe, programme, remux

Ffmpeg = Callable[..., None]


# Row 22: the new track and the original streams


TITLE = "-metadata:s:a:1 handler_name={0} -metadata:s:a:1 title={0}"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ("-metadata:s:a:1 language=fra", "The track's language is fra"),
        (TITLE.format("Stereo"), "The track is not named 화면해설"),
        ("-disposition:a:1 0", "The track is not flagged for the visually impaired"),
        ("-disposition:a:0 0 -disposition:a:1 default+visual_impaired", "The described track is the default"),
    ],
)
def test_labels_of_the_track(film: Described, ffmpeg: Ffmpeg, changes: str, text: str) -> None:
    remux(film, ffmpeg, [], "-map 0", changes)
    assert [f.text for f in film.found(22, "track")] == [text]


def test_a_track_that_is_missing(film: Described, ffmpeg: Ffmpeg) -> None:
    remux(film, ffmpeg, [], "-map 0:0 -map 0:2", "-disposition:a:0 visual_impaired")
    assert "The described file has 1 audio tracks" in [f.text for f in film.found(22, "track")]
    assert [f.severity for f in film.found(22, "copied")] == ["error"]


@pytest.mark.parametrize(("codec", "number"), [("-c:v libx264 -preset ultrafast -crf 40", 0), ("-c:a:0 aac", 1)])
def test_a_stream_that_was_encoded_again(film: Described, ffmpeg: Ffmpeg, codec: str, number: int) -> None:
    remux(film, ffmpeg, [], "-map 0", codec)
    (finding,) = film.found(22, "copied")
    assert finding.text.startswith(f"Stream {number} (")
    assert finding.severity == "error"


def test_an_avi_whose_picture_was_encoded_again(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = describe(tmp_path / "film", ffmpeg, programme(), suffix=".avi")
    remux_to_mkv = film.mix / "other.mkv"
    ffmpeg("-i", film.film, "-map", 0, "-c", "copy", "-c:v", "mpeg4", remux_to_mkv)
    remux_to_mkv.replace(film.film)
    assert [f.text[:16] for f in film.found(22, "copied")] == ["Stream 0 (video)"]


def test_a_picture_that_was_moved(film: Described, ffmpeg: Ffmpeg) -> None:
    remux(film, ffmpeg, ["-itsoffset", "0.2", "-i", film.film], "-map 1:0 -map 0:1 -map 0:2")
    (finding,) = film.found(22, "copied")
    assert finding.value == pytest.approx(0.2, abs=0.01)


# Row 23: the scripts


def scripted(film: Described, role: str) -> Path:
    return film.folder / "script" / next(w.name for w in film.records[Written] if w.role == role)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8-sig")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


@pytest.mark.parametrize(
    ("role", "old", "new", "text"),
    [
        ("dapt", 'daptm:represents="visual.nonText"', 'daptm:represents="smell"', "smell"),
        ("dapt", "</tt>", "", "not well-formed"),
        ("dapt", "문이 천천히", "창이 천천히", "another text than is spoken at 0:02.30"),
        ("vtt", "00:00:02.300", "00:00:02.400", "is heard at 0:02.30"),
        ("vtt", "00:00:02.300", "00:00:02.270", "is heard at 0:02.30"),
        ("vtt", "WEBVTT", "WEB", "it does not begin with WEBVTT"),
        ("vtt", "n2\n", "n9\n", "its lines are not the ones that are spoken"),
        ("csv", "문이 천천히", "창이 천천히", "another text than is spoken"),
        ("csv", ",2.300,", ",2.500,", "is heard at 0:02.30"),
        ("csv", "id,", "name,", "not a table of the script"),
    ],
)
def test_a_script_that_differs(film: Described, role: str, old: str, new: str, text: str) -> None:
    replace(scripted(film, role), old, new)
    found = film.found(23)
    assert len(found) == 1
    assert text in found[0].text
    assert scripted(film, role).name in found[0].text


def test_script_json_with_another_text(film: Described) -> None:
    path = scripted(film, "script")
    script = load(path)
    first = script.narrations[0].model_copy(update={"text": "창이 열린다."})
    save(script.model_copy(update={"narrations": (first, *script.narrations[1:])}), path)
    (finding,) = film.found(23)
    assert finding.text == "script.json: another text than is spoken at 0:02.30"


def test_a_script_that_is_not_there(film: Described) -> None:
    scripted(film, "vtt").unlink()
    assert [f.text[:37] for f in film.found(23)] == ["descriptions.ko.vtt cannot be read (N"]


def test_a_line_that_lies_elsewhere_than_its_scripts_say(film: Described) -> None:
    stem = np.roll(film.stem(), cells(0.1))
    film.speak(stem)
    film.render(film.records[Duck])
    assert len(film.found(23)) == 12, "three lines in four files"
