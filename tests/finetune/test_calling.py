"""A run with a series: rows, truth and reviews in the words that the run's ranker sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from data import made_with, series
from data.errors import ConfigError, UserError
from data.records import Candidate, Context, Draft, Gap, Keyframe, Person, Utterance
from data.series.labels import bare
from data.series.names import exchanged
from data.workspace import Workspace
from finetune.calling import as_told
from finetune.episodes import offered
from finetune.preferences import of_results
from finetune.rows import Example, Offered, Truth
from finetune.select import select
from stages import naming
from stages.sources import RunSettings
from stages.stage import Job
from tests.conftest import plain_episode
from tests.data.reviewing.episodes import do, schedule, session
from tests.finetune.workspaces import SETTINGS, context, finish, gap, results

SERIES = """
cast:
  - {id: giju, name: {ko: 김기주, en: Gi-ju Kim}, before: {ko: 회색 코트의 남자, en: a man in grey}, photos: []}
  - {id: sujin, name: {ko: 이수진, en: Su-jin Lee}, before: {ko: 키 큰 여자, en: a tall woman}, photos: []}
places:
  - {use: 행복약국, instead_of: [약방]}
"""
LINES = (
    ("@giju가 문을 연다.", "문이 열린다.", "한 사람이 있다."),
    ("@sujin이 @giju를 본다.", "두 사람이 서 있다.", "@sujin이 웃는다."),
    ("약방 앞.", "벽에 김기주라고 쓰여 있다.", "낮."),
)
NAMES = ("김기주", "기주", "이수진", "수진", "회색 코트의 남자", "키 큰 여자")


@pytest.fixture
def folder(tmp_path: Path, make_job: Callable[..., Job[Any]]) -> Path:
    """Three pictures with two people, worded by stage naming: giju is named from 15 s on, sujin never."""
    (tmp_path / "series.yaml").write_text(SERIES, encoding="utf-8")
    folder = results(tmp_path / "ep", LINES)
    workspace = Workspace(folder / "workspace")
    contexts = [seen(n, *people) for n, people in enumerate((("giju",), ("sujin",), ()), 1)]
    drafts = [mentioning(d) for d in workspace.read(Draft)]
    finish(workspace, "context", contexts)
    finish(workspace, "gaps", [gap(n) for n in (1, 2, 3)])
    finish(workspace, "candidates", drafts, SETTINGS, (Context, Keyframe, Gap))
    keep(folder, tmp_path)
    heard = [Utterance(id="u1", start=14, end=15, text="기주야!", source="asr")]
    records = {Context: contexts, Draft: drafts, Utterance: heard}
    job = make_job(naming.Config(), records, settings=RunSettings.model_validate(SETTINGS | {"cast": tmp_path}))
    finish(workspace, "naming", list(naming.run(job)), SETTINGS)
    return folder


def keep(folder: Path, cast: Path | None) -> None:
    """What a run keeps of its settings; the series is named from the working directory, as people do."""
    config: dict[str, object] = {"cast": None if cast is None else cast.name}
    kept = made_with.MadeWith(folder=folder.parent.parent, episode=plain_episode(), config=config)
    (folder / "workspace" / made_with.FILE).write_bytes(kept.model_dump_json().encode())


def seen(number: int, *people: str) -> Context:
    persons = tuple(Person(id=p, call=f"@{p}", box=(0.1, 0.1, 0.1, 0.1)) for p in people)
    return context(number).model_copy(update={"persons": persons, "names": tuple(p.call for p in persons)})


def mentioning(draft: Draft) -> Draft:
    return draft.model_copy(update={"people": tuple(p for p in ("giju", "sujin") if f"@{p}" in draft.text)})


def worded(folder: Path, number: int, letter: str = "a") -> str:
    lines = Workspace(folder / "workspace").read(Candidate)
    return next(line.text for line in lines if line.id == f"c{number:05d}{letter}")


def learnt(folder: Path, **options: Any) -> tuple[Example, ...]:
    return of_results([folder], **options).examples


class Equal:
    """Likeness of what is the same to the letter."""

    name = "equal"

    def of(self, truths: Sequence[str], texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([float(a == b) for a, b in zip(truths, texts, strict=True)])


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("김기주가 문을 연다.", "giju가 문을 연다."),
        ("수진이가 기주를 본다.", "sujin이 giju를 본다."),
        ("이수진은 수진이도, 기주처럼", "sujin은 sujin도, giju처럼"),
        ("기주야, 수진 씨의 손", "giju야, sujin 씨의 손"),
        ("회색 코트의 남자가 키 큰 여자를 본다.", "giju가 키 큰 여자를 본다."),
        ("벽에 “김기주”가, ‘기주’와 기주", "벽에 “김기주”가, ‘기주’와 giju"),
        ("기주동 수진초등학교", "기주동 수진초등학교"),
        ("Gi-ju Kim looks up.", "giju looks up."),
    ],
)
def test_names_become_ids_with_their_particles(folder: Path, text: str, becomes: str) -> None:
    row = offered(folder)[0]
    assert as_told(text, row.told) == becomes


def test_words_are_exchanged_at_once() -> None:
    words = {"김기주": "@민호", "박민호": "@b", "민호": "@b"}
    assert bare(exchanged("김기주가 민호를 본다", words)) == "민호가 b를 본다"


def test_rows_hold_what_the_ranker_saw(folder: Path) -> None:
    rows = offered(folder)
    assert [row.captions for row in rows] == [tuple(map(bare, texts)) for texts in LINES]
    for number, row in enumerate(rows, 1):
        for letter, caption in zip("abc", row.captions, strict=True):
            assert as_told(worded(folder, number, letter), row.told) == caption
    assert worded(folder, 1) == "회색 코트의 남자가 문을 연다."
    assert "키 큰 여자가 기주를 본다." not in rows[0].told
    assert worded(folder, 3) == "행복약국 앞."
    assert "아는 사람: giju" in rows[0].prompt
    assert Offered.model_validate_json(rows[1].model_dump_json()).told == rows[1].told


def test_a_human_line_finds_its_candidate_whatever_people_are_called(folder: Path) -> None:
    said = ("김기주가 문을 연다.", "키 큰 여자가 웃는다.", "행복약국 앞.")
    truths = [
        Truth(caption=text, image=None, episode=str(folder), time=10.0 * n, end=None) for n, text in enumerate(said, 1)
    ]
    found = select(truths, offered(folder), Equal(), least=0.9).examples
    assert [e.response for e in found] == ["giju가 문을 연다.", "sujin이 웃는다.", "약방 앞."]
    assert all(name not in text for e in found[:2] for text in (*e.offered, e.prompt) for name in NAMES)


def test_reviewers_words_and_what_they_replaced_are_of_one_kind(folder: Path) -> None:
    yuna = session(schedule(folder, [worded(folder, n) for n in (1, 2, 3)], [10.4, 20.4, 30.4]))
    do(yuna, "edit", 0, text="회색 코트의 남자가 문을 활짝 연다.")
    do(yuna, "edit", 1, text="수진이가 김기주를 바라본다.")
    do(yuna, "edit", 2, text="행복약국 앞에 기주가 선다.")
    do(yuna, "add", start=50.0, text="기주가 나간다.")
    found = learnt(folder)
    assert [(e.response, e.rejected) for e in found] == [
        ("giju가 문을 활짝 연다.", ("giju가 문을 연다.",)),
        ("sujin이 giju를 바라본다.", ("sujin이 giju를 본다.",)),
        ("약방 앞에 giju가 선다.", ("약방 앞.",)),
        ("giju가 나간다.", ()),
    ]
    rows = offered(folder)
    assert [e.prompt for e in found[:3]] == [row.prompt for row in rows]
    assert found[0].asked is not None
    assert rows[0].asked is not None
    assert found[0].asked["support"] == [[], rows[0].asked["support"][0]]


def test_a_new_name_teaches_nothing(folder: Path) -> None:
    """Nor does it stay in what is learnt; a rename to somebody else of the cast says who it is."""
    yuna = session(schedule(folder, ["기주가 문을 연다.", "낮에 기주를 본다.", "기주에게 간다."], [10.4, 20.4, 30.4]))
    yuna.do({"kind": "rename", "from": "기주", "to": "민준"})
    assert learnt(folder) == ()
    do(yuna, "edit", 0, text="민준이 창문을 연다.")
    assert [(e.response, e.rejected) for e in learnt(folder)] == [("giju가 창문을 연다.", ("giju가 문을 연다.",))]
    yuna.undo()
    yuna.do({"kind": "rename", "from": "민준", "to": "수진"})
    assert [(e.response, e.rejected) for e in learnt(folder)] == [
        ("sujin이 문을 연다.", ("giju가 문을 연다.",)),
        ("낮에 sujin을 본다.", ("낮에 giju를 본다.",)),
        ("sujin에게 간다.", ("giju에게 간다.",)),
    ]


def test_a_name_on_a_sign_stays(folder: Path) -> None:
    yuna = session(schedule(folder, [worded(folder, n) for n in (1, 2)] + [worded(folder, 3, "b")]))
    do(yuna, "approve", 2)
    (example,) = learnt(folder, approvals=True)
    assert (example.response, example.rejected) == ("벽에 김기주라고 쓰여 있다.", ("약방 앞.", "낮."))


def test_without_a_series_nothing_changes(folder: Path) -> None:
    keep(folder, None)
    row = offered(folder)[0]
    assert row.told == {}
    assert as_told("김기주가 문을 연다.", row.told) == "김기주가 문을 연다."


def test_a_series_that_is_needed_and_gone_is_told(folder: Path) -> None:
    series.load(folder.parent).people.file.unlink()
    with pytest.raises(ConfigError, match=r"no series\.yaml"):
        offered(folder)
    (folder / "workspace" / made_with.FILE).unlink()
    with pytest.raises(UserError, match="not known"):
        offered(folder)
