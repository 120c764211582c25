"""Numbers, letters, particles and lengths, as they are spoken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.text import korean
from data.text.language import PLAN_RATE, count_people, seconds, spoken, syllables, with_particle


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2시", "두 시"),
        ("3년 후", "삼 년 후"),
        ("1명", "한 명"),
        ("20살", "스무 살"),
        ("21살", "스물한 살"),
        ("101명", "백한 명"),
        ("1,500명", "천오백 명"),
        ("2 마리", "두 마리"),
        ("1번째", "첫 번째"),
        ("3번 출구", "삼 번 출구"),
        ("3번", "세 번"),
        ("24시간", "이십사 시간"),
        ("3시간", "세 시간"),
        ("3개월", "삼 개월"),
        ("3개", "세 개"),
        ("2달러", "이 달러"),
        ("2달", "두 달"),
        ("30분", "삼십 분"),
        ("302호", "삼백이 호"),
        ("제3장", "제삼 장"),
        ("2026년", "이천이십육 년"),
        ("6월 10월 11월", "유월 시월 십일월"),
        ("2026.11.20.", "이천이십육 년 십일월 이십 일"),
        ("10:30", "열 시 삼십 분"),
        ("14:05", "십사 시 오 분"),
        ("3:2", "삼 대 이"),
        ("50%", "오십 퍼센트"),
        ("3.5", "삼점 오"),
        ("1/2", "이분의 일"),
        ("2~3명", "두세 명"),
        ("10~20명", "십에서 이십 명"),
        ("20여 명", "이십여 명"),
        ("1만 원", "만 원"),
        ("3만5000원", "삼만 오천 원"),
        ("2억 5천만 원", "이억 오천만 원"),
        ("-5℃", "영하 오 도"),
        ("100km/h", "시속 백 킬로미터"),
        ("56Km", "오십육 킬로미터"),
        ("$10", "십 달러"),
        ("010-1234-5678", "공일공 일이삼사 오육칠팔"),
        ("119에 전화한다.", "일일구에 전화한다."),
        ("6·25", "육이오"),
        ("007", "공공칠"),
        ("5가", "오가"),
        ("LG", "엘지"),
        ("KBS 본관", "케이비에스 본관"),
        ("TV를 본다", "티브이를 본다"),
        ("‘OPEN’이라고", "오픈이라고"),
        ("COFFEE & BOOK", "커피 앤드 북"),
        ("B1층", "비 일 층"),
        ("Big Buck Bunny", "Big Buck Bunny"),
        ("10㎡", "십 제곱미터"),
        ("100W 전구", "백 와트 전구"),
        ("64GB", "육십사 기가바이트"),
        ("90dB", "구십 데시벨"),
        ("5m/s", "초속 오 미터"),
        ("20%p", "이십 퍼센트포인트"),
        ("½", "이분의 일"),
        ("30대 남자", "삼십 대 남자"),
        ("20대로 보이는 여자", "이십 대로 보이는 여자"),
        ("차 20대", "차 스무 대"),
        ("제Ⅳ장", "제사 장"),
        ("시즌 II", "시즌 이"),
        ("루이 XIV세는", "루이 십사 세는"),
        ("엘리자베스 II세", "엘리자베스 이 세"),
        ("VI", "브이아이"),
        ("1st", "첫 번째"),
        ("22nd", "스물두 번째"),
        ("No. 5", "넘버 오"),
        ("10am", "오전 열 시"),
        ("PM 7:30", "오후 일곱 시 삼십 분"),
        ("7:30 p.m.", "오후 일곱 시 삼십 분"),
        ("vip@naver.com", "브이아이피 골뱅이 네이버 점 컴"),
        ("www.kbs.co.kr/tv", "더블유더블유더블유 점 케이비에스 점 씨오 점 케이알 슬래시 티브이"),
        ("1588-1234", "일오팔팔 일이삼사"),
        ("1592-1598년", "천오백구십이에서 천오백구십팔 년"),
        ("010.1234.5678", "공일공 일이삼사 오육칠팔"),
        ("F-16", "에프 십육"),
        ("Wi-Fi", "와이파이"),
        ("3×4", "삼 곱하기 사"),
        ("★특가★", "특가"),
    ],
)
def test_korean_is_read_out(written: str, read: str) -> None:
    assert spoken(written, "ko") == read


def test_english_keeps_digits_and_words() -> None:
    assert spoken("In 1944 — 3 men: “Run”…", "en") == "In 1944, 3 men: Run."
    assert spoken("At 10am, 30 m from vip@naver.com.", "en") == "At 10am, 30 m from vip@naver.com."


@pytest.mark.parametrize(
    ("number", "read"), [(0, "영"), (10, "십"), (11_0000, "십일만"), (1_0000_0000, "일억"), (1_0001, "만일")]
)
def test_sino(number: int, read: str) -> None:
    assert korean.sino(number) == read


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("사람", "사람이 사람을 사람은 사람과 사람으로 사람이라고"),
        ("남자", "남자가 남자를 남자는 남자와 남자로 남자라고"),
        ("서울", "서울이 서울을 서울은 서울과 서울로 서울이라고"),
        ("LG", "LG가 LG를 LG는 LG와 LG로 LG라고"),
        ("LH", "LH가 LH를 LH는 LH와 LH로 LH라고"),
        ("MBN", "MBN이 MBN을 MBN은 MBN과 MBN으로 MBN이라고"),
        ("MVL", "MVL이 MVL을 MVL은 MVL과 MVL로 MVL이라고"),
        ("hotel", "hotel이 hotel을 hotel은 hotel과 hotel로 hotel이라고"),
        ("Bunny", "Bunny가 Bunny를 Bunny는 Bunny와 Bunny로 Bunny라고"),
        ("1", "1이 1을 1은 1과 1로 1이라고"),
        ("2", "2가 2를 2는 2와 2로 2라고"),
        ("3", "3이 3을 3은 3과 3으로 3이라고"),
        ("10", "10이 10을 10은 10과 10으로 10이라고"),
        ("50%", "50%가 50%를 50%는 50%와 50%로 50%라고"),
        ("‘물’", "‘물’이 ‘물’을 ‘물’은 ‘물’과 ‘물’로 ‘물’이라고"),
        ("“끝.”", "“끝.”이 “끝.”을 “끝.”은 “끝.”과 “끝.”으로 “끝.”이라고"),
    ],
)
def test_particles(word: str, forms: str) -> None:
    pairs = ("이/가", "을/를", "은/는", "과/와", "으로/로", "이라고/라고")
    assert " ".join(with_particle(word, pair) for pair in pairs) == forms


def test_particle_may_be_named_either_way_but_must_exist() -> None:
    assert with_particle("길", "로/으로") == "길로"
    with pytest.raises(KeyError):
        with_particle("길", "께/서")


@pytest.mark.parametrize(
    ("number", "korean_words", "english"),
    [
        (1, "한 사람이", "one person"),
        (2, "두 사람이", "two people"),
        (3, "세 사람이", "three people"),
        (20, "스무 사람이", "twenty people"),
    ],
)
def test_count_people(number: int, korean_words: str, english: str) -> None:
    assert with_particle(count_people(number, "ko"), "이/가") == korean_words
    assert count_people(number, "en") == english


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        ("문이 열린다.", "ko", 5),
        ("2026년", "ko", 6),
        ("LG", "ko", 2),
        ("", "ko", 0),
        ("He stretches, yawns, and then starts walking.", "en", 9),
        ("A giant fat rabbit climbs out of a hole in the ground.", "en", 14),
        ("21 men", "en", 4),
    ],
)
def test_syllables(text: str, language: str, count: int) -> None:
    assert abs(syllables(text, language) - count) <= (1 if language == "en" else 0)


def test_seconds_are_syllables_at_the_rate_and_pauses_inside() -> None:
    one = seconds("문이 열린다.", "ko", PLAN_RATE["ko"])
    assert one == pytest.approx(5 / 4.5)
    assert seconds("문이 열린다. 문이 열린다.", "ko", 4.5) > 2 * one
    assert seconds("문이 열린다.", "ko", 6) == pytest.approx(5 / 6)
    assert seconds("밤.", "ko", 4.5) == seconds("밤.", "ko", 6) == 0.6, "no voice is done sooner"


@given(st.text(max_size=80), st.sampled_from(["ko", "en"]))
def test_any_text_can_be_read(text: str, language: str) -> None:
    assert "\n" not in spoken(text, language)
    assert syllables(text, language) >= 0
    assert seconds(text, language, 4.5) >= 0


@given(st.text(max_size=30), st.sampled_from(sorted(korean.PARTICLES)))
def test_a_particle_only_adds(text: str, pair: str) -> None:
    assert with_particle(text, pair).removeprefix(text) in pair.split("/")


@given(st.integers(0, 10**16 - 1))
def test_sino_numbers_read_back(number: int) -> None:
    assert _value(korean.sino(number)) == number


def _value(read: str) -> int:
    """The number a Sino-Korean reading stands for."""
    total = group = digit = 0
    for ch in read:
        if ch in korean.DIGITS:
            digit = korean.DIGITS.index(ch)
        elif ch in korean.UNITS:
            group, digit = group + (digit or 1) * 10 ** korean.UNITS.index(ch), 0
        else:
            total, group, digit = total + ((group + digit) or 1) * 10_000 ** korean.MYRIADS.index(ch), 0, 0
    return total + group + digit
