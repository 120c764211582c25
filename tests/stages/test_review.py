"""The review stage: people's lines where they put them, the machine's around them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError
from data.records import Gap, Keyframe, Line, Narration
from data.review import applied
from data.review.model import Drafted, ReviewLine
from stages import review
from stages.stage import Job

MakeJob = Callable[..., Job[Any]]


def narration(number: int, start: float, until: float, text: str) -> Narration:
    return Narration(
        id=f"n{number:05d}", start=start, end=start + 2, until=until, text=text, kind="visual", gap="g00001",
        keyframe="k00001", candidate=f"c{number}", score=0.5,
    )  # fmt: skip


def gap(number: int, start: float, end: float) -> Gap:
    return Gap(
        id=f"g{number:05d}", start=start, end=end, lead_in=0.3, lead_out=0.3, bed="ambience", loudness=None, usable=True
    )


DRAFT = [narration(1, 2, 9.7, "문이 열린다."), narration(2, 21, 29.7, "여자가 웃는다.")]


def run(make_job: MakeJob, folder: Path, *touched: ReviewLine, gaps: list[Gap] | None = None) -> list[Line]:
    stills = [
        Keyframe(id=f"k{n:05d}", shot="s1", time=t, image="", sharpness=1, luma=1, look=())
        for n, t in ((1, 1.0), (2, 25.0))
    ]
    records = {Narration: DRAFT, Gap: [gap(1, 0, 10), gap(2, 20, 30)] if gaps is None else gaps, Keyframe: stills}
    job = make_job(review.Config(), records, edits=folder)
    (folder / applied.FILE).write_bytes(applied.encoded(list(touched)))
    return list(review.run(job))


def mine(start: float, **changes: Any) -> ReviewLine:
    return ReviewLine(**({"id": "mine", "version": 1, "start": start, "text": "달이 뜬다."} | changes))


def test_without_a_review_every_narration_goes_through(make_job: MakeJob, tmp_path: Path) -> None:
    lines = run(make_job, tmp_path)
    assert [Narration(**{name: getattr(line, name) for name in Narration.model_fields}) for line in lines] == DRAFT
    assert not any(line.person for line in lines)


def test_a_line_of_a_person_lies_where_it_was_put(make_job: MakeJob, tmp_path: Path) -> None:
    one, two, three = run(make_job, tmp_path, mine(6.123))
    assert (two.start, two.until, two.gap, two.keyframe, two.person) == (6.123, 9.7, "g00001", "k00001", True)
    assert (one.until, one.person) == (pytest.approx(6.123 - review.PAUSE), False), "the line before makes room"
    assert [line.id for line in (one, two, three)] == ["n00001", "n00002", "n00003"]
    assert (two.review, two.candidate, three.text) == ("mine", "person-mine", "여자가 웃는다.")


@pytest.mark.parametrize("start", [14.0, 9.6])
def test_outside_the_gaps_nothing_hurries_it(make_job: MakeJob, tmp_path: Path, start: float) -> None:
    _, line, after = run(make_job, tmp_path, mine(start))
    assert (line.start, line.until) == (start, pytest.approx(after.start - review.PAUSE))


def test_what_was_asked_of_the_voice_goes_on(make_job: MakeJob, tmp_path: Path) -> None:
    asked: dict[str, Any] = {"voice": "f3", "speed": 0.9, "readings": {"달": "다알"}}
    line = run(make_job, tmp_path, mine(6, **asked))[1]
    assert {name: getattr(line, name) for name in asked} == asked


def test_an_approved_line_is_not_replaced(make_job: MakeJob, tmp_path: Path) -> None:
    draft = Drafted(start=2, end=4, text="문이 열린다.")
    line = run(make_job, tmp_path, mine(2, text="문이 열린다.", draft=draft, candidate="c1", state="approved"))[0]
    assert (line.person, line.alternatives, line.candidate, line.score) == (True, (), "c1", 0.5)


def test_recordings_are_taken_over(make_job: MakeJob, tmp_path: Path) -> None:
    name = "0" * 64 + ".wav"
    with pytest.raises(UserError, match=r"0\.wav is missing"):
        run(make_job, tmp_path, mine(6, recording=name))
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / name).write_bytes(b"sound")
    assert run(make_job, tmp_path, mine(6, recording=name))[1].recording == name
    assert (tmp_path / "stage" / name).read_bytes() == b"sound"


def test_all_lines_may_be_deleted(make_job: MakeJob, tmp_path: Path) -> None:
    deleted = [
        mine(n.start, id=f"mine-{n.id}", text=n.text, deleted=True,
             draft=Drafted(start=n.start, end=n.end, text=n.text))
        for n in DRAFT
    ]  # fmt: skip
    assert run(make_job, tmp_path, *deleted) == []


def test_a_film_without_a_gap_has_no_place(make_job: MakeJob, tmp_path: Path) -> None:
    assert run(make_job, tmp_path, mine(6), gaps=[]) == []


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / applied.FILE).write_text("[{]")
    with pytest.raises(UserError, match=r"applied\.json cannot be read .*; apply the review again"):
        applied.read(tmp_path)
