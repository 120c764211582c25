"""What the command line says when something is wrong, and how it shows a run."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from pipeline import cli
from pipeline.commands import progress
from pipeline.commands.doctor import EXTRAS, examine, missing_extra

VDESC = Path(sys.executable).parent / "vdesc"


def vdesc(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([VDESC, *map(str, arguments)], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "nowhere.mp4"], "nowhere.mp4 does not exist"),
        (["run", "x.mp4", "--set", "voice.rat=4"], "did you mean voice.rate"),
        (["run", "x.mp4", "--config", "embeded"], "did you mean embedded"),
        (["run", "x.mp4", "--until", "mixx"], "choose one of shots"),
        (["status", "."], "not a results folder"),
        (["why", "."], "not a results folder"),
        (["export", ".", "--format", "vtt"], "not a results folder"),
    ],
)
def test_the_user_s_errors_are_one_line_and_exit_code_2(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = subprocess.run([VDESC, *arguments, "--lang", "en"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == cli.INPUT
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_messages_follow_lang() -> None:
    assert "없습니다" in vdesc("run", "nowhere.mp4", "--lang", "ko").stderr


def test_doctor_finds_this_machine_fit() -> None:
    facts = {fact.topic: fact for fact in examine()}
    assert {"ffmpeg", "opencv", "Silero VAD", "RapidOCR", "espeak-ng", "gpu", "[models]"} <= facts.keys()
    assert [f.text for f in facts.values() if f.state == "bad"] == []


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    error = ModuleNotFoundError("No module named 'transformers'", name="transformers.models")
    assert missing_extra(error) == "models"
    assert missing_extra(ModuleNotFoundError("No module named 'nothing'", name="nothing")) is None

    def fails(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", fails)
    with pytest.raises(SystemExit):
        cli.main()
    assert "pip install 'videodescription[models]'" in capsys.readouterr().err


def test_extras_are_those_of_the_package() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["optional-dependencies"]) == {*EXTRAS, "all"}


def test_a_defect_leaves_one_line_and_a_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(**_: object) -> None:
        raise ZeroDivisionError("no")

    monkeypatch.setattr(cli, "app", fails)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    line = capsys.readouterr().err.strip()
    assert stop.value.code == cli.BUG
    assert "\n" not in line
    log = Path(line.rpartition(" ")[2])
    assert "Traceback" in log.read_text(encoding="utf-8")
    log.unlink()


def test_a_terminal_gets_a_table_with_time_left() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with progress.shown(console, ["shots", "text"], 2) as table:
        table.begin("one", "shots")
        table.advance("one", "shots", 1, 4)
        assert isinstance(table, progress.LiveTable)
        drawn = Console(file=io.StringIO(), width=100)
        drawn.print(table)
        text = drawn.file.getvalue()  # type: ignore[attr-defined]
        assert "one" in text
        assert "25%" in text
        assert "left" in text
        table.end("one", "shots", cached=False, seconds=3)
        table.fail("two", "shots", ValueError())
    assert table.rows["shots"].state(2) == "1/2 1 failed"


def test_a_pipe_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PLAIN_INTERVAL", 0.0)
    console = Console(file=io.StringIO(), force_terminal=False)
    with progress.shown(console, ["shots"], 1) as lines:
        lines.begin("one", "shots")
        lines.advance("one", "shots", 1, 2)
        lines.end("one", "shots", cached=False, seconds=3)
        lines.end("one", "text", cached=True, seconds=0)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "one: shots 50%, " in shown
    assert "one: shots done in 3.0 s" in shown
    assert "text" not in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (61, "1:01"), (3700, "1:01:40")])
def test_clock(seconds: float, shown: str) -> None:
    assert progress.clock(seconds) == shown
