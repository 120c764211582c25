"""What was costly to come by, kept in files that are named by all it depends on: nothing is computed or paid twice."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from data.files import write_atomically

T = TypeVar("T")


def named(key: object, ending: str) -> str:
    """The file's name for a key, any JSON value."""
    return hashlib.sha256(json.dumps(key, sort_keys=True, default=str).encode()).hexdigest() + ending


class Kept(Generic[T]):
    """Values of one type in a folder; None keeps nothing."""

    def __init__(self, folder: Path | None, kind: Any) -> None:
        self.folder = folder
        self._kind: TypeAdapter[T] = TypeAdapter(kind)

    def get(self, key: object) -> T | None:
        """What is kept; None where nothing is, or nothing that can be read."""
        if self.folder is None:
            return None
        try:
            return self._kind.validate_json((self.folder / named(key, ".json")).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def put(self, key: object, value: T) -> None:
        """Keep it."""
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / named(key, ".json"), self._kind.dump_json(value))
