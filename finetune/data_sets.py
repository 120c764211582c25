"""Data sets on disk: several files read as one, one written with its card.

Pictures are named relative to the file on disk, and by absolute path in memory.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from data.errors import UserError
from finetune.card import Card, write_card
from finetune.rows import DataRow, Example, Read, read, write

R = TypeVar("R", bound=DataRow)


def load(paths: Sequence[Path], kind: type[R], *others: Path) -> Read[R]:
    """The rows of all files, pictures found: beside their file, else in one of the other folders. Raises UserError."""
    rows: Read[R] = Read()
    rows.ignored, rows.places = Counter(), []
    for path in dict.fromkeys(paths):
        found = read(path, kind)
        rows += located(found, path.parent, *others)
        rows.ignored += found.ignored
        rows.places += found.places
    return rows


def save(
    path: Path, examples: Sequence[Example], dropped: Mapping[str, int] | None = None, whole: Sequence[Example] = ()
) -> Card:
    """Write a data set and its card; `whole` holds all parts where this is one. Raises UserError for no examples."""
    if not examples:
        why = ", ".join(f"{name}: {count}" for name, count in (dropped or {}).items() if count) or "–"
        raise UserError("No example is left for {path} ({why}); nothing was written", path=path, why=why)
    write(path, beside(examples, path))
    return write_card(path, examples, dropped, whole)


def located(rows: Sequence[R], *folders: Path) -> list[R]:
    """The rows with the absolute path of every picture that lies in one of the folders, the first that has it.

    A picture that lies nowhere keeps its name, by which rows still find each other.
    """
    return [row if row.image is None else row.model_copy(update={"image": _found(row.image, folders)}) for row in rows]


def _found(image: str, folders: Sequence[Path]) -> str:
    paths = (folder / image for folder in folders)
    return next((str(path.resolve()) for path in paths if path.is_file()), image)


def beside(rows: Sequence[R], file: Path) -> list[R]:
    """The rows as `file` is to hold them: pictures named from its folder, so that both can be moved together."""
    return [row if row.image is None else row.model_copy(update={"image": _from(row.image, file)}) for row in rows]


def _from(image: str, file: Path) -> str:
    if not Path(image).is_absolute():
        return image
    try:
        return Path(os.path.relpath(image, file.parent.resolve())).as_posix()
    except ValueError:  # another drive of Windows
        return image
