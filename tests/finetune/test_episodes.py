"""Rows from results folders, human scripts and single pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError
from data.records import Context, Draft, Evidence, Gap
from data.scripts.line import ScriptLine
from data.workspace import Workspace
from finetune.candidates import of_episodes, of_pictures
from finetune.data_sets import beside, load, save
from finetune.episodes import offered, results_folders
from finetune.likeness import ChrF
from finetune.rows import Example, Offered, Truth, read, write
from finetune.select import select
from finetune.truth import truths
from stages.candidates.pictures import Captioned
from stages.ranking import Config, run
from stages.ranking.prompt import Ranker
from stages.ranking.template import render
from stages.sources import RunSettings
from stages.stage import Job
from tests.finetune.workspaces import LINES, SETTINGS, finish, gap, jpeg, results


class Recorder(Ranker):
    """A ranking model that keeps what it was asked."""

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def score(self, prompts: Sequence[Any], texts: Sequence[Sequence[str]]) -> list[list[dict[str, float]]]:
        self.prompts += map(render, prompts)
        return [[{"likelihood": 0.5} for _ in row] for row in texts]


@pytest.mark.parametrize("changes", [{}, {"plan_rate": 6.0, "early": 0.0}, {"memory": 15.0}])
def test_the_prompts_are_those_a_run_asks(
    tmp_path: Path, make_job: Callable[..., Job[Any]], changes: dict[str, float]
) -> None:
    memory = changes.pop("memory", 120.0)
    settings = SETTINGS | changes
    workspace = Workspace(results(tmp_path / "ep", settings=settings) / "workspace")
    finish(workspace, "ranking", [], settings, config={"memory": memory})
    recorder = Recorder()
    records = {kind: workspace.read(kind) for kind in (Context, Draft, Gap)}
    job = make_job(Config(memory=memory), records, backend=recorder, settings=RunSettings.model_validate(settings))
    list(run(job))
    rows = offered(tmp_path / "ep")
    assert [row.prompt for row in rows] == recorder.prompts
    assert "앞의 해설" in rows[1].prompt


def test_rows_say_where_they_come_from(tmp_path: Path) -> None:
    row = offered(results(tmp_path / "비 오는 날"))[0]
    assert row.captions == LINES[0]
    assert (row.episode, row.time, row.drama, row.language) == (str(tmp_path / "비 오는 날"), 10.0, "비 오는 날", "ko")
    assert Path(str(row.image)).read_bytes() == jpeg(1)
    assert row.asked is not None
    assert row.asked["dialogue_before"] == "어디 갔었어?"
    assert len(row.asked["support"]) == 3
    assert offered(tmp_path / "비 오는 날", drama="장마")[0].drama == "장마"


def test_a_style_alone_keeps_the_evidence_of_its_candidates(tmp_path: Path) -> None:
    results(tmp_path / "ep")
    whole, strict = offered(tmp_path / "ep")[1], offered(tmp_path / "ep", styles=["strict"])[1]
    assert strict.captions == (LINES[1][1],)
    assert strict.prompt == whole.prompt
    assert strict.asked is not None
    assert whole.asked is not None
    assert strict.asked["support"] == [whole.asked["support"][1]]


def test_results_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    folder = results(tmp_path / "ep")
    finish(Workspace(folder / "workspace"), "gaps", [gap(1)])
    with pytest.raises(UserError, match="gaps changed after candidates"):
        offered(folder)
    (folder / "workspace" / "candidates" / "records.jsonl").unlink()
    with pytest.raises(UserError, match="no candidates yet"):
        offered(folder)


def test_records_of_another_version_are_told(tmp_path: Path) -> None:
    folder = results(tmp_path / "ep")
    file = folder / "workspace" / "context" / "records.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"light"', b'"lamps"'))
    with pytest.raises(UserError, match="another version"):
        offered(folder)


def test_results_folders_are_found_in_their_folder(tmp_path: Path) -> None:
    one, two = results(tmp_path / "out" / "e1"), results(tmp_path / "out" / "e2")
    assert results_folders([tmp_path / "out", one]) == [one, two]
    with pytest.raises(UserError, match="no results folder"):
        results_folders([tmp_path])


def test_lines_of_a_person_become_truth(tmp_path: Path) -> None:
    lines = [ScriptLine(10.5, 12.0, "소영이 우산을 편다.")]
    (row,) = truths(lines, episode="out/e1", drama="장마", source="ad.vtt", licence="CC-BY-4.0")
    assert (row.time, row.end, row.caption, row.licence) == (10.5, 12.0, "소영이 우산을 편다.", "CC-BY-4.0")
    write(tmp_path / "truth.jsonl", [row])
    assert read(tmp_path / "truth.jsonl", Truth) == [row]


def truth(**fields: Any) -> Truth:
    return Truth.model_validate({"caption": "소영이 우산을 펴고 걷는다.", "drama": "장마"} | fields)


def test_an_episode_is_found_by_folder_and_by_name(tmp_path: Path) -> None:
    one, two = results(tmp_path / "a" / "e1"), results(tmp_path / "b" / "e1")
    by_folder = of_episodes([truth(episode=str(two), time=10)], [one, two])
    assert {row.image for row in by_folder.rows} == {row.image for row in offered(two)}
    assert {row.drama for row in by_folder.rows} == {"장마"}
    by_name = of_episodes([truth(episode="e1", time=10), truth(episode="e9", time=1)], [one])
    assert {row.episode for row in by_name.rows} == {"e1"}
    assert by_name.counts == {"episode without results": 1}
    with pytest.raises(UserError, match="e1 may be"):
        of_episodes([truth(episode="e1", time=10)], [one, two])


def test_the_evidence_follows_the_order_of_the_example(tmp_path: Path) -> None:
    rows = of_episodes([truth(episode="ep", time=20)], [results(tmp_path / "ep")]).rows
    told = truth(episode="ep", time=20, caption="책상 위의 편지.")
    (example,) = select([told], rows, ChrF(), least=0.3).examples
    assert example.response == "책상 위의 편지."
    assert example.places[0] == 1
    assert example.asked is not None
    assert [pair[0][1] for pair in example.asked["support"]] == [0.5 + 0.1 * place for place in example.places]


class Describer:
    """Captions that tell how many bytes the picture has."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, str]] = []

    def __call__(self, jpegs: Sequence[bytes], language: str) -> Iterator[list[Captioned]]:
        for content in jpegs:
            self.asked.append((content, language))
            support = (Evidence(kind="object", value="우산", score=0.8),)
            yield [] if content == jpeg(9) else [Captioned(f"{len(content)}개.", support), Captioned("밤.", ())]


