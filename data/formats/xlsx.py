"""The studio script as a spreadsheet: what a voice talent reads from."""

from __future__ import annotations

import io

from data.formats.cue import label, timecode
from data.formats.office import reproducible
from data.formats.tables import on_screen_note
from data.script import Script

COLUMNS = {"Line Number": 8, "Timecode In": 15, "Timecode Out": 15, "Script": 80, "On-screen note": 40}
"""Header → width in characters."""


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
    for number, line in enumerate(script.narrations, 1):
        cells: tuple[int | str, ...] = (
            number,
            timecode(line.start),
            timecode(line.end),
            line.text,
            on_screen_note(line),
        )
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
