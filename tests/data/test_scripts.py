"""Scripts of every kind read as timed lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import UserError
from data.formats import export
from data.scripts import read_lines
from data.scripts.line import ScriptLine
from data.scripts.script import save
from tests.data import sample_script

KOREAN = "소영이 우산을 펴고, 빗속으로 걸어간다."


@pytest.mark.parametrize("form", ["dapt", "vtt", "srt", "csv", "xlsx"])
def test_every_export_of_a_script_reads_like_the_script(tmp_path: Path, form: str) -> None:
    script = sample_script.script(texts=("문이 열린다.", "'자막' & \"S01\".", "=두 사람이 마주 앉는다."))
    save(script, tmp_path / "script.json")
    name, content = export(script, form)
    (tmp_path / name).write_bytes(content)
    ours = read_lines(tmp_path)
    assert [(line.start, line.end, line.text) for line in ours] == [(n.start, n.end, n.text) for n in script.narrations]
    assert read_lines(tmp_path / name) == ours


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
@pytest.mark.parametrize(
    "table",
    [
        f'start,end,text\n62.5,64,"{KOREAN}"\n',
        f"번호\t시작 시간\t끝 시간\t구분\t내용\r\n1\t00:01:02.500\t00:01:04,000\t화면해설\t{KOREAN}\r\n"
        "2\t00:01:05.000\t00:01:06.000\t대사\t안녕.\r\n",
        f"Timecode_In;Timecode_Out;Text\n1:02.5;1:04;{KOREAN}\n;;\n",
    ],
)
def test_tables(tmp_path: Path, table: str, encoding: str) -> None:
    path = tmp_path / "대본.csv"
    path.write_bytes(table.encode(encoding))
    assert read_lines(path) == [ScriptLine(62.5, 64.0, KOREAN)]


def test_lines_come_by_time_and_those_without_words_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("start,end,text\n5,6,둘\n1,2,하나\n3,4,♪\n", encoding="utf-8")
    assert [line.text for line in read_lines(tmp_path / "a.csv")] == ["하나", "둘"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "start,text\n1,a\n", "has no column end"),
        ("a.csv", "start,end,text\n1,2,a\nx,2,a\n", "line 3: 'x' is no time"),
        ("a.csv", "start,end,text\n00:00:01:12,2,a\n", "line 2: '00:00:01:12' counts frames"),
        ("a.csv", "start,end,text\n3,2,a\n", "ends before it begins"),
        ("a.csv", "", "has no column start"),
        ("a.csv", "start,end,text\n", "holds no line"),
        ("a.csv", b"start,end,text\n1,2,\xff\xff\xff\n", "encoding"),
        ("a.vtt", "WEBVTT\n\n00:99 --> 1\na\n", "line 3"),
        ("a.xml", '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:d="http://www.w3.org/ns/ttml/profile/dapt#metadata">',
         "XML"),
        ("a.json", "{}", "is not a narration script"),
        ("a.txt", "", "is no script"),
        ("b.vtt", None, "does not exist"),
    ],
)  # fmt: skip
def test_bad_files_are_named(tmp_path: Path, name: str, content: str | bytes | None, told: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(UserError, match=told) as error:
        read_lines(path)
    assert str(path) in str(error.value)


def test_real_descriptions_with_a_loose_header(media: Path) -> None:
    lines = read_lines(media / "elephantsdream-text" / "descriptions.en.vtt")
    assert len(lines) == 63
    assert lines[0] == ScriptLine(0.0, 5.0, "The orange open movie project presents")
    assert [line.start for line in read_lines(media / "rabbit-ad" / "descriptions.vtt")] == [0.0, 5.0, 10.0]
