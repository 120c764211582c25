"""Applying a review to a real result: spoken, mixed and delivered at once or not at all, whenever it is killed."""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError, VdescError
from data.records import Duck, Keyframe, Line, Narration
from data.review import applied
from data.review.draft import drafted
from data.review.fold import merged
from data.review.model import ReviewLine
from data.workspace import Workspace
from pipeline import config as settings
from pipeline import runner
from pipeline.results import switching
from pipeline.results.episodes import open_episode
from pipeline.review import applying
from tests.pipeline.review.conftest import SCRIPT
from tests.stages.test_voice_of_people import recorded


def drafts(results: Path) -> list[ReviewLine]:
    """The lines as nobody has touched them."""
    workspace = Workspace(results / "workspace")
    return merged(drafted(workspace.read(Narration), workspace.read(Keyframe)), [])


def save(results: Path, *lines: ReviewLine) -> None:
    (results / "review").mkdir(exist_ok=True)
    (results / "review" / applied.FILE).write_bytes(applied.encoded(list(lines)))


def edited(results: Path, number: int = 0, **changes: Any) -> ReviewLine:
    return drafts(results)[number].model_copy(update={"version": 1, "candidate": None} | changes)


def script(results: Path) -> dict[str, float]:
    """Text → start of the delivered lines."""
    rows = csv.DictReader((results / "script.csv").read_text(encoding="utf-8-sig").splitlines())
    return {row["text"]: float(row["start"]) for row in rows}


