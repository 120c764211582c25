from __future__ import annotations

import csv
import io
import time
import zipfile
from itertools import pairwise

import docx
import lxml.html
import openpyxl
import pysubs2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_script import TEXTS, script

from data.errors import UserError
from data.formats import FILES, export, srt, tables, vtt, xlsx
from data.formats import docx as docx_format
from data.formats import html as html_format
from data.formats.cue import timecode
from data.scripts.script import one_line

spoken = st.lists(st.text(min_size=1, max_size=40).filter(one_line), min_size=1, max_size=4).map(tuple)
nasty = st.lists(
    st.text("<>&-'\"=+@\\{};\t\n\r\x0b\x00 가a", min_size=1, max_size=20).filter(one_line), min_size=1, max_size=4
).map(tuple)
texts = spoken | nasty


def lines(script_texts: tuple[str, ...]) -> list[str]:
    return [one_line(text) for text in script_texts]


def test_names_follow_the_language() -> None:
    names = {fmt: export(script(), fmt)[0] for fmt in FILES}
    assert names["vtt"] == "descriptions.ko.vtt"
    assert names["dapt"] == "script.dapt.xml"
    assert export(script(language="en"), "vtt")[0] == "descriptions.en.vtt"
    with pytest.raises(UserError, match="no script format pdf; choose one of dapt, vtt"):
        export(script(), "pdf")


@pytest.mark.parametrize("fmt", FILES)
def test_same_script_same_bytes_at_any_time(fmt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = export(script(), fmt)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(2_000_000_000))
    assert export(script(), fmt) == first


@pytest.mark.parametrize("fmt", ["xlsx", "docx"])
def test_no_clock_in_office_files(fmt: str) -> None:
    with zipfile.ZipFile(io.BytesIO(export(script(), fmt)[1])) as package:
        assert {entry.date_time[0] for entry in package.infolist()} == {1980}
        core = package.read("docProps/core.xml").decode()
    assert core.count("1980-01-01T00:00:00Z") == 2


@pytest.mark.parametrize("fmt", FILES)
def test_a_script_without_lines_is_still_a_file(fmt: str) -> None:
    assert export(script(narrations=[], ducking=[], utterances=[], gaps=[]), fmt)[1] is not None


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(0, "00:00:00.000"), (3661.0015, "01:01:01.002"), (59.9996, "00:01:00.000"), (360000.0, "100:00:00.000")],
)
def test_timecode(seconds: float, code: str) -> None:
    assert timecode(seconds) == code


def test_vtt_is_the_descriptions_file() -> None:
    assert vtt.write(script()).decode() == (
        "WEBVTT\n\nNOTE kind=descriptions; language=ko\n\n"
        "n00001\n00:00:01.000 --> 00:00:03.000\n<v 해설>문이 열린다.\n\n"
        "n00002\n00:00:10.000 --> 00:00:12.000\n<v 해설>자막, &lt;미생&gt; &amp; 'S01'.\n\n"
        "n00003\n00:00:13.200 --> 00:00:15.200\n<v 해설>두 사람이 마주 앉는다.\n"
    )


@given(texts)
def test_vtt_round_trip(said: tuple[str, ...]) -> None:
    cues = vtt.read(vtt.write(script(said)))
    assert [cue.text for cue in cues] == lines(said)
    assert [(c.id, c.start, c.end) for c in cues] == [(n.id, n.start, n.end) for n in script(said).narrations]


def test_vtt_is_read_by_pysubs2() -> None:
    read = pysubs2.SSAFile.from_string(vtt.write(script()).decode(), format_="vtt")
    assert [(e.start, e.end) for e in read] == [(1000, 3000), (10000, 12000), (13200, 15200)]
    assert "문이 열린다." in read[0].text


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("", 1),
        ("WEBVTT\nn1\n", 2),
        ("WEBVTT\n\nn1\n00:01.000 --> 00:02\nx\n", 4),
        ("WEBVTT\n\nn1\n", 4),
        ("WEBVTT\n\n00:02.000 --> 00:01.000\nx\n", 3),
        ("WEBVTT\n\n00:02.000 --> 00:03.000\nx\n\n00:01.000 --> 00:03.000\nx\n", 6),
        ("WEBVTT\n\na\n00:01.000 --> 00:03.000\nx\n\na\n00:02.000 --> 00:03.000\nx\n", 7),
        ("WEBVTT\n\n00:01.000 --> 00:03.000\nx --> y\n", 4),
        ("WEBVTT\n\n00:01.000 --> 00:03.000\nQ&A\n", 4),
        ("WEBVTT\n\n00:01.000 --> 00:03.000\n1 < 2\n", 4),
    ],
)
def test_vtt_that_breaks_the_rules_is_refused(body: str, line: int) -> None:
    with pytest.raises(UserError, match=rf"line {line}: "):
        vtt.read(body.encode())


def test_vtt_of_others_is_read() -> None:
    header = "\ufeffWEBVTT - by hand\n\nSTYLE\n::cue { color: red }\n\n"
    body = header + "1\n00:01.000 --> 01:00:02.500 align:start\n<i>a</i>\nb\n"
    cue = vtt.read(body.replace("\n", "\r\n").encode())[0]
    assert (cue.id, cue.start, cue.end, cue.text) == ("1", 1.0, 3602.5, "a\nb")


