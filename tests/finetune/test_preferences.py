"""Reviews: written and read again after a crash, and what they teach."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from data import reviews
from data.errors import UserError
from data.reviews import Review
from finetune.episodes import offered
from finetune.preferences import of_results, preferences
from finetune.rows import Example
from tests.finetune.workspaces import LINES, results

FIRST, SECOND, THIRD = (texts[0] for texts in LINES)


def review(action: str, before: str = "", after: str = "", time: float = 10.4, **fields: Any) -> Review:
    values = {"who": "유나", "at": datetime(2026, 3, 1, tzinfo=UTC), "action": action, "time": time}
    return Review.model_validate(values | {"before": before, "after": after, "keyframe_time": round(time)} | fields)


def learnt(tmp_path: Path, *made: Review, **options: Any) -> tuple[Example, ...]:
    """What these reviews teach, by way of the file."""
    folder = tmp_path / "ep"
    if not folder.exists():
        results(folder)
    reviews.append(folder, made)
    return of_results([folder], **options).examples


def test_what_is_appended_is_read_again_and_nothing_is_lost(tmp_path: Path) -> None:
    made = [
        review("edit", FIRST, "소영이 우산을 편다."),
        review("approve", SECOND, time=20.0),
        review("add", "", "밤."),
    ]
    reviews.append(tmp_path, made[:1])
    before = (tmp_path / reviews.FILE).read_bytes()
    reviews.append(tmp_path, made[1:])
    assert (tmp_path / reviews.FILE).read_bytes().startswith(before)
    assert reviews.read(tmp_path) == made
    assert reviews.read(tmp_path / "nowhere") == []


def test_a_line_that_a_crash_cut_is_passed_over(tmp_path: Path) -> None:
    made = [review("approve", FIRST), review("edit", SECOND, "민호가 편지를 읽는다.", time=20.0)]
    whole = (reviews.append(tmp_path, made), (tmp_path / reviews.FILE).read_bytes())[1]
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole)):
        (tmp_path / reviews.FILE).write_bytes(whole[:cut])
        kept = reviews.read(tmp_path)
        assert kept in ([made[0]], made)
        reviews.append(tmp_path, [review("approve", THIRD, time=30.0)])
        assert reviews.read(tmp_path) == [*kept, review("approve", THIRD, time=30.0)]


def test_a_whole_line_that_is_no_review_is_told(tmp_path: Path) -> None:
    reviews.append(tmp_path, [review("approve", FIRST)])
    with (tmp_path / reviews.FILE).open("a", encoding="utf-8") as file:
        file.write('{"who": "유나"}\n')
    with pytest.raises(UserError, match=r"reviews\.jsonl, line 2: is no review"):
        reviews.read(tmp_path)


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [("edit", FIRST, ""), ("add", FIRST, SECOND), ("approve", "", ""), ("reject", "", "")],
)
def test_texts_fit_the_action(action: str, before: str, after: str) -> None:
    with pytest.raises(ValidationError):
        review(action, before, after)
    with pytest.raises(ValidationError):
        review("approve", FIRST, at="2026-03-01T10:00:00")  # no time zone


def test_an_edit_beats_what_it_replaced(tmp_path: Path) -> None:
    (example,) = learnt(tmp_path, review("edit", FIRST, "소영이 우산을 편다."))
    assert (example.response, example.rejected) == ("소영이 우산을 편다.", (FIRST,))
    row = offered(tmp_path / "ep")[0]
    assert (example.prompt, example.image, example.time) == (row.prompt, row.image, 10.0)
    assert example.source == "review: 유나"
    assert example.asked is not None
    assert row.asked is not None
    assert example.asked["support"] == [[], row.asked["support"][0]]  # nobody knows what supports the edit


def test_the_last_wording_counts_and_an_undone_edit_too(tmp_path: Path) -> None:
    steps = [review("edit", FIRST, "가."), review("swap", "가.", "비 오는 밤."), review("edit", "비 오는 밤.", FIRST)]
    assert [(e.response, set(e.rejected)) for e in learnt(tmp_path, *steps)] == [(FIRST, {"가.", "비 오는 밤."})]


def test_rejected_texts_stand_against_what_was_chosen(tmp_path: Path) -> None:
    (example,) = learnt(tmp_path, review("swap", FIRST, "비 오는 밤."), review("reject", "한 사람이 거리에 있다."))
    assert (example.response, example.rejected) == ("비 오는 밤.", (FIRST, "한 사람이 거리에 있다."))


def test_two_lines_about_one_picture_stay_apart(tmp_path: Path) -> None:
    found = learnt(tmp_path, review("edit", FIRST, "가."), review("add", "", "나."), review("edit", "가.", "다."))
    assert {(e.response, e.rejected) for e in found} == {("다.", (FIRST, "가.")), ("나.", ())}


def test_deleted_lines_teach_only_with_what_took_their_place(tmp_path: Path) -> None:
    gone = [review("delete", FIRST), review("reject", SECOND, time=20.0)]
    found = preferences(gone, offered(results(tmp_path / "ep")))
    assert found.examples == ()
    assert found.counts == {"delete": 1, "reject": 1, "nothing to learn": 2}
    (example,) = preferences([*gone, review("add", "", "소영이 걷는다.")], offered(tmp_path / "ep")).examples
    assert (example.response, example.rejected) == ("소영이 걷는다.", (FIRST,))


def test_approvals_teach_only_when_asked(tmp_path: Path) -> None:
    good = review("approve", FIRST)
    assert learnt(tmp_path, good) == ()
    (example,) = of_results([tmp_path / "ep"], approvals=True).examples
    assert (example.response, example.rejected) == (FIRST, LINES[0][1:])
    (edited,) = learnt(tmp_path, review("edit", FIRST, "가."), review("approve", "가."), approvals=True)
    assert (edited.response, edited.rejected) == ("가.", (FIRST,))


def test_reviews_find_their_picture_by_time_whatever_the_ids(tmp_path: Path) -> None:
    moved = review("edit", SECOND, "가.", time=20.4, keyframe="k77", keyframe_time=21.5)
    far = review("edit", THIRD, "나.", time=25.0, keyframe="k3", keyframe_time=None)
    found = preferences([moved, far], offered(results(tmp_path / "ep")))
    assert [e.time for e in found.examples] == [20.0, 25.0]
    assert found.counts["no keyframe at that time"] == 1
    assert found.examples[1].asked is None


def test_without_reviews_this_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Nobody has reviewed"):
        of_results([results(tmp_path / "ep")])
