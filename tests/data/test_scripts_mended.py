"""Scripts as people send them: what is mended and listed, and what is refused in one line."""

from __future__ import annotations

import datetime
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from data.errors import UserError
from data.formats import export
from data.scripts import read_for_film, read_lines
from data.scripts.line import ScriptLine
from tests.data import sample_script

FPS = 25.0


def written(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def table(path: Path, *rows: str) -> Path:
    return written(path, "\n".join(["start,end,text", *rows]))


def book(path: Path, *rows: list[Any]) -> Path:
    workbook = openpyxl.Workbook()
    workbook.worksheets[0].append(["표지"])
    sheet = workbook.create_sheet("대본")
    for row in rows:
        sheet.append(row)
    workbook.save(path)
    return path


def test_a_clean_script_has_no_notes(tmp_path: Path) -> None:
    lines, notes = read_for_film(table(tmp_path / "a.csv", "1,2,하나", "3,4,둘"), 60, FPS)
    assert lines == [ScriptLine(1, 2, "하나"), ScriptLine(3, 4, "둘")]
    assert notes == []


def test_what_is_mended_is_listed(tmp_path: Path) -> None:
    script = table(tmp_path / "a.csv", "20,22,둘", "5,3,거꾸로", "21,30,겹침", "25,26,…", "55,70,길다", "61,62,뒤")
    lines, notes = read_for_film(script, 60, FPS)
    assert [(line.start, line.end, line.text) for line in lines] == [
        (5, 5, "거꾸로"), (20, 22, "둘"), (21, 30, "겹침"), (55, 60, "길다"),
    ]  # fmt: skip
    told = " | ".join(map(str, notes))
    for cause, text in {
        "hold no words": "…", "not in order": "거꾸로", "Cut to the end": "길다", "end before they begin": "거꾸로",
        "beyond the end": "뒤", "before the one above": "겹침",
    }.items():  # fmt: skip
        assert any(cause in str(note) and text in str(note) for note in notes), told


def test_a_programme_whose_time_code_starts_at_ten(tmp_path: Path) -> None:
    script = table(tmp_path / "a.csv", "10:00:01:12,10:00:02:00,하나")
    lines, notes = read_for_film(script, 60, FPS)
    assert lines == [ScriptLine(1.48, 2, "하나")]
    assert [*map(str, notes)] == ["The time code starts at 10:00:00; this was subtracted."]


def test_the_script_of_another_film_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="beyond the end of the film"):
        read_for_film(table(tmp_path / "a.csv", "100,101,하나", "200,201,둘"), 60, FPS)


def test_ten_thousand_cues_and_a_short_note(tmp_path: Path) -> None:
    rows = [f"{n * 0.5},{n * 0.5 + 1},문장 {n}" for n in range(10_000)]
    lines, notes = read_for_film(table(tmp_path / "a.csv", *rows), 2500, FPS)
    assert len(lines) == 5000
    assert any("(+4995)" in str(note) for note in notes)
    assert all(len(str(note)) < 400 for note in notes)


def test_excel_of_korea(tmp_path: Path) -> None:
    path = tmp_path / "대본.csv"
    rows = 'sep=;\r\n번호;시작 시간;끝 시간;해설 대본\r\n1;00:01:02,5;00:01:04;"문이; 열린다."\r\n'
    path.write_bytes(rows.encode("cp949"))
    assert read_lines(path) == [ScriptLine(62.5, 64, "문이; 열린다.")]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (datetime.time(0, 1, 2, 500000), 62.5),
        (datetime.timedelta(seconds=62.5), 62.5),
        (62.5, 62.5),
        ("00:01:02:12", 62.48),
    ],
)
def test_spreadsheet_cells(tmp_path: Path, start: Any, expected: float) -> None:
    path = book(
        tmp_path / "a.xlsx",
        ["드라마 1화 대본"],
        ["Line Number", "Timecode In", "Timecode Out", "Script", "On-screen note"],
        [1, start, "00:01:04.000", "문이 열린다.", None],
        [None, None, None, None, None],
    )
    assert read_lines(path, FPS) == [ScriptLine(expected, 64, "문이 열린다.")]


