"""A person's script in the pauses: kept where it can be, moved little where it must, left out with a reason."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies

from data.reasons import Protected
from data.records import Gap, Keyframe, Narration, Utterance
from data.scripts import read_lines
from data.scripts.line import ScriptLine
from data.subtitles import read
from data.text import language
from stages.schedule import Config
from stages.schedule.given import MEASURED, Window, Wish, isotonic, narrations, opened, place
from stages.sources import RunSettings
from stages.stage import Job
from tests.conftest import plain_episode

PAUSE = 0.2


def wish(start: float, end: float, seconds: float, *, early: float = 2.0, late: float = 1.0) -> Wish:
    return Wish(ScriptLine(start, end, "문이 열린다."), seconds, max(0.0, start - early), end + late)


def starts(wishes: list[Wish], *windows: tuple[float, float]) -> list[float]:
    placed, left = place(wishes, [Window(*w) for w in windows], PAUSE, MEASURED)
    assert not left
    return [put.start for put in placed]


def test_lines_whose_time_is_free_stay() -> None:
    assert starts([wish(2, 4, 2), wish(10, 11, 3)], (0, 5), (8, 20)) == [2, 10]


def test_a_line_moves_into_the_nearest_pause_no_further_than_needed() -> None:
    assert starts([wish(4, 6, 2)], (0, 5), (9, 12)) == [3]
    assert starts([wish(7, 9, 2)], (0, 5), (8, 12)) == [8]


def test_two_lines_in_each_others_way_share_the_move() -> None:
    first, second = starts([wish(5, 7, 3), wish(6, 9, 3)], (0, 20))
    assert second - first == pytest.approx(3 + PAUSE)
    assert first == pytest.approx(5 - 1.1)
    assert second == pytest.approx(6 + 1.1)


def test_a_tight_pause_is_left_to_a_faster_voice() -> None:
    (put,), left = place([wish(1, 3, 2.1)], [Window(1, 3)], PAUSE, MEASURED)
    assert (put.start, put.until, left) == (1, 3, [])


def test_the_line_that_is_too_long_for_its_own_time_is_left_out() -> None:
    placed, left = place([wish(0, 1, 1), wish(1, 3, 4), wish(4, 5, 1)], [Window(0, 4.5)], PAUSE, MEASURED)
    assert [put.wish.seconds for put in placed] == [1, 1]
    assert [over.seconds for over in left] == [4]


def test_a_line_finds_room_in_the_other_pause() -> None:
    placed, left = place([wish(2.5, 4, 1.4), wish(2.6, 4, 1.4)], [Window(2, 4), Window(4.5, 7)], PAUSE, MEASURED)
    assert [put.window for put in placed] == [0, 1]
    assert not left


@pytest.mark.parametrize("windows", [[], [(0, 1)], [(30, 40)]])
def test_without_a_pause_in_reach_nothing_is_said(windows: list[tuple[float, float]]) -> None:
    placed, left = place([wish(10, 12, 2)], [Window(*w) for w in windows], PAUSE, MEASURED)
    assert not placed
    assert len(left) == 1


times = strategies.floats(0, 60).map(lambda t: round(t, 2))


@given(
    strategies.lists(strategies.tuples(times, strategies.floats(0.5, 6)), max_size=30),
    strategies.lists(times, max_size=12, unique=True).map(sorted),
)
def test_placed_lines_lie_in_their_windows_apart_and_in_time(
    cues: list[tuple[float, float]], edges: list[float]
) -> None:
    windows = [Window(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    wishes = [wish(start, start + seconds, seconds) for start, seconds in sorted(cues)]
    placed, left = place(wishes, windows, PAUSE, MEASURED)
    assert len(placed) + len(left) == len(wishes)
    for put in placed:
        window = windows[put.window]
        assert window.start - 1e-3 <= put.start
        assert put.start + put.wish.seconds / 1.1 <= put.until + 2e-3
        assert put.until <= window.end + 1e-3
        assert put.wish.earliest - 1e-3 <= put.start <= put.wish.latest + 1e-3
    for before, after in pairwise(placed):
        assert after.start >= before.start
        if before.window == after.window:
            assert after.start >= before.until + PAUSE - 2e-3


@given(strategies.lists(strategies.integers(-20, 20), max_size=8))
def test_isotonic_is_the_least_squares_one(values: list[int]) -> None:
    """Against the max-min formula of isotonic regression."""
    ours = isotonic([float(v) for v in values])
    for i, value in enumerate(ours):
        known = max(min(sum(values[a:b]) / (b - a) for b in range(i + 1, len(values) + 1)) for a in range(i + 1))
        assert value == pytest.approx(known)


def test_ten_thousand_overlapping_lines() -> None:
    wishes = [wish(n * 0.1, n * 0.1 + 1, 1.0) for n in range(10_000)]
    placed, left = place(wishes, [Window(0, 500), Window(501, 1000)], PAUSE, MEASURED)
    assert len(placed) + len(left) == 10_000
    assert len(placed) > 800


def gaps_beside(captions: list[tuple[float, float]], duration: float) -> list[Gap]:
    edges = [(0.0, 0.0), *captions, (duration, duration)]
    return [
        Gap(id=f"g{n:05d}", start=a, end=b, lead_in=0.3 if a else 0.0, lead_out=0.3, bed="silence", loudness=None,
            usable=True)
        for n, ((_, a), (b, _)) in enumerate(pairwise(edges), 1) if b - a > 0.7
    ]  # fmt: skip


STILLS = [Keyframe(id=f"k{n:05d}", shot="s1", time=n * 10, image="a", sharpness=1, luma=1, look=()) for n in range(66)]


def allowed(line: ScriptLine, captions: list[tuple[float, float]]) -> bool:
    """Whether the line's own time lets a voice speak it, 1.10 times as fast at most, in a pause of the captions."""
    needed = language.seconds(line.text, "en", language.PLAN_RATE["en"]) / 1.1
    free = min([b for _, b in [(0, line.end), *((0, a - 0.3) for a, b in captions if b > line.start)]])
    begun = max([line.start, *(b + 0.3 for a, b in captions if a <= line.start)])
    return free - begun >= needed


