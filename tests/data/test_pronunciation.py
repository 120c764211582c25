"""Readings of words: where they apply, and what is wrong with a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import messages
from data.errors import ConfigError
from data.text.pronunciation import read, reader

SERIES = {
    "이안": "이 안",
    "서울": "설",
    "SHIELD": "쉴드",
    "한라": "할라",
    "한라산": "할라산",
    "김": "킴",
    "24/7": "이십사 칠",
    "C++": "씨플",
}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("이안은 Shield를 든다.", "이 안은 쉴드를 든다."),
        ("이안이네 집에서 이안에게까지도", "이 안이네 집에서 이 안에게까지도"),
        ("“이안”이라고", "“이 안”이라고"),
        ("서울로, 서울역", "설로, 서울역"),
        ("아이안과 이안나", "아이안과 이안나"),
        ("한라산에서 한라의 김치를 김씨에게", "할라산에서 할라의 김치를 킴씨에게"),
        ("SHIELDS, MYSHIELD", "SHIELDS, MYSHIELD"),
        ("124/7, 24/75, 24/7", "124/7, 24/75, 이십사 칠"),
        ("C++로", "씨플로"),
        ("\u1109\u1175", "시"),
    ],
)
def test_a_word_stands_alone_or_before_a_particle(written: str, said: str) -> None:
    assert reader(SERIES)(written) == said


def test_a_reading_is_not_read_again() -> None:
    assert reader({"갑": "을", "을": "갑"})("갑, 을") == "을, 갑"


def test_the_later_source_counts() -> None:
    assert reader({"Mina": "마이나"}, {"MINA": "미나"})("mina와 Mina") == "미나와 미나"


def test_without_readings_nothing_changes() -> None:
    assert reader()("문이 열린다. ") == reader({})("문이 열린다. ") == "문이 열린다. "


@given(st.dictionaries(st.text(min_size=1, max_size=4).filter(lambda t: t.strip()), st.just("말")), st.text())
def test_any_words_make_a_reader(readings: dict[str, str], text: str) -> None:
    assert isinstance(reader(readings)(text), str)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_a_spreadsheet_is_read(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "읽기.csv"
    file.write_text('word,reading\nSHIELD,쉴드\n\n# 지명\n"Seoul, Korea",서울\n', encoding=encoding)
    assert read(file) == {"SHIELD": "쉴드", "Seoul, Korea": "서울"}


def test_yaml_is_read_as_written(tmp_path: Path) -> None:
    file = tmp_path / "읽기.yaml"
    file.write_text("# 이름\nSHIELD: 쉴드\n1029: 십이구\nNo: 노\n24/7: 0247\n", encoding="utf-8")
    assert read(file) == {"SHIELD": "쉴드", "1029": "십이구", "No": "노", "24/7": "0247"}
    file.write_text("", encoding="utf-8")
    assert read(file) == {}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "word,reading\nSHIELD\n", "line 2: a row is a word, a comma and its reading"),
        ("a.csv", "가,나,다\n", "line 1: a row is a word"),
        ("a.csv", "가,나\n나,\n", "line 2: both the word and its reading are needed"),
        ("a.csv", "가,나\n\nAb,다\naB,라\n", "line 4: “aB” is already in line 3"),
        ("a.csv", 'SHIELD,"쉴드\n', "line 1: unexpected end of data"),
        ("a.yaml", "가: 나\n다: [라]\n", "line 2: a row is “word: reading”"),
        ("a.yaml", "- 가\n", "line 1: a row is “word: reading”"),
        ("a.yaml", "가: 나\n가: 다\n", "line 2: “가” is already in line 1"),
        ("a.yaml", "가: 나\n  다: 라\n", "line 2: mapping values are not allowed"),
        ("a.yaml", "가:\n", "line 1: both the word and its reading are needed"),
    ],
)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_wrong_file_names_the_line(tmp_path: Path, name: str, content: str, said: str, lang: messages.Lang) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    messages.use(lang)
    with pytest.raises(ConfigError) as raised:
        read(file)
    assert "\n" not in str(raised.value)
    assert str(file) in str(raised.value)
    if lang == "en":
        assert said in str(raised.value)


def test_a_file_that_is_no_text_or_not_there_says_so(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"\xff\xfe\x80\x81")
    with pytest.raises(ConfigError, match="neither UTF-8 nor CP949"):
        read(file)
    with pytest.raises(ConfigError, match=r"b\.csv cannot be read .*voice\.pronunciations"):
        read(tmp_path / "b.csv")
