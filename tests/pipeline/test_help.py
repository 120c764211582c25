"""`--help`, `--version` and completion, as a shell gets them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from data.formats import EXPORTS, READ
from pipeline import cli

VDESC = str(Path(sys.executable).parent / "vdesc")
KOREAN = {"LANG": "ko_KR.UTF-8", "LC_ALL": ""}


def vdesc(*arguments: str, **environment: str) -> str:
    """What the installed command writes."""
    wide = {**os.environ, "LC_ALL": "C.UTF-8", "COLUMNS": "200", **environment}
    done = subprocess.run([VDESC, *arguments], capture_output=True, text=True, env=wide)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_version_is_told() -> None:
    assert vdesc("--version") == f"vdesc {version('videodescription')}\n"


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["run", "--help", "--lang", "ko"], {}),
        (["run", "--lang=ko", "--help"], {}),
        (["run", "--help"], KOREAN),
        (["finetune", "train", "--help"], KOREAN),
        (["review", "users", "add", "--help"], KOREAN),
        (["--help"], KOREAN),
        (["models", "--help", "--lang", "ko"], {}),
    ],
)
def test_help_is_korean_through_and_through(arguments: list[str], environment: dict[str, str]) -> None:
    said = vdesc(*arguments, **environment)
    assert "사용법:" in said
    assert not re.search(r"Usage|Options|Arguments|Commands|default:|required|Show this|current shell", said)
    rows = [row for row in said.splitlines() if re.search("[a-z] {2,}", row) and "--" in row]
    assert rows
    assert all(re.search("[가-힣]", row) for row in rows), said


def test_english_is_asked_for_by_name() -> None:
    said = vdesc("run", "--help", "--lang", "en", **KOREAN)
    assert "Usage: vdesc run" in said
    assert not re.search("[가-힣]", said)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_help_names_every_format(lang: str) -> None:
    assert ", ".join(EXPORTS) in vdesc("export", "--help", "--lang", lang, COLUMNS="400")
    for command in (["lint"], ["voice"], ["finetune", "truth"], ["finetune", "compare"]):
        assert READ in vdesc(*command, "--help", "--lang", lang, COLUMNS="400")


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("vdesc ru", {"run"}),
        ("vdesc run --config emb", {"embedded"}),
        ("vdesc run --until sch", {"schedule"}),
        ("vdesc export out --format x", {"xlsx"}),
        ("vdesc export out --format da", {"dapt", "dash"}),
        ("vdesc export out --format web", {"web"}),
    ],
)
def test_a_shell_completes(typed: str, known: set[str]) -> None:
    """As the script that `--show-completion bash` prints asks for it."""
    asked = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1), "_VDESC_COMPLETE": "complete_bash"}
    assert set(vdesc(**asked).split()) == known


def test_korean_help_loses_no_syllable_at_the_end_of_a_line() -> None:
    for columns in range(70, 90, 3):
        assert "…" not in vdesc("run", "--help", "--lang", "ko", COLUMNS=str(columns)), columns


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("splt", "'splt' 명령은 없습니다 ("),
        ("modles", "'modles' 명령은 없습니다. 'models'을(를) 뜻하셨습니까?"),
        ("run a.mp4 --xyz", "--xyz 옵션은 없습니다 ("),
        ("run", "'films' 인자가 필요합니다"),
        ("finetune split a.jsonl", "'--output' / '-o' 옵션이 필요합니다"),
        ("models list more", "필요 없는 인자가 있습니다: more"),
        ("preview out/a --scene one", "'--scene'의 값이 맞지 않습니다: 정수여야 합니다"),
        ("finetune split a.jsonl -o b --train 2", "'--train'의 값이 맞지 않습니다: 1 이하여야 합니다"),
    ],
)
def test_what_is_wrong_with_a_command_line_is_said_in_korean(
    arguments: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["vdesc", *arguments.split(), "--lang", "ko"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == cli.INPUT
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith(says)
