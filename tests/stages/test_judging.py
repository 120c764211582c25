"""Claims of captions held against the evidence: inventions are marked, what is true is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from data.records import Context, Detection, Evidence, Face, OnScreenText, Person
from data.style import morphology_installed
from data.text import claims as claims_module
from data.text.claims import Claim, claims, marked
from stages.candidates.judging import Judge, Judged

BOX = (0.1, 0.2, 0.3, 0.4)
korean = pytest.mark.skipif(not morphology_installed(), reason="needs kiwipiepy")


def said(text: str, language: str = "ko") -> list[tuple[str, str]]:
    return sorted((claim.kind, claim.word) for claim in claims(text, language))


# ---- What a line claims


@korean
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("개가 짖는다.", [("thing", "개")]),
        ("사과 세 개를 산다.", []),
        ("새 구두를 신는다.", []),
        ("말없이 배를 만진다.", [("wider", "배")]),
        ("벽에 그림자가 흔들린다.", []),
        ("곰 인형을 안은 소녀가 웃는다.", [("people", "소녀"), ("thing", "곰 인형")]),
        ("손목시계를 본다.", []),
        ("세 남자가 소파에 앉는다.", [("count", "세 남자"), ("people", "남자"), ("thing", "소파")]),
        ("두 명의 여자가 온다.", [("count", "두 명의 여자"), ("people", "여자")]),
        ("김기주가 휴대전화를 든다.", [("name", "김기주"), ("thing", "휴대전화")]),
        ("@giju가 신호등 앞에 선다.", [("thing", "신호등")]),
        ("간판에 적힌 글, 행복약국.", [("text", "행복약국")]),
        ("‘그날의 개’라는 자막이 나온다.", [("text", "그날의 개")]),
        ("문에 407호라고 적혀 있다.", [("number", "407")]),
    ],
)
def test_what_a_korean_line_claims(text: str, found: list[tuple[str, str]]) -> None:
    assert said(text) == found


def test_without_morphology_only_plain_words_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_module, "installed", lambda: False)
    assert said("김기주가 강아지와 의자에서 개를 본다.") == [("thing", "강아지"), ("thing", "의자")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Anna opens the door of the bus.", [("name", "Anna"), ("thing", "bus")]),
        ("Rain falls on the roofs.", []),
        ("The dogs tie the score on Monday.", [("thing", "dogs")]),
        ("Two women watch Peter's puppies.",
         [("count", "Two"), ("name", "Peter"), ("people", "women"), ("thing", "puppies")]),
        ("She lifts a wine glass and two knives.", [("thing", "knives"), ("thing", "wine glass")]),
        ("A sign reads, closed today.", [("text", "closed today")]),
        ("A caption reads, “THE END”.", [("text", "THE END")]),
    ],
)  # fmt: skip
def test_what_an_english_line_claims(text: str, found: list[tuple[str, str]]) -> None:
    assert said(text, "en") == found


def test_a_claim_says_what_would_support_it() -> None:
    assert Claim("thing", "puppies", frozenset({"dog"})) in claims("Two puppies run.", "en")
    (wide,) = (c for c in claims("An animal runs.", "en") if c.kind == "wider")
    assert {"dog", "cat", "horse"} < wide.labels


# ---- Held against what is known


def frame(number: int, labels: Sequence[str] = (), **more: Any) -> Context:
    name = f"k{number:05d}"
    found = tuple(
        Detection(id=f"o{number}{n}", keyframe=name, label=label, score=0.8, box=BOX) for n, label in enumerate(labels)
    )
    texts = tuple(
        OnScreenText(text=text, role="sign", first_seen=0, last_seen=1, score=0.9, box=BOX)
        for text in more.pop("texts", ())
    )
    values: dict[str, Any] = {
        "shot": f"s{number:05d}", "time": 5.0 * number, "start": 5.0 * number, "end": 5.0 * number + 5,
        "people": list(labels).count("person"), "light": "unknown", "same_place": None,
    }  # fmt: skip
    return Context(id=f"c{name}", keyframe=name, objects=found, texts=texts, **values | more)


def judged(text: str, contexts: Sequence[Context], at: int = 1, language: Any = "ko", **more: Any) -> Judged:
    return Judge(contexts, language).judged(text, f"k{at:05d}", **more)


@korean
def test_a_planted_invention_is_marked_and_the_truth_is_not() -> None:
    film = [frame(1, ["person", "person", "chair"], texts=["행복약국"]), frame(2, ["dog"])]
    true = judged("두 남자가 의자에 앉는다. 간판에 적힌 글, 행복약국.", film)
    assert true.unsupported == ()
    assert {(e.kind, e.value) for e in true.evidence} == {
        ("face", "남자"), ("face", "두 남자"), ("object", "의자"), ("text", "행복약국"),
    }  # fmt: skip
    assert all(e.keyframe == "k00001" and e.box == BOX for e in true.evidence)
    false = judged("세 남자가 강아지를 안는다. 간판에 적힌 글, 튼튼의원. 407호다. 철수가 온다.", film)
    assert set(false.unsupported) == {"세 남자", "강아지", "튼튼의원", "407", "철수"}


@korean
def test_walls_and_shadows_are_never_marked() -> None:
    assert judged("빛바랜 벽에 긴 그림자가 진다.", [frame(1, ["person"], texts=["출구"])]) == Judged((), ())


def test_english_inventions_are_marked() -> None:
    film = [frame(1, ["person", "cup"], texts=["EXIT"], dialogue_before="Sit down, Anna.")]
    found = judged("Anna lifts a mug. Behind her, Peter pats two dogs. A sign reads, no smoking.", film, language="en")
    assert set(found.unsupported) == {"Peter", "dogs", "no smoking"}
    assert {(e.kind, e.value) for e in found.evidence} == {("dialogue", "Anna"), ("object", "cup")}


def test_nothing_is_marked_where_there_was_nothing_to_judge_by() -> None:
    """Without a detector, a reader and names the absence of evidence says nothing."""
    assert judged("Two men and a dog pass a sign with the number 12: “CLOSED”.", [frame(1)], language="en") == Judged(
        (), ()
    )
    faces = frame(1, faces=(Face(id="f1", keyframe="k00001", score=0.9, box=BOX),), people=1)
    assert judged("A woman turns her back.", [faces, frame(2)], at=2, language="en").unsupported == ()


def test_what_the_place_shows_shortly_before_counts_and_other_places_do_not() -> None:
    film = [frame(1, ["dog"], place="s1"), frame(2, ["cat"], place="s1"), frame(3, place="s3"), frame(9, place="s1")]
    assert [judged("The dog lies down.", film, at, "en").unsupported for at in (1, 2, 3, 9)] == [
        (),
        (),
        ("dog",),
        ("dog",),
    ]
    assert judged("The dog lies down.", film, 2, "en").evidence[0].keyframe == "k00001"


def test_an_animal_is_supported_by_a_dog_and_refuted_by_nothing() -> None:
    film = [frame(1, ["dog"]), frame(2, ["chair"])]
    assert [e.value for e in judged("An animal runs.", film, 1, "en").evidence] == ["dog"]
    assert judged("An animal runs.", film, 2, "en") == Judged((), ())


def test_a_part_of_the_picture_described_on_its_own_is_evidence() -> None:
    film = [frame(1, ["chair"])]
    region = Evidence(kind="region", value="A small dog on a rug.", box=BOX)
    assert judged("A dog sleeps.", film, 1, "en", regions=(region,)) == Judged((region,), ())


def test_names_need_a_face_where_faces_are_recognised() -> None:
    """Without, a name that was heard long ago may be meant; with, it must be near."""
    heard = frame(1, dialogue_before="Good morning, Anna.")
    assert judged("Later, Anna opens a letter.", [heard, frame(9)], 9, "en").unsupported == ()
    known = frame(2, persons=(Person(id="ben", call="@ben", box=BOX),))
    assert judged("Later, Anna opens a letter.", [heard, known, frame(9)], 9, "en").unsupported == ("Anna",)


def test_a_reader_that_misses_a_letter_still_supports_the_text() -> None:
    film = [frame(1, texts=["THE PEACH CPEN MOVIE PROJECT"])]
    assert judged("A caption reads, “The Peach Open Movie Project”.", film, 1, "en").unsupported == ()


def test_a_line_in_other_words_keeps_its_marks_and_gets_new_ones() -> None:
    original = "A man with a dog enters the room slowly."
    assert marked(original, original, ["dog"], "en") == ("dog",)
    assert marked("A man enters the room.", original, ["dog"], "en") == ()
    assert marked("A man with a dog and a cat enters.", original, ["dog"], "en") == ("dog", "cat")
    assert marked("A man with a puppy enters.", original, [], "en") == ()
