"""Candidates: what `facts` says of a context, and what the stage lets through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from data.records import Context, Detection, Draft, Evidence, Face, Gap, Keyframe, OnScreenText
from data.style import findings, refuse
from data.text.language import PLAN_RATE, seconds
from stages.backend import NoOptions
from stages.candidates import Config, run
from stages.candidates.facts import Facts
from stages.candidates.prompt import SECONDS, Answers, Caption, Captioner, Prompt, SeenText
from stages.candidates.questions import prompts
from stages.candidates.rendering import Templates
from stages.sources import RunSettings
from stages.stage import Job

BOX = (0.1, 0.1, 0.2, 0.2)
FACTS = Facts(Facts.Options())


def seen(text: str, role: Any = "sign", score: float = 0.95) -> SeenText:
    return SeenText(text, role, score, BOX)


def said(n: int = 4, **given: Any) -> list[str]:
    prompt = Prompt(**({"language": "ko", "style": "strict"} | given))
    ((_, answers),) = FACTS.caption([], [[prompt]], n)
    return [c.text for c in answers[0]]


def context(number: int, **changes: Any) -> Context:
    values: dict[str, Any] = {
        "id": f"ck{number:04d}",
        "keyframe": f"k{number:04d}",
        "shot": f"s{number:04d}",
        "time": number * 10.0,
        "start": number * 10.0,
        "end": number * 10.0 + 10,
        "texts": (),
        "people": 0,
        "light": "unknown",
        "same_place": None,
    }
    return Context(**(values | changes))


def on_screen(text: str, role: Any = "title") -> OnScreenText:
    return OnScreenText(text=text, role=role, first_seen=10.0, last_seen=12.0, score=0.98, box=BOX)


def face() -> Face:
    return Face(id="f1", keyframe="k0001", score=0.9, box=BOX)


@pytest.mark.parametrize(
    ("style", "language", "given", "expected"),
    [
        ("strict", "ko", {"texts": (seen("마지막 편지", "title"),), "title_open": True}, "제목, 마지막 편지."),
        (
            "basic",
            "ko",
            {"texts": (seen("마지막 편지", "title"),), "title_open": True},
            "제목 ‘마지막 편지’가 나타난다.",
        ),
        ("strict", "ko", {"texts": (seen("마지막 편지", "title"),)}, "자막, 마지막 편지."),
        ("strict", "ko", {"texts": (seen("3년 후", "title"),), "title_open": True}, "자막, 3년 후."),
        ("basic", "ko", {"texts": (seen("3년 후", "title"),)}, "‘3년 후’라는 자막이 나온다."),
        ("basic", "ko", {"texts": (seen("다음 날", "title"),)}, "‘다음 날’이라는 자막이 나온다."),
        ("strict", "ko", {"texts": (seen("서울 경찰서"),)}, "글자, 서울 경찰서."),
        ("basic", "ko", {"texts": (seen("서울"),)}, "‘서울’이라고 적혀 있다."),
        ("basic", "ko", {"texts": (seen("COFFEE"),)}, "‘COFFEE’라고 적혀 있다."),
        ("basic", "ko", {"texts": (seen("HOTEL"),)}, "‘HOTEL’이라고 적혀 있다."),
        ("strict", "ko", {"texts": (seen("OPEN"),)}, "글자, ‘OPEN’."),
        ("strict", "ko", {"people": 1}, "한 사람이 있다."),
        ("strict", "ko", {"people": 2}, "두 사람이 있다."),
        ("strict", "ko", {"people": 9}, "여러 사람이 있다."),
        ("basic", "ko", {"light": "night"}, "밤이다."),
        (
            "basic",
            "en",
            {"texts": (seen("Last Letter", "title"),), "title_open": True},
            "The title reads, “Last Letter”.",
        ),
        ("strict", "en", {"texts": (seen("3 years later", "title"),), "title_open": True}, "Caption, “3 years later”."),
        ("basic", "en", {"texts": (seen("EXIT"),)}, "Text reads, “EXIT”."),
        ("basic", "en", {"people": 1}, "There is one person."),
        ("basic", "en", {"people": 2}, "There are two people."),
        ("strict", "en", {"light": "day"}, "Day."),
    ],
)
def test_one_fact(style: str, language: str, given: dict[str, Any], expected: str) -> None:
    assert said(language=language, style=style, **given) == [expected]


def test_facts_flow_together_from_short_to_long() -> None:
    night = {"people": 2, "light": "night", "light_before": "day", "place": "new"}
    assert said(**night) == ["두 사람이 있다.", "밤, 두 사람이 있다.", "다른 곳, 밤, 두 사람이 있다."]
    assert said(style="basic", **night)[-1] == "장소가 바뀐다. 밤이다. 두 사람이 있다."
    assert said(language="en", **night)[-1] == "A different place. Night. Two people."


def test_several_texts_share_their_lead_in() -> None:
    texts = (seen("서울"), seen("OPEN"))
    assert said(texts=texts)[-1] == "글자, 서울, ‘OPEN’."
    assert said(style="basic", texts=texts)[-1] == "‘서울’, ‘OPEN’이라고 적혀 있다."


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"place": "back", "people": 2}, "다시 같은 곳, 두 사람이 있다."),
        ({"place": "same", "light": "night", "light_before": "day"}, "같은 곳, 밤."),
        ({"place": "same", "texts": (seen("3년 후", "title"),)}, "자막, 3년 후. 같은 곳."),
    ],
)
def test_place(given: dict[str, Any], expected: str) -> None:
    assert said(**given)[-1] == expected


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"people": 2, "people_known": 2, "place": "same"},
        {"light": "day", "light_before": "day"},
        {"place": "unsure"},
        {"texts": (seen("안녕하세요", "subtitle"),)},
        {"texts": (seen("흐린 글", score=0.4),)},
        {"texts": (seen("156 km", score=0.85),)},
        {"texts": (seen("|"), seen("12:30"), seen("ab"))},
        {"texts": (seen("출입 금지 구역"),), "dialogue_after": "출입금지구역이라고 써 있잖아."},
        {"texts": (seen("北京 大学"),)},
        {"texts": (seen("서울"),), "language": "en"},
        {"texts": (seen("www.example.com"),)},
    ],
)
def test_nothing_to_say(given: dict[str, Any]) -> None:
    assert said(**given) == []


def test_long_text_is_cut_at_a_word_and_marked() -> None:
    notice = (
        "이 건물은 내부 공사로 인하여 당분간 출입을 금지하오니 불편하시더라도 다른 출입구를 이용하여 주시기 바랍니다"
    )
    (line,) = said(texts=(seen(notice),))
    shown = line.removeprefix("글자, ").removesuffix("…")
    assert notice.startswith(shown + " ")
    assert seconds(line, "ko", 4.5) <= SECONDS["rich"]


def test_everything_facts_says_is_clean() -> None:
    for style in ("basic", "strict"):
        for place in ("first", "new", "back", "same"):
            for people in range(8):
                for light in ("day", "night"):
                    texts = (seen("LG 전자 3층"), seen("다음 날", "title"))
                    for n in (0, 1, 2):
                        lines = said(style=style, place=place, people=people, light=light, texts=texts[:n])
                        assert all(refuse(line, "ko") is None and findings(line, "ko") == [] for line in lines)
                        assert all(seconds(line, "ko", PLAN_RATE["ko"]) <= SECONDS["rich"] for line in lines)


def _places(contexts: Sequence[Context]) -> list[str]:
    return [p.place for p in prompts(contexts, "ko", 4.5, 600)]


def test_a_new_look_is_a_new_place_only_with_a_second_witness() -> None:
    room, reverse = context(1, light="day"), context(2)
    night = context(3, light="night")
    back = context(4, same_place="s0001", light="day")
    card = context(5, texts=(on_screen("3년 후"),))
    assert _places([room, reverse, night, back, card]) == ["first", "unsure", "new", "back", "new"]
    assert _places([room, context(2, same_place="s0001")]) == ["first", "same"]
    assert _places([room, context(2, shot="s0001")]) == ["first", "same"]


def test_shots_of_one_scene_are_the_same_place_to_the_viewer() -> None:
    """Shot and reverse shot; the people of the scene stay known, and no caption says that the place is another."""
    film = [
        context(n, place="s0001", people=2 - n % 2, same_place=f"s000{n - 2}" if n > 2 else None) for n in range(1, 5)
    ]
    assert _places(film) == ["first", "same", "same", "same"]
    assert [p.people_known for p in prompts(film, "ko", 4.5, 600)] == [0, 1, 2, 2]
    assert _places([context(1, place="s0001"), context(2, place="s0002")]) == ["first", "unsure"]


def test_a_captioner_is_told_what_was_seen_in_the_place_before() -> None:
    box = (0.1, 0.1, 0.2, 0.2)
    rows = [(1, "s0001", "dog"), (2, "s0001", "chair"), (3, "s0003", "cat"), (4, "s0001", "dog")]
    film = [
        context(n, place=place, same_place="s0001" if n == 4 else None, light="night" if n == 3 else "day",
                objects=(Detection(id=f"o{n}", keyframe=f"k{n:04d}", label=label, score=0.9, box=box),))
        for n, place, label in rows
    ]  # fmt: skip
    told = list(prompts(film, "ko", 4.5, 600))
    assert [(p.place, p.known) for p in told] == [
        ("first", ()), ("same", ("개",)), ("new", ()), ("back", ("개", "의자")),
    ]  # fmt: skip
    worded = [Templates({}, "ko").worded(p).text for p in told]
    assert ["앞서 나온 것: 개" in text for text in worded] == [False, True, False, True]
    assert ["앞 순간과 같은 장소" in text for text in worded] == [False, True, False, False]


def test_people_are_news_in_another_place_and_when_more_come() -> None:
    shots = [context(1, people=2), context(2, people=1, same_place="s0001"), context(3, people=3, same_place="s0001")]
    assert [p.people_known for p in prompts(shots, "ko", 4.5, 600)] == [0, 2, 2]


def test_text_that_is_still_being_written_waits_until_it_is_whole() -> None:
    written, whole = on_screen("THE PEACH CPEN"), on_screen("THE PEACH OPEN MOVIE")
    shots = [context(1, texts=(written,)), context(2, time=11.5, texts=(whole,)), context(3, texts=(written,))]
    told = [[t.text for t in p.texts] for p in prompts(shots, "ko", 4.5, 600)]
    assert told == [[], ["THE PEACH OPEN MOVIE"], ["THE PEACH CPEN"]]


def test_stage_on_hand_made_contexts(make_job: Callable[..., Job[Any]]) -> None:
    contexts = [
        context(1, texts=(on_screen("마지막 편지"),), light="day"),
        context(2, people=2, faces=(face(), face()), light="day"),
        context(3, people=2, faces=(face(), face()), light="day", same_place="s0002"),
        context(4, texts=(on_screen("3년 후"),), people=1, faces=(face(),), light="night"),
    ]
    found = list(run(make_job(Config(), {Context: contexts, Keyframe: [], Gap: []}, backend=FACTS)))
    assert "제목, 마지막 편지." in [c.text for c in found]
    assert "두 사람이 있다." in [c.text for c in found]
    assert [c for c in found if c.keyframe == "k0003"] == []
    assert "자막, 3년 후. 다른 곳, 밤, 한 사람이 있다." in [c.text for c in found]
    assert 3 <= sum(c.keyframe == "k0004" for c in found) <= 4
    assert [c.id for c in found] == sorted(c.id for c in found)
    assert len({c.id for c in found}) == len(found)
    assert {e.keyframe for c in found for e in c.evidence} == {"k0001", "k0002", "k0004"}
    assert {c.model for c in found} == {"facts"}


class Fixed(Captioner):
    """A captioner that answers what it was given."""

    def __init__(self, texts: Sequence[str], needs_images: bool = False) -> None:
        super().__init__(NoOptions())
        self.texts, self.needs_images = texts, needs_images  # type: ignore[misc]
        self.images: list[bytes] = []

    def caption(
        self, images: Sequence[bytes], prompts: Sequence[Sequence[Prompt]], n: int
    ) -> Iterator[tuple[int, Answers]]:
        self.images += images
        evidence = (Evidence(kind="object", value="door"),)
        for keyframe, asked in enumerate(prompts):
            yield keyframe, [[Caption(t, "visual", "short", evidence) for t in self.texts[:n]] for _ in asked]


def _of(job: Job[Any]) -> list[Draft]:
    return list(run(job))


def test_refused_captions_are_dropped_and_told(make_job: Callable[..., Job[Any]]) -> None:
    backend = Fixed(["죄송합니다, 이미지를 볼 수 없습니다.", "A door opens.", "문이 열린다.", "문이 열린다."])
    job = make_job(Config(n=26), {Context: [context(1)], Keyframe: [], Gap: []}, backend=backend)
    assert [c.text for c in _of(job)] == ["문이 열린다."]
    assert len(job.notes) == 2
    assert "declines" in job.notes[0].text + job.notes[1].text


def test_images_are_read_only_for_those_who_look(make_job: Callable[..., Job[Any]], tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"jpeg")
    keyframe = Keyframe(id="k0001", shot="s0001", time=10, image="a.jpg", sharpness=1, luma=100, look=())
    backend = Fixed(["문이 열린다."], needs_images=True)
    records = {Context: [context(1)], Keyframe: [keyframe], Gap: []}
    _of(make_job(Config(), records, folders={Keyframe: tmp_path}, backend=backend))
    assert backend.images == [b"jpeg"]


def test_english_and_batches(make_job: Callable[..., Job[Any]]) -> None:
    contexts = [
        context(n, people=n, objects=(Detection(id="d", keyframe="k", label="dog", score=1, box=BOX),))
        for n in (1, 2, 3)
    ]
    settings = RunSettings(language="en")
    one, all_ = (
        [
            c.model_dump()
            for c in _of(
                make_job(
                    Config(together=b), {Context: contexts, Keyframe: [], Gap: []}, backend=FACTS, settings=settings
                )
            )
        ]
        for b in (1, 8)
    )
    assert one == all_
    assert "There are two people." in [c["text"] for c in one]
