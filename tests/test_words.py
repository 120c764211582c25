"""The page of words, which the code obeys."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROWS = [
    [cell.strip() for cell in row.split("|")[1:-1]]
    for row in (ROOT / "docs" / "words.md").read_text(encoding="utf-8").splitlines()
    if row.startswith("| ")
][1:]


def types() -> Iterator[str]:
    """The names of all types that modules define, aliases and protocols too."""
    for room in ("data", "stages", "finetune", "pipeline"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    yield node.name
                elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    yield node.targets[0].id


def test_a_word_is_one_type() -> None:
    defined = Counter(types())
    words = [name[1] for word, *_ in ROWS if (name := re.fullmatch("`([A-Z][A-Za-z]+)`", word))]
    assert len(words) > 30
    assert {word: defined[word] for word in words if defined[word] != 1} == {}


def test_every_word_stands_once_with_its_korean_and_its_meaning() -> None:
    assert [word for word, times in Counter(row[0] for row in ROWS).items() if times > 1] == []
    for word, korean, meaning in ROWS:
        assert re.search("[가-힣]", korean), word
        assert meaning, word
