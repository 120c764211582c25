"""The schedule: what is chosen, where it lies, and what it never does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.products import LoudnessCurve
from data.reasons import TooShort
from data.records import Candidate, Context, Gap, Kind, Narration, OnScreenText, Ranked
from data.text.language import seconds
from stages.schedule import Config, run
from stages.sources import RunSettings, Speaker
from stages.stage import Job

MakeJob = Callable[..., Job[Any]]


def gap(number: int, start: float, end: float, usable: bool = True) -> Gap:
    why = None if usable else TooShort(room=end - start, needed=1.5)
    return Gap(
        id=f"g{number:05d}", start=start, end=end, lead_in=0.3, lead_out=0.3, bed="ambience", loudness=-40,
        usable=usable, why=why,
    )  # fmt: skip


class Film:
    """Moments with candidates; builds the job."""

    def __init__(self) -> None:
        self.contexts: list[Context] = []
        self.candidates: list[Candidate] = []
        self.ranked: list[Ranked] = []

    def moment(
        self,
        start: float,
        end: float,
        *lines: tuple[str, float],
        kind: Kind = "visual",
        seen: tuple[float, float] | None = None,
    ) -> None:
        number = len(self.contexts) + 1
        keyframe, time = f"k{number:05d}", (start + end) / 2
        texts = ()
        if seen:
            box = (0.1, 0.1, 0.2, 0.1)
            texts = (OnScreenText(text="x", role="sign", first_seen=seen[0], last_seen=seen[1], score=1, box=box),)
        self.contexts.append(
            Context(id=f"c{number:05d}", keyframe=keyframe, shot=f"s{number:05d}", time=time, start=start, end=end,
                    texts=texts, people=0, light="unknown", same_place=None)
        )  # fmt: skip
        for letter, (text, score) in zip("abcdef", lines, strict=False):
            name = f"c{number:05d}{letter}"
            self.candidates.append(
                Candidate(id=name, keyframe=keyframe, text=text, kind=kind, style="strict", length="short", model="m")
            )
            self.ranked.append(Ranked(id=f"r{name}", candidate=name, keyframe=keyframe, score=score, parts={}))

    def job(
        self,
        make_job: MakeJob,
        gaps: list[Gap],
        early: float = 0.0,
        loudness: Sequence[float] = (-40.0,) * 2000,
        speaker: Speaker | None = None,
        language: Literal["ko", "en"] = "ko",
        **config: Any,
    ) -> Job[Any]:
        records = {Context: self.contexts, Candidate: self.candidates, Ranked: self.ranked, Gap: gaps}
        job = make_job(
            Config(**config), records, settings=RunSettings(language=language, early=early), speaker=lambda: speaker
        )
        LoudnessCurve(np.array(loudness, np.float32)).leave(job.folder_of(Gap))
        return job

    def schedule(self, make_job: MakeJob, gaps: list[Gap], **config: Any) -> list[Narration]:
        return list(run(self.job(make_job, gaps, **config)))


@pytest.fixture
def film() -> Film:
    return Film()


def test_the_better_line_is_spoken_if_it_fits(make_job: MakeJob, film: Film) -> None:
    long, short = "두 사람이 나란히 서서 오래도록 바다를 바라본다.", "두 사람이 선다."
    film.moment(10, 15, (long, 0.9), (short, 0.6))
    assert [n.text for n in film.schedule(make_job, [gap(1, 9, 16)])] == [long]
    assert [n.text for n in film.schedule(make_job, [gap(1, 9, 13)])] == [short]
    assert film.schedule(make_job, [gap(1, 9, 11)]) == []


def test_shorter_candidates_follow_as_alternatives(make_job: MakeJob, film: Film) -> None:
    film.moment(
        10,
        20,
        ("두 사람이 나란히 선다.", 0.9),
        ("둘이 선다.", 0.5),
        ("두 사람이 선다.", 0.6),
        ("두 사람이 나란히 바다를 본다.", 0.4),
    )
    (line,) = film.schedule(make_job, [gap(1, 9, 14.2)])
    assert [a.text for a in line.alternatives] == ["두 사람이 선다.", "둘이 선다."]


def test_unusable_gaps_stay_empty(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 20, ("문이 열린다.", 0.9))
    assert film.schedule(make_job, [gap(1, 9, 16, usable=False)]) == []


def test_a_line_waits_for_its_picture_unless_no_other_place_is_left(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 20, ("문이 열린다.", 0.9))
    (line,) = film.schedule(make_job, [gap(1, 5, 16)], early=2.0)
    assert line.start == 10
    needed = seconds("문이 열린다.", "ko", 4.5)
    (line,) = film.schedule(make_job, [gap(1, 5, 10.5)], early=2.0)
    assert line.start == pytest.approx(10.2 - needed, abs=0.002)
    assert film.schedule(make_job, [gap(1, 5, 10.5)], early=0.0) == []
    assert film.schedule(make_job, [gap(1, 5, 8.5)], early=1.0) == []


def test_a_line_is_not_spoken_long_after_its_picture(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 12, ("문이 열린다.", 0.9))
    assert len(film.schedule(make_job, [gap(1, 12.6, 20)])) == 1
    assert film.schedule(make_job, [gap(1, 13, 20)]) == []


def test_text_is_read_while_it_is_seen(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 20, ("글자, 출구.", 0.9), kind="text", seen=(13, 15))
    assert [n.start for n in film.schedule(make_job, [gap(1, 9, 22)])] == [13]
    assert len(film.schedule(make_job, [gap(1, 15.6, 22)])) == 1
    assert film.schedule(make_job, [gap(1, 16.0, 22)]) == []


def test_on_screen_text_outranks_a_view(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 12, ("두 사람이 나란히 서 있다.", 0.9))
    film.moment(10.5, 12, ("자막, 십 년 후.", 0.7), kind="text", seen=(10.5, 12))
    (line,) = film.schedule(make_job, [gap(1, 9.8, 13.2)])
    assert line.kind == "text"


def test_the_same_is_not_said_again_within_a_minute(make_job: MakeJob, film: Film) -> None:
    for start in (10, 30, 100):
        film.moment(start, start + 5, ("두 사람이 있다.", 0.9))
    film.moment(20, 25, ("문이 열린다.", 0.9))
    film.contexts.sort(key=lambda c: c.time)
    gaps = [gap(1, 9, 40), gap(2, 99, 110)]
    assert [n.text for n in film.schedule(make_job, gaps)] == ["두 사람이 있다.", "문이 열린다.", "두 사람이 있다."]


def test_long_gaps_keep_room_for_the_programme(make_job: MakeJob, film: Film) -> None:
    for number, thing in enumerate(("문이", "창이", "상자가", "가방이", "서랍이")):
        film.moment(10 + number, 20, (f"커다랗고 오래된 {thing} 천천히 열린다.", 0.9))
    lines = film.schedule(make_job, [gap(1, 10, 20)], similarity=1.0)
    assert 0 < sum(n.end - n.start for n in lines) <= 0.8 * 9.4 + 1e-6


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_overlapping_ordered_and_inside_the_guards(make_job: MakeJob, data: st.DataObject) -> None:
    film, time, gaps = Film(), 0.0, []
    for number in range(data.draw(st.integers(1, 5))):
        start = time + data.draw(st.floats(0, 5))
        time = start + data.draw(st.floats(0.1, 12))
        gaps.append(gap(number + 1, start, time, usable=time - start >= 1.5))
    for _ in range(data.draw(st.integers(0, 8))):
        start = data.draw(st.floats(0, 40))
        words = data.draw(
            st.lists(st.sampled_from(["남자가", "문을", "연다", "두", "사람이", "걷는다"]), min_size=1, max_size=9)
        )
        film.moment(start, start + data.draw(st.floats(0.1, 10)), (" ".join(words) + ".", data.draw(st.floats(0.3, 1))))
    film.contexts.sort(key=lambda c: c.time)
    lines = film.schedule(make_job, gaps, early=data.draw(st.sampled_from([0.0, 2.0])))
    windows = {g.id: g.window for g in gaps if g.usable}
    for line in lines:
        opens, closes = windows[line.gap]
        assert opens - 1e-3 <= line.start < line.end <= line.until + 1e-3
        assert line.until <= closes + 1e-3
    for one, other in pairwise(lines):
        assert one.until <= other.start + 1e-3
        assert one.id < other.id
