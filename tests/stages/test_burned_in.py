"""Burned-in dialogue is told apart from signs, so that nothing is read out that is heard anyway."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from data.records import Box
from stages.context.reading import heard
from tests.stages.test_context import SIGN, Film, look, texts

LINE: Box = (0.25, 0.86, 0.5, 0.05)
TWO_LINES_HIGH: Box = (0.3, 0.80, 0.4, 0.05)
SAID = [
    ("어디 갔다 왔어?", "어디 갔다왔어"),
    ("괜찮아, 걱정하지 마", "괜찬아 걱정하지마."),
    ("세 시에 역에서 만나자", "그럼 3시에 역에서 만나자. 늦지 말고"),
    ("네가 그럴 줄은 몰랐어", "내가 그럴 줄은 몰랐어"),
    ("문 닫고 들어와", "응 알았어 문 닫고 들어와 그리고 불도 좀 켜 줘 여기 너무 어둡다"),
    ("Where were you?", "where were ya"),
]
UNSAID = [
    ("서울역", "오늘은 어디 가고 싶은데 말해 봐 내가 데려다줄게"),
    ("출입 금지", "금요일에 출발하면 지금보다 나을 거야"),
    ("다음 날 아침", "내일 다시 전화할게 나중에 보자"),
    ("POLICE", "please leave me alone"),
    ("서울역", ""),
    ("", "아무 말"),
]


@pytest.mark.parametrize(("words", "speech"), SAID)
def test_what_is_said_is_heard_however_it_is_written(words: str, speech: str) -> None:
    assert heard(words, speech, 0.75)


@pytest.mark.parametrize(("words", "speech"), UNSAID)
def test_other_words_are_not_heard(words: str, speech: str) -> None:
    assert not heard(words, speech, 0.75)


@pytest.fixture
def film(make_job: Callable[..., Any]) -> Film:
    return Film(make_job)


def given(film: Film, *speech: tuple[float, float, str]) -> list[str]:
    return [role for shown in texts(film.contexts(*speech)) for _, role in shown]


@pytest.mark.parametrize(("words", "speech"), SAID)
def test_one_subtitle_is_known_by_its_words(film: Film, words: str, speech: str) -> None:
    film.shot(300, (words, LINE))
    assert given(film, (299.0, 302.0, speech)) == ["subtitle"]


def test_a_subtitle_that_runs_through_several_utterances(film: Film) -> None:
    film.shot(300, ("아니, 나는 그런 말을 한 적이 없다고", LINE))
    assert given(film, (299.0, 299.8, "아니"), (300.1, 302.0, "나는 그런 말을 한적이 없다고.")) == ["subtitle"]


def test_subtitles_of_speech_that_nobody_wrote_down(film: Film) -> None:
    """Known by their line alone, with one and with two rows of text."""
    words = ["어디 갔다 왔어?", "부두에 다녀왔어", "밤새도록 거기 있었어?", "비가 와서 못 왔지"]
    for number, line in enumerate(words):
        rows = [(line, LINE)] if number != 2 else [("걱정했잖아", TWO_LINES_HIGH), (line, LINE)]
        film.shot(300 + 5 * number, *rows)
    speech = [(299.0 + 5 * n, 302.0 + 5 * n, "") for n in range(4)]
    assert given(film, *speech) == ["subtitle"] * 4


def subtitled(film: Film, count: int = 4) -> Sequence[tuple[float, float, str]]:
    """A film with burned-in dialogue: its speech."""
    lines = ["어디 갔다 왔어?", "부두에 다녀왔어", "밤새도록 거기 있었어?", "비가 와서 못 왔지"][:count]
    for number, line in enumerate(lines):
        film.shot(300 + 5 * number, (line, LINE))
    return [(299.0 + 5 * n, 302.0 + 5 * n, line) for n, line in enumerate(lines)]


@pytest.mark.parametrize(
    "box",
    [
        (0.42, 0.74, 0.16, 0.06),  # a shop's sign low in the middle, above the subtitles' line
        (0.30, 0.84, 0.40, 0.11),  # large letters on a wall
        (0.40, 0.885, 0.2, 0.025),  # small print
        SIGN,
    ],
)
def test_a_sign_in_the_lower_third_of_a_subtitled_film_stays_a_sign(film: Film, box: Box) -> None:
    speech = subtitled(film)
    film.shot(330, ("중앙 수산시장", box))
    assert given(film, *speech, (329.0, 332.0, "여기서 기다려")) == ["subtitle"] * 4 + ["sign"]


def test_signs_low_in_the_middle_are_no_subtitles_because_they_are_many(film: Film) -> None:
    """Each stands somewhere else, and people talk all the time."""
    for number, (words, top) in enumerate([("중앙 수산시장", 0.74), ("부산역", 0.80), ("출입 금지", 0.87)]):
        film.shot(300 + 5 * number, (words, (0.4, top, 0.2, 0.04 + 0.01 * number)))
    assert given(film, (299.0, 313.0, "밥은 먹었어 아직 안 먹었으면 같이 먹자")) == ["sign"] * 3


def test_a_caption_between_the_dialogue_stays_a_sign(film: Film) -> None:
    """It stands on the subtitles' line, but nobody speaks."""
    speech = subtitled(film)
    film.shot(400, ("다음 날 아침", LINE))
    assert given(film, *speech) == ["subtitle"] * 4 + ["sign"]


def test_a_title_on_black_is_no_subtitle(film: Film) -> None:
    film.shot(300, ("바닷가 마을", (0.35, 0.45, 0.3, 0.08)), colours=look(*[(5.0, 5.0, 5.0)] * 4))
    assert given(film, (299.0, 302.0, "바닷가 마을에 살았어")) == ["title"]
