"""An episode's results on disk: `records.jsonl`, files and `manifest.json` for every stage.

A stage writes into `<stage>.partial`, its manifest last; then the folder is renamed. What has no manifest with the
right key is not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from data.errors import UserError
from data.files import write_atomically
from data.products import Kind, Product
from data.records import Note, Record, Row

R = TypeVar("R", bound=Row)
P = TypeVar("P", bound=Product)


class Manifest(BaseModel):
    """What a stage's folder holds and what made it."""

    model_config = ConfigDict(frozen=True)
    stage: str
    key: str
    ingredients: dict[str, Any]
    """What the key was made of, to say what changed: version, settings, episode, inputs."""
    output: str
    """SHA-256 of records and files: the input hash of the stages after it."""
    files: dict[str, int]
    """Name → size of every file beside the manifest."""
    records: int
    seconds: float
    notes: tuple[Note, ...] = ()

    def key_of(self, read: type) -> Any:
        """The key of something that the stage read; None where it did not, or where there was nothing."""
        return self.ingredients.get("reads", {}).get(read.__name__)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the run that the result depends on, by their names."""
        keys = self.ingredients.get("reads", {}).values()
        return {name: value for key in keys if isinstance(key, dict) for name, value in key.items()}


def digest(value: object) -> str:
    """SHA-256 of a JSON value with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Workspace:
    """The `workspace` folder of one episode."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def stage(self, name: str) -> Path:
        """Where a stage's whole result lies."""
        return self.folder / name

    def cache(self, name: str) -> Path:
        """Where a stage keeps what outlives its re-runs."""
        path = self.folder / "cache" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def manifest(self, name: str) -> Manifest | None:
        """The manifest of a whole result; None where there is none, or where a file of it is missing or cut."""
        folder = self.stage(name)
        try:
            manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
        except (OSError, ValidationError):
            return None
        whole = all(_size(folder / file) == size for file, size in manifest.files.items())
        return manifest if whole else None

    def folder_of(self, kind: Kind) -> Path:
        """The folder of the stage that leaves `kind`, with the files that its rows name."""
        return self.stage(kind.stage)

    def made(self, kind: Kind) -> bool:
        """Whether the stage that leaves `kind` has a whole result."""
        return self.manifest(kind.stage) is not None

    def read(self, kind: type[R]) -> list[R]:
        """All rows of a kind, in order of time. Raises UserError for those of another version."""
        try:
            return kind.open(self.folder_of(kind))
        except ValidationError:
            text = "{folder} holds results of another version; run vdesc run again"
            raise UserError(text, folder=self.folder.parent) from None

    def found(self, kind: type[R]) -> list[R]:
        """The rows of a kind as `read` gives them; none where the run had no use for its stage."""
        return self.read(kind) if (self.folder_of(kind) / kind.rows_in).is_file() else []

    def open(self, kind: type[P]) -> P:
        """A product, as it lies there."""
        return kind.open(self.folder_of(kind))

    def stamp(self, kind: Kind) -> tuple[int, int]:
        """Another one whenever the result of the kind's stage is; (0, 0) where there is none."""
        try:
            manifest = (self.folder_of(kind) / "manifest.json").stat()
        except OSError:
            return 0, 0
        return manifest.st_mtime_ns, manifest.st_ino

    def begin(self, name: str) -> Path:
        """An empty folder to write a stage's result into."""
        partial = self.folder / f"{name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        return partial

    def finish(
        self,
        name: str,
        records: Iterable[Record],
        key: str,
        ingredients: dict[str, Any],
        notes: list[Note],
        started: float,
    ) -> Manifest:
        """Write the records and the manifest, then put the folder in its place. Ids must be unique and ascending.

        `records` may be a generator that is still working; `notes` is read after it is exhausted.
        """
        partial = self.folder / f"{name}.partial"
        count = _write_records(partial / Record.rows_in, records)
        files = sorted(p for p in partial.rglob("*") if p.is_file())
        output = digest([(p.relative_to(partial).as_posix(), _hash(p)) for p in files])
        manifest = Manifest(
            stage=name,
            key=key,
            ingredients=ingredients,
            output=output,
            files={p.relative_to(partial).as_posix(): p.stat().st_size for p in files},
            records=count,
            seconds=round(time.monotonic() - started, 3),
            notes=tuple(notes),
        )
        write_atomically(partial / "manifest.json", manifest.model_dump_json(indent=1).encode())
        shutil.rmtree(self.stage(name), ignore_errors=True)
        partial.rename(self.stage(name))
        return manifest

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep two runs off the same episode. The lock dies with its process. Raises UserError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            held = FileLock(self.folder / ".lock").acquire(timeout=0)
        except Timeout:
            raise UserError(
                "Another run is working in {folder}; wait for it to end", folder=self.folder.parent
            ) from None
        with held:
            yield


def _write_records(path: Path, records: Iterable[Record]) -> int:
    count, previous = 0, ""
    with path.open("w", encoding="utf-8") as out:
        for record in records:
            if record.id <= previous:
                raise ValueError(f"record {record.id!r} follows {previous!r}: ids must be unique and ascend")
            out.write(record.model_dump_json() + "\n")
            count, previous = count + 1, record.id
        out.flush()
        os.fsync(out.fileno())
    return count


def _hash(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
