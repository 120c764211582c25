"""Where the review of an episode lies, and by what name its store knows the episode."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from filelock import FileLock

from data.errors import UserError
from data.files import write_atomically


def local(results: Path) -> Path:
    """The SQLite file of a results folder."""
    return results / "review" / "review.sqlite"


def kept_as(results: Path) -> str | None:
    """The name of the episode in the store; None where nobody has reviewed it."""
    try:
        return _named(results).read_text(encoding="ascii").strip()
    except OSError:
        return None


def identity(results: Path) -> str:
    """The name of the episode in the store. Made once and kept in `review/id`, so that it outlives a folder's renaming.

    Raises UserError where it cannot be written.
    """
    path = _named(results)
    try:
        path.parent.mkdir(exist_ok=True)
        with FileLock(path.with_name("id.lock")):
            if not path.is_file():
                write_atomically(path, uuid4().hex.encode())
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise UserError(
            "{folder} cannot be reviewed ({cause}); make room or access", folder=results, cause=error.strerror
        ) from error


def _named(results: Path) -> Path:
    return results / "review" / "id"
