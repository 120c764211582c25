"""Scripts with some of their texts replaced, everything else as it was.

`texts` is always text as `data.scripts` reads it → its replacement; the content is UTF-8.
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from data import subtitles
from data.errors import UserError
from data.formats import dapt
from data.formats.tables import protect, unprotect
from data.scripts import script
from data.scripts.script import one_line

if TYPE_CHECKING:
    from lxml.etree import _Element

Texts = Mapping[str, str]
PYSUBS2 = {".srt": "srt", ".ass": "ass", ".ssa": "ssa"}
"""Ending → the format as pysubs2 calls it."""


def json_file(path: Path, texts: Texts) -> bytes:
    """A `script.json`."""
    read = script.load(path)
    lines = tuple(n.model_copy(update={"text": texts.get(n.text, n.text)}) for n in read.narrations)
    return script.content(read.model_copy(update={"narrations": lines}))


def csv_file(path: Path, texts: Texts) -> bytes:
    """A table of text, whatever its separator."""
    text = subtitles.decode(path)
    separator = max(",;\t", key=text.partition("\n")[0].count)
    out = io.StringIO(newline="")
    rows = csv.writer(out, delimiter=separator)
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        rows.writerow([_cell(cell, texts) for cell in row])
    return out.getvalue().encode("utf-8-sig")  # so that spreadsheets know the encoding


def _cell(cell: str, texts: Texts) -> str:
    better = texts.get(one_line(unprotect(cell)))
    return cell if better is None else protect(better)


def xlsx_file(path: Path, texts: Texts) -> bytes:
    """A spreadsheet."""
    import openpyxl

    book, out = openpyxl.load_workbook(path), io.BytesIO()
    for cell in (cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row):
        if isinstance(cell.value, str):
            cell.value = texts.get(one_line(cell.value), cell.value)
    book.save(out)
    return out.getvalue()


def subtitle_file(path: Path, texts: Texts) -> bytes:
    """WebVTT, SRT, ASS and SSA. Raises UserError where the file is none of them."""
    text, kind = subtitles.decode(path), PYSUBS2.get(path.suffix.lower())
    if text.lstrip().startswith("WEBVTT"):
        return _vtt(text, texts)
    if kind is None:
        raise UserError("{path} cannot be rewritten; convert it to WebVTT, SRT, CSV or DAPT first", path=path)
    return _pysubs2(text, kind, texts)


def _vtt(text: str, texts: Texts) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"(?m)^(.*-->.*\n)((?:.*\S.*(?:\n|\Z))+)", lambda m: m[1] + _payload(m[2], texts), lines).encode()


def _payload(payload: str, texts: Texts) -> str:
    better = texts.get(one_line(html.unescape(re.sub(r"</?[^>]*>", "", payload))))
    if better is None:
        return payload
    voice = re.match(r"\s*<v[^>]*>", payload)
    end = "\n" if payload.endswith("\n") else ""
    return f"{voice[0] if voice else ''}{html.escape(better, quote=False)}{end}"


def _pysubs2(text: str, kind: str, texts: Texts) -> bytes:
    import pysubs2

    events = pysubs2.SSAFile.from_string(text, format_=kind)
    for event in events:
        if better := texts.get(one_line(html.unescape(event.plaintext))):
            event.plaintext = better
    return str(events.to_string(kind)).encode()


def dapt_file(path: Path, texts: Texts) -> bytes:
    """DAPT; a line that is made of several timed pieces stays as it is."""
    from lxml import etree

    tree = dapt.parse(path.read_bytes())
    for div in dapt.script_events(tree.getroot()):
        pieces = [piece for p in div.iterchildren(f"{{{dapt.TT}}}p") for piece in _pieces(p)]
        if len(pieces) == 1:
            element, place = pieces[0]
            text = getattr(element, place)
            setattr(element, place, texts.get(one_line(text), text))
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8") + b"\n"


def _pieces(paragraph: _Element) -> list[tuple[_Element, str]]:
    """Where the words of a paragraph stand: elements with "text" or "tail". Metadata and audio hold none."""
    spans = [paragraph, *paragraph.iter(f"{{{dapt.TT}}}span")]
    places = [(span, "text") for span in spans] + [(child, "tail") for span in spans for child in span]
    return [(element, place) for element, place in places if (getattr(element, place) or "").strip()]
