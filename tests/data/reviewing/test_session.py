"""What a reviewer does, and what becomes of the lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError
from data.review import applied
from data.review.session import Session
from data.review.store import Conflict
from data.review.undoing import BlockedError
from tests.data.reviewing.episodes import TEXTS, do, scheduled, session


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return scheduled(tmp_path / "ep")


@pytest.fixture
def yuna(results: Path) -> Session:
    return session(results)


def texts(one: Session) -> list[str]:
    return [line.text for line in one.lines() if line.spoken]


def test_lines_begin_as_drafted(yuna: Session) -> None:
    lines = yuna.lines()
    assert [line.text for line in lines] == list(TEXTS)
    assert [line.version for line in lines] == [0, 0, 0]
    assert [line.keyframe_time for line in lines] == [10.0, 20.0, 30.0]
    assert yuna.applied() == []


def test_an_edit_is_saved_and_seen_by_others(results: Path, yuna: Session) -> None:
    done = do(yuna, "edit", 0, text="  소영이가\n뛴다. ")
    assert [line.text for line in done.lines] == ["소영이가 뛴다."]
    (line,) = done.lines
    assert (line.version, line.candidate, done.number) == (1, None, 1)
    assert session(results, "민호").lines()[0] == line
    assert yuna.applied() == [line]


def test_a_candidate_takes_the_lines_place(yuna: Session) -> None:
    (line,) = do(yuna, "swap", 0, candidate="c00001b").lines
    assert (line.text, line.candidate, line.keyframe_time) == ("다른 문장 1 1.", "c00001b", 10.0)
    with pytest.raises(UserError, match="candidate is not there"):
        do(yuna, "swap", 0, candidate="c99999a")


def test_words_that_change_reopen_a_decision(yuna: Session) -> None:
    assert do(yuna, "approve", 0).lines[0].state == "approved"
    assert do(yuna, "edit", 0, text="소영이가 뛴다.").lines[0].state == "draft"
    do(yuna, "flag", 1, note="누구?")
    line = do(yuna, "move", 1, start=20.5).lines[0]
    assert (line.state, line.note, line.start) == ("flagged", "누구?", 20.5)


def test_split_and_merge(yuna: Session) -> None:
    first, second = do(yuna, "split", 0, at=TEXTS[0].index("펴고")).lines
    assert (first.text, second.text) == ("소영이가 우산을", "펴고 걷는다.")
    assert first.start + 1 < second.start < 15
    assert second.draft is None
    with pytest.raises(UserError, match="nothing to split off"):
        do(yuna, "split", 1, at=0)
    kept, gone = do(yuna, "merge", first, **{"with": second.id, "with_version": second.version}).lines
    assert (kept.id, kept.text, kept.start) == (first.id, TEXTS[0], 10.0)
    assert (gone.id, gone.deleted) == (second.id, True)
    assert texts(yuna) == list(TEXTS)


def test_a_line_in_any_gap_with_a_voice_of_its_own(yuna: Session) -> None:
    (line,) = do(yuna, "add", start=15.0, text="밤이 된다.", keyframe="k2").lines
    assert (line.keyframe_time, line.draft, line.version) == (20.0, None, 1)
    (line,) = do(yuna, "voice", line, voice="ko+f3", speed=1.2, readings={"밤": "바암"}).lines
    (line,) = do(yuna, "voice", line, speed=None).lines
    assert (line.voice, line.speed, line.readings) == ("ko+f3", None, {"밤": "바암"})
    (line,) = do(yuna, "record", line, recording="0" * 64 + ".wav").lines
    assert do(yuna, "edit", line, text="밤이 깊다.").lines[0].recording is None


@pytest.mark.parametrize(
    "gesture",
    [
        {"kind": "edit", "line": "d-x"},
        {"kind": "edit", "line": "d-x", "version": 0, "text": "  "},
        {"kind": "edit", "line": "d-x", "version": 0, "text": "가" * 1001},
        {"kind": "edit", "line": "d-x", "version": 0, "text": "가", "who": "me"},
        {"kind": "record", "line": "d-x", "version": 0, "recording": "../../x.wav"},
        {"kind": "move", "line": "d-x", "version": 0, "start": -1},
        {"kind": "move", "line": "d-x", "version": 0, "start": float("nan")},
        {"kind": "conquer"},
        {},
        {"kind": "edit", "line": "d-x", "version": 0, "text": "가"},
    ],
)
def test_what_cannot_be_done_is_one_line(yuna: Session, gesture: dict[str, Any]) -> None:
    with pytest.raises(UserError) as told:
        yuna.do(gesture)
    assert "\n" not in str(told.value)
    assert yuna.history() == []


def test_who_comes_second_sees_what_changed_and_what_both_would_be(results: Path, yuna: Session) -> None:
    minho = session(results, "민호")
    seen = minho.lines()[0]
    do(yuna, "edit", 0, text="소영이가 노란 우산을 펴고 걷는다.")
    with pytest.raises(Conflict) as told:
        do(minho, "edit", seen, text="소영이가 우산을 펴고 빗길을 걷는다.")
    assert [line.text for line in told.value.lines] == ["소영이가 노란 우산을 펴고 걷는다."]
    (joint,) = told.value.suggested
    assert joint.text == "소영이가 노란 우산을 펴고 빗길을 걷는다."
    assert do(minho, "edit", told.value.lines[0], text=joint.text).lines[0].version == 2
    with pytest.raises(Conflict) as told:
        do(minho, "edit", seen, text="지수가 걷는다.")
    assert told.value.suggested == ()


def test_undo_and_redo_without_limit(yuna: Session) -> None:
    before = yuna.lines()
    do(yuna, "edit", 0, text="가.")
    do(yuna, "split", 1, at=4)
    do(yuna, "add", start=25.0, text="나.")
    do(yuna, "delete", 2)
    after = texts(yuna)
    for _ in range(4):
        yuna.undo()
    assert [line.model_copy(update={"version": 0}) for line in yuna.lines()] == before
    assert yuna.applied() == []
    with pytest.raises(UserError, match="nothing that could be undone"):
        yuna.undo()
    for _ in range(4):
        yuna.redo()
    assert texts(yuna) == after
    with pytest.raises(UserError, match="nothing that could be done again"):
        yuna.redo()
    yuna.undo()
    do(yuna, "edit", 0, text="다.")
    with pytest.raises(UserError, match="nothing that could be done again"):
        yuna.redo()


def test_a_line_that_was_undone_can_be_changed_again(yuna: Session) -> None:
    do(yuna, "edit", 0, text="가.")
    yuna.undo()
    assert do(yuna, "edit", 0, text="나.").lines[0].version == 3


def test_undo_is_each_persons_own_and_never_loses_what_others_made_of_it(results: Path, yuna: Session) -> None:
    minho = session(results, "민호")
    do(yuna, "edit", 0, text="가.")
    do(minho, "edit", 1, text="나.")
    yuna.undo()
    assert texts(yuna)[:2] == [TEXTS[0], "나."]
    yuna.redo()
    do(minho, "edit", 0, text="다.")
    with pytest.raises(UserError, match=r"민호 has changed “다\.” since"):
        yuna.undo()
    minho.undo()
    yuna.undo()
    assert texts(yuna)[:2] == [TEXTS[0], "나."]


def test_a_line_yields_to_one_that_people_put_there_and_can_be_had_back(yuna: Session) -> None:
    done = do(yuna, "move", 0, start=20.0)
    assert {(line.text, line.deleted) for line in done.lines} == {(TEXTS[0], False), (TEXTS[1], True)}
    gone = next(line for line in yuna.lines() if line.deleted)
    (back,) = do(yuna, "reopen", gone).lines
    assert (back.spoken, back.text) == (True, TEXTS[1])
    yuna.undo()
    assert texts(yuna) == [TEXTS[0], TEXTS[2]]
    yuna.undo()
    assert texts(yuna) == list(TEXTS)


def test_replace_and_its_preview(yuna: Session) -> None:
    wanted = {"kind": "replace", "find": "편지", "to": "쪽지"}
    (row,) = yuna.preview({**wanted, "preview": True})
    assert (row.before, row.after) == (TEXTS[1], "민호가 쪽지를 읽는다.")
    assert yuna.history() == []
    assert yuna.do(wanted).lines[0].text == row.after
    with pytest.raises(UserError, match="No line says that"):
        yuna.do(wanted)
    with pytest.raises(UserError, match="left without words"):
        yuna.do({"kind": "replace", "find": TEXTS[2], "to": " "})
    yuna.do({"kind": "rename", "from": "소영", "to": "지수"})
    assert texts(yuna)[0] == "지수가 우산을 펴고 걷는다."


def test_history_comparison_and_progress(results: Path, yuna: Session) -> None:
    assert (yuna.progress().decided, yuna.progress().total, yuna.progress().errors) == (0, 3, 1)
    assert yuna.progress().minutes == 1.0
    do(yuna, "approve", 0)
    do(session(results, "민호"), "edit", 1, text="나.")
    do(yuna, "reject", 2)
    assert [(act.who, act.kind) for act in yuna.history()] == [
        ("유나", "approve"),
        ("민호", "edit"),
        ("유나", "reject"),
    ]
    line = yuna.lines()[1].id
    assert [act.kind for act in yuna.history(line)] == ["edit"]
    assert [(row.draft, row.now, row.who) for row in yuna.compare()] == [
        (TEXTS[1], "나.", ("민호",)), (TEXTS[2], None, ("유나",)),
    ]  # fmt: skip
    assert yuna.progress().decided == 2


def test_what_is_handed_to_a_run_is_read_again(results: Path, yuna: Session) -> None:
    do(yuna, "approve", 0)
    do(yuna, "delete", 1)
    yuna.save_applied()
    assert applied.read(results / "review") == yuna.applied()
    assert len(yuna.applied()) == 2


def test_a_text_is_checked_against_its_room(yuna: Session) -> None:
    fits = yuna.check_text("문이 열린다.", 10.0, 14.7)
    assert (fits.syllables, fits.room, fits.findings) == (5, 4.7, ())
    long = yuna.check_text("소영이가 우산을 펴고 빗길을 천천히 걸어간다. " * 2, 10.0, 14.7)
    assert {"room", "rate"} <= {found.rule for found in long.findings}
    assert [found.rule for found in yuna.check_text("문이 열린다.", 17.0, 17.0).findings] == ["room"]
    assert yuna.check_text("문이 열린다.", 18.0, 30.0).room == 1.8  # the next line begins at 20


def test_a_film_that_was_described_anew_keeps_what_people_made(results: Path, yuna: Session) -> None:
    edited = do(yuna, "edit", 0, text="소영이가 뛴다.").lines[0]
    added = do(yuna, "add", start=45.0, text="밤이 된다.").lines[0]
    do(yuna, "delete", 1)
    scheduled(
        results,
        ["우산을 든 사람이 걷는다.", "사람이 편지를 든다.", TEXTS[2], "차가 지나간다."],
        [10.4, 19.8, 30.0, 44.6],
    )
    lines = {line.text: line for line in yuna.lines()}
    assert texts(yuna) == ["소영이가 뛴다.", TEXTS[2], "밤이 된다."]
    assert (lines["소영이가 뛴다."], lines["밤이 된다."]) == (edited, added)
    assert lines["차가 지나간다."].version == 0


def test_an_episode_is_known_wherever_its_folder_lies(results: Path, yuna: Session) -> None:
    do(yuna, "approve", 0)
    moved = results.rename(results.with_name("moved"))
    assert session(moved).lines()[0].state == "approved"


def test_results_without_a_schedule_say_so(tmp_path: Path) -> None:
    (tmp_path / "ep").mkdir()
    with pytest.raises(UserError, match="has no schedule yet"):
        session(tmp_path / "ep").lines()


def test_what_cannot_be_handed_over_is_told_and_leaves_what_was(results: Path, yuna: Session) -> None:
    yuna.save_applied()
    do(yuna, "approve", 0)
    (results / "review" / "applied.json.partial").mkdir()
    with pytest.raises(UserError, match="cannot be read or saved"):
        yuna.save_applied()
    assert applied.read(results / "review") == []


def test_what_others_built_on_stands_in_the_way_of_one_undo_only(results: Path, yuna: Session) -> None:
    minho = session(results, "민호")
    do(yuna, "edit", 0, text="가.")
    do(yuna, "edit", 1, text="나.")
    do(minho, "edit", 1, text="다.")
    with pytest.raises(BlockedError, match=r"민호 has changed “다\.” since.*; undo again takes back") as refused:
        yuna.undo()
    assert texts(yuna)[:2] == ["가.", "다."]
    yuna.undo({refused.value.group})
    assert texts(yuna)[:2] == [TEXTS[0], "다."]
    with pytest.raises(BlockedError, match=r"work is not lost$"):
        yuna.undo()
    with pytest.raises(UserError, match="nothing that could be undone"):
        yuna.undo({refused.value.group})
    yuna.redo()
    assert texts(yuna)[:2] == ["가.", "다."]
