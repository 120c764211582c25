"""Audio description scripts of any kind, ours and those of people, as plain timed lines."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from data import subtitles
from data.errors import UserError
from data.formats import ENDINGS, TABLE, Format
from data.products import ScriptFile
from data.reasons import Message, say
from data.scripts.line import ScriptLine
from data.scripts.script import one_line
from data.subtitles.formats import MalformedError

OVERLAP = 0.001
"""Seconds two lines must share to count as overlapping; times are rounded to 1 ms."""
SHOWN = 5
"""Places a note names before it only counts them."""


def read_lines(path: Path, fps: float | None = None) -> list[ScriptLine]:
    """The lines of an audio description script, by time.

    A results folder of ours, or a file in a format that is read (`data.formats`); of tables the columns start, end and
    text, times in seconds, as hh:mm:ss.sss, or by frames of which there are `fps` a second; in UTF-8, UTF-16 or CP949.
    Lines without words are left out. Raises UserError that names the file, and the line where it is malformed.
    """
    lines = read_as_written(path, fps)
    spoken = sorted(filter(_spoken, lines), key=lambda line: (line.start, line.end))
    if not spoken:
        raise UserError("{path} holds no line of a script; give another one", path=path)
    if early := next((line for line in spoken if not 0 <= line.start <= line.end), None):
        raise UserError(
            "{path}: the line at {start} s ends before it begins; correct its times: {text}",
            path=path,
            start=early.start,
            text=early.text,
        )
    return spoken


def read_as_written(path: Path, fps: float | None = None) -> list[ScriptLine]:
    """Like `read_lines`, but every line in the order of the file (DAPT: by time), whatever its times and words.

    Raises UserError where the file is missing, of no known kind or malformed.
    """
    path = file_of(path)
    return [replace(line, text=one_line(line.text)) for line in format_of(path).read(path, fps)]


def file_of(path: Path) -> Path:
    """The script itself where `path` is a results folder."""
    return ScriptFile.place(path) if path.is_dir() else path


def format_of(path: Path) -> Format:
    """The row of the table by which a script file is read. Raises UserError where there is none, or no such file."""
    rows = [row for row in TABLE if path.suffix.lower() in row.endings]
    if not rows:
        kinds = ", ".join(ENDINGS)
        raise UserError("{path} is no script; give a results folder or one of: {kinds}", path=path, kinds=kinds)
    if not path.is_file():
        raise UserError("{path} does not exist; give a script or a results folder", path=path)
    return rows[0] if len(rows) == 1 else next(row for row in rows if row.mark in decoded(path))


def decoded(path: Path) -> str:
    """The text of a script file. Raises UserError where its encoding is unknown."""
    try:
        return subtitles.decode(path)
    except MalformedError as error:
        raise UserError(f"{path}: {error}") from error


def content(path: Path) -> str:
    """What tells one script from another: the digest of its bytes, shortened. Raises UserError."""
    path = file_of(path)
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise UserError(
            "{path} cannot be read ({reason}); check its rights.", path=path, reason=error.strerror
        ) from error


def read_for_film(path: Path, duration: float, fps: float) -> tuple[list[ScriptLine], list[Message]]:
    """The lines of a person's script that belong to a film of `duration` seconds, by time, and what was mended.

    Mended and listed: lines out of order, without words, beyond the film's end, that end before they begin, that
    overlap; a time code that starts at a whole hour (01:00:00:00, 10:00:00:00). Raises UserError as `read_lines`
    does, and where no line is left.
    """
    lines, notes = read_as_written(path, fps), list[Message]()
    if format_of(file_of(path)).name == "ttml":
        notes.append(say("{file} is TTML of another profile than DAPT; its timed texts are read.", file=path.name))
    for mend in (_with_words, _in_order, _from_zero, _inside, _forward):
        lines, note = mend(lines, duration)
        notes += [note] if note else []
    if not lines:
        raise UserError("{path} holds no line of a script; give another one", path=path)
    if beyond := [line for line in lines if line.start >= duration]:
        if len(beyond) == len(lines):
            raise UserError(
                "Every line of {path} lies beyond the end of the film ({end:.1f} s); is it this film's script?",
                path=path,
                end=duration,
            )
        notes.append(say("Left out, for they begin beyond the end of the film: {places}.", places=_places(beyond)))
        lines = [line for line in lines if line.start < duration]
    if met := [after for before, after in pairwise(lines) if after.start < before.end - OVERLAP]:
        notes.append(say("These lines begin before the one above has ended: {places}.", places=_places(met)))
    return lines, notes


def _with_words(lines: list[ScriptLine], duration: float) -> tuple[list[ScriptLine], Message | None]:  # noqa: ARG001 – one form for all
    empty = [line for line in lines if not _spoken(line)]
    note = say("Left out, for they hold no words: {places}.", places=_places(empty)) if empty else None
    return [line for line in lines if _spoken(line)], note


def _spoken(line: ScriptLine) -> bool:
    return re.search(r"\w", line.text) is not None


def _in_order(lines: list[ScriptLine], duration: float) -> tuple[list[ScriptLine], Message | None]:  # noqa: ARG001
    late = [after for before, after in pairwise(lines) if after.start < before.start]
    note = say("These lines were not in order of time and were put there: {places}.", places=_places(late))
    return sorted(lines, key=lambda line: (line.start, line.end)), note if late else None


def _from_zero(lines: list[ScriptLine], duration: float) -> tuple[list[ScriptLine], Message | None]:
    """A programme's time code may begin at 01:00:00:00 or 10:00:00:00."""
    hours = int(lines[0].start // 3600) if lines and lines[0].start >= duration else 0
    zero = hours * 3600
    moved = [replace(line, start=round(line.start - zero, 3), end=round(line.end - zero, 3)) for line in lines]
    if not hours or moved[0].start >= duration:
        return lines, None
    return moved, say("The time code starts at {hours:02d}:00:00; this was subtracted.", hours=hours)


def _inside(lines: list[ScriptLine], duration: float) -> tuple[list[ScriptLine], Message | None]:
    """Ends cut to the film's; lines that begin beyond it are left to the caller."""
    long = [line for line in lines if line.start < duration < line.end]
    note = say("Cut to the end of the film: {places}.", places=_places(long)) if long else None
    return [replace(line, end=min(line.end, max(line.start, duration))) for line in lines], note


def _forward(lines: list[ScriptLine], duration: float) -> tuple[list[ScriptLine], Message | None]:  # noqa: ARG001
    back = [line for line in lines if line.end < line.start]
    note = say("These lines end before they begin; only their start is kept: {places}.", places=_places(back))
    return [replace(line, end=max(line.start, line.end)) for line in lines], note if back else None


def _places(lines: Sequence[ScriptLine]) -> str:
    """Start and words of the first few, then how many more there are."""
    named = ", ".join(f"{line.start:.1f} s “{line.text[:20]}”" for line in lines[:SHOWN])
    return named + (f" … (+{len(lines) - SHOWN})" if len(lines) > SHOWN else "")
