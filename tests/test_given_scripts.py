"""Scripts of people, spoken into real films by the command a user types."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import av
import openpyxl
import pytest

from data import language
from data.formats import dapt, export
from data.script import load
from data.scripts import read_lines
from data.subtitles import read
from tests.composite import narrated

pytestmark = pytest.mark.slow

VDESC = Path(sys.executable).parent / "vdesc"


def vdesc(*arguments: object, code: int | None = 0) -> str:
    """Run the installed command in English; what it told."""
    done = subprocess.run([VDESC, *map(str, arguments), "--lang", "en"], capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def voiced(script: Path, film: Path, out: Path, *more: object) -> Path:
    """The results folder of a voiced script; exit code 3 says that the check found the words too fast, for example."""
    vdesc("voice", script, "--episode", film, "--out", out, "--config", "embedded", *more, code=None)
    assert (out / film.stem / "report.json").is_file()
    return out / film.stem


def clips(folder: Path) -> list[dict[str, Any]]:
    rows = (folder / "workspace" / "voice" / "records.jsonl").read_text("utf-8").splitlines()
    return [json.loads(row) for row in rows]


@pytest.mark.parametrize("backend", ["none", "silero"])
def test_a_describers_script_stays_where_it_was_put(media: Path, tmp_path: Path, backend: str) -> None:
    """The film has no dialogue; 5 s for every line are enough. Silero takes a tune of it for a voice."""
    film = media / "rabbit-ad" / "video.mp4"
    script = media / "rabbit-ad" / "descriptions.vtt"
    folder = voiced(script, film, tmp_path, "--language", "en", "--set", f"dialogue.backend={backend}")
    told = load(folder / "script.json")
    assert [(n.start, n.text) for n in told.narrations] == [(line.start, line.text) for line in read_lines(script)]
    assert all(c["file"] and c["speed"] <= 1.10 for c in clips(folder))
    assert [n.candidates for n in told.narrations] == [(), (), ()]
    workspace = folder / "workspace"
    assert not any((workspace / stage).exists() for stage in ("objects", "text", "faces", "candidates", "ranking"))
    report = json.loads((folder / "report.json").read_text("utf-8"))
    doubted = [f for f in report["findings"] if "no caption and no recognised word confirms" in f["text"]]
    assert bool(doubted) is (backend == "silero")
    assert {f["severity"] for f in doubted} <= {"warning"}
    assert not any("over dialogue from" in f["text"] or "leaves its gap" in f["text"] for f in report["findings"])


@pytest.fixture(scope="module")
def dream(media: Path, tmp_path_factory: pytest.TempPathFactory, ffmpeg: Callable[..., None]) -> Path:
    """Elephants Dream's captions and descriptions on a film as long as it, with a picture and a hum of its own."""
    folder = tmp_path_factory.mktemp("dream")
    film = folder / "dream.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=2:duration=653", "-f", "lavfi", "-i",
           "anoisesrc=color=brown:amplitude=0.01:duration=653:sample_rate=48000", "-c:v", "libx264", "-preset",
           "ultrafast", "-c:a", "aac", "-shortest", film)  # fmt: skip
    shutil.copy(media / "elephantsdream-text" / "captions.en.vtt", folder / "dream.en.vtt")
    script = media / "elephantsdream-text" / "descriptions.en.vtt"
    return voiced(script, film, folder / "out", "--language", "en", "--set", "dialogue.backend=none")


def test_nothing_is_spoken_over_the_captions(dream: Path, media: Path) -> None:
    captions = [(c.start, c.end) for c in read(media / "elephantsdream-text" / "captions.en.vtt", "en") if c.spoken]
    assert narrated(dream / "narration.wav", captions) == 0.0


def test_lines_whose_own_time_allows_it_are_spoken_at_their_pace(dream: Path, media: Path) -> None:
    """Of the lines that the voice can speak in their own time, 1.10 times as fast at most, 95 % are."""
    found = {c["text"]: c for c in clips(dream)}
    captions = [(c.start, c.end) for c in read(media / "elephantsdream-text" / "captions.en.vtt", "en") if c.spoken]
    plain = {text: language.seconds(text, "en", language.PLAN_RATE["en"]) for text in found}
    pace = median(_spoken(clip) / plain[text] for text, clip in found.items() if clip["file"])

    def needed(text: str) -> float:
        """Seconds at the voice's own pace: measured, else estimated by how long it takes for the others."""
        if text in found and found[text]["file"]:
            return _spoken(found[text])
        return pace * language.seconds(text, "en", language.PLAN_RATE["en"])

    lines = read_lines(media / "elephantsdream-text" / "descriptions.en.vtt")
    allowed = [line for line in lines if _room(line, captions) >= needed(line.text) / 1.1]
    good = [line for line in allowed if (clip := found.get(line.text)) and clip["file"] and clip["speed"] <= 1.10]
    assert len(allowed) > 25
    assert len(good) >= 0.95 * len(allowed)


def _spoken(clip: dict[str, Any]) -> float:
    """Seconds of the clip at the voice's own pace."""
    return float((clip["end"] - clip["start"]) * clip["speed"])


def _room(line: Any, captions: list[tuple[float, float]]) -> float:
    """Seconds of the line's own time that are free of captions and their guards, from its start on."""
    begun = max([line.start, *(b + 0.3 for a, b in captions if a - 0.3 <= line.start < b + 0.3)])
    return min([line.end, *(a - 0.3 for a, b in captions if a - 0.3 > begun)]) - begun


