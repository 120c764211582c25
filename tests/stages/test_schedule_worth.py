"""What lines are worth, how long the voice needs for them, and what is said of moments without a line."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from data.records import Candidate, Context, Evidence, Gap, OnScreenText
from data.style import morphology_installed
from data.text.language import seconds
from stages.schedule import run
from stages.schedule.lengths import SENTENCES, Lengths
from stages.schedule.objective import heard
from stages.schedule.shorten import shortened
from stages.sources import Speaker
from stages.stage import Job
from tests.stages.test_schedule import Film, MakeJob, gap

korean = pytest.mark.skipif(not morphology_installed(), reason="needs kiwipiepy")


class Voice:
    """A voice that takes `factor` times the estimate and `breath` more, and remembers what it was asked."""

    def __init__(self, factor: float = 1.0, breath: float = 0.0) -> None:
        self.factor, self.breath = factor, breath
        self.asked: list[tuple[str, float]] = []

    def seconds(self, text: str, speed: float) -> float:
        self.asked.append((text, speed))
        return round((self.factor * seconds(text, "ko", 4.5) + self.breath) / speed, 3)

    def speaker(self) -> Speaker:
        return Speaker(self.seconds, (1.05, 1.1, 1.15))


@pytest.fixture
def film() -> Film:
    return Film()


def told(job: Job[Any]) -> Any:
    return json.loads((job.folder / "missed.json").read_bytes())


def test_a_voice_is_calibrated_once_and_then_known() -> None:
    voice = Voice(1.3, 0.2)
    lengths = Lengths("ko", None, voice.speaker())
    text = "한 여자가 창가에 앉아 편지를 읽는다."
    assert lengths.needed(text) == pytest.approx(1.3 * seconds(text, "ko", 4.5) + 0.2, abs=0.01)
    assert lengths.needed("문이 닫힌다.") == pytest.approx(1.3 * seconds("문이 닫힌다.", "ko", 4.5) + 0.2, abs=0.01)
    assert [text for text, _ in voice.asked] == list(SENTENCES["ko"])


def test_without_a_voice_the_estimate_counts() -> None:
    assert Lengths("ko", 5.0, None).needed("문이 닫힌다.") == pytest.approx(
        seconds("문이 닫힌다.", "ko", 5.0), abs=0.001
    )


def test_a_line_that_overruns_as_measured_gives_way(make_job: MakeJob, film: Film) -> None:
    """The voice stumbles over one line; the estimate cannot know."""
    long, short = "두 사람이 벤치에 나란히 앉는다.", "두 사람이 앉는다."
    film.moment(10, 15, (long, 0.9), (short, 0.7))
    voice = Voice()

    def stumbling(text: str, speed: float) -> float:
        return voice.seconds(text, speed) + 4.0 * (text == long)

    gaps = [gap(1, 9.5, 13.5)]
    settled = film.job(make_job, gaps, speaker=Speaker(stumbling, (1.1,)))
    (line,) = run(settled)
    assert line.text == short
    (line,) = run(film.job(make_job, gaps, speaker=Speaker(stumbling, (1.1,)), rounds=0))
    assert line.text == long, "estimates alone"
    (line,) = run(film.job(make_job, gaps, speaker=voice.speaker()))
    assert line.text == long
    assert line.end - line.start == pytest.approx(seconds(long, "ko", 4.5), abs=0.002)


def test_a_line_is_planned_faster_only_where_nothing_else_helps(make_job: MakeJob, film: Film) -> None:
    line = "두 사람이 벤치에 앉는다."
    film.moment(10, 11, (line, 0.9))
    needed = seconds(line, "ko", 4.5)
    (found,) = run(film.job(make_job, [gap(1, 9.7, 10.7 + needed)], speaker=Voice().speaker()))
    assert "faster" not in found.parts
    (found,) = run(film.job(make_job, [gap(1, 9.7, 10.3 + needed / 1.08)], speaker=Voice().speaker()))
    assert found.parts["faster"] == pytest.approx(-0.2)
    assert found.end - found.start == pytest.approx(needed / 1.1, abs=0.002)


@korean
def test_words_are_left_out_where_no_candidate_fits(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 11, ("회색 코트를 입은 남자가 천천히 문을 열고 들어온다.", 0.9))
    job = film.job(make_job, [gap(1, 9.7, 13.0)], speaker=Voice().speaker())
    (line,) = run(job)
    assert line.text == "남자가 문을 열고 들어온다."
    assert line.candidate == "c00001a"
    assert line.parts["shortened"] == -0.1
    assert told(job) == []


@korean
@pytest.mark.parametrize(
    ("text", "shorter"),
    [
        ("할머니가 마루 끝에서 낡은 이불을 갠다.", ["할머니가 마루 끝에서 이불을 갠다."]),
        ("버스가 떠나고, 정류장에 소녀만 남는다.", []),
        ("남자가 손을 잡은 채 고개를 숙이고 있다.", []),
        ("자막, 십 년 후.", []),
        ("그가 문을 두드리는 소리를 듣는다.", []),
        ("소년이 눈을 감고 조용히 기도한다.", ["소년이 눈을 감고 기도한다.", "소년이 기도한다."]),
        ("남자가 전화를 안 받는다.", []),
    ],
)
def test_only_what_the_sentence_can_do_without_is_left_out(text: str, shorter: list[str]) -> None:
    assert shortened(text) == shorter


def test_moments_without_a_line_say_why(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 12, ("문이 열린다.", 0.9))
    film.moment(20, 22, ("글자, 출구.", 0.9), kind="text", seen=(20, 22))
    film.moment(30, 31, ("두 사람이 나란히 서서 오래도록 바다를 바라보며 이야기를 나눈다.", 0.9))
    film.moment(40, 41, ("문이 열린다.", 0.9))
    film.moment(50, 51, ("나무가 흔들린다.", 0.1))
    job = film.job(make_job, [gap(1, 9, 13), gap(2, 29.5, 32), gap(3, 39, 43)], speaker=Voice().speaker())
    (line,) = run(job)
    assert line.text == "문이 열린다."
    assert [(m["keyframe"], m["why"]["code"], m["why"].get("candidates", [])) for m in told(job)] == [
        ("k00002", "no gap", []),
        ("k00003", "too long", []),
        ("k00004", "said", ["c00001a"]),
        ("k00005", "low score", []),
    ]
    assert told(job)[2]["needed"] < told(job)[1]["needed"]
    assert [note.text for note in job.notes] == [
        "The lines are worth 1.3, the most that is possible",
        "“글자, 출구.” is on screen where no gap has room to read it",
        "2 moments are out of reach of every gap that has room for them: vdesc why tells them",
    ]


def test_a_line_keeps_the_parts_of_its_worth_and_what_it_displaced(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 12, ("두 사람이 나란히 서 있다.", 0.9))
    film.moment(10.5, 12, ("자막, 십 년 후.", 0.7), kind="text", seen=(10.5, 12))
    (line,) = film.schedule(make_job, [gap(1, 9.8, 13.2)])
    assert line.parts["score"] == 0.7
    assert line.parts["text"] == 2.0
    assert all(value < 0 for name, value in line.parts.items() if name not in ("score", "text", "new"))
    assert line.displaced == ("c00001a",)


def test_a_line_waits_until_a_loud_sound_has_passed(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 20, ("문이 열린다.", 0.9))
    loudness = np.full(300, -40.0)
    loudness[100:130] = -15.0
    (line,) = film.schedule(make_job, [gap(1, 9, 22)], loudness=loudness)
    assert line.start == pytest.approx(13.0, abs=0.1)


def test_news_counts_and_what_the_dialogue_says_does_not(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 15, ("여자가 편지를 읽는다.", 0.8), ("여자가 우산을 접는다.", 0.75))
    film.contexts[0] = film.contexts[0].model_copy(update={"dialogue_before": "여자는 편지를 읽는다고요?"})
    (line,) = film.schedule(make_job, [gap(1, 9, 16)])
    assert line.text == "여자가 우산을 접는다."


@pytest.mark.parametrize(("dialogue", "expected"), [("어서 오세요, 행복약국입니다.", True), ("어서 오세요.", False)])
def test_text_that_is_heard_is_not_read(dialogue: str, expected: bool) -> None:
    context = _context(dialogue_after=dialogue)
    evidence = (Evidence(kind="text", value="행복 약국"),)
    line = Candidate(id="a", keyframe="k", text="간판에 적힌 글, 행복 약국.", kind="text", style="strict",
                     length="short", model="m", evidence=evidence)  # fmt: skip
    assert heard(line, context) is expected
    subtitle = OnScreenText(text="행복 약국", role="subtitle", first_seen=0, last_seen=1, score=1, box=(0, 0, 1, 1))
    assert heard(line, _context(texts=(subtitle,))) is True


def _context(**more: Any) -> Context:
    values = {"texts": (), "people": 0, "light": "unknown", "same_place": None} | more
    return Context(id="c", keyframe="k", shot="s", time=1, start=0, end=2, **values)


def test_a_new_place_outranks_texture(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 12, ("두 사람이 나란히 서 있다.", 0.8))
    film.moment(10.5, 12, ("바닷가에 오래된 집이 있다.", 0.7))
    film.contexts[0] = film.contexts[0].model_copy(update={"same_place": "s00000"})
    (line,) = film.schedule(make_job, [gap(1, 9.8, 13.6)])
    assert line.text == "바닷가에 오래된 집이 있다."


def test_levels_of_detail_choose_from_the_same_candidates(make_job: MakeJob, film: Film) -> None:
    lines = [
        ("문이 열린다.", "한 여자가 낡은 문을 두 손으로 민다."),
        ("소년이 뛴다.", "맨발의 소년이 골목을 빠져나와 뛴다."),
        ("비가 온다.", "굵은 빗방울이 양철 지붕을 때린다."),
        ("개가 짖는다.", "담장 밑에서 누런 개가 짖는다."),
    ]
    for number, (short, long) in enumerate(lines):
        film.moment(10 + 6 * number, 16 + 6 * number, (short, 0.75), (long, 0.5))
        film.contexts[-1] = film.contexts[-1].model_copy(update={"same_place": "s00000" if number else None})
    gaps: list[Gap] = [gap(1, 9, 36)]
    spoken = {
        level: [n.end - n.start for n in film.schedule(make_job, gaps, detail=level)]
        for level in ("short", "standard", "rich")
    }
    assert 0 < sum(spoken["short"]) < sum(spoken["standard"]) < sum(spoken["rich"])
    assert len(spoken["short"]) < len(spoken["standard"]) == len(spoken["rich"])
