"""On-screen text is read out whatever a captioner says, and what is seen beside it is told as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from data.products import LoudnessCurve
from data.reasons import NoRoom
from data.records import (
    Candidate,
    Context,
    Draft,
    Evidence,
    Gap,
    Keyframe,
    Missed,
    Narration,
    OnScreenText,
    Ranked,
    Utterance,
)
from data.text.language import seconds
from stages import candidates, naming, ranking, schedule
from stages.backend import NoOptions
from stages.candidates import prompt
from stages.candidates.facts import Facts
from stages.candidates.prompt import Answers, Caption, Prompt
from tests.stages.test_schedule import Film, MakeJob, gap
from tests.stages.test_schedule_worth import Voice

BOX = (0.1, 0.4, 0.8, 0.2)
TITLE, READ = "마지막 편지", "제목, 마지막 편지."
VIEW = "한 여자가 창가에 선다."


class Captioner(prompt.Captioner):
    """It answers the questions about a picture in turn, with the same words for all pictures."""

    needs_images = False
    model = "vlm"

    def __init__(self, *texts: str) -> None:
        super().__init__(NoOptions())
        self.texts = texts

    def caption(
        self,
        images: Sequence[bytes],  # noqa: ARG002
        prompts: Sequence[Sequence[Prompt]],
        n: int,
    ) -> Iterator[tuple[int, Answers]]:
        for number, asked in enumerate(prompts):
            answers = [self.texts[place % len(self.texts)] for place in range(len(asked))]
            yield number, [[Caption(text, "visual", "short")] * n for text in answers]


def shown(text: str = TITLE, score: float = 0.95, role: Any = "title", start: float = 10.0) -> OnScreenText:
    return OnScreenText(text=text, role=role, first_seen=start, last_seen=14.0, score=score, box=BOX)


def context(*texts: OnScreenText, **more: Any) -> Context:
    values = {"time": 12.0, "start": 10.0, "end": 16.0, "people": 0, "light": "unknown", "same_place": None} | more
    return Context(id="ck1", keyframe="k1", shot="s1", texts=texts, **values)


def offered(make_job: MakeJob, backend: Any, found: Context, **config: Any) -> list[Draft]:
    records = {Context: [found], Keyframe: [], Gap: [gap(1, 9, 20)]}
    return list(candidates.run(make_job(candidates.Config(**config), records, backend=backend)))


def test_a_captioner_that_passes_over_a_text_is_helped(make_job: MakeJob) -> None:
    found = offered(make_job, Captioner(VIEW), context(shown()))
    assert [(c.text, c.kind, c.model) for c in found] == [(VIEW, "visual", "vlm"), (READ, "title", "facts")]
    assert [(e.kind, e.value, e.box) for e in found[1].evidence] == [("text", TITLE, BOX)]
    assert found[1].unsupported == ()


def test_the_text_comes_on_top_of_all_captions(make_job: MakeJob) -> None:
    found = offered(make_job, Captioner("문이 열린다.", "비가 온다.", "개가 짖는다."), context(shown()), n=3)
    assert [c.model for c in found] == ["vlm"] * 3 + ["facts"]
    assert [c.id for c in found] == sorted(c.id for c in found)


@pytest.mark.parametrize(
    "found",
    [
        context(shown(score=0.5)),
        context(shown(role="subtitle")),
        context(shown("X")),
        context(shown(), dialogue_before="마지막 편지를 읽었어."),
        context(),
    ],
)  # fmt: skip
def test_what_is_not_sure_or_heard_is_not_read(make_job: MakeJob, found: Context) -> None:
    assert [c.text for c in offered(make_job, Captioner(VIEW), found)] == [VIEW]


def test_it_is_not_read_twice(make_job: MakeJob) -> None:
    assert [c.text for c in offered(make_job, Captioner(READ), context(shown()))] == [READ]
    facts = offered(make_job, Facts(Facts.Options(text_score=0.99)), context(shown()))
    assert facts == [], "facts decides by itself"


def test_a_captioner_that_says_nothing_leaves_the_text(make_job: MakeJob) -> None:
    found = offered(make_job, Captioner("I cannot describe this image."), context(shown()))
    assert [c.text for c in found] == [READ]


def described(make_job: MakeJob, backend: Any, found: Context, gaps: list[Gap]) -> list[Narration]:
    """From the context to the lines, as a run goes."""
    records: dict[Any, Any] = {Context: [found], Keyframe: [], Gap: gaps, Utterance: []}
    records[Draft] = list(candidates.run(make_job(candidates.Config(), records, backend=backend)))
    records[Ranked] = list(ranking.run(make_job(ranking.Config(), records)))
    records[Candidate] = list(naming.run(make_job(naming.Config(), records)))
    job = make_job(schedule.Config(), records)
    LoudnessCurve(np.full(400, -40.0, np.float32)).leave(job.folder_of(Gap))
    return list(schedule.run(job))


def test_the_title_of_a_captioned_film_is_spoken(make_job: MakeJob) -> None:
    """The issue: good and bad captions, none of which reads the title that is on screen."""
    captioner = Captioner("화면에 한 남자가 보입니다.", VIEW, "화면에 ‘마지막 편지’라는 글이 보입니다.")
    lines = described(make_job, captioner, context(shown()), [gap(1, 9, 20)])
    assert [(n.text, n.kind) for n in lines] == [(READ, "title"), (VIEW, "visual")]
    (line,) = described(make_job, captioner, context(shown()), [gap(1, 9.7, 13.0)])
    assert line.text == READ, "first where there is room for one"


# ---- What is read and what is seen are two moments of one keyframe


def both(film: Film, reading: tuple[str, float], view: tuple[str, float], seen: tuple[float, float]) -> None:
    film.moment(10, 16, reading, view, kind="text", seen=seen)
    film.candidates[-2] = film.candidates[-2].model_copy(
        update={"evidence": (Evidence(kind="text", value="x", box=BOX),)}
    )
    film.candidates[-1] = film.candidates[-1].model_copy(update={"kind": "visual"})


def test_a_view_is_told_beside_a_text_in_the_order_they_appear(make_job: MakeJob) -> None:
    for seen, expected in (((10, 16), ["글자, 출구.", VIEW]), ((13, 16), [VIEW, "글자, 출구."])):
        film = Film()
        both(film, ("글자, 출구.", 0.9), (VIEW, 0.8), seen)
        assert [n.text for n in film.schedule(make_job, [gap(1, 9, 18)])] == expected


def test_a_text_is_read_faster_though_a_view_is_shorter(make_job: MakeJob) -> None:
    """The shortest line of the keyframe was a view: the text, which nearly fits, was never tried faster."""
    film, text = Film(), "글자, 남쪽으로 나가는 출구."
    both(film, (text, 0.9), ("문이 열린다.", 0.9), (13, 14))
    room = seconds(text, "ko", 4.5) / 1.08
    (line,) = film.schedule(make_job, [gap(1, 12.7, 13.3 + room)], speaker=Voice().speaker())
    assert (line.text, "faster" in line.parts) == (text, True)


def test_a_text_without_a_place_is_told_though_the_view_is_spoken(make_job: MakeJob) -> None:
    film = Film()
    both(film, ("글자, 출구.", 0.9), (VIEW, 0.8), (15.8, 16))
    job = film.job(make_job, [gap(1, 9, 13.5)])
    assert [n.text for n in schedule.run(job)] == [VIEW]
    (row,) = Missed.open(job.folder)
    assert (row.kind, row.why, row.start) == ("text", NoRoom(), 15.8)
    assert any("“글자, 출구.” is on screen" in note.text for note in job.notes)


def test_a_view_is_held_against_what_is_read_out_of_its_picture(make_job: MakeJob) -> None:
    film = Film()
    both(film, ("행복약국 앞에 여자가 우산을 쓰고 선다.", 0.9), ("여자가 약국 앞에 우산을 쓰고 선다.", 0.8), (10, 16))
    reading, view = film.schedule(make_job, [gap(1, 9, 20)], similarity=1.0)
    assert reading.kind == "text"
    assert "known" not in reading.parts
    assert view.parts["known"] < -0.2
