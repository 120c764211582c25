"""Whatever people do in whatever order: nothing of theirs is lost, and all of it can be undone."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from data.errors import UserError
from data.review.fold import merged, seconds, state, touched, untouched
from data.review.model import Drafted, ReviewLine
from data.review.session import Session
from data.review.store import Store
from data.review.undoing import BlockedError
from tests.data.reviewing.episodes import TEXTS, do, scheduled

SAYINGS = st.sampled_from(["문이 열린다.", "소영이가 뛴다.", "비가 온다.", "밤.", *TEXTS])
TIMES = st.integers(0, 600).map(lambda tenths: tenths / 10)


@st.composite
def drafts(draw: st.DrawFn) -> list[Drafted]:
    """Lines that follow each other."""
    made, at = [], 0.0
    for says in draw(st.lists(SAYINGS, max_size=6)):
        at += draw(st.floats(0.3, 5))
        made.append(Drafted(start=at, end=at + draw(st.floats(0.6, 4)), text=says))
        at = made[-1].end
    return made


@st.composite
def people(draw: st.DrawFn, draft: list[Drafted]) -> list[ReviewLine]:
    """What people made of some lines of a draft, and lines they added."""
    lines = []
    for number, origin in enumerate([*(draft and draw(st.lists(st.sampled_from(draft), unique_by=id))), None, None]):
        line = (
            untouched(origin) if origin else ReviewLine.model_validate({"id": f"p-{number}", "start": 0, "text": "밤."})
        )
        changes: dict[str, Any] = {"version": number + 1, "start": draw(TIMES), "text": draw(SAYINGS)}
        changes |= {"deleted": draw(st.booleans()), "state": draw(st.sampled_from(["draft", "approved", "rejected"]))}
        lines.append(line.model_copy(update=changes))
    return lines


@given(st.data())
def test_every_touched_line_is_kept_on_any_draft(data: st.DataObject) -> None:
    old, new = data.draw(drafts()), data.draw(drafts())
    made = data.draw(people(old))
    for draft in (old, new):
        lines = merged(draft, made)
        assert [line for line in lines if line.version] == sorted(made, key=lambda line: (line.start, line.id))
        assert len({line.id for line in lines}) == len(lines)
        assert lines == sorted(lines, key=lambda line: line.start)
        assert merged(draft, touched_of(lines)) == lines  # to apply twice changes nothing


def touched_of(lines: list[ReviewLine]) -> list[ReviewLine]:
    return [line for line in lines if line.version]


@given(drafts())
def test_a_draft_that_nobody_touched_is_all_there(draft: list[Drafted]) -> None:
    assert [line.draft for line in merged(draft, [])] == draft


@given(st.data())
def test_what_the_machine_drafts_never_lies_under_a_persons_line(data: st.DataObject) -> None:
    made = data.draw(people(data.draw(drafts())))
    lines = [line for line in merged(data.draw(drafts()), made) if line.spoken]
    for line in lines:
        for other in lines if not line.version and line.draft else ():
            if other.version and line.draft:
                shared = min(line.draft.end, other.start + seconds(other)) - max(line.start, other.start)
                assert shared * 2 < min(line.draft.end - line.start, seconds(other))


GESTURES = st.lists(
    st.tuples(
        st.sampled_from(["유나", "민호"]),
        st.sampled_from(
            ["edit", "move", "split", "merge", "delete", "add", "approve", "reject", "reopen", "swap", "rename", "undo",
             "redo"]
        ),
        st.integers(0, 4),
        SAYINGS,
        TIMES,
    ),
    max_size=15,
)  # fmt: skip


def gesture(one: Session, kind: str, place: int, says: str, time: float) -> None:
    """Do it, where it can be done."""
    lines = one.lines()
    line, other = lines[place % len(lines)], lines[(place + 1) % len(lines)]
    fields: dict[str, Any] = {
        "edit": {"text": says}, "move": {"start": time}, "split": {"at": 4}, "swap": {"candidate": "c00002c"},
        "merge": {"with": other.id, "with_version": other.version}, "add": {"start": time, "text": says},
        "rename": {"from": "소영", "to": "지수"},
    }.get(kind, {})  # fmt: skip
    try:
        if kind in ("undo", "redo"):
            one.undo() if kind == "undo" else one.redo()
        else:
            do(one, kind, None if kind in ("add", "rename") else line, **fields)
    except UserError:
        pass  # a line that is gone, nothing to undo: refused


BOTH_BLOCKED = [
    ("유나", "edit", 0, "문이 열린다.", 0.0), ("유나", "merge", 1, "문이 열린다.", 0.0),
    ("민호", "edit", 0, "소영이가 뛴다.", 0.0), ("민호", "reopen", 2, "문이 열린다.", 0.0),
    ("민호", "delete", 2, "문이 열린다.", 0.0),
]  # fmt: skip
"""The last gesture of each is blocked by the other's once the merge is undone."""


@settings(max_examples=40)
@given(GESTURES)
@example(BOTH_BLOCKED)
def test_undoing_everything_gives_the_draft_and_no_act_is_ever_lost(
    gestures: list[tuple[str, str, int, str, float]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        results = scheduled(Path(folder) / "ep")
        store = Store("sqlite://")
        both = {who: Session(results, store, who) for who in ("유나", "민호")}
        drafted, seen = both["유나"].lines(), []
        for who, *what in gestures:
            gesture(both[who], *what)
            acts = both[who].history()
            assert acts[: len(seen)] == seen
            assert [act.number for act in acts] == list(range(1, len(acts) + 1))
            seen = acts
        left = dict.fromkeys(both, True)
        while any(left.values()):  # a refused one becomes possible once the other has undone theirs
            left = {who: undone(one) for who, one in both.items()}
        now = both["유나"].lines()
        assert [line.model_copy(update={"version": 0}) for line in now] == drafted
        assert touched(both["유나"].history()) == []
        store.close()


def undone(one: Session) -> bool:
    """As the page does it: who is told that a gesture cannot be taken back asks again for the one before it."""
    past: set[str] = set()
    while True:
        try:
            one.undo(past)
        except BlockedError as error:
            past.add(error.group)
        except UserError:
            return False
        else:
            return True


def test_acts_and_lines_agree_on_versions(tmp_path: Path) -> None:
    """A line that was undone can be changed: its version is that of its last act, not of the draft."""
    one = Session(scheduled(tmp_path / "ep"), Store("sqlite://"), "유나")
    do(one, "edit", 0, text="가.")
    one.undo()
    lines = state([line.draft for line in one.lines() if line.draft], one.history())
    assert [line.version for line in lines] == [2, 0, 0]