def test_what_was_left_out_is_told(dream: Path) -> None:
    manifest = json.loads((dream / "workspace" / "schedule" / "manifest.json").read_text("utf-8"))
    spoken = sum(bool(clip["file"]) for clip in clips(dream))
    left = [note for note in manifest["notes"] if "is not spoken" in note["message"]["template"]]
    assert spoken + len(left) == 63


def test_a_spreadsheet_of_korea_goes_in_and_comes_out(media: Path, tmp_path: Path) -> None:
    film = shutil.copy(media / "bbb-30s" / "big_buck_bunny_0_30.webm", tmp_path / "토끼.webm")
    book = openpyxl.Workbook()
    for row in (["번호", "시작 시간", "끝 시간", "해설 대본"], [1, "00:00:00:12", "00:00:04:00", "구름이 떠 있다."],
                [2, "00:00:12:00", "00:00:15:00", "새가 나뭇가지에 앉아 존다."]):  # fmt: skip
        book.worksheets[0].append(row)
    book.save(tmp_path / "대본.xlsx")
    folder = voiced(tmp_path / "대본.xlsx", Path(film), tmp_path / "out")
    script = load(folder / "script.json")
    assert [(n.start, n.text) for n in script.narrations] == [
        (0.5, "구름이 떠 있다."),
        (12.0, "새가 나뭇가지에 앉아 존다."),
    ]
    try:
        vdesc("preview", folder, "--scene", 1, "-o", tmp_path / "한 장면.mp4")
    except AssertionError as error:
        if "no font here" in str(error):
            pytest.skip("no font with Korean letters on this machine")
        raise
    vdesc("preview", folder, "--scene", 1, "-o", tmp_path / "한 장면.gif")
    with av.open(str(tmp_path / "한 장면.mp4")) as container:
        length = container.duration / 1e6
        assert [s.type for s in container.streams] == ["video", "audio"]
    assert length == pytest.approx(script.shots[0].end - script.shots[0].start, abs=0.2)
    assert (tmp_path / "한 장면.gif").read_bytes()[:4] == b"GIF8"
    assert "no scene 99" in vdesc("preview", folder, "--scene", 99, code=2)
    vdesc("export", folder, "-f", "hls", "-o", tmp_path / "hls")
    assert "describes-video" in (tmp_path / "hls" / "master.m3u8").read_text("utf-8")


def test_a_run_after_it_finds_its_own_lines_again(media: Path, tmp_path: Path) -> None:
    """What a run found is still there: a script that is given leaves the stages that find lines alone."""
    film = media / "bbb-30s" / "big_buck_bunny_0_30.webm"
    vdesc("run", film, "--out", tmp_path, "--config", "embedded")
    folder = tmp_path / film.stem
    before = load(folder / "script.json")
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:04,000\n구름이 떠 있다.\n", encoding="utf-8")
    voiced(tmp_path / "a.srt", film, tmp_path)
    assert [n.text for n in load(folder / "script.json").narrations] == ["구름이 떠 있다."]
    told = vdesc("run", film, "--out", tmp_path, "--config", "embedded", "--plan")
    assert "candidates – cached" in told
    vdesc("run", film, "--out", tmp_path, "--config", "embedded")
    assert load(folder / "script.json") == before


def test_dapt_that_a_person_edited_comes_back(media: Path, tmp_path: Path) -> None:
    """Ours out, text and times changed by hand, in again, out again: the same lines."""
    film = media / "bbb-30s" / "big_buck_bunny_0_30.webm"
    (tmp_path / "a.srt").write_text("1\n00:00:12,000 --> 00:00:15,000\n새가 졸고 있다.\n", encoding="utf-8")
    folder = voiced(tmp_path / "a.srt", film, tmp_path / "out")
    edited = (folder / "script.dapt.xml").read_text("utf-8").replace("새가 졸고 있다.", "보랏빛 새가 존다.")
    (tmp_path / "edited.xml").write_text(edited, encoding="utf-8")
    again = voiced(tmp_path / "edited.xml", film, tmp_path / "out")
    script = load(again / "script.json")
    assert [(n.start, n.text) for n in script.narrations] == [(12.0, "보랏빛 새가 존다.")]
    cues = dapt.read(export(script, "dapt")[1])
    assert [(c.start, c.end, c.text) for c in cues] == [(n.start, n.end, n.text) for n in script.narrations]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.vtt", "WEBVTT\n\n10:00.000 --> 10:05.000\n다른 영상.\n", "beyond the end of the film"),
        ("a.xml", '<!DOCTYPE tt [<!ENTITY a "b">]><tt xmlns="http://www.w3.org/ns/ttml"/>', "declares XML entities"),
        ("a.csv", "start,end,text\n00:00:99:99,2,하나\n", "is no time"),
        ("a.docx", "", "is no script"),
        ("b.vtt", None, "does not exist"),
    ],
)
def test_a_bad_script_is_told_in_one_line_before_anything_runs(
    media: Path, tmp_path: Path, name: str, content: str | None, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    film = media / "bbb-30s" / "big_buck_bunny_0_30.webm"
    said = vdesc("voice", tmp_path / name, "-e", film, "--out", tmp_path / "out", "-c", "embedded", code=2)
    assert told in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "out" / film.stem / "workspace" / "shots").exists()
