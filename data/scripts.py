"""Audio description scripts of any kind, ours and those of people, as plain timed lines."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data import script, subtitles
from data.errors import UserError
from data.formats import dapt
from data.formats.cue import Cue
from data.formats.tables import unprotect
from data.messages import tr
from data.script import one_line
from data.subtitles import formats

KINDS = (".json", ".csv", ".tsv", ".xml", *subtitles.FORMATS)
"""Endings that `read_lines` knows."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "start": ("start", "timecode in", "in", "begin", "시작", "시작 시간"),
    "end": ("end", "timecode out", "out", "끝", "끝 시간", "종료"),
    "text": ("text", "caption", "description", "내용", "해설", "대본"),
}
"""What the columns of a table may be called, best name first; capitals and underscores do not matter."""
KIND_COLUMNS = ("kind", "구분")
NO_DESCRIPTION = ("dialogue", "gap", "대사", "대사 공백")
"""Kinds of rows in the describers' table (data/formats/tables.py) that are no description."""


@dataclass(frozen=True)
class Line:
    """One spoken line of a script. Seconds of presentation time; the text is one clean line."""

    start: float
    end: float
    text: str


def read_lines(path: Path) -> list[Line]:
    """The lines of an audio description script, by time.

    A results folder of ours or its `script.json`; DAPT; WebVTT, SRT, TTML, ASS, SMI; a table (CSV, TSV) with the
    columns start, end and text, times in seconds or as hh:mm:ss.sss, in UTF-8, UTF-16 or CP949. Lines without words
    are left out. Raises UserError that names the file, and the line where it is malformed.
    """
    lines = read_as_written(path)
    spoken = sorted((line for line in lines if re.search(r"\w", line.text)), key=lambda line: (line.start, line.end))
    if not spoken:
        raise UserError(tr("{path} holds no line of a script; give another one", path=path))
    if early := next((line for line in spoken if not 0 <= line.start <= line.end), None):
        raise UserError(
            tr("{path}: the line at {start} s ends before it begins; correct its times: {text}",
               path=path, start=early.start, text=early.text)
        )  # fmt: skip
    return spoken


def read_as_written(path: Path) -> list[Line]:
    """Like `read_lines`, but every line in the order of the file (DAPT: by time), whatever its times and words.

    Raises UserError where the file is missing, of no known kind or malformed.
    """
    if path.is_dir():
        path = path / "script.json"
    if path.suffix.lower() not in KINDS:
        raise UserError(
            tr("{path} is no script; give a results folder or one of: {kinds}", path=path, kinds=", ".join(KINDS))
        )
    if not path.is_file():
        raise UserError(tr("{path} does not exist; give a script or a results folder", path=path))
    return [Line(line.start, line.end, one_line(line.text)) for line in _raw(path)]


def _raw(path: Path) -> Sequence[Line | Cue | script.ScriptNarration | formats.Line]:
    kind = path.suffix.lower()
    if kind == ".json":
        return script.load(path).narrations
    if kind in (".csv", ".tsv"):
        return list(_table(path))
    if kind in (".xml", ".ttml", ".dfxp") and dapt.DAPTM.encode() in path.read_bytes():
        return _dapt(path)
    return subtitles.read_descriptions(path)


def _dapt(path: Path) -> list[Cue]:
    """The Script Events that represent pictures; those of the sound are dialogue."""
    try:
        cues = dapt.read(path.read_bytes())
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return [cue for cue in cues if not cue.represents.startswith("audio")]


def _table(path: Path) -> Iterator[Line]:
    try:
        text = subtitles.decode(path)
    except formats.MalformedError as error:
        raise UserError(f"{path}: {error}") from error
    separator = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    names = [name.strip().lower().replace("_", " ") for name in next(rows, [])]
    places = {column: _place(path, names, column) for column in COLUMNS}
    kinds = [names.index(name) for name in KIND_COLUMNS if name in names]
    for row in rows:
        cells = [unprotect(cell) for cell in row] + [""] * len(names)
        if any(row) and not any(cells[place] in NO_DESCRIPTION for place in kinds):
            start, end = (_seconds(path, rows.line_num, cells[places[column]]) for column in ("start", "end"))
            yield Line(start, end, cells[places["text"]])


def _place(path: Path, names: Sequence[str], column: str) -> int:
    found = [names.index(name) for name in COLUMNS[column] if name in names]
    if not found:
        raise UserError(
            tr("{path} has no column {column}; its first row must name start, end and text", path=path, column=column)
        )
    return found[0]


def _seconds(path: Path, line: int, cell: str) -> float:
    """Seconds of `12.5`, `1:02.5` or `00:01:02,500`."""
    if not re.fullmatch(r"\s*(?:\d+:){0,2}\d+(?:[.,]\d+)?\s*", cell):
        raise UserError(
            tr("{path}, line {line}: {cell!r} is no time; write seconds or hh:mm:ss.sss",
               path=path, line=line, cell=cell)
        )  # fmt: skip
    seconds = 0.0
    for part in cell.replace(",", ".").split(":"):
        seconds = seconds * 60 + float(part)
    return round(seconds, 3)
