"""Context: which text belongs to the story and in which role; people, light, place and dialogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from data import messages
from data.records import Box, Context, Detection, Face, Keyframe, Shot, TextRegion, Utterance
from stages import context
from stages.context.reading import reason_against, same_text

BGR = tuple[float, float, float]
GREY: BGR = (90.0, 90.0, 90.0)
SKY: BGR = (220.0, 170.0, 130.0)
GRASS: BGR = (40.0, 120.0, 60.0)
NIGHT: BGR = (12.0, 8.0, 6.0)
LAMP: BGR = (40.0, 110.0, 160.0)
LOW: Box = (0.3, 0.86, 0.4, 0.05)
SIGN: Box = (0.1, 0.3, 0.15, 0.04)
WIDE: Box = (0.2, 0.4, 0.6, 0.12)


def look(*rows: BGR) -> tuple[float, ...]:
    """A look of four rows of one colour each."""
    return tuple(v for row in rows for _ in range(4) for v in row)


DAY = look(SKY, SKY, GRASS, GRASS)


class Film:
    """Contexts of a film built shot by shot."""

    def __init__(self, make_job: Callable[..., Any]) -> None:
        self.make_job = make_job
        self.keyframes: list[Keyframe] = []
        self.shots: list[Shot] = []
        self.regions: list[TextRegion] = []
        self.faces: list[Face] = []
        self.notes: list[str] = []

    def shot(self, time: float, *texts: tuple[str, Box], faces: int = 0, colours: Sequence[float] = DAY) -> None:
        self.shots.append(Shot(id=f"s{len(self.shots) + 1:05d}", start=time - 1, end=time + 3))
        self.frame(time, *texts, faces=faces, colours=colours)

    def frame(self, time: float, *texts: tuple[str, Box], faces: int = 0, colours: Sequence[float] = DAY) -> None:
        name = f"k{len(self.keyframes) + 1:05d}"
        luma = sum(0.114 * b + 0.587 * g + 0.299 * r for b, g, r in zip(*[iter(colours)] * 3, strict=True)) / 16
        self.keyframes.append(
            Keyframe(
                id=name,
                shot=self.shots[-1].id,
                time=time,
                image=f"{name}.jpg",
                sharpness=80,
                luma=luma,
                look=tuple(colours),
            )
        )
        for words, box in texts:
            number = len(self.regions) + 1
            self.regions.append(
                TextRegion(
                    id=f"t{number:05d}",
                    keyframe=name,
                    text=words,
                    first_seen=time,
                    last_seen=time,
                    score=0.98,
                    box=box,
                )
            )
        for number in range(faces):
            self.faces.append(Face(id=f"f{name}{number}", keyframe=name, score=0.8, box=(0.2 * number, 0.1, 0.1, 0.2)))

    def contexts(self, *speech: tuple[float, float, str], **config: Any) -> list[Context]:
        rows = {
            Shot: self.shots,
            Keyframe: self.keyframes,
            TextRegion: self.regions,
            Face: self.faces,
            Detection: [],
            Utterance: [
                Utterance(id=f"u{i:05d}", start=a, end=b, text=t, source="subtitles")
                for i, (a, b, t) in enumerate(speech)
            ],
        }
        job = self.make_job(context.Config(**config), rows)
        found = list(context.run(job))
        self.notes = [n.text for n in job.notes]
        return found


@pytest.fixture
def film(make_job: Callable[..., Any]) -> Film:
    return Film(make_job)


def texts(contexts: Sequence[Context]) -> list[list[tuple[str, str]]]:
    return [[(t.text, t.role) for t in c.texts] for c in contexts]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("경찰서", None),
        ("3년 후", None),
        ("POLICE", None),
        ("KBS", None),
        ("Room 101", None),
        ("2019", None),
        ("10:30", None),
        ("CAFÉ", None),
        ("01:00:02:14", "timecode"),
        ("TC 00;01;22;05", "timecode"),
        ("00:01:22.480", "timecode"),
        ("3章", "script"),
        ("CAFE工", "script"),
        ("ПОСТ", "script"),
        ("A", "fragment"),
        ("LA", "fragment"),
        ("갈", "fragment"),
        ("--...|", "fragment"),
        ("x/-.:_y=z", "fragment"),
        ("", "fragment"),
        ("WXKTRP", "fragment"),
    ],
)
def test_what_belongs_to_the_story(words: str, reason: str | None) -> None:
    assert reason_against(words, ("hangul", "latin")) == reason


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("THE PEACH OP", "THE PEACH OPEN MOVIE PROJECT", True),
        ("Harbour Street", "Harb0ur Street", False),  # a digit more: the reader's noise, but it could be a number
        ("Harbour Street", "Harhour Street", True),
        ("Room 101", "Room 102", False),
        ("출입 금지", "출입금지", True),
        ("Open", "Closed", False),
        ("on", "Monday", False),
    ],
)
def test_same_text_in_spite_of_noise(one: str, other: str, same: bool) -> None:
    assert same_text(one, other, 0.75) is same
    assert same_text(other, one, 0.75) is same


def test_a_text_is_listed_once_in_its_best_reading(film: Film) -> None:
    film.shot(300, ("HARBOUR ST", SIGN))
    film.shot(305)
    film.shot(310, ("HARBOUR STREET", SIGN), ("Bakery", (0.7, 0.5, 0.1, 0.03)))
    found = film.contexts()
    assert texts(found) == [[("HARBOUR STREET", "sign")], [], [("Bakery", "sign")]]
    assert (found[0].texts[0].first_seen, found[0].texts[0].last_seen) == (300, 310)


def test_a_text_long_gone_is_new_again(film: Film) -> None:
    film.shot(300, ("HARBOUR STREET", SIGN))
    film.shot(420, ("HARBOUR STREET", SIGN))
    assert [len(c.texts) for c in film.contexts()] == [1, 1]
    assert [len(c.texts) for c in film.contexts(text_memory=200)] == [1, 0]


def test_lines_under_each_other_are_one_text(film: Film) -> None:
    film.shot(
        300, ("Seoul", (0.2, 0.40, 0.2, 0.06)), ("56Km", (0.22, 0.48, 0.15, 0.06)), ("Exit", (0.7, 0.4, 0.1, 0.06))
    )
    assert texts(film.contexts()) == [[("Seoul 56Km", "sign"), ("Exit", "sign")]]


def test_subtitles_are_told_by_what_is_said(film: Film) -> None:
    film.shot(300, ("I won't go back there.", LOW), ("Harbour Police", SIGN))
    film.shot(310, ("Busan, three years later", LOW))
    found = film.contexts((299, 302, "I won't go back there"), (320, 322, "Who is it?"))
    assert texts(found) == [
        [("Harbour Police", "sign"), ("I won't go back there.", "subtitle")],
        [("Busan, three years later", "sign")],
    ]


def test_subtitles_are_told_by_changing_during_untranscribed_speech(film: Film) -> None:
    lines = ["Where were you?", "At the harbour.", "All night long?"]
    for number, words in enumerate(lines):
        film.shot(300 + 5 * number, (words, LOW))
    film.shot(330, ("The next morning", LOW))
    speech = [(299.0 + 5 * n, 302.0 + 5 * n, "") for n in range(3)]
    assert [r[0][1] for r in texts(film.contexts(*speech))] == ["subtitle"] * 3 + ["sign"]
    assert [r[0][1] for r in texts(film.contexts(*speech[:2]))] == ["sign"] * 4


def test_titles(film: Film) -> None:
    film.shot(20, ("a film by Kim", (0.4, 0.5, 0.2, 0.03)))
    film.shot(60, ("Harbour Police", SIGN))
    film.shot(300, ("The Harbour", WIDE))
    film.shot(310, ("Three years later", (0.7, 0.5, 0.2, 0.03)), colours=look(*[NIGHT] * 4))
    film.shot(320, (" ".join(["word"] * 14), WIDE))
    assert [r[0][1] for r in texts(film.contexts())] == ["sign", "sign", "sign", "title", "sign"]


def test_what_is_left_out_is_said(film: Film) -> None:
    for number in range(8):
        film.shot(300 + 4 * number, ("KBS Drama", (0.85, 0.05, 0.1, 0.04)), (f"01:00:0{number}:00", LOW))
    film.frame(333, ("川量", SIGN), ("Fire Exit", SIGN))
    found = film.contexts()
    assert texts(found) == [[]] * 8 + [[("Fire Exit", "sign")]]
    assert [n.split()[0] for n in film.notes] == ["A", "Text", "“KBS"]
    assert "(8 keyframes)" in film.notes[0]
    messages.use("ko")
    film.contexts()
    assert all(any("가" <= c <= "힣" for c in n) for n in film.notes)


def test_people_are_the_most_seen_at_once_in_the_shot(film: Film) -> None:
    film.shot(10, faces=1)
    film.frame(12, faces=2)
    film.shot(20)
    found = film.contexts()
    assert [c.people for c in found] == [2, 2, 0]
    assert [len(c.faces) for c in found] == [1, 2, 0]


@pytest.mark.parametrize(
    ("colours", "light"),
    [
        (DAY, "day"),
        (look(NIGHT, NIGHT, LAMP, NIGHT), "night"),
        (look(NIGHT, NIGHT, NIGHT, NIGHT), "unknown"),  # a dark room, an eye closed, a fade
        (look(GREY, GREY, NIGHT, NIGHT), "unknown"),
        (look((230, 230, 230), GREY, GREY, GREY), "unknown"),  # black and white
        (look((240, 240, 230), SKY, GRASS, GRASS), "unknown"),  # a white sky looks like a ceiling
        (look(SKY, SKY, SKY, SKY), "unknown"),  # a blue wall, water
        (look(LAMP, GRASS, GRASS, GRASS), "unknown"),
    ],
)
def test_light_is_named_only_where_it_is_clear(film: Film, colours: Sequence[float], light: str) -> None:
    film.shot(10, colours=colours)
    assert [c.light for c in film.contexts()] == [light]


def test_light_needs_the_whole_shot(film: Film) -> None:
    film.shot(10, colours=DAY)
    film.frame(12, colours=look(GREY, GREY, GRASS, GRASS))
    assert [c.light for c in film.contexts()] == ["unknown", "unknown"]


def test_shot_and_reverse_shot_are_known_again(film: Film) -> None:
    kitchen, hall = look(LAMP, GREY, GRASS, GREY), look(GREY, SKY, LAMP, NIGHT)
    for number, colours in enumerate((kitchen, hall, kitchen, hall, DAY)):
        film.shot(10 + 4 * number, colours=[min(255, v + number) for v in colours])
    film.shot(300, colours=kitchen)
    assert [c.same_place for c in film.contexts()] == [None, None, "s00001", "s00002", None, None]


def test_black_tells_no_place(film: Film) -> None:
    for time in (10, 14):
        film.shot(time, colours=look(*[NIGHT] * 4))
    assert [c.same_place for c in film.contexts()] == [None, None]


def test_dialogue_around_a_keyframe(film: Film) -> None:
    film.shot(50)
    said = film.contexts(
        (10, 12, "long ago"), (31, 33, "Come in."), (49, 51, "Sit."), (55, 56, ""), (60, 62, "Tea?"), (90, 91, "later")
    )
    assert (said[0].dialogue_before, said[0].dialogue_after) == ("Come in. Sit.", "Tea?")
    assert (said[0].id, said[0].keyframe, said[0].start, said[0].end) == ("ck00001", "k00001", 49, 53)


def test_an_empty_film_has_no_contexts(film: Film) -> None:
    assert film.contexts() == []
