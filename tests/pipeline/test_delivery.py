"""Delivery: whole files, nothing stale, nothing of a person's lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from data.workspace import Workspace
from pipeline.results.delivery import deliver, deliverables


def stage(workspace: Workspace, name: str, **files: bytes) -> None:
    """Finish a stage that wrote the given files (`_` stands for the dot)."""
    folder = workspace.begin(name)
    for file, content in files.items():
        (folder / file.replace("_", ".")).write_bytes(content)
    workspace.finish(name, [], "key", {}, [], time.monotonic())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "film"


@pytest.fixture
def workspace(out: Path) -> Workspace:
    return Workspace(out / "workspace")


def names(out: Path) -> set[str]:
    return {p.name for p in out.iterdir() if p.is_file()}


def test_media_are_linked_and_texts_copied(workspace: Workspace, out: Path) -> None:
    stage(workspace, "mix", described_mkv=b"film", narration_wav=b"wav", mix_json=b"{}")
    stage(workspace, "script", script_csv=b"text")
    deliver(workspace, out)
    assert names(out) == {"described.mkv", "narration.wav", "script.csv"}
    assert (out / "described.mkv").samefile(workspace.stage("mix") / "described.mkv")
    assert not (out / "script.csv").samefile(workspace.stage("script") / "script.csv")


def test_a_stale_file_goes(workspace: Workspace, out: Path) -> None:
    stage(workspace, "mix", described_mkv=b"film")
    deliver(workspace, out)
    stage(workspace, "mix")
    deliver(workspace, out)
    assert names(out) == set()


@pytest.mark.parametrize("again", [b"text", b"newer"])
def test_an_edited_file_is_kept_beside_the_new_one(workspace: Workspace, out: Path, again: bytes) -> None:
    stage(workspace, "script", script_csv=b"text")
    deliver(workspace, out)
    for number in (1, 2):
        (out / "script.csv").write_bytes(b"mine %d" % number)
        stage(workspace, "script", script_csv=again)
        deliver(workspace, out)
        assert (out / "script.csv").read_bytes() == again
        assert (out / f"script.csv.edited-{number}").read_bytes() == b"mine %d" % number


def test_a_deleted_file_comes_back(workspace: Workspace, out: Path) -> None:
    stage(workspace, "script", script_csv=b"text")
    deliver(workspace, out)
    (out / "script.csv").unlink()
    deliver(workspace, out)
    assert (out / "script.csv").read_bytes() == b"text"


def test_a_file_of_a_person_that_was_never_delivered_is_kept(workspace: Workspace, out: Path) -> None:
    stage(workspace, "script", script_csv=b"text")
    (out / "script.csv").write_bytes(b"mine")
    deliver(workspace, out)
    assert (out / "script.csv").read_bytes() == b"text"
    assert (out / "script.csv.edited-1").read_bytes() == b"mine"


def test_what_people_exported_beside_the_results_is_theirs_to_give(workspace: Workspace, out: Path) -> None:
    """A run leaves it as it is, and it is among the files that are called final."""
    stage(workspace, "script", script_csv=b"text", script_json=b"{}")
    deliver(workspace, out)
    (out / "script.docx").write_bytes(b"mine")
    deliver(workspace, out)
    assert (out / "script.docx").read_bytes() == b"mine"
    assert {path.name for path in deliverables("script", out)} == {"script.csv", "script.json", "script.docx"}
