"""The table Korean describers exchange: time, kind, speaker and text, dialogue and descriptions interleaved."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from data.formats.cue import label, timecode
from data.formats.office import EPOCH, reproducible
from data.formats.tables import ExchangeRow, exchange_rows
from data.media.pictures import small_jpeg
from data.scripts.script import Script

LOCALES = {"ko": "ko-KR", "en": "en-US"}
PICTURE = "Picture"
PICTURE_WIDTH = 4.0
"""cm."""
COLUMNS = ("Time", "Kind", "Speaker", "Text")


def write(script: Script, stills: Path | None = None) -> bytes:
    """A heading and one table whose header row is repeated on every page; descriptions are bold.

    With the folder of the keyframes, a last column shows the picture of every line.
    """
    import docx

    language = script.episode.language
    document = docx.Document()
    _describe(document, script)
    title = f"{script.episode.title} – {label('Audio description script', language)}"
    document.add_heading(title, level=1)
    columns = (*COLUMNS, *([PICTURE] if stills else []))
    table = document.add_table(rows=1, cols=len(columns), style="Table Grid")
    for cell, name in zip(table.rows[0].cells, columns, strict=True):
        cell.paragraphs[0].add_run(label(name, language)).bold = True
    _repeat(table.rows[0])
    for row in exchange_rows(script):
        _fill(table, row, stills)
    out = io.BytesIO()
    document.save(out)
    return reproducible(out.getvalue())


def _describe(document: Any, script: Script) -> None:
    """Title and language: a screen reader chooses its voice by them."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = document.core_properties
    properties.title, properties.author, properties.comments = script.episode.title, "vdesc", ""
    properties.language, properties.created, properties.modified = script.episode.language, EPOCH, EPOCH
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), LOCALES[script.episode.language])
    language.set(qn("w:eastAsia"), "ko-KR")
    document.styles["Normal"].element.get_or_add_rPr().append(language)


def _repeat(row: Any) -> None:
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _fill(table: Any, row: ExchangeRow, stills: Path | None) -> None:
    from docx.shared import Cm

    cells = table.add_row().cells
    for cell, text in zip(cells, (_time(row), row.kind_name, row.speaker, row.text), strict=False):
        cell.paragraphs[0].add_run(text).bold = row.kind in ("description", "extended") or None
    if row.mark:
        cells[3].add_paragraph().add_run(row.mark).italic = True
    if stills and row.image:
        picture = io.BytesIO(small_jpeg(stills / row.image))
        cells[-1].paragraphs[0].add_run().add_picture(picture, width=Cm(PICTURE_WIDTH))


def _time(row: ExchangeRow) -> str:
    return f"{timecode(row.start)} – {timecode(row.end)}"
