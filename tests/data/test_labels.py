"""Labels of people in a text, and the words that take their place."""

from __future__ import annotations

import unicodedata

import pytest

from data.series.labels import bare, label, labelled, mentioned, replaced, worded


@pytest.mark.parametrize(
    ("text", "call", "becomes"),
    [
        ("@giju가 문을 연다.", "김기주", "김기주가 문을 연다."),
        ("@giju가 문을 연다.", "박민준", "박민준이 문을 연다."),
        ("@giju이 문을 연다.", "김기주", "김기주가 문을 연다."),
        ("문 앞에서 @giju를 본다.", "회색 코트의 남자", "문 앞에서 회색 코트의 남자를 본다."),
        ("@giju은 @giju와 다르다.", "민준", "민준은 민준과 다르다."),
        ("@giju으로부터의 편지", "민수", "민수로부터의 편지"),
        ("@giju로 간다", "길", "길로 간다"),
        ("@giju와는 다르다", "민준", "민준과는 다르다"),
        ("@giju의 손", "민준", "민준의 손"),
        ("@giju에게 준다", "민준", "민준에게 준다"),
        ("@giju, 문 앞에 선다.", "민준", "민준, 문 앞에 선다."),
        ("@giju2가 온다", "민준", "@giju2가 온다"),
        ("mail@giju가", "민준", "mail@giju가"),
    ],
)
def test_particles_follow_what_is_put_in(text: str, call: str, becomes: str) -> None:
    assert worded(text, {"giju": call}, "ko") == becomes


def test_ids_in_hangul_and_ids_that_begin_alike() -> None:
    assert worded("@수진이 @수진이가 웃는다", {"수진": "박민호"}, "ko") == "박민호가 박민호가 웃는다"
    assert worded("@giju2가 @giju를 본다", {"giju": "기주", "giju2": "민준"}, "ko") == "민준이 기주를 본다"
    assert worded(unicodedata.normalize("NFD", "@수진이 웃는다"), {"수진": "민호"}, "ko") == "민호가 웃는다"


def test_english_sentences_begin_with_a_capital() -> None:
    calls = {"giju": "a man in grey"}
    assert worded("@giju nods. @giju's hand: @giju waits.", calls, "en") == (
        "A man in grey nods. A man in grey's hand: a man in grey waits."
    )


def test_what_a_model_wrote_without_the_sign() -> None:
    people = ["giju", "수진"]
    assert labelled("giju가 수진을 본다. ＠giju, @ 수진의 손", people) == "@giju가 @수진을 본다. @giju, @수진의 손"
    assert labelled("Giju looks at gijus", people) == "@giju looks at gijus"
    assert labelled("수진동 수진초등학교", people) == "수진동 수진초등학교"
    assert mentioned("@수진이 @giju를 본다, @other", people) == ("giju", "수진")
    assert mentioned("giju가 온다", people) == ()


def test_a_bare_text_holds_no_signs() -> None:
    assert bare(f"{label('giju')}가 a@b.kr를 본다 @") == "giju가 a@b.kr를 본다 @"


def test_a_word_takes_the_place_of_another() -> None:
    assert replaced("약방으로 간다. 약방집", "약방", "행복약국", "ko") == "행복약국으로 간다. 약방집"
    assert replaced("약방에서 약방을", "약방", "가게", "ko") == "가게에서 가게를"
    assert replaced("The chemist waits at the chemists", "chemist", "pharmacist", "en") == (
        "The pharmacist waits at the chemists"
    )