def state(results: Path) -> dict[str, str]:
    """What is delivered."""
    files = [path for path in results.iterdir() if path.is_file() and not path.name.startswith(".")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_an_edit_is_heard_in_every_delivered_file(results: Path) -> None:
    before, told = state(results), []
    save(results, edited(results, text="여자가 웃는다."))
    applying.apply(results, told.append)
    after = state(results)
    assert set(script(results)) == {"여자가 웃는다.", "노을이 붉게 번진다."}
    assert {name for name in after if after[name] != before[name]} >= {
        "described.mp4", "narration.wav", "script.json", "script.csv", "report.json", "descriptions.ko.vtt",
    }  # fmt: skip
    lines = Workspace(results / "workspace").read(Line)
    assert [line.person for line in lines] == [True, False]
    assert told[-1]["state"] == "done"
    shares = [event["done"] for event in told]
    assert shares == sorted(shares)
    assert not (results / "review" / "next").exists()


def test_applying_nothing_changes_nothing(results: Path) -> None:
    before = state(results)
    applying.apply(results)
    assert state(results) == before


def test_what_people_changed_outlives_a_run_on_other_drafts(results: Path, whole: Path, tmp_path: Path) -> None:
    save(results, edited(results, text="여자가 웃는다.", start=3.1))
    other = tmp_path / "other.vtt"
    other.write_text(SCRIPT.replace("노을이 붉게 번진다", "강물이 흐른다"), encoding="utf-8")
    config = settings.load("embedded", [], given_script=other)
    work = open_episode(next(whole.parents[1].glob("film/film.mp4")), results.parent, config, None)
    runner.run([work], config)
    assert work.error is None
    assert script(results) == {"여자가 웃는다.": 3.1, "강물이 흐른다.": pytest.approx(8.6, abs=0.5)}


def test_added_deleted_and_rejected_lines(results: Path) -> None:
    mine = ReviewLine(id="mine", version=3, start=12.0, text="달이 뜬다.")
    save(results, edited(results, deleted=True), edited(results, 1, state="rejected", version=2), mine)
    applying.apply(results)
    assert script(results) == {"달이 뜬다.": 12.0}


def test_a_line_over_dialogue_stays_there_and_forbids_to_deliver(results: Path) -> None:
    assert applying.deliverable(results) == []
    save(results, edited(results, start=6.6))
    applying.apply(results)
    assert 6.6 in script(results).values()
    assert "overlap" in {finding.check for finding in applying.deliverable(results)}


def test_a_recording_is_heard_instead_of_the_voice(results: Path) -> None:
    name = f"{hashlib.sha256(recorded()).hexdigest()}.wav"
    save(results, edited(results, recording=name))
    with pytest.raises(UserError, match=r"recording .* is missing"):
        applying.apply(results)
    (results / "review" / "recordings").mkdir()
    (results / "review" / "recordings" / name).write_bytes(recorded())
    preview = applying.speak(results, edited(results, recording=name))
    applying.apply(results)
    (line, _) = Workspace(results / "workspace").read(Line)
    assert (results / "workspace" / "review" / name).exists()
    assert line.recording == name
    assert "recording" in (results / "script.csv").read_text(encoding="utf-8-sig")
    assert preview.seconds == pytest.approx(1.12, abs=0.05)


def test_an_error_leaves_all_as_it_was(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(results)
    save(results, edited(results, text="여자가 웃는다."))
    monkeypatch.setattr("stages.script.save", lambda *_: (_ for _ in ()).throw(UserError("no room")))
    with pytest.raises(VdescError, match="no room"):
        applying.apply(results)
    assert state(results) == before
    monkeypatch.undo()
    applying.apply(results)
    assert "여자가 웃는다." in script(results)


@pytest.mark.parametrize("step", range(6))
def test_a_kill_while_results_change_place_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Killed at the journal and after every move, the next start finishes."""
    stages = ("review", "voice", "mix", "script", "check")
    for root, text in ((tmp_path, "old"), (tmp_path / "review" / "next", "new")):
        for stage in stages:
            workspace = Workspace(root / "workspace")
            (workspace.begin(stage) / "script.csv").write_text(text)
            workspace.finish(stage, [], text, {}, [], 0.0)
    moves: list[Any] = []
    for name in ("_replace", "deliver"):
        monkeypatch.setattr(switching, name, _until(step, moves, getattr(switching, name)))
    with pytest.raises(KeyboardInterrupt):
        switching.switch(tmp_path, stages, ())
    monkeypatch.undo()
    assert switching.finish(tmp_path)
    for stage in stages:
        assert Workspace(tmp_path / "workspace").stage(stage).joinpath("script.csv").read_text() == "new"
    assert (tmp_path / "script.csv").read_text() == "new"
    assert not (tmp_path / "review" / "next").exists()
    assert not switching.finish(tmp_path)


def _until(step: int, moves: list[Any], do: Callable[..., None]) -> Callable[..., None]:
    def stopping(*arguments: Any) -> None:
        if len(moves) == step:
            raise KeyboardInterrupt
        do(*arguments)
        moves.append(arguments)

    return stopping


def test_killed_in_the_background_it_leaves_the_old_and_goes_on(results: Path) -> None:
    before, told = state(results), []
    save(results, edited(results, text="여자가 웃는다."))
    work = applying.start(results, told.append)
    while not any(event["state"] == "running" and event["done"] > 0 for event in told) and work.running:
        time.sleep(0.01)
    work.stop()
    if (results / "review" / switching.JOURNAL).exists() or told[-1]["state"] == "done":
        pytest.skip("it was through before it could be killed")
    assert state(results) == before
    assert told[-1]["state"] == "failed"
    assert "apply again" in told[-1]["error"]
    again = applying.start(results, told.append)
    again.wait(120)
    assert told[-1]["state"] == "done"
    assert "여자가 웃는다." in script(results)


def test_results_that_nobody_knows_the_settings_of_say_so(results: Path) -> None:
    (results / "workspace" / "config.json").unlink()
    told: list[dict[str, Any]] = []
    applying.start(results, told.append).wait(60)
    assert told[-1]["state"] == "failed"
    assert "run vdesc run on the film again" in told[-1]["error"]


def test_a_preview_is_the_clip_that_the_film_gets(results: Path) -> None:
    line = edited(results, text="여자가 웃는다.", speed=0.9, readings={"여자": "여인"})
    preview = applying.speak(results, line)
    save(results, line)
    applying.apply(results)
    file = results / "workspace" / "voice" / "n00001.wav"
    assert preview.file.read_bytes() == file.read_bytes()
    assert preview.speed == 0.9
    with pytest.raises(UserError, match="is not spoken"):
        applying.speak(results, line.model_copy(update={"text": '{"caption": "문"}'}))


def test_without_a_line_there_is_nothing_to_hear(results: Path) -> None:
    assert applying.sound(results, []) == {"ducks": [], "clips": []}


def test_the_sound_is_what_the_mix_will_be(results: Path) -> None:
    lines = [edited(results, text="여자가 웃는다."), *drafts(results)[1:]]
    sound = applying.sound(results, lines)
    save(results, lines[0])
    applying.apply(results)
    mixed = Workspace(results / "workspace")
    gains = list(json.loads((mixed.stage("mix") / "mix.json").read_text())["gains"].values())
    assert [clip["gain"] for clip in sound["clips"]] == [pytest.approx(gain, abs=0.01) for gain in gains]
    assert [clip["line"] for clip in sound["clips"]] == [line.id for line in lines]
    assert [Duck(**duck) for duck in sound["ducks"]] == mixed.read(Duck)
