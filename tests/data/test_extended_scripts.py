"""Every format with lines for which the film stands still."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from lxml import etree
from sample_script import extended_line, script
from test_dapt import xsd

from data.formats import FILES, FORMATS, dapt, export, vtt
from data.formats.dapt_rules import validate
from data.scripts import read_lines
from data.scripts.script import Script

__all__ = ["xsd"]

XML_ID = "{http://www.w3.org/XML/1998/namespace}id"


def made(**changes: Any) -> Script:
    return script(extended=[extended_line(**changes)])


def test_webvtt_has_a_file_of_its_own_and_marks_the_cue() -> None:
    assert export(made(), "vtt-extended")[0] == "descriptions.extended.ko.vtt"
    text = export(made(), "vtt-extended")[1].decode()
    assert (
        "NOTE extended: pause at 00:00:05.000 for 2.600 s\n\n"
        "x00001\n00:00:05.000 --> 00:00:07.000\n<v.extended 해설>=자막, &lt;3년 후&gt;.\n"
    ) in text
    cues = vtt.read(text.encode())
    assert [cue.id for cue in cues] == ["n00001", "x00001", "n00002", "n00003"]
    assert cues[1].text == "=자막, <3년 후>."


@pytest.mark.parametrize("fmt", [name for name in FILES if not FORMATS[name].extended])
def test_formats_of_the_described_film_know_nothing_of_it(fmt: str) -> None:
    assert export(made(), fmt) == export(script(), fmt)


@pytest.mark.parametrize("fmt", [name for name in FILES if FORMATS[name].extended])
def test_the_others_hold_it(fmt: str) -> None:
    assert export(made(), fmt) != export(script(extended=[]), fmt)


def test_dapt_marks_an_event_of_one_frame_and_stays_valid(xsd: Any) -> None:
    content = dapt.write(made())
    assert [error.reason for error in xsd.iter_errors(content.decode().partition("?>")[2])] == []
    assert validate(content) == []
    (event,) = [d for d in etree.fromstring(content).iter(f"{{{dapt.TT}}}div") if d.get(XML_ID) == "x00001"]
    assert (event.get("begin"), event.get("end")) == ("5.000s", "5.040s")
    kinds = {d.get(f"{{{dapt.DAPTM}}}descType"): d.text for d in event.iter(f"{{{dapt.TTM}}}desc")}
    assert kinds["x-extended"] == "the programme pauses for 2.600 s"
    assert event.find(f"{{{dapt.TT}}}metadata").get(f"{{{dapt.OWN}}}extended") == "2.600s"
    assert event.find(f".//{{{dapt.TT}}}audio") is None, "a clip would be cut off after a frame"
    assert [c.text for c in dapt.read(content)][1] == "=자막, <3년 후>."


def test_dapt_at_the_very_end_of_the_film(xsd: Any) -> None:
    content = dapt.write(made(time=600.0))
    assert xsd.is_valid(content.decode().partition("?>")[2])
    assert validate(content) == []


def test_tables_tell_how_long_the_picture_stands() -> None:
    rows = list(csv.DictReader(io.StringIO(export(made(), "csv")[1].decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == ["n00001", "x00001", "n00002", "n00003"]
    assert [row["extended"] for row in rows] == ["", "2.600", "", ""]
    assert rows[1]["text"] == "'=자막, <3년 후>."
    assert "extended" not in export(script(), "csv")[1].decode("utf-8-sig")
    sheet = openpyxl.load_workbook(io.BytesIO(export(made(), "xlsx")[1])).worksheets[0]
    assert [cell.value for cell in sheet[3]] == [
        2,
        "00:00:05.000",
        "00:00:07.000",
        "=자막, <3년 후>.",
        "화면 정지 2.6초 / 3년 후",
    ]


def test_the_studio_script_names_it() -> None:
    assert "확장 화면해설" in export(made(), "html")[1].decode()
    assert "extended description" in export(script(language="en", extended=[extended_line()]), "html")[1].decode()


def test_it_comes_back_as_a_line_to_be_spoken(tmp_path: Path) -> None:
    for fmt in ("vtt-extended", "dapt", "csv"):
        name, content = export(made(), fmt)
        (tmp_path / name).write_bytes(content)
        assert "=자막, <3년 후>." in [line.text for line in read_lines(tmp_path / name)]


def test_ids_are_unique_and_shots_are_known() -> None:
    with pytest.raises(ValueError, match="occur twice"):
        script(extended=[extended_line(id="n00001")])
    with pytest.raises(ValueError, match="no such shot"):
        made(shot="s9")
