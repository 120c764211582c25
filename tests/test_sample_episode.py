"""The sample episode, described by the command a user types, against its truth."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from av.stream import Disposition

from data.scripts.script import Script
from tests import captioned
from tests.captioner import OWN_LINES, Captioner
from tests.loopback import serving

pytestmark = pytest.mark.slow

VDESC = Path(sys.executable).parent / "vdesc"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def vdesc(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the installed command in English."""
    return subprocess.run([VDESC, *map(str, arguments), "--lang", "en"], capture_output=True, text=True, cwd=cwd)


@pytest.fixture(scope="module")
def film(described_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, with the results of an undisturbed run beside it."""
    return Path(shutil.copytree(described_sample, tmp_path_factory.mktemp("sample") / "described")) / "sample.mp4"


@pytest.fixture(scope="module")
def truth(sample_film: Path) -> Any:
    return json.loads(sample_film.with_suffix(".truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def out(film: Path) -> Path:
    """The results folder of an undisturbed run."""
    return film.parent / "out" / "sample"


@pytest.fixture(scope="module")
def script(out: Path) -> Script:
    return Script.model_validate_json((out / "script.json").read_bytes())


def digests(folder: Path) -> dict[str, str]:
    """Name → SHA-256 of the delivered files."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir()) if p.is_file()}


def test_everything_is_delivered(out: Path) -> None:
    expected = {
        "described.mp4", "narration.wav", "descriptions.ko.vtt", "script.dapt.xml", "script.csv", "script.json",
        "report.json", "report.html",
    }  # fmt: skip
    assert {p.name for p in out.iterdir() if p.is_file()} == expected
    assert (out / "workspace" / "run.log").stat().st_size > 0


def test_cuts_are_found_to_the_frame(script: Script, truth: Any) -> None:
    found = [shot.start for shot in script.shots[1:]]
    frame = 1 / truth["fps"]
    assert len(found) == len(truth["cuts"])
    assert all(abs(a - b) <= frame + 1e-3 for a, b in zip(found, truth["cuts"], strict=True))


def test_every_utterance_is_covered_by_speech(script: Script, truth: Any) -> None:
    for line in truth["utterances"]:
        covered = sum(max(0.0, min(u.end, line["end"]) - max(u.start, line["start"])) for u in script.utterances)
        assert covered >= line["end"] - line["start"] - 0.1, line


def test_no_cue_lies_over_true_speech(script: Script, truth: Any, out: Path) -> None:
    sound, rate = soundfile.read(out / "narration.wav")
    for line in truth["utterances"]:
        window = sound[int(line["start"] * rate) : int(line["end"] * rate)]
        assert abs(window).max(initial=0.0) < 1e-3, line
    for cue in script.narrations:
        assert all(cue.end <= u["start"] or cue.start >= u["end"] for u in truth["utterances"]), cue.text


def test_english_text_on_screen_is_found_and_spoken(script: Script, truth: Any) -> None:
    seen = " ".join(
        e.value.upper() for n in script.narrations for c in n.candidates for e in c.evidence if e.kind == "text"
    )
    for words in truth["texts"]:
        if words["language"] == "en":
            assert words["text"] in seen


def test_every_line_keeps_all_its_candidates_with_named_parts(script: Script) -> None:
    assert script.narrations
    for line in script.narrations:
        assert line.text in [c.text for c in line.candidates]
        assert all(c.parts and c.model for c in line.candidates if c.score is not None)
        assert any(g.id == line.gap and g.used for g in script.gaps)


def test_the_new_track_is_signalled_and_the_others_are_copied(film: Path, out: Path) -> None:
    with av.open(str(film)) as before, av.open(str(out / "described.mp4")) as after:
        new = after.streams.audio[1]
        assert len(after.streams) == len(before.streams) + 1
        assert new.language == "kor"
        assert new.disposition & Disposition.visual_impaired
        assert not new.disposition & Disposition.default
        assert new.metadata["handler_name"] == "화면해설"
        for index in (0, 1):
            packets = [[bytes(p) for p in c.demux(c.streams[index]) if p.size] for c in (before, after)]
            assert packets[0] == packets[1]
            before.seek(0)
            after.seek(0)


def test_the_stem_is_what_is_promised(film: Path, out: Path, truth: Any) -> None:  # noqa: ARG001
    info = soundfile.info(out / "narration.wav")
    assert (info.samplerate, info.channels, info.subtype) == (48_000, 1, "PCM_24")
    assert abs(info.duration - truth["duration"]) < 0.05


def test_the_report_says_what_was_checked_and_shows_it(out: Path) -> None:
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    rows = {f["row"] for f in report["findings"]}
    assert {1, 2, 3, 4, 7, 12, 13, 15, 16, 17, 18, 19, 22, 23} <= rows
    assert report["verdict"] in ("pass", "warning")
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 1
    assert (
        page.count("data:image/jpeg")
        == len(json.loads((out / "script.json").read_text())["narrations"]) + report["dropped"]
    )


def test_a_second_run_does_nothing(described_sample: Path) -> None:
    film, out = described_sample / "sample.mp4", described_sample / "out" / "sample"
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file() and p.name not in ("run.log", ".lock")}
    done = vdesc("run", "--config", "embedded", film, "--out", out.parent)
    assert done.returncode == 0
    assert "done in" not in done.stdout
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_a_plan_writes_nothing(film: Path, tmp_path: Path) -> None:
    done = vdesc("run", "--config", "embedded", film, "--out", tmp_path / "out", "--plan")
    assert done.returncode == 0
    assert "shots – run: no result yet (2 cores)" in done.stdout
    assert not (tmp_path / "out").exists()


