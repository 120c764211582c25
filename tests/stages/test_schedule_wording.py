"""Lines that the check of the film would blame: mended where that is safe, else they give way; errors always."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from data import messages
from data.reasons import Refused
from data.records import Clip, Gap, Missed, Narration, RefusedCandidate
from data.style import blamed, fixed, morphology_installed
from data.text.claims import marked
from data.text.language import seconds
from stages.check.lines import Spoken
from stages.check.timing import words
from stages.schedule import run
from stages.schedule.planner import Planner
from stages.stage import Job
from tests.stages.test_schedule import Film, MakeJob, gap
from tests.stages.test_schedule_worth import Voice

korean = pytest.mark.skipif(not morphology_installed(), reason="needs kiwipiepy")
WRONG = "화면에 한 남자가 보입니다."
"""Polite, which can be mended, and of the picture itself, which cannot."""
WARNED = "남자가 떠나려는 듯하다."
CLEAN = "남자가 가방을 싼다."
ROOMY = [gap(1, 9, 15)]

LINES: dict[Literal["ko", "en"], tuple[str, ...]] = {
    "ko": (
        WRONG, WARNED, CLEAN, "여자가 편지를 읽는다.", "두 사람이 나란히 서서 바다를 바라본다.", "문이 열립니다.",
        "할머니께서 마루에 앉으신다.", "한 남자가 걷고 있다.", "민수은 책와 가방를 든다.", "소년이 창을 열었다.",
        "여자가 안경을 썼다.", "카메라가 아이에게 다가간다.", "당신은 우산을 편다.", "남자가 무덤 앞에서 슬퍼한다.",
        "아름다운 바다가 있어요.", "개가 뛰다.", "남자가 문을 열고 뛰어나가다가 넘어진다.", "어디로 가는 걸까?",
        "A man opens the door.", "자막, 우리는 떠났습니다.", "‘화면에 보입니다’라고 적혀 있다.",
    ),
    "en": (
        "We see a man.", "A man opens the door.", "A woman reads a letter on the porch.", "She was here.",
        "The man seems to wait.", "A beautiful sea.", "The camera pans left.", "Rain falls.", "What is it?",
        "A sign reads, we were closed.", "남자가 문을 연다.",
    ),
}  # fmt: skip
"""Lines as captioners write them: polite, past, of the picture, guessed, mended and not; among them clean ones."""


@pytest.fixture
def film() -> Film:
    return Film()


def missed(job: Job[Any]) -> Any:
    return json.loads((job.folder / "missed.json").read_bytes())


def test_a_line_with_an_error_is_not_spoken_though_it_scores_best(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 15, (WRONG, 0.95), (CLEAN, 0.4), ("여자가 편지를 읽는다.", 0.5))
    (line,) = film.schedule(make_job, ROOMY)
    assert line.text == "여자가 편지를 읽는다."
    assert WRONG not in [other.text for other in line.alternatives]


def test_nor_where_it_is_the_only_one(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 15, (WRONG, 0.95), ("카메라가 다가간다.", 0.9))
    job = film.job(make_job, ROOMY)
    assert list(run(job)) == []
    (row,) = missed(job)
    assert (row["why"]["code"], row["candidate"]) == ("refused", "c00001a")
    why = Missed.model_validate(row).why
    assert isinstance(why, Refused)
    assert [rule.values["found"] for rule in why.rules][-1] in {"화면에", "화면에 보인다"}
    assert len(why.rules) == (1 if morphology_installed() else 2)
    with messages.answering("ko"):
        assert "화면을 의식한 표현" in str(why)
    assert [row.candidate for row in RefusedCandidate.open(job.folder)] == ["c00001a", "c00001b"]
    assert "2 candidates" in [note.text.partition(" break ")[0] for note in job.notes]


@korean
def test_what_can_be_mended_is_mended(make_job: MakeJob, film: Film) -> None:
    """The candidate stays what it was: a line in other words of the same claims, and not a shortened one."""
    film.moment(10, 15, ("할머니께서 개와 마루에 앉으십니다.", 0.9), ("할머니가 앉습니다.", 0.5))
    film.candidates[0] = film.candidates[0].model_copy(update={"unsupported": ("개",)})
    (line,) = film.schedule(make_job, ROOMY)
    assert (line.text, line.candidate) == ("할머니가 개와 마루에 앉는다.", "c00001a")
    assert line.unsupported == ("개",)
    assert "shortened" not in line.parts
    assert [(other.candidate, other.text) for other in line.alternatives] == [("c00001b", "할머니가 앉는다.")]


@korean
def test_mending_claims_nothing_anew() -> None:
    """The particle that did not fit hid a thing, which the candidate was never judged for."""
    told = "개과 고양이이 뛰어놉니다."
    assert fixed(told, "ko") == "개와 고양이가 뛰어논다."
    assert marked(fixed(told, "ko"), told, ("고양이",), "ko") == ("고양이",)
    assert marked("개가 뛰어논다.", told, ("고양이",), "ko") == ()
    assert marked("개가 의자에서 뛰어논다.", told, (), "ko") == ("의자",)


@korean
def test_a_mended_line_can_be_shortened_and_missed(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 11, ("회색 코트를 입은 남자가 천천히 문을 열고 들어옵니다.", 0.9))
    (line,) = film.schedule(make_job, [gap(1, 9.7, 13.0)])
    assert (line.text, line.parts["shortened"]) == ("남자가 문을 열고 들어온다.", -0.1)
    job = film.job(make_job, [gap(1, 50, 60)])
    assert list(run(job)) == []
    assert [row["text"] for row in missed(job)] == ["회색 코트를 입은 남자가 천천히 문을 열고 들어온다."]


@korean
def test_a_mended_line_is_held(make_job: MakeJob, film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    film.moment(10, 15, ("문이 열립니다.", 0.9))
    job = film.job(make_job, ROOMY, speaker=replace(Voice().speaker(), voice="somebody"))
    lines = list(run(job))
    monkeypatch.setattr(Planner, "placed", lambda _: pytest.fail("decided again"))
    assert list(run(job)) == lines


def test_no_score_buys_a_warning(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 15, (WARNED, 1.0), (CLEAN, 0.36))
    film.candidates[1] = film.candidates[1].model_copy(update={"unsupported": ("남자", "가방", "싼다")})
    (line,) = film.schedule(make_job, ROOMY)
    assert line.text == CLEAN
    film.moment(15, 18, (WARNED, 1.0), (CLEAN, 0.9))
    assert [n.text for n in film.schedule(make_job, [gap(1, 9, 24)])] == [CLEAN], "even where it was said before"


def test_a_warned_line_is_spoken_where_nothing_cleaner_fits(make_job: MakeJob, film: Film) -> None:
    film.moment(
        10, 15, (WARNED, 0.8), (WRONG, 0.9), ("두 사람이 나란히 서서 오래도록 바다를 바라보며 이야기를 나눈다.", 1.0)
    )
    (line,) = film.schedule(make_job, [gap(1, 9.7, 13.0)])
    assert line.text == WARNED


def test_of_warned_lines_the_one_with_fewer(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 15, ("그가 슬퍼하려는 듯하다.", 0.9), (WARNED, 0.5))
    (line,) = film.schedule(make_job, ROOMY)
    assert line.text == WARNED


def test_a_shorter_line_for_a_voice_that_overruns_is_clean_first(make_job: MakeJob, film: Film) -> None:
    long = "두 사람이 나란히 서서 바다를 바라본다."
    film.moment(10, 15, (long, 0.9), (WARNED, 0.8), (CLEAN, 0.5), (WRONG, 0.7), ("남자가 선다.", 0.1))
    (line,) = film.schedule(make_job, ROOMY)
    assert [other.text for other in line.alternatives] == [CLEAN, WARNED]


@given(data=st.data(), language=st.sampled_from(["ko", "en"]), spoken=st.booleans())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_offered_the_check_finds_no_error_and_no_warning_without_need(
    make_job: MakeJob, data: st.DataObject, language: Literal["ko", "en"], spoken: bool
) -> None:
    assume(not (spoken and language == "en"))  # the voice of the tests speaks Korean
    film, gaps, time = Film(), list[Gap](), 0.0
    for number in range(data.draw(st.integers(1, 4))):
        start = time + data.draw(st.floats(0, 4))
        time = start + data.draw(st.floats(1.5, 9))
        gaps.append(gap(number + 1, start, time))
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.floats(0, 30))
        some = st.lists(st.sampled_from(LINES[language]), min_size=1, max_size=5, unique=True)
        film.moment(
            start, start + data.draw(st.floats(0.5, 8)), *((t, data.draw(st.floats(0.3, 1))) for t in data.draw(some))
        )
    film.contexts.sort(key=lambda c: c.time)
    job = film.job(make_job, gaps, speaker=Voice().speaker() if spoken else None, language=language)
    lines = list(run(job))
    for text in [t for line in lines for t in (line.text, *(a.text for a in line.alternatives))]:
        assert not [found.rule for found in blamed(text, language) if found.severity == "error"], text
    for line in lines:
        if film_offers_a_clean_one(film, line, gaps, language):
            assert not blame(line, language), line.text


def blame(line: Narration, language: str) -> list[str]:
    """What the check of the finished film says of the words of a line."""
    clip = Clip(id=line.id, narration=line.id, start=line.start, end=line.end, candidate=line.candidate, text=line.text,
                file=None, voice="v")  # fmt: skip
    return [result.text for result in words([Spoken(clip, line)], language) if result.severity == "warning"]


def film_offers_a_clean_one(film: Film, line: Narration, gaps: list[Gap], language: Literal["ko", "en"]) -> bool:
    """Whether a candidate of the line's moment may be spoken, has nothing the check would blame, and fits a gap."""
    context = next(c for c in film.contexts if c.keyframe == line.keyframe)
    rate, opens, closes = {"ko": 4.5, "en": 3.75}[language], context.start, context.end + 1.0
    for candidate, ranked in zip(film.candidates, film.ranked, strict=True):
        text = fixed(candidate.text, language)
        foreign = (language == "ko") != any("가" <= letter <= "힣" for letter in text)
        if candidate.keyframe != line.keyframe or ranked.score < 0.35 or foreign or blamed(text, language):
            continue
        for start, end in (g.window for g in gaps):
            room = min(end - max(start, opens), 0.8 * (end - start) if end - start + 0.6 > 6 else end - start)
            if start <= closes and seconds(text, language, rate) + 0.01 <= room:
                return True
    return False
