"""Scripts of every kind held to the rules, and mended in their own format."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from data.errors import UserError
from data.formats import dapt_rules, export
from data.scripts import file_of, format_of, read_as_written
from data.scripts import lint as linting
from data.scripts.lint import lint, mended
from data.scripts.script import save
from tests.data import sample_script

BAD = "민수은 문을 열었습니다."
GOOD = "민수는 문을 연다."
VTT = f"""WEBVTT

NOTE kind=descriptions
{BAD}

one
00:00:01.000 --> 00:00:04.000 align:start
<v 해설>{BAD}

00:00:05.000 --> 00:00:07.000
A&amp;B 간판이
<i>걸려</i> 있었다.

00:00:08.000 --> 00:00:09.000
문이 열린다.
"""


def written(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def cues(*lines: tuple[str, str, str]) -> str:
    return "WEBVTT\n" + "".join(f"\n00:{start} --> 00:{end}\n{text}\n" for start, end, text in lines)


def rules(path: Path) -> list[tuple[int | None, str, str]]:
    return [(f.line, f.rule, f.severity) for f in lint(path).findings]


def mend(path: Path, to: Path) -> None:
    file = file_of(path)
    to.write_bytes(format_of(file).rewritten(file, mended(lint(path))))


def test_a_clean_script(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.vtt", cues(("01.000", "03.000", "문이 열린다."), ("03.000", "05.000", "남자가 웃는다."))
    )
    found = lint(path)
    assert (found.findings, found.lines, found.language, found.morphology) == ((), 2, "ko", True)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([("01.000", "04.000", "문이 열린다."), ("03.000", "05.000", "남자가 웃는다.")], (2, "overlap", "error")),
        ([("01.000", "09.000", "문이 열린다."), ("03.000", "04.000", "남자가 웃는다."),
          ("05.000", "07.000", "비가 온다.")],
         (3, "overlap", "error")),
        ([("03.000", "04.000", "문이 열린다."), ("01.000", "02.500", "남자가 웃는다.")], (2, "order", "error")),
        ([("03.000", "02.000", "문이 열린다.")], (1, "times", "error")),
        ([("03.000", "03.000", "문이 열린다.")], (1, "times", "error")),
        ([("01.000", "02.000", "문이 열린다."), ("03.000", "04.000", "♪")], (2, "empty", "warning")),
        ([("01.000", "02.000", "♪")], (None, "empty", "error")),
        ([("01.000", "01.500", "문이 천천히 열린다.")], (1, "rate", "error")),
        ([("01.000", "02.000", "문이 천천히 열린다.")], (1, "rate", "warning")),
        ([("01.000", "20.000", "남자가 산 너머 마을로 가는 길을 따라 걷는다. " * 3)], (1, "long", "warning")),
        ([("01.000", "04.000", "해설: 문이 열린다.")], (1, "gate", "error")),
        ([("01.000", "04.000", "문이 열렸다.")], (1, "past", "error")),
        ([("01.000", "04.000", "10명이 뛴다.")], (1, "read", "info")),
    ],
)  # fmt: skip
def test_what_is_found(tmp_path: Path, lines: list[tuple[str, str, str]], expected: tuple[int, str, str]) -> None:
    assert expected in rules(written(tmp_path / "a.vtt", cues(*lines)))


def test_times_of_our_own_script_are_measured_so_that_too_fast_is_an_error(tmp_path: Path) -> None:
    script = sample_script.script(texts=("문이 천천히 열리고 남자가 걷는다.",))
    short = script.narrations[0].model_copy(update={"end": script.narrations[0].start + 1.9})
    save(script.model_copy(update={"narrations": (short,)}), tmp_path / "script.json")
    assert (1, "rate", "error") in rules(tmp_path)
    assert (1, "rate", "error") in rules(tmp_path / "script.json")


def test_english_is_told_by_its_letters_and_may_be_said(tmp_path: Path) -> None:
    path = written(tmp_path / "a.vtt", cues(("01.000", "04.000", "We see a man.")))
    found = lint(path)
    assert (found.language, found.morphology) == ("en", None)
    assert [f.rule for f in found.findings] == ["framing", "address"]
    assert [f.rule for f in lint(path, "ko").findings] == ["gate"]


def test_latin_letters_that_are_read_out_do_not_make_a_script_english(tmp_path: Path) -> None:
    lines = ("01.000", "04.000", "글자, ‘SEOUL STATION’."), ("05.000", "09.000", "자막, ‘THREE YEARS LATER’.")
    assert lint(written(tmp_path / "a.vtt", cues(*lines))).language == "ko"


def test_dapt_is_held_to_its_own_rules_too(tmp_path: Path) -> None:
    name, content = export(sample_script.script(texts=("문이 열린다.",)), "dapt")
    path = tmp_path / name
    path.write_bytes(content)
    assert rules(path) == []
    path.write_bytes(content.replace(b'scriptType="asRecorded"', b'scriptType="nonsense"'))
    (found,) = lint(path).findings
    assert (found.line, found.rule, found.severity, found.start) == (None, "dapt", "error", None)
    assert "nonsense" in found.message


def test_text_that_dapt_marks_as_read_out_follows_no_rule_of_style(tmp_path: Path) -> None:
    name, content = export(sample_script.script(texts=("우리는 이겼다.",)), "dapt")
    path = tmp_path / name
    path.write_bytes(content)
    assert {rule for _, rule, _ in rules(path)} == {"past", "address"}
    path.write_bytes(content.replace(b'daptm:represents="visual.nonText"', b'daptm:represents="visual.text"'))
    assert rules(path) == []


def test_without_morphology_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.vtt", cues(("01.000", "04.000", "문이 열린다.")))
    monkeypatch.setattr(linting.style, "morphology_installed", lambda: False)
    assert lint(path).morphology is False


def test_json_holds_everything(tmp_path: Path) -> None:
    values = lint(written(tmp_path / "a.vtt", cues(("01.000", "04.000", BAD)))).as_json()
    assert {k: v for k, v in values.items() if k != "findings"} == {
        "version": 1, "file": str(tmp_path / "a.vtt"), "language": "ko", "morphology": True, "lines": 1,
        "errors": 3, "warnings": 0, "hints": 0,
    }  # fmt: skip
    assert values["findings"][0] | {"message": "", "why": "", "source": ""} == {
        "line": 1, "start": 1.0, "end": 4.0, "text": BAD, "rule": "polite", "row": 7, "severity": "error",
        "message": "", "why": "", "source": "", "fix": "민수은 문을 열었다.",
    }  # fmt: skip


def test_webvtt_keeps_all_but_the_words(tmp_path: Path) -> None:
    path, to = written(tmp_path / "a.vtt", VTT), tmp_path / "b.vtt"
    mend(path, to)
    changed = VTT.replace(f"<v 해설>{BAD}", f"<v 해설>{GOOD}")
    assert to.read_text(encoding="utf-8") == changed.replace(
        "A&amp;B 간판이\n<i>걸려</i> 있었다.", "A&amp;B 간판이 걸려 있다."
    )


@pytest.mark.parametrize("form", ["vtt", "srt", "csv", "xlsx", "dapt"])
def test_every_format_is_mended_in_place(tmp_path: Path, form: str) -> None:
    script = sample_script.script(texts=(BAD, "문이 열린다.", "‘A&B’라고 적혀 있었다."))
    name, content = export(script, form)
    path, to = tmp_path / name, tmp_path / f"mended-{name}"
    path.write_bytes(content)
    before = read_as_written(path)
    mend(path, to)
    after = read_as_written(to)
    assert [line.text for line in after] == [GOOD, "문이 열린다.", "‘A&B’라고 적혀 있다."]
    assert [(line.start, line.end) for line in after] == [(line.start, line.end) for line in before]
    if form == "dapt":
        assert dapt_rules.validate(to.read_bytes()) == []
    mend(to, path)
    assert [line.text for line in read_as_written(path)] == [line.text for line in after]


def test_our_script_is_mended(tmp_path: Path) -> None:
    save(sample_script.script(texts=(BAD,)), tmp_path / "script.json")
    mend(tmp_path, tmp_path / "b.json")
    assert [line.text for line in read_as_written(tmp_path / "b.json")] == [GOOD]


def test_tables_of_excel_in_cp949_and_formulas(tmp_path: Path) -> None:
    path, to = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_bytes(f"sep=;\r\n시작;끝;해설;메모\r\n1;4;{BAD};'=1+1\r\n".encode("cp949"))
    mend(path, to)
    assert to.read_bytes().decode("utf-8-sig").split("\r\n")[2] == f"1;4;{GOOD};'=1+1"


def test_a_spreadsheet_keeps_its_other_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["start", "end", "text", "note"], [1, 4, BAD, 12.5], [5, 7, "문이 열린다.", "=1+1"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    mend(tmp_path / "a.xlsx", tmp_path / "b.xlsx")
    rows = [[c.value for c in row] for row in openpyxl.load_workbook(tmp_path / "b.xlsx").active.iter_rows()]
    assert rows[1:] == [[1, 4, GOOD, 12.5], [5, 7, "문이 열린다.", "=1+1"]]


def test_a_format_that_cannot_be_rewritten(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.smi", f"<SAMI><BODY><SYNC Start=1000><P Class=KRCC>{BAD}<SYNC Start=4000></BODY></SAMI>"
    )
    assert "past" in {rule for _, rule, _ in rules(path)}
    with pytest.raises(UserError, match="cannot be rewritten"):
        format_of(path).rewritten(path, mended(lint(path)))


@pytest.mark.parametrize("name", ["none.vtt", "a.txt"])
def test_what_cannot_be_read(tmp_path: Path, name: str) -> None:
    written(tmp_path / "a.txt", "문이 열린다.")
    with pytest.raises(UserError):
        lint(tmp_path / name)


def test_real_descriptions(media: Path) -> None:
    """63 cues by a person: what an error names is there, and times of a person's script are no errors."""
    found = lint(media / "elephantsdream-text" / "descriptions.en.vtt")
    assert found.lines == 63
    assert {f.rule for f in found.findings if f.severity == "error"} == {"framing", "camera", "address"}
    assert found.count("error") == 4