def test_the_studio_script_reads_back(tmp_path: Path) -> None:
    script = sample_script.script(texts=("문이 열린다.", "=두 사람이 마주 앉는다."))
    name, content = export(script, "xlsx")
    (tmp_path / name).write_bytes(content)
    back = [(line.start, line.end, line.text) for line in read_lines(tmp_path / name)]
    assert back == [(n.start, n.end, n.text) for n in script.narrations]


def test_no_spreadsheet(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"\xd0\xcf\x11\xe0 an old one")
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as package:
        package.writestr("a.txt", "x")
    for name in ("a.xlsx", "b.xlsx"):
        with pytest.raises(UserError, match="no spreadsheet"):
            read_lines(tmp_path / name)


def test_a_spreadsheet_that_unpacks_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = book(tmp_path / "a.xlsx", ["start", "end", "text"])
    monkeypatch.setattr("data.scripts.tables.LARGEST", 1000)
    with pytest.raises(UserError, match="unpacks to more"):
        read_lines(path)


TT = (
    '<tt xmlns="http://www.w3.org/ns/ttml" '
    'xmlns:ttp="http://www.w3.org/ns/ttml#parameter" xml:lang="ko" {more}>{body}</tt>'
)
BODY = '<body><div xml:id="d1" begin="1s" end="2s"{div}><p>{text}</p></div></body>'


def test_ttml_of_another_profile_is_read_and_said(tmp_path: Path) -> None:
    more = 'ttp:contentProfiles="http://www.w3.org/ns/ttml/profile/imsc1.1/text"'
    text = TT.format(more=more, body='<body><div><p begin="1s" end="2s">문이 열린다.</p></div></body>')
    lines, notes = read_for_film(written(tmp_path / "a.xml", text), 60, FPS)
    assert lines == [ScriptLine(1, 2, "문이 열린다.")]
    assert len(notes) == 1
    assert "another profile than DAPT" in str(notes[0])


def test_dapt_of_dialogue_alone_holds_no_description(tmp_path: Path) -> None:
    more = 'xmlns:daptm="http://www.w3.org/ns/ttml/profile/dapt#metadata" daptm:represents="audio.dialogue"'
    path = written(tmp_path / "a.xml", TT.format(more=more, body=BODY.format(div="", text="안녕.")))
    with pytest.raises(UserError, match="holds no line"):
        read_for_film(path, 60, FPS)


BOMB = '<!DOCTYPE tt [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    "doctype", [BOMB + "]>", '<!DOCTYPE tt [<!ENTITY j SYSTEM "file:///etc/passwd">]>'], ids=["bomb", "file"]
)
@pytest.mark.parametrize("dapt", [True, False])
def test_entities_are_refused_before_they_are_read(tmp_path: Path, doctype: str, dapt: bool) -> None:
    more = 'xmlns:daptm="http://www.w3.org/ns/ttml/profile/dapt#metadata"' if dapt else ""
    path = written(tmp_path / "a.xml", doctype + TT.format(more=more, body=BODY.format(div="", text="&j;")))
    with pytest.raises(UserError, match="declares XML entities") as error:
        read_lines(path)
    assert "\n" not in str(error.value)


def test_kinds_are_kept_where_the_format_says_them(tmp_path: Path) -> None:
    script = sample_script.script(texts=("문이 열린다.",))
    kinds = {}
    for form in ("csv", "dapt"):
        name, content = export(script, form)
        (tmp_path / name).write_bytes(content)
        kinds[form] = [line.kind for line in read_lines(tmp_path / name)]
    assert kinds["csv"] == kinds["dapt"] == [n.kind for n in script.narrations]
