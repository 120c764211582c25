"""Names: used from the second they are spoken, however they are spoken."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.records import Context, Detection, Face, Keyframe, OnScreenText, Shot, TextRegion, Utterance
from data.series.cast import Cast, Member
from data.series.names import introduced as revealed
from stages import context
from stages.sources import RunSettings


def says(*lines: str) -> list[Utterance]:
    return [
        Utterance(id=f"u{i:05d}", start=10.0 * i, end=10.0 * i + 2, text=line, source="subtitles")
        for i, line in enumerate(lines, start=1)
    ]


def people(*names: Any, **more: Any) -> Cast:
    members = tuple(Member(id=f"p{i}", name=name, **more) for i, name in enumerate(names, start=1))
    return Cast(members=members, content="", file=Path("cast.yaml"))


@pytest.mark.parametrize(
    "line",
    [
        "기주야!",
        "기주가 왔어",
        "어, 기주.",
        "기주 씨 계세요?",
        "기주씨한테 물어봐",
        "기주형이랑",
        "나 기주예요",
        "김기주입니다",
        "김기주라고 합니다",
        "(기주) 여보세요",
        "기주네 집",
        "기주는요?",
        "기주하고는",
        "기주선배님께서",
    ],
)
def test_a_korean_name_is_heard_with_what_is_attached(line: str) -> None:
    assert revealed(people("김기주"), says("누구세요?", line)) == {"p1": 22.0}


@pytest.mark.parametrize("line", ["", "경기주변 도로", "박기주가", "기주국", "기 주", "남자가 왔어", "김 씨", "주야"])
def test_other_words_do_not_reveal(line: str) -> None:
    assert revealed(people("김기주"), says(line)) == {}


@pytest.mark.parametrize(
    ("name", "line", "heard"),
    [
        ("이수진", "수진이가 그랬어", True),
        ("이수진", "수진아", True),
        ("이산", "산아", False),  # one syllable: too many words end like that
        ("이산", "이산이라고 하옵니다", True),
        ("이산", "이산가족", False),
        ("남궁민수", "민수야", True),
        ("남궁민", "민아", False),
        ("김 부장", "부장님!", False),  # a title is no given name
        ("김 부장", "김부장님!", True),
        ("김부장", "김부장님은요?", True),
        ("할머니", "머니 게임", False),
        ("Anna Kim", "anna, wait!", True),
        ("Anna Kim", "ANNA'S HERE", True),
        ("Anna Kim", "Annabel", False),
        ("Anna Kim", "Mr. Kim", False),
        ("Dr. Kim", "Call the dr. now", False),
        ("Dr. Kim", "Dr. Kim?", True),
        ("Mary Jane O'Neil", "Mary Jane  O'Neil.", True),
    ],
)
def test_given_names(name: str, line: str, heard: bool) -> None:
    assert ("p1" in revealed(people(name), says(line))) is heard


def test_a_shared_given_name_reveals_nobody() -> None:
    both = people("김기주", "박기주")
    assert revealed(both, says("기주야", "박기주 씨")) == {"p2": 22.0}


def test_either_language_reveals() -> None:
    assert revealed(people({"ko": "애나", "en": "Anna"}), says("애나야, 이리 와")) == {"p1": 12.0}


def test_decomposed_hangul_is_heard() -> None:
    assert revealed(people(unicodedata.normalize("NFD", "김기주")), says("기주야")) == {"p1": 12.0}
    assert revealed(people("김기주"), says(unicodedata.normalize("NFD", "기주야"))) == {"p1": 12.0}


def test_a_name_that_is_shown_is_introduced() -> None:
    sign = OnScreenText(text="검사 김기주", role="sign", first_seen=15, last_seen=18, score=0.9, box=(0, 0, 1, 1))
    assert revealed(people("김기주"), says("", "기주야"), [sign]) == {"p1": 15.0}
    assert revealed(people("김기주"), says("", "기주야"), [sign], "spoken") == {"p1": 22.0}
    assert revealed(people("김기주"), says(""), [], "always") == {"p1": 0.0}


def test_named_from_stands_above_the_dialogue() -> None:
    assert revealed(people("김하늘", named_from=300), says("하늘이 맑다")) == {"p1": 300.0}


YAML = """
- {id: giju, name: {ko: 김기주, en: Kim Gi-ju}, before: {ko: 회색 코트의 남자, en: the man in grey}, photos: []}
- {id: sujin, name: 이수진, named_from: 0, photos: []}
- {id: mina, name: 박미나, photos: []}
"""


@pytest.fixture
def contexts(make_job: Callable[..., Any], tmp_path: Path) -> Callable[..., list[Context]]:
    """Contexts of a film whose shots stand at `times`, with faces and bodies on every keyframe."""
    (tmp_path / "cast.yaml").write_text(YAML, encoding="utf-8")

    def build(*times: float, faces: Any = (), bodies: int = 0, cast: bool = True, **settings: Any) -> list[Context]:
        keyframes = [
            Keyframe(id=f"k{i}", shot=f"s{i}", time=t, image="", sharpness=1, luma=90, look=(90.0,) * 48)
            for i, t in enumerate(times)
        ]
        rows = {
            Keyframe: keyframes,
            Shot: [Shot(id=k.shot, start=k.time - 1, end=k.time + 3) for k in keyframes],
            Utterance: says("누구세요?", "미나야, 기주야!"),  # until 12 s; until 22 s
            TextRegion: [],
            Face: [f.model_copy(update={"keyframe": k.id}) for k in keyframes for f in faces],
            Detection: [
                Detection(id=f"d{k.id}{n}", keyframe=k.id, label=label, score=0.9, box=(0, 0, 0.1, 0.1))
                for k in keyframes
                for n, label in enumerate(["person"] * bodies + ["chair"])
            ],
        }
        chosen = RunSettings(cast=tmp_path if cast else None, **settings)
        return list(context.run(make_job(context.Config(), rows, settings=chosen)))

    return build


def face(person: str | None, size: float, emotion: str | None = None) -> Face:
    return Face(id=f"f{person}", keyframe="", score=0.9, box=(0.1, 0.1, size, size), person=person, emotion=emotion)


def test_whoever_can_be_called_has_a_label(contexts: Callable[..., list[Context]]) -> None:
    before, after = contexts(5, 50, faces=[face("giju", 0.2), face("sujin", 0.1), face("unknown-1", 0.3)])
    assert before.persons == after.persons
    assert [(p.id, p.call) for p in before.persons] == [("unknown-1", ""), ("giju", "@giju"), ("sujin", "@sujin")]
    assert before.names == ("@giju", "@sujin")
    assert contexts(5)[0].names == ()


def test_without_a_description_the_label_waits_for_the_name(contexts: Callable[..., list[Context]]) -> None:
    seen = contexts(11.9, 21, 23.9, 24, faces=[face("mina", 0.2)])
    assert [c.names for c in seen] == [(), (), (), ("@mina",)]
    (now,) = contexts(22, faces=[face("mina", 0.2)], early=0)
    assert now.names == ("@mina",)


def test_the_first_second_may_name_whom_everybody_knows(contexts: Callable[..., list[Context]]) -> None:
    assert contexts(0.4, faces=[face("sujin", 0.2)])[0].names == ("@sujin",)


def test_persons_are_the_recognised_largest_first(contexts: Callable[..., list[Context]]) -> None:
    seen = [face("unknown-1", 0.1, "sad"), face("sujin", 0.3, "happy"), face(None, 0.5)]
    (found,) = contexts(5, faces=seen)
    assert [(p.id, p.call, p.emotion) for p in found.persons] == [
        ("sujin", "@sujin", "happy"),
        ("unknown-1", "", "sad"),
    ]
    assert found.persons[0].box == (0.1, 0.1, 0.3, 0.3)


def test_without_a_cast_nobody_is_named(contexts: Callable[..., list[Context]]) -> None:
    (found,) = contexts(50, faces=[face("unknown-1", 0.1)], cast=False)
    assert (found.names, [p.call for p in found.persons]) == ((), [""])


@pytest.mark.parametrize(("faces", "bodies", "people"), [(1, 3, 3), (2, 0, 2), (2, 1, 2), (0, 0, 0)])
def test_people_are_faces_or_bodies(
    contexts: Callable[..., list[Context]], faces: int, bodies: int, people: int
) -> None:
    assert contexts(5, faces=[face(None, 0.1)] * faces, bodies=bodies)[0].people == people