@given(texts)
def test_srt_round_trip(said: tuple[str, ...]) -> None:
    content = srt.write(script(said)).decode()
    assert not set("<{\\") & set(content)
    read = pysubs2.SSAFile.from_string(content, format_="srt")
    assert [event.plaintext for event in read] == [text.translate(srt._LOOKALIKES) for text in lines(said)]
    assert [event.start for event in read] == [round(n.start * 1000) for n in script(said).narrations]


@given(texts)
def test_csv_round_trip_without_formulas(said: tuple[str, ...]) -> None:
    content = tables.write_csv(script(said))
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [tables.unprotect(row["text"]) for row in rows] == lines(said)
    assert not [cell for row in rows for cell in row.values() if cell[:1] in "=+-@" and cell]
    assert [float(row["start"]) for row in rows] == [n.start for n in script(said).narrations]
    assert rows[0]["timecode_in"] == "00:00:01.000"


@given(st.text("'=+-@＝a", max_size=6))
def test_protect_is_undone_by_unprotect(text: str) -> None:
    assert tables.unprotect(tables.protect(text)) == text


@settings(max_examples=20, deadline=None)
@given(texts)
def test_xlsx_holds_texts_not_formulas(said: tuple[str, ...]) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(xlsx.write(script(said)))).worksheets[0]
    rows = list(sheet.iter_rows(min_row=2))
    assert [row[3].value for row in rows] == lines(said)
    assert {row[3].data_type for row in rows} == {"s"}


def test_xlsx_columns_speak_the_language() -> None:
    korean = openpyxl.load_workbook(io.BytesIO(xlsx.write(script()))).worksheets[0]
    english = openpyxl.load_workbook(io.BytesIO(xlsx.write(script(language="en")))).worksheets[0]
    assert [cell.value for cell in english[1]] == list(xlsx.COLUMNS)
    assert korean["D1"].value == "해설 대본"
    assert [cell.value for cell in korean[3]] == [2, "00:00:10.000", "00:00:12.000", TEXTS[1], "미생"]


def rows_of_docx(content: bytes) -> list[list[str]]:
    table = docx.Document(io.BytesIO(content)).tables[0]
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_docx_interleaves_dialogue_descriptions_and_gaps() -> None:
    rows = rows_of_docx(docx_format.write(script()))
    assert rows[0] == ["시간", "구분", "화자", "내용"]
    assert [row[1] for row in rows[1:]] == ["화면해설", "대사", "화면해설", "화면해설", "대사", "대사 공백"]
    assert rows[1] == ["00:00:01.000 – 00:00:03.000", "화면해설", "해설", "문이 열린다."]
    assert rows[2][2:] == ["", "안녕하세요? 네."]
    assert rows[5][3] == "(말소리)"
    assert rows[6][3] == "새로 해설할 것이 없거나 들어갈 만큼 짧은 문장이 없음"
    english = rows_of_docx(docx_format.write(script(language="en")))
    assert english[0] == ["Time", "Kind", "Speaker", "Text"]
    assert english[6][1:] == ["gap", "", "nothing new to say, or no line short enough"]


@settings(max_examples=15, deadline=None)
@given(texts)
def test_docx_holds_the_texts(said: tuple[str, ...]) -> None:
    rows = rows_of_docx(docx_format.write(script(said, utterances=[], gaps=script().gaps[:1])))
    assert [row[3] for row in rows[1:]] == lines(said)


def test_docx_repeats_its_header_and_names_its_language() -> None:
    document = docx.Document(io.BytesIO(docx_format.write(script())))
    assert document.tables[0].rows[0]._tr.xpath(".//w:tblHeader")
    assert document.styles["Normal"].element.xpath(".//w:lang/@w:val") == ["ko-KR"]
    assert document.core_properties.title == "미생 1화"


def test_html_table_can_be_walked_by_a_screen_reader() -> None:
    page = lxml.html.fromstring(html_format.write(script()))
    assert page.get("lang") == "ko"
    assert page.findtext(".//title") == "미생 1화 – 화면해설 대본"
    assert len(page.findall(".//table")) == len(page.findall(".//table/caption")) == len(page.findall(".//main")) == 1
    assert [th.text for th in page.findall(".//thead//th[@scope='col']")] == ["시간", "구분", "화자", "내용"]
    body = page.findall(".//tbody/tr")
    assert [len(row.findall("th[@scope='row']")) for row in body] == [1] * 6
    starts = [row.findtext("th") or "" for row in body]
    assert all(a <= b for a, b in pairwise(starts))
    assert not page.findall(".//script")


@given(texts)
def test_html_escapes(said: tuple[str, ...]) -> None:
    page = lxml.html.document_fromstring(
        html_format.write(script(said, utterances=[], gaps=script().gaps[:1])).decode()
    )
    assert [row.findall("td")[2].text_content() for row in page.findall(".//tbody/tr")] == lines(said)
