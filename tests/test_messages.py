"""Every message exists in Korean, with the same fields."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from data import messages

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("data", "stages", "finetune", "pipeline")
DYNAMIC = {"visual", "text", "title"}
"""Words passed to tr() by variable: kinds of a line."""


def templates() -> Iterator[str]:
    """Every template handed to tr() in code and in pages."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tr" and node.args:
                    first = node.args[0]
                    if isinstance(first, ast.Constant):
                        yield str(first.value)
        for ending, call in (("j2", "tr"), ("html", "_"), ("js", r"\bt")):
            for path in (ROOT / room).rglob(f"*.{ending}"):
                for _, text in re.findall(call + r"\(\s*(['\"])(.*?)\1", path.read_text(encoding="utf-8")):
                    yield text
    yield from DYNAMIC


def fields(template: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("template", sorted(set(templates())))
def test_has_a_korean_translation_with_the_same_fields(template: str) -> None:
    korean = messages.catalogue("ko")
    assert template in korean, "add it to data/locale/ko/"
    assert fields(korean[template]) == fields(template)
    assert re.search("[가-힣]", re.sub(r"\{[^}]*\}", "", korean[template])) or not re.search(
        "[a-z]{3}", re.sub(r"\{[^}]*\}", "", template)
    )


def test_no_translation_is_left_over() -> None:
    """A template stands in the code as a whole, be it in a call of tr() or in a constant that is shown later."""
    constants = {
        node.value
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    }
    assert set(messages.catalogue("ko")) - set(templates()) - constants == set()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({"LC_ALL": "ko_KR.UTF-8"}, "ko"), ({"LANG": "en_US.UTF-8"}, "en"), ({"LANG": "C"}, "en")],
)
def test_the_locale_chooses_the_language(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert messages.from_locale() == expected
