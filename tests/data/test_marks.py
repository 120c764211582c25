"""Marks of unsupported words where people read a script."""

from __future__ import annotations

import io

import pytest

from data.formats import docx, html, xlsx
from data.scripts.script import Script
from tests.data.sample_script import narration, script

MARK = {"ko": "근거 없음: 강아지, 407", "en": "unsupported: 강아지, 407"}


def marked_script(language: str = "ko") -> Script:
    line = narration(1, 1.0, 3.0, "강아지가 407호로 뛰어든다.", unsupported=["강아지", "407"])
    return script(language=language, narrations=[line, narration(2, 10.0, 12.0, "문이 닫힌다.")], ducking=[])


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_table_of_describers_shows_the_mark_under_the_line(language: str) -> None:
    import docx as office

    cells = [
        cell
        for row in office.Document(io.BytesIO(docx.write(marked_script(language)))).tables[0].rows
        for cell in [row.cells[3]]
    ]
    (cell,) = (c for c in cells if "강아지" in c.text)
    assert [p.text for p in cell.paragraphs] == ["강아지가 407호로 뛰어든다.", MARK[language]]
    assert [run.italic for run in cell.paragraphs[1].runs] == [True]
    page = html.write(marked_script(language)).decode()
    assert page.count('<p class="mark">') == 1
    assert MARK[language] in page


def test_the_studio_script_shows_it_as_a_note() -> None:
    import openpyxl

    sheet = openpyxl.load_workbook(io.BytesIO(xlsx.write(marked_script()))).worksheets[0]
    assert [sheet.cell(row, 5).value for row in (2, 3)] == [MARK["ko"], None]


def test_the_mark_is_no_part_of_what_is_spoken() -> None:
    from data.formats import export

    for fmt in ("vtt", "csv", "dapt"):
        assert MARK["ko"].encode() not in export(marked_script(), fmt)[1]
