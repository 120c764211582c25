"""How the rows of the check say what they found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from data.reasons import Message
from data.records import Finding

Severity = Literal["pass", "info", "warning", "error"]


@dataclass(frozen=True)
class Result:
    """One result before it is numbered. `row` is the row of the quality-control table."""

    row: int
    check: str
    severity: Severity
    message: Message
    start: float | None = None
    end: float | None = None
    value: float | None = None
    limit: float | None = None


def numbered(results: Iterable[Result]) -> Iterator[Finding]:
    """Findings in order of row and time."""
    ordered = sorted(results, key=lambda r: (r.row, r.check, r.start if r.start is not None else -1.0))
    for number, result in enumerate(ordered, 1):
        yield Finding(id=f"f{result.row:02d}-{number:05d}", **vars(result))


def or_pass(
    row: int, check: str, problems: Iterable[Result], text: Message, value: float | None = None
) -> list[Result]:
    """The problems, or one result that says the row is fine."""
    return list(problems) or [Result(row, check, "pass", text, value=value)]


def moment(seconds: float) -> str:
    """m:ss.ss, to find the place in a player."""
    return f"{int(seconds // 60)}:{seconds % 60:05.2f}"
