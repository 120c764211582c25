"""Description scripts in tables: CSV and TSV of any spreadsheet, XLSX; the columns found by their names."""

from __future__ import annotations

import csv
import datetime
import io
import itertools
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from data import subtitles
from data.errors import UserError
from data.formats.tables import unprotect
from data.messages import tr
from data.scripts import timecode
from data.subtitles import formats

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "start": ("start", "timecode in", "time in", "in", "begin", "시작", "시작 시간"),
    "end": ("end", "timecode out", "time out", "out", "끝", "끝 시간", "종료"),
    "text": ("text", "script", "caption", "description", "내용", "해설", "대본", "해설 대본"),
}
"""What the columns of a table may be called, best name first; capitals and underscores do not matter."""
KIND_COLUMNS = ("kind", "구분")
NO_DESCRIPTION = ("dialogue", "gap", "대사", "대사 공백")
"""Kinds of rows in the describers' table (data/formats/tables.py) that are no description."""
HEADER_WITHIN = 20
"""Rows that a title may stand in above the names of the columns."""
LARGEST = 256 << 20
"""Bytes a spreadsheet may unpack to; one of 10,000 lines takes 3 MB."""

Cell = Any
"""What openpyxl gives: text, number, time, date, None."""


class TableLine(NamedTuple):
    """One line of the table as it is written."""

    start: float
    end: float
    text: str
    kind: str


def read_table(path: Path, fps: float | None) -> Iterator[TableLine]:
    """The rows that are descriptions; `fps` is what time codes that count frames count by.

    Raises UserError that names the file, and the line where it is malformed.
    """
    rows = _xlsx(path) if path.suffix.lower() == ".xlsx" else _csv(path)
    first = list(itertools.islice(rows, HEADER_WITHIN))
    head = next((n for n, (_, row) in enumerate(first) if not _missing(_names(row))), 0)
    names = _names(first[head][1]) if first else []
    if missing := _missing(names):
        raise UserError(
            "{path} has no column {column}; its first row must name start, end and text", path=path, column=missing[0]
        )
    places = {column: next(names.index(n) for n in known if n in names) for column, known in COLUMNS.items()}
    kinds = [names.index(name) for name in KIND_COLUMNS if name in names]
    for number, row in itertools.chain(first[head + 1 :], rows):
        cells = [*row, *[None] * len(names)]
        said = [str(cells[place] or "").strip() for place in kinds]
        if any(cell not in (None, "") for cell in row) and not any(kind in NO_DESCRIPTION for kind in said):
            start, end = (_seconds(path, number, cells[places[column]], fps) for column in ("start", "end"))
            text = cells[places["text"]]
            yield TableLine(start, end, "" if text is None else str(text), next(iter(said), ""))


def _names(row: Sequence[Cell]) -> list[str]:
    return [str(cell or "").strip().lower().replace("_", " ") for cell in row]


def _missing(names: Sequence[str]) -> list[str]:
    return [column for column, known in COLUMNS.items() if not any(name in names for name in known)]


def _csv(path: Path) -> Iterator[tuple[int, list[Cell]]]:
    try:
        text = subtitles.decode(path)
    except formats.MalformedError as error:
        raise UserError(f"{path}: {error}") from error
    separator = max(",;\t", key=text.partition("\n")[0].count)
    if told := text.startswith("sep="):  # how a table tells Excel its separator
        separator = text[4:5]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for row in itertools.islice(rows, int(told), None):
            yield rows.line_num, [unprotect(cell) for cell in row]
    except csv.Error as error:
        raise UserError(
            "{path}, line {line}: this is no table ({cause}); export it as CSV again",
            path=path,
            line=rows.line_num,
            cause=error,
        ) from error


def _xlsx(path: Path) -> Iterator[tuple[int, list[Cell]]]:
    """The first sheet that has the columns, else the first one."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    damaged = tr("{path} is no spreadsheet that can be read; save it as .xlsx or .csv again", path=path)
    try:
        with zipfile.ZipFile(path) as package:
            if sum(part.file_size for part in package.infolist()) > LARGEST:
                raise UserError("{path} unpacks to more than {size} MB; save it as .csv", path=path, size=256)
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, SyntaxError, EOFError) as error:
        raise UserError(damaged) from error
    try:
        sheets = book.worksheets
        chosen = next((s for s in sheets if any(not _missing(_names(r)) for r in _top(s))), sheets[0])
        yield from enumerate((list(row) for row in chosen.iter_rows(values_only=True)), 1)
    except (ValueError, SyntaxError, KeyError, IndexError) as error:
        raise UserError(damaged) from error
    finally:
        book.close()


def _top(sheet: Any) -> Iterable[Sequence[Cell]]:
    rows: Iterable[Sequence[Cell]] = sheet.iter_rows(max_row=HEADER_WITHIN, values_only=True)
    return rows


def _seconds(path: Path, line: int, cell: Cell, fps: float | None) -> float:
    """Seconds of a time as text, of a time or duration of a spreadsheet, or of a number of seconds."""
    if isinstance(cell, datetime.datetime | datetime.time):
        return round(cell.hour * 3600 + cell.minute * 60 + cell.second + cell.microsecond / 1e6, 3)
    if isinstance(cell, datetime.timedelta):
        return round(cell.total_seconds(), 3)
    text = "" if cell is None else str(cell)
    try:
        return timecode.seconds(text, fps)
    except timecode.NoTimeError:
        raise UserError(
            "{path}, line {line}: {cell!r} is no time; write seconds or hh:mm:ss.sss", path=path, line=line, cell=text
        ) from None
    except timecode.NoRateError:
        raise UserError(
            "{path}, line {line}: {cell!r} counts frames, and the frame rate is not known; write hh:mm:ss.sss",
            path=path,
            line=line,
            cell=text,
        ) from None
