"""The studio script as a spreadsheet: what a voice talent reads from."""

from __future__ import annotations

import io

from data.formats.cue import label, timecode
from data.formats.office import reproducible
from data.formats.tables import mark, on_screen_note
from data.messages import Lang
from data.scripts.script import ExtendedLine, Script, ScriptNarration

COLUMNS = {"Line Number": 8, "Timecode In": 15, "Timecode Out": 15, "Script": 80, "On-screen note": 40}
"""Header → width in characters."""


def _lines(script: Script) -> list[tuple[float, float, ScriptNarration | ExtendedLine]]:
    """All that is spoken, in the programme's time."""
    lines: list[tuple[float, float, ScriptNarration | ExtendedLine]] = [(n.start, n.end, n) for n in script.narrations]
    return sorted([*lines, *((n.time, n.until, n) for n in script.extended)], key=lambda row: (*row[:2], row[2].id))


def _note(line: ScriptNarration | ExtendedLine, language: Lang) -> str:
    """How long the picture stands still for an extended description, the text on the screen, and the mark."""
    stands = ""
    if isinstance(line, ExtendedLine):
        stands = label("the picture stands still for {seconds} s", language).format(seconds=f"{line.stands:.1f}")
    return " / ".join(filter(None, (stands, on_screen_note(line), mark(line, language))))


def write(script: Script) -> bytes:
    """One row a narration, headers in the script's language, the header row frozen and repeated in print."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    language = script.episode.language
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = label("Script", language)
    book.properties.creator, book.properties.title = "vdesc", script.episode.title
    sheet.append([label(name, language) for name in COLUMNS])
    for number, (start, end, line) in enumerate(_lines(script), 1):
        cells: tuple[int | str, ...] = (number, timecode(start), timecode(end), line.text, _note(line, language))
        for column, value in enumerate(cells, 1):
            cell = sheet.cell(number + 1, column, value)
            if isinstance(value, str):
                cell.data_type = "s"  # a text that begins with = stays a text
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    for column, width in enumerate(COLUMNS.values(), 1):
        sheet.cell(1, column).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes, sheet.print_title_rows = "A2", "1:1"
    out = io.BytesIO()
    book.save(out)
    return reproducible(out.getvalue())
