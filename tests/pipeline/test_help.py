"""`--help`, `--version` and completion, as a shell gets them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("vdesc ru", {"run"}),
        ("vdesc run --config emb", {"embedded"}),
        ("vdesc run --until sch", {"schedule"}),
        ("vdesc export out --format x", {"xlsx"}),
        ("vdesc export out --format da", {"dapt", "dash"}),
    ],
)
def test_a_shell_completes(typed: str, known: set[str]) -> None:
    """As the script that `--show-completion bash` prints asks for it."""
    asked = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1), "_VDESC_COMPLETE": "complete_bash"}
    assert set(vdesc(**asked).split()) == known
