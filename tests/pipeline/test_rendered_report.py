"""The report is made in the language of whoever asks, from one check."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from data import messages
from data.products import CheckReport
from data.reasons import say
from data.records import Note, Shot
from data.workspace import Workspace
from pipeline.results.delivery import DELIVERED, deliver, deliverables
from pipeline.results.report import rendered
from stages.check.report import Curve, Report
from tests.pipeline.review.made import finding, results_folder, write


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(results_folder(tmp_path) / "workspace")
    write(workspace, "shots", [Shot(id="s00001", start=0, end=15)])
    write(workspace, "dialogue", [])
    check(workspace, "No gap can take a line; nothing was added.")
    return workspace


def check(workspace: Workspace, note: str) -> None:
    curve = Curve(step=0.5, values=(-30.0, None))
    report = Report(
        episode="episode", file="film.mp4", duration=15, language="ko", verdict="error", spoken=3, spoken_seconds=4.5,
        dropped=0, findings=(finding("error", 1.0),), notes=(Note(message=say(note)),),
        models={"dialogue": ("speech",)}, programme_loudness=curve, narration_loudness=curve,
    )  # fmt: skip
    write(workspace, "check", report.findings, {CheckReport.pattern: report.model_dump_json().encode()})


def test_one_check_is_told_in_both_languages(workspace: Workspace) -> None:
    for language, note, heard in (
        ("en", "No gap can take a line", "speech detection"),
        ("ko", "대사 공백", "음성 감지"),
    ):
        with messages.answering(language):  # type: ignore[arg-type]
            data, html = rendered(workspace)
        told = json.loads(data.read_bytes())
        assert note in told["notes"][0]["text"]
        assert (told["findings"][0]["text"], told["models"]["dialogue"]) == ("x", heard)
        page = html.read_text(encoding="utf-8")
        assert f'<html lang="{language}"' in page
        assert note in page


def test_it_is_made_anew_when_the_check_is(workspace: Workspace) -> None:
    first = [path.stat().st_mtime_ns for path in rendered(workspace)]
    assert [path.stat().st_mtime_ns for path in rendered(workspace)] == first
    time.sleep(0.01)
    check(workspace, "No important line was left out; there is no extended film.")
    assert "No important line" in rendered(workspace)[1].read_text(encoding="utf-8")


def test_it_is_delivered_in_the_language_asked_for(workspace: Workspace) -> None:
    out = workspace.folder.parent
    for language in ("en", "ko"):
        with messages.answering(language):  # type: ignore[arg-type]
            deliver(workspace, out)
        assert f'<html lang="{language}"' in (out / "report.html").read_text(encoding="utf-8")
    final = [path.name for stage in DELIVERED for path in deliverables(stage, out)]
    assert {"report.json", "report.html"} <= set(final), "who calls the results final means the report too"
    assert not list(out.glob("report.*.edited-*")), "nobody has edited it"


def test_that_of_another_version_stays_until_the_check_has_run_again(workspace: Workspace) -> None:
    """It wrote both files itself, and a run that ends before the check takes nothing away."""
    older = {CheckReport.pattern: b'{"findings": [{"text": "x"}]}', "report.html": b"<html>older</html>"}
    write(workspace, "check", [finding("error", 1.0)], older)
    out = workspace.folder.parent
    deliver(workspace, out)
    assert {name: (out / name).read_bytes() for name in older} == older
    check(workspace, "No gap can take a line; nothing was added.")
    deliver(workspace, out)
    assert b"No gap can take a line" in (out / "report.html").read_bytes()


def test_there_is_none_before_the_check(tmp_path: Path) -> None:
    assert rendered(Workspace(tmp_path)) == []
