"""A script of any kind with some of its texts replaced, everything else as it was."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from data import script, subtitles
from data.errors import UserError
from data.formats import dapt
from data.formats.tables import protect, unprotect
from data.products import ScriptFile
from data.script import one_line
from data.scripts import XML_KINDS

if TYPE_CHECKING:
    from lxml.etree import _Element

Texts = Mapping[str, str]
"""Text as `data.scripts` reads it → its replacement."""


def rewritten(path: Path, texts: Texts) -> bytes:
    """The content of a script that `data.scripts` reads, in UTF-8, every line that `texts` names replaced.

    A DAPT line that is made of several timed pieces stays as it is. Raises UserError for SAMI and other TTML.
    """
    kind = (ScriptFile.place(path) if path.is_dir() else path).suffix.lower()
    if kind == ".json":
        return _json(path, texts)
    if kind in (".csv", ".tsv"):
        return _table(subtitles.decode(path), texts)
    if kind == ".xlsx":
        return _xlsx(path, texts)
    text = subtitles.decode(path)
    if kind in XML_KINDS and dapt.DAPTM in text:
        return _dapt(path.read_bytes(), texts)
    if text.lstrip().startswith("WEBVTT"):
        return _vtt(text, texts)
    if kind in (".srt", ".ass", ".ssa"):
        return _pysubs2(text, {".srt": "srt", ".ass": "ass", ".ssa": "ssa"}[kind], texts)
    raise UserError("{path} cannot be rewritten; convert it to WebVTT, SRT, CSV or DAPT first", path=path)


def _json(path: Path, texts: Texts) -> bytes:
    read = script.load(ScriptFile.place(path) if path.is_dir() else path)
    lines = tuple(n.model_copy(update={"text": texts.get(n.text, n.text)}) for n in read.narrations)
    return (read.model_copy(update={"narrations": lines}).model_dump_json(indent=1) + "\n").encode()


def _table(text: str, texts: Texts) -> bytes:
    separator = max(",;\t", key=text.partition("\n")[0].count)
    out = io.StringIO(newline="")
    rows = csv.writer(out, delimiter=separator)
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        rows.writerow([_cell(cell, texts) for cell in row])
    return out.getvalue().encode("utf-8-sig")  # so that spreadsheets know the encoding


def _cell(cell: str, texts: Texts) -> str:
    better = texts.get(one_line(unprotect(cell)))
    return cell if better is None else protect(better)


def _xlsx(path: Path, texts: Texts) -> bytes:
    import openpyxl

    book, out = openpyxl.load_workbook(path), io.BytesIO()
    for cell in (cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row):
        if isinstance(cell.value, str):
            cell.value = texts.get(one_line(cell.value), cell.value)
    book.save(out)
    return out.getvalue()


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


def _dapt(content: bytes, texts: Texts) -> bytes:
    from lxml import etree

    tree = dapt.parse(content)
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
