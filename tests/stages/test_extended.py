"""Which lines the film waits for, where it is stopped, and what is heard then."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.media.extended import added, frame_rate, freezes, later
from data.reasons import LostTo, NoRoom, Overruns, Reason, Refused, Repeats, TooLong
from data.records import Clip, Extended, Line, Missed
from stages.extended.choosing import DECIDED, Wanted, chosen, wanted
from stages.extended.instants import Instant, free_stretches, instant
from stages.extended.sound import FADE, Stop, panning, stopped

RATE = Fraction(25)


def want(start: float = 10.0, end: float = 14.0, **changes: Any) -> Wanted:
    values: dict[str, Any] = {
        "text": "문이 열린다.", "kind": "visual", "keyframe": "k1", "candidate": "c1", "worth": 1.2, "scene": False,
        "why": NoRoom(),
    }  # fmt: skip
    return Wanted(start, end, **(values | changes))


def missed(**changes: Any) -> Missed:
    values = {
        "keyframe": "k1", "start": 1.0, "end": 3.0, "kind": "visual", "candidate": "c1", "text": "문이 열린다.",
        "why": NoRoom(), "worth": 1.2, "scene": False,
    }  # fmt: skip
    return Missed.model_validate(values | changes)


def line(**changes: Any) -> Line:
    values = {
        "id": "n1", "start": 5.0, "end": 6.0, "until": 6.0, "text": "남자가 긴 편지를 읽는다.", "kind": "visual",
        "gap": "g1", "keyframe": "k1", "candidate": "c9", "score": 0.7,
        "parts": {"score": 0.7, "scene": 0.3, "late": -0.2},
    }  # fmt: skip
    return Line.model_validate(values | changes)


def dropped(**changes: Any) -> Clip:
    values = {
        "id": "n1", "narration": "n1", "text": "남자가 긴 편지를 읽는다.", "candidate": "c9", "start": 5.0, "end": 5.0,
        "file": None, "voice": "espeak", "dropped": Overruns(needed=3.0, room=1.0),
    }  # fmt: skip
    return Clip.model_validate(values | changes)


def instant_of(line: Wanted, speech: list[tuple[float, float]], *taken: Instant, reach: float = 4.0) -> float | None:
    found = instant(line, free_stretches(speech, [], 60.0), list(taken), reach, 5.0, RATE)
    return found.time if found else None


@pytest.mark.parametrize(
    ("why", "kind", "kept"),
    [
        (NoRoom(), "visual", True),
        (TooLong(needed=3, room=2), "visual", True),
        (LostTo(candidates=("c9",)), "visual", False),  # a better line of the same gap took its place
        (LostTo(candidates=("c9",)), "text", True),
        (Repeats(candidates=("c9",)), "text", False),
        (Refused(rules=()), "visual", False),
    ],
)
def test_only_what_no_gap_can_hold(why: Reason, kind: str, kept: bool) -> None:
    assert bool(list(wanted([missed(why=why, kind=kind)], [], [], "ko"))) == kept


def test_lines_that_the_voice_dropped_are_kept_with_its_reason() -> None:
    (found,) = wanted([], [line()], [dropped()], "ko")
    assert found.why == Overruns(needed=3.0, room=1.0)
    assert found.worth == pytest.approx(1.0)
    assert found.scene
    (given_line,) = wanted([], [line(given=True, parts={})], [dropped()], "ko")
    assert given_line.worth == DECIDED


def test_nothing_that_must_not_be_spoken() -> None:
    refused = '{"error": "rate limit"}'
    assert not list(wanted([missed(text=refused)], [line(text=refused)], [dropped(text=refused)], "ko"))


def test_words_first_then_scenes_then_the_rest_by_worth() -> None:
    left = [
        want(text="가 나", worth=2.0),
        want(text="다 라", worth=1.1, scene=True),
        want(text="마 바", worth=0.2, kind="title"),
        want(text="사 아", worth=1.5),
        want(text="자 차", worth=0.9),
    ]
    assert [w.text for w in chosen(left, [], 1.0)] == ["마 바", "다 라", "가 나", "사 아"]


def test_nothing_is_said_twice() -> None:
    left = [want(text="문이 열린다."), want(20, 22, text="문이 열린다."), want(200, 202, text="문이 열린다.")]
    assert [w.start for w in chosen(left, [(250.0, "밤이다.")], 1.0)] == [10, 200]
    assert [w.start for w in chosen(left, [(12.0, "문이 열린다.")], 1.0)] == [200]


@pytest.mark.parametrize(
    ("speech", "expected"),
    [
        ([], 10.0),  # at the cut
        ([(9.0, 12.0)], 12.08),  # after the words, with a margin, on a frame
        ([(9.0, 12.0), (12.1, 20.0)], 12.04),  # a short pause: its middle
        ([(9.0, 12.0), (12.0, 20.0)], 12.0),  # between two utterances that touch
        ([(9.0, 15.0)], 15.12),  # after the picture has gone
        ([(9.0, 17.0)], 8.88),  # a second before it: nearer, though worse
        ([(2.0, 30.0)], None),
    ],
)
def test_the_instant_is_a_pause_as_early_in_the_moment_as_can_be(
    speech: list[tuple[float, float]], expected: float | None
) -> None:
    assert instant_of(want(), speech) == expected


def test_lines_near_each_other_share_a_freeze_while_the_picture_is_shown() -> None:
    assert instant_of(want(), [], Instant(12.0)) == 12.0
    assert instant_of(want(), [], Instant(15.0)) == 10.0, "another picture"
    assert instant_of(want(10, 40), [], Instant(30.0)) == 10.0, "too late"


spans = st.lists(st.tuples(st.integers(0, 5900), st.integers(1, 400)), max_size=30)


@given(spans, st.integers(0, 5500), st.integers(10, 500))
def test_never_inside_a_word(speech: list[tuple[int, int]], start: int, length: int) -> None:
    said = [(a / 100, min((a + n) / 100, 60.0)) for a, n in speech]
    time = instant_of(want(start / 100, (start + length) / 100), said)
    assert time is None or not any(a + 0.021 < time < b - 0.021 for a, b in said), "to half a frame"


def test_a_stop_is_inserted_where_it_belongs_and_nothing_is_lost() -> None:
    programme = np.random.default_rng(0).uniform(-0.5, 0.5, (30_000, 2)).astype(np.float32)
    voice = np.full(5_000, 0.25, np.float32)
    blocks = [programme[:12_000], programme[12_000:24_000], programme[24_000:]]
    made = np.concatenate(
        list(stopped(blocks, [Stop(12_000, 5_000, voice), Stop(29_000, 5_000, voice)], panning("stereo")))
    )
    assert len(made) == 40_000
    assert made[12_000:17_000] == pytest.approx(0.25 * 0.5**0.5)
    assert (made[: 12_000 - FADE] == programme[: 12_000 - FADE]).all()
    assert (made[17_000 + FADE : 34_000 - FADE] == programme[12_000 + FADE : 29_000 - FADE]).all()
    assert np.abs(made[11_990:12_000]).max() < 0.001, "silent before it stops"
    assert np.abs(made[17_000:17_010]).max() < 0.001, "silent when it goes on"


def test_a_stop_at_either_end_of_the_film() -> None:
    programme, voice = np.ones((3_000, 1), np.float32), np.zeros(100, np.float32)
    made = np.concatenate(list(stopped([programme], [Stop(0, 100, voice), Stop(3_000, 100, voice)], panning("mono"))))
    assert len(made) == 3_200
    assert not made[:100].any()
    assert not made[-100:].any()


@pytest.mark.parametrize(
    ("layout", "gains"),
    [("mono", [1]), ("stereo", [0.7071, 0.7071]), ("5.1", [0, 0, 1, 0, 0, 0])],
)
def test_lines_come_from_where_the_mix_puts_them(layout: str, gains: list[float]) -> None:
    from stages.mix.render import panning as mixed

    assert panning(layout).tolist() == pytest.approx(gains, abs=1e-4) == mixed(layout).tolist()


def test_times_of_the_programme_in_the_extended_film() -> None:
    lines = [
        Extended(id=f"x{n}", time=time, stands=stands, start=0, end=1, text="밤", kind="visual", keyframe="k",
                 candidate="c", worth=1, why=NoRoom(), file="x.wav", voice="v")
        for n, (time, stands) in enumerate([(2.0, 3.0), (2.0, 3.0), (10.0, 1.5)])
    ]  # fmt: skip
    stops = freezes(lines)
    assert [(s.time, s.start, s.end) for s in stops] == [(2.0, 2.0, 5.0), (10.0, 13.0, 14.5)]
    assert added(stops) == 4.5
    assert [later(t, stops) for t in (1.0, 2.0, 9.0, 11.0)] == [1.0, 5.0, 12.0, 15.5]


def test_rates_are_those_of_the_field() -> None:
    assert frame_rate(23.976023976) == Fraction(24000, 1001)
    assert frame_rate(25.0) == 25
    assert frame_rate(120.0) == 60
