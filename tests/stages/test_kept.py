"""What is kept, and patience with what passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages import retrying
from stages.kept import Kept, named
from stages.retrying import PassingError, retried


def test_what_is_kept_is_found_by_all_it_depends_on(tmp_path: Path) -> None:
    answers = Kept[list[str]](tmp_path / "new", list[str])
    answers.put(["question", 1, {"b": 1, "a": 2}], ["답"])
    assert answers.get(["question", 1, {"a": 2, "b": 1}]) == ["답"]
    assert answers.get(["question", 2, {"a": 2, "b": 1}]) is None
    assert [file.name for file in (tmp_path / "new").iterdir()] == [named(["question", 1, {"a": 2, "b": 1}], ".json")]


def test_what_cannot_be_read_is_not_there(tmp_path: Path) -> None:
    (tmp_path / named("key", ".json")).write_text('{"no": "list"}')
    assert Kept[list[str]](tmp_path, list[str]).get("key") is None


def test_without_a_folder_nothing_is_kept() -> None:
    nothing = Kept[str](None, str)
    nothing.put("key", "value")
    assert nothing.get("key") is None


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(retrying.time, "sleep", slept.append)
    return slept


def failing(*errors: Exception) -> tuple[list[Exception], object]:
    left = list(errors)

    def ask() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return left, ask


def test_a_passing_error_is_waited_out(slept: list[float]) -> None:
    _, ask = failing(PassingError("busy"), PassingError("busy", 429, wait=3.0), PassingError("busy", 429, wait=99.0))
    assert retried(ask, (1.0, 2.0, 4.0), (PassingError,)) == "answer"  # type: ignore[arg-type]
    assert slept == [1.0, 3.0, 4.0]


def test_the_last_error_is_raised_and_others_at_once(slept: list[float]) -> None:
    _, ask = failing(PassingError("first"), PassingError("second"))
    with pytest.raises(PassingError, match="second"):
        retried(ask, (0.5,), (PassingError,))  # type: ignore[arg-type]
    left, ask = failing(ValueError("no"), PassingError("left"))
    with pytest.raises(ValueError, match="no"):
        retried(ask, (0.5,), (PassingError,))  # type: ignore[arg-type]
    assert (len(left), slept) == (1, [0.5])