def test_pictures_are_captioned_once_each_and_as_jpeg(tmp_path: Path) -> None:
    import cv2

    for number in (1, 2, 9):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(number))
    cv2.imwrite(str(tmp_path / "3.png"), cv2.imread(str(tmp_path / "1.jpg")))
    rows = [{"image": f"{n}.jpg"} for n in (1, 2, 1, 9)] + [{"image": "3.png", "language": "en"}]
    write(tmp_path / "truth.jsonl", [truth(**row) for row in rows])
    describer = Describer()
    found = of_pictures(load([tmp_path / "truth.jsonl"], Truth), describer, "model")
    assert [Path(str(row.image)).name for row in found.rows] == ["1.jpg", "2.jpg", "3.png"]
    assert found.counts == {"picture without a caption": 1}
    assert describer.asked[-1][0][:2] == b"\xff\xd8"
    assert describer.asked[-1][1] == "en"
    assert found.rows[0].asked is not None
    assert found.rows[0].asked["support"] == [[["object", 0.8]], []]
    assert found.rows[0].prompt.endswith("화면해설:")


@pytest.mark.parametrize("content", [None, b"", b"no picture", jpeg(1)[:400]])
def test_a_picture_that_cannot_be_read_is_told_with_its_line(tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "1.jpg").write_bytes(jpeg(1))
    if content is not None:
        (tmp_path / "2.jpg").write_bytes(content)
    write(tmp_path / "truth.jsonl", [truth(image="1.jpg"), truth(image="2.jpg")])
    with pytest.raises(UserError, match=r"truth\.jsonl, line 2: the picture .*2\.jpg cannot be read"):
        of_pictures(load([tmp_path / "truth.jsonl"], Truth), Describer(), "model")


def test_pictures_are_found_from_every_folder_and_move_with_their_file(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "b/2.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(jpeg(1))
    rows = [Offered(captions=("가",), image=image, episode=None, time=None) for image in ("1.jpg", "2.jpg", "none.jpg")]
    write(tmp_path / "a" / "c.jsonl", rows)
    found = load([tmp_path / "a" / "c.jsonl"], Offered, tmp_path / "b")
    assert [row.image for row in found] == [str(tmp_path / "a/1.jpg"), str(tmp_path / "b/2.jpg"), "none.jpg"]
    named = [row.image for row in beside(found, tmp_path / "sft" / "x.jsonl")]
    assert named == ["../a/1.jpg", "../b/2.jpg", "none.jpg"]


def test_an_empty_data_set_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="all candidates bad: 3"):
        save(tmp_path / "sft.jsonl", [], {"all candidates bad": 3})
    assert not list(tmp_path.iterdir())


def test_the_overlap_of_all_parts_stands_on_every_card(tmp_path: Path) -> None:
    parts = [
        Example.model_validate({"prompt": "가", "response": "나", "drama": "다", "split": split})
        for split in ("train", "test")
    ]
    assert save(tmp_path / "test.jsonl", parts[1:], {}, parts).leaks == ["train ↔ test: drama: 다"]
