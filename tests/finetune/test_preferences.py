"""Reviews: what acts say about texts, and what they teach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError
from data.review import evidence as reviews
from data.review.session import Session
from finetune.episodes import offered
from finetune.preferences import of_results, preferences
from finetune.rows import Example
from tests.data.reviewing.episodes import do, schedule, session
from tests.finetune.workspaces import LINES, results

FIRST, SECOND, THIRD = (texts[0] for texts in LINES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An episode that says the first candidate of each picture, a little after it."""
    return schedule(results(tmp_path / "ep"), [FIRST, SECOND, THIRD], [10.4, 20.4, 30.4])


@pytest.fixture
def yuna(folder: Path) -> Session:
    return session(folder)


def learnt(folder: Path, **options: Any) -> tuple[Example, ...]:
    """What the reviews of the folder teach."""
    return of_results([folder], **options).examples


def said(folder: Path) -> list[tuple[str, str, str]]:
    return [(review.action, review.before, review.after) for review in reviews.read(folder)]


def test_acts_are_read_as_reviews_of_texts(folder: Path, yuna: Session) -> None:
    assert reviews.read(folder) == []
    do(yuna, "edit", 0, text="소영이 우산을 편다.")
    do(yuna, "move", 0, start=10.0)
    do(yuna, "approve", 0)
    do(yuna, "delete", 1)
    do(yuna, "add", start=40.0, text="밤.")
    do(yuna, "reject", THIRD)
    assert said(folder) == [
        ("edit", FIRST, "소영이 우산을 편다."), ("approve", "소영이 우산을 편다.", ""), ("delete", SECOND, ""),
        ("add", "", "밤."), ("reject", THIRD, ""),
    ]  # fmt: skip
    first = reviews.read(folder)[0]
    assert (first.who, first.time, first.keyframe_time) == ("유나", 10.4, 10.0)


def test_what_was_undone_or_opened_again_counts_no_more(folder: Path, yuna: Session) -> None:
    do(yuna, "edit", 0, text="가.")
    do(yuna, "approve", 1)
    do(yuna, "reject", 2)
    do(yuna, "reopen", 2)
    assert said(folder) == [("edit", FIRST, "가."), ("approve", SECOND, "")]
    yuna.undo()
    assert [action for action, _, _ in said(folder)] == ["edit", "approve", "reject"]
    for _ in range(3):
        yuna.undo()
    assert said(folder) == []
    yuna.redo()
    assert said(folder) == [("edit", FIRST, "가.")]


def test_an_edit_beats_what_it_replaced(folder: Path, yuna: Session) -> None:
    do(yuna, "edit", 0, text="소영이 우산을 편다.")
    (example,) = learnt(folder)
    assert (example.response, example.rejected) == ("소영이 우산을 편다.", (FIRST,))
    row = offered(folder)[0]
    assert (example.prompt, example.image, example.time) == (row.prompt, row.image, 10.0)
    assert example.source == "review: 유나"
    assert example.asked is not None
    assert row.asked is not None
    assert example.asked["support"] == [[], row.asked["support"][0]]  # nobody knows what supports the edit


def test_the_last_wording_counts(folder: Path, yuna: Session) -> None:
    for text in ("가.", "비 오는 밤.", FIRST):
        do(yuna, "edit", 0, text=text)
    assert [(e.response, set(e.rejected)) for e in learnt(folder)] == [(FIRST, {"가.", "비 오는 밤."})]


def test_rejected_texts_stand_against_what_was_chosen(folder: Path, yuna: Session) -> None:
    line = do(yuna, "add", start=15.0, text="한 사람이 거리에 있다.", keyframe="k1").lines[0]
    do(yuna, "reject", line)
    do(yuna, "edit", 0, text="비 오는 밤.")
    (example,) = (e for e in learnt(folder) if e.response == "비 오는 밤.")
    assert example.rejected == (FIRST, "한 사람이 거리에 있다.")


def test_two_lines_about_one_picture_stay_apart(folder: Path, yuna: Session) -> None:
    do(yuna, "edit", 0, text="가.")
    do(yuna, "add", start=12.0, text="나.", keyframe="k1")
    do(yuna, "edit", 0, text="다.")
    assert {(e.response, e.rejected) for e in learnt(folder)} == {("다.", (FIRST, "가.")), ("나.", ())}


def test_deleted_lines_teach_only_with_what_took_their_place(folder: Path, yuna: Session) -> None:
    do(yuna, "delete", FIRST)
    do(yuna, "reject", SECOND)
    found = preferences(reviews.read(folder), offered(folder))
    assert found.examples == ()
    assert found.counts == {"delete": 1, "reject": 1, "nothing to learn": 2}
    do(yuna, "add", start=10.4, text="소영이 걷는다.", keyframe="k1")
    (example,) = learnt(folder)
    assert (example.response, example.rejected) == ("소영이 걷는다.", (FIRST,))


def test_a_line_that_was_brought_back_teaches_nothing(folder: Path, yuna: Session) -> None:
    do(yuna, "delete", FIRST)
    do(yuna, "reopen", FIRST)
    assert learnt(folder) == ()


def test_approvals_teach_only_when_asked(folder: Path, yuna: Session) -> None:
    do(yuna, "approve", 0)
    assert learnt(folder) == ()
    (example,) = learnt(folder, approvals=True)
    assert (example.response, example.rejected) == (FIRST, LINES[0][1:])
    do(yuna, "edit", 0, text="가.")
    do(yuna, "approve", 0)
    (edited,) = learnt(folder, approvals=True)
    assert (edited.response, edited.rejected) == ("가.", (FIRST,))


def test_lines_approved_of_one_picture_do_not_stand_against_each_other(folder: Path, yuna: Session) -> None:
    do(yuna, "approve", 0)
    do(yuna, "add", start=10.9, text=LINES[0][1])
    first = next(example for example in learnt(folder, approvals=True) if example.response == FIRST)
    assert first.rejected == LINES[0][2:]


def test_reviews_find_their_picture_by_time_whatever_the_ids(folder: Path, yuna: Session) -> None:
    do(yuna, "edit", SECOND, text="가.")
    do(yuna, "add", start=25.0, text="나.")
    found = preferences(reviews.read(folder), offered(folder))
    assert [e.time for e in found.examples] == [20.0, 25.0]
    assert found.counts["no keyframe at that time"] == 1
    assert found.examples[1].asked is None


def test_without_reviews_this_is_said(folder: Path, yuna: Session) -> None:
    assert yuna.history() == []
    with pytest.raises(UserError, match="Nobody has reviewed"):
        of_results([folder])
