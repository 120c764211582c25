"""Every message exists in Korean, with the same fields."""

from __future__ import annotations

import ast
import pickle
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer import rich_utils

from data import messages
from data.errors import MediaError, UserError
from data.reasons import Told
from pipeline.cli import app
from pipeline.commands.help import MISUSES, TEMPLATES, TITLES

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("data", "stages", "finetune", "pipeline")
ERRORS = {"VdescError", "UserError", "MediaError", "ConfigError", "StageError", "StrangeAnswerError"}
DYNAMIC = {"visual", "text", "title"}
"""Words passed to tr() by variable: kinds of a line."""
WORDED = {"tr", "say"}
"""Functions whose first argument is a template: told at once, or kept to be told later."""


def translated(function: ast.expr) -> bool:
    """Whether the first argument of a call is a template: of those, and of the errors that translate themselves."""
    if isinstance(function, ast.Attribute):
        return function.attr == "__init__" or function.attr in ERRORS
    return isinstance(function, ast.Name) and function.id in WORDED | ERRORS


def templates() -> Iterator[str]:
    """Every template handed to tr() in code and in pages."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and translated(node.func) and node.args:
                    first = node.args[0]
                    if isinstance(first, ast.Constant) and isinstance(first.value, str):
                        yield first.value
        for ending, call in (("j2", "tr"), ("html", "_"), ("js", r"\bt")):
            for path in (ROOT / room).rglob(f"*.{ending}"):
                for _, text in re.findall(call + r"\(\s*(['\"])(.*?)\1", path.read_text(encoding="utf-8")):
                    yield text
    yield from DYNAMIC
    yield from (reason.template for reason in Told.__subclasses__())
    yield from help_texts(typer.main.get_command(app))
    yield from (getattr(rich_utils, name) for name in TITLES)
    yield from MISUSES


def help_texts(command: Any) -> Iterator[str]:
    """What --help says of a command and of all below it."""
    asking = command.get_help_option(typer.Context(command))
    shown = [thing.help for thing in (command, *command.params, asking) if getattr(thing, "help", None)]
    yield from (TEMPLATES[text][0] if text in TEMPLATES else text for text in shown)
    for below in getattr(command, "commands", {}).values():
        yield from help_texts(below)


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


def test_an_error_is_told_in_the_language_of_whoever_sees_it() -> None:
    inner = UserError("{path} does not exist; give a script or a results folder", path="a.vtt")
    error = MediaError("{episode}, {stage}: {cause}", episode="film", stage="mix", cause=inner)
    assert str(error) == "film, mix: a.vtt does not exist; give a script or a results folder"
    with messages.answering("ko"):
        assert re.search("a.vtt.*없습니다", str(error))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_an_error_may_hold_a_text_that_is_whole() -> None:
    assert str(UserError('{"a": 1} is no cast')) == '{"a": 1} is no cast'


def test_errors_translate_themselves() -> None:
    """No error is given a text that was translated where it arose."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ERRORS and node.args:
                    inner = node.args[0]
                    assert not (isinstance(inner, ast.Call) and getattr(inner.func, "id", "") == "tr"), path