def test_a_changed_rate_reruns_from_the_schedule_on(film: Path, out: Path) -> None:
    """The schedule places lines by the lengths that the voice needs."""
    plan = vdesc("run", "--config", "embedded", film, "--out", out.parent, "--set", "voice.rate=4.8", "--plan").stdout
    states = {line.split(" – ")[0].strip(): line.split(" – ")[1] for line in plan.splitlines() if " – " in line}
    assert {name for name, state in states.items() if not state.startswith("cached")} == {
        "schedule",
        "review",
        "voice",
        "mix",
        "script",
        "check",
    }
    assert "voice.rate changed from None to 4.8" in states["schedule"]


def test_a_run_that_is_killed_anywhere_ends_in_the_same_bytes(film: Path, out: Path, tmp_path: Path) -> None:
    """Kill after more and more seconds of work until the run gets through; then compare every delivered file."""
    arguments = [VDESC, "run", "--config", "embedded", film, "--out", tmp_path, "--lang", "en"]
    for attempt in range(1, 60):
        run = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert run.wait(timeout=1.5 + 0.7 * 1.2**attempt) == 0
            break
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
            half = [p for p in (tmp_path / "sample").glob("*") if p.is_file() and not p.name.startswith(".")]
            assert half in ([], [p for p in half if p.name in digests(out)])
    assert digests(tmp_path / "sample") == digests(out)


def test_a_captioner_with_all_its_faults_is_held_to_every_rule(
    film: Path, out: Path, truth: Any, script: Script, tmp_path: Path
) -> None:
    """The results so far are taken over, so that only what depends on the captioner is made anew."""
    shutil.copytree(out.parent, tmp_path / "out")
    with serving() as server:
        server.reply = Captioner(OWN_LINES)
        ran = captioned.run(film, server, out=tmp_path / "out")
    said = [(line["start"], line["end"]) for line in truth["utterances"]]
    described = captioned.Described(film, said, tmp_path / "out" / "sample", ran)
    for rule in captioned.RULES:
        rule(described)
    assert len(described.lines) > len(script.narrations)


@pytest.mark.parametrize("form", ["dapt", "vtt", "srt", "csv", "xlsx", "docx", "html"])
def test_the_script_is_exported(out: Path, form: str, tmp_path: Path) -> None:
    done = vdesc("export", out, "--format", form, "--output", tmp_path / f"x.{form}")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"x.{form}").stat().st_size > 100


def test_status_names_every_stage(out: Path) -> None:
    shown = vdesc("status", out).stdout
    assert "shots" in shown
    assert "not done" not in shown


def test_a_text_that_a_person_edited_survives_a_rerun(film: Path, out: Path, tmp_path: Path) -> None:
    shutil.copytree(out.parent, tmp_path, dirs_exist_ok=True)
    script = tmp_path / "sample" / "script.csv"
    script.write_text("mine", encoding="utf-8")
    assert (
        vdesc(
            "run", "--config", "embedded", film, "--out", tmp_path, "--language", "en", "--until", "script"
        ).returncode
        == 0
    )
    assert (tmp_path / "sample" / "script.csv.edited-1").read_text(encoding="utf-8") == "mine"
    assert b"THREE YEARS LATER" in script.read_bytes()


def test_narration_over_speech_ends_in_exit_code_3_with_its_seconds(
    film: Path, out: Path, truth: Any, tmp_path: Path
) -> None:
    """A stem that speaks over a known utterance, as a defect before the check would leave it."""
    shutil.copytree(out.parent, tmp_path, dirs_exist_ok=True)
    stem = tmp_path / "sample" / "workspace" / "mix" / "narration.wav"
    sound, rate = soundfile.read(stem)
    line = truth["utterances"][3]
    place = slice(int((line["start"] + 0.2) * rate), int((line["start"] + 0.7) * rate))
    sound[place] = 0.1 * np.sin(np.arange(place.stop - place.start) * 0.05)
    soundfile.write(stem, sound, rate, "PCM_24")
    shutil.rmtree(tmp_path / "sample" / "workspace" / "check")
    done = vdesc("run", "--config", "embedded", film, "--out", tmp_path)
    assert done.returncode == 3
    said = re.search(r"Error: Narration over dialogue from 0:([\d.]+) to 0:([\d.]+)", done.stdout)
    assert said is not None, done.stdout
    assert float(said[1]) == pytest.approx(line["start"] + 0.2, abs=0.03)
    assert float(said[2]) == pytest.approx(line["start"] + 0.7, abs=0.03)
    assert (tmp_path / "sample" / "described.mp4").is_file()
