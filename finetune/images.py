"""Where the pictures lie that rows name: relative to their file on disk, absolute in memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from finetune.rows import Row

R = TypeVar("R", bound=Row)


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