def test_a_real_script_over_real_captions(media: Path, make_job: Callable[..., Job[Any]]) -> None:
    """Elephants Dream: 63 lines of a describer; 8 of them lie over captions."""
    folder = media / "elephantsdream-text"
    captions = [(c.start, c.end) for c in read(folder / "captions.en.vtt", "en") if c.spoken]
    job = make_job(
        Config(),
        {Gap: gaps_beside(captions, 653.0), Keyframe: STILLS, Utterance: []},
        episode=plain_episode(duration=653.0),
        settings=RunSettings(language="en"),
    )
    placed: list[Narration] = list(narrations(job, folder / "descriptions.en.vtt", PAUSE))
    assert not any(n.start < b and a < n.until for n in placed for a, b in captions)
    spoken = {n.text for n in placed}
    free = [line for line in read_lines(folder / "descriptions.en.vtt") if allowed(line, captions)]
    assert len(free) > 25
    assert sum(line.text not in spoken for line in free) <= 0.05 * len(free)
    own = {line.text: line.start for line in read_lines(folder / "descriptions.en.vtt")}
    moves = sorted(abs(own[n.text] - n.start) for n in placed)
    assert moves[len(moves) // 2] < 0.5, "most lines stay where the describer put them"
    assert any("were moved into the pauses" in note.text for note in job.notes) == (moves[-1] >= 0.1)


def test_lines_that_are_left_out_are_told(tmp_path: Path, make_job: Callable[..., Job[Any]]) -> None:
    script = tmp_path / "a.csv"
    script.write_text("start,end,text,kind\n1,3,문이 열린다.,visual\n30,32,여름 바다,title\n", encoding="utf-8")
    job = make_job(Config(), {Gap: gaps_beside([(10, 60)], 60.0), Keyframe: STILLS, Utterance: []})
    (line,) = narrations(job, script, PAUSE)
    assert (line.text, line.kind, line.start, line.keyframe) == ("문이 열린다.", "visual", 1.0, "k00000")
    assert ["여름 바다" in note.text for note in job.notes] == [True]


def heard(start: float, end: float, text: str = "", source: str = "speech") -> Utterance:
    return Utterance(id=f"u{start:09.3f}", start=start, end=end, text=text, source=source)


CUE = wish(10, 14, 3)
BESIDE = gaps_beside([(9, 13)], 60.0)
PAUSES = [Window(*gap.window) for gap in BESIDE]


@pytest.mark.parametrize(
    ("voices", "kept"),
    [
        ([heard(9, 13)], True),
        ([heard(9, 13, source="subtitles", text="안녕.")], False),  # a caption
        ([heard(9, 13, source="whisper", text="안녕.")], False),  # words that were recognised
        ([heard(9, 13, source="damaged")], False),  # nobody knows what is said there
        ([heard(9, 11), heard(13, 14, source="subtitles+speech", text="안녕.")], False),  # … within the guard
        ([heard(9, 11), heard(13.5, 14, source="subtitles", text="안녕.")], True),
    ],
)
def test_an_unconfirmed_voice_does_not_move_a_line_that_fits_its_own_cue(voices: list[Utterance], kept: bool) -> None:
    windows = opened(PAUSES, [CUE], BESIDE, voices)
    placed, _ = place([CUE], windows, PAUSE, MEASURED)
    assert ([put.start for put in placed] == [10]) is kept
    assert (windows == PAUSES) is not kept


def test_a_line_too_long_for_its_cue_gets_no_more_room() -> None:
    long = wish(10, 12, 3)
    assert opened(PAUSES, [long], BESIDE, [heard(9, 13)]) == PAUSES


def test_a_song_is_kept_whoever_hears_a_voice_in_it() -> None:
    song = [gap.model_copy(update={"usable": False, "why": Protected()}) for gap in gaps_beside([(9, 13)], 60.0)]
    assert opened([], [CUE], song, [heard(9, 13)]) == []


def test_lines_over_unconfirmed_voices_are_told(tmp_path: Path, make_job: Callable[..., Job[Any]]) -> None:
    script = tmp_path / "a.csv"
    script.write_text("start,end,text\n10,14,문이 열린다.\n", encoding="utf-8")
    records: dict[Any, Any] = {Gap: BESIDE, Keyframe: STILLS, Utterance: [heard(9, 13)]}
    job = make_job(Config(), records)
    (line,) = narrations(job, script, PAUSE)
    assert line.start == 10
    assert ["10.0 s" in note.text and "trust_script" in note.text for note in job.notes] == [True]
    job = make_job(Config(trust_script=False), records)
    assert all(line.start >= 13.3 for line in narrations(job, script, PAUSE))


def test_ten_thousand_lines_among_as_many_voices() -> None:
    wishes = [wish(n, n + 0.9, 0.5) for n in range(10_000)]
    voices = [heard(n, n + 0.5) for n in range(10_000)]
    windows = opened([], wishes, BESIDE, voices)
    assert len(windows) == 10_000
