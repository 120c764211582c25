"""What a run takes from a review: the lines that people touched, in `review/applied.json` of the results folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from data.errors import UserError
from data.review.model import ReviewLine

FILE = "applied.json"
RECORDINGS = "recordings"
_LINES = TypeAdapter(list[ReviewLine])


def read(folder: Path) -> list[ReviewLine]:
    """The touched lines that `folder` holds; none where nothing was applied yet. Raises UserError."""
    try:
        return _LINES.validate_json((folder / FILE).read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ValidationError) as error:
        cause = str(error).partition("\n")[0]
        raise UserError(
            "{file} cannot be read ({cause}); apply the review again", file=folder / FILE, cause=cause
        ) from error


def content(folder: Path) -> str | None:
    """SHA-256 of what was applied; None where nothing was, or where it changes no line."""
    try:
        applied = (folder / FILE).read_bytes()
    except OSError:
        return None
    return None if applied.strip() == b"[]" else hashlib.sha256(applied).hexdigest()


def encoded(lines: list[ReviewLine]) -> bytes:
    """The content of `applied.json`."""
    return _LINES.dump_json(lines, indent=1) + b"\n"
