"""`vdesc lint`: what it says, mends and exits with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BAD = "WEBVTT\n\n00:01.000 --> 00:04.000\n문을 열었습니다.\n\n00:05.000 --> 00:08.000\n남자가 보인다.\n"
CLEAN = "WEBVTT\n\n00:01.000 --> 00:04.000\n문이 열린다.\n"


def vdesc(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli", "lint", *arguments]
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(root), "LC_ALL": "C.UTF-8"}, capture_output=True, text=True
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bad.vtt").write_text(BAD, encoding="utf-8")
    (tmp_path / "clean.vtt").write_text(CLEAN, encoding="utf-8")
    return tmp_path


def test_a_clean_script_is_fine(folder: Path) -> None:
    done = vdesc(folder, "clean.vtt")
    assert (done.returncode, done.stdout) == (0, "Lines: 1; errors: 0, warnings: 0, hints: 0\n")


def test_errors_are_told_with_reason_and_fix(folder: Path) -> None:
    done = vdesc(folder, "bad.vtt")
    assert done.returncode == 3
    assert done.stdout.startswith(
        "00:00:01.000 error polite: polite ending “열었습니다”\n    문을 열었습니다.\n    why: "
    )
    assert "\n    fix: 문을 연다.\n" in done.stdout
    assert done.stdout.endswith("Lines: 2; errors: 3, warnings: 0, hints: 0\n")


def test_in_korean(folder: Path) -> None:
    assert "오류 polite: 높임 종결" in vdesc(folder, "bad.vtt", "--lang", "ko").stdout


def test_mending(folder: Path) -> None:
    done = vdesc(folder, "bad.vtt", "--fix", "-o", "good.vtt", "--json")
    assert done.returncode == 3  # what no rule can mend is left
    assert [f["rule"] for f in json.loads(done.stdout)["findings"]] == ["framing"]
    assert done.stderr == "Lines mended in good.vtt: 1. What is left:\n"
    assert (folder / "good.vtt").read_text(encoding="utf-8") == BAD.replace("열었습니다", "연다")
    assert (folder / "bad.vtt").read_text(encoding="utf-8") == BAD


def test_the_wordings_of_a_series(folder: Path) -> None:
    (folder / "series.yaml").write_text("glossary: [{use: 대문, instead_of: [문]}]\n", encoding="utf-8")
    done = vdesc(folder, "clean.vtt", "--series", ".")
    assert done.returncode == 0
    assert done.stdout.startswith("00:00:01.000 warning wording: the series has other words for this\n    문이 열린다.")
    assert "\n    fix: 대문이 열린다.\n" in done.stdout
    vdesc(folder, "bad.vtt", "--series", "series.yaml", "--fix", "-o", "good.vtt")
    assert "대문을 연다." in (folder / "good.vtt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.vtt"], "does not exist"),
        (["bad.vtt", "--fix"], "go together"),
        (["bad.vtt", "-o", "x.vtt"], "go together"),
        (["bad.vtt", "--fix", "-o", "bad.vtt"], "is the script itself"),
        (["bad.vtt", "--fix", "-o", "x.srt"], "keeps its format"),
        (["bad.vtt", "--fix", "-o", "no/x.vtt"], "cannot be written"),
        (["bad.vtt", "--language", "fr"], "--language"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(folder: Path, arguments: list[str], told: str) -> None:
    done = vdesc(folder, *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert told in done.stderr
    assert (folder / "bad.vtt").read_text(encoding="utf-8") == BAD
