"""The workspace: whole results or none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.errors import UserError
from data.records import Shot
from data.workspace import Workspace


def shots(number: int = 2) -> Iterator[Shot]:
    for k in range(number):
        yield Shot(id=f"s{k:05d}", start=k, end=k + 1)


def finish(workspace: Workspace, records: Iterator[Shot], key: str = "k") -> None:
    workspace.finish("shots", records, key, {"version": 1}, [], time.monotonic())


def test_records_and_files_come_back(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    (workspace.begin("shots") / "a.bin").write_bytes(b"abc")
    finish(workspace, shots())
    manifest = workspace.manifest("shots")
    assert manifest is not None
    assert manifest.files.keys() == {"a.bin", "records.jsonl"}
    assert workspace.read(Shot) == list(shots())


def test_a_stage_that_fails_leaves_the_result_before_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.begin("shots")
    finish(workspace, shots(), "old")

    def broken() -> Iterator[Shot]:
        yield from shots(1)
        raise RuntimeError("no")

    workspace.begin("shots")
    with pytest.raises(RuntimeError):
        finish(workspace, broken(), "new")
    manifest = workspace.manifest("shots")
    assert manifest is not None
    assert manifest.key == "old"


def test_results_of_another_version_are_told(tmp_path: Path) -> None:
    """Rows whose form has changed since: whoever asks for them, by whatever command, is told what to do."""
    workspace = Workspace(tmp_path / "episode" / "workspace")
    (workspace.begin("shots") / "a.bin").write_bytes(b"abc")
    finish(workspace, shots())
    rows = workspace.stage("shots") / Shot.rows_in
    rows.write_text(rows.read_text().replace('"start"', '"from"'))
    with pytest.raises(UserError, match="episode holds results of another version; run vdesc run again"):
        workspace.read(Shot)


@pytest.mark.parametrize("harm", ["cut", "missing", "no manifest"])
def test_a_damaged_result_does_not_count(tmp_path: Path, harm: str) -> None:
    workspace = Workspace(tmp_path)
    workspace.begin("shots")
    finish(workspace, shots())
    records = workspace.stage("shots") / "records.jsonl"
    if harm == "cut":
        records.write_bytes(records.read_bytes()[:-5])
    else:
        (records if harm == "missing" else records.with_name("manifest.json")).unlink()
    assert workspace.manifest("shots") is None


def test_the_output_hash_depends_on_content_alone(tmp_path: Path) -> None:
    outputs = []
    for name in ("one", "two"):
        workspace = Workspace(tmp_path / name)
        workspace.begin("shots")
        finish(workspace, shots(), key=name)
        manifest = workspace.manifest("shots")
        assert manifest is not None
        outputs.append(manifest.output)
    assert outputs[0] == outputs[1]


def test_ids_must_ascend(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.begin("shots")
    with pytest.raises(ValueError, match="ascend"):
        finish(workspace, iter([*shots(), *shots(1)]))


def test_two_runs_cannot_work_on_one_episode(tmp_path: Path) -> None:
    with Workspace(tmp_path).lock(), pytest.raises(UserError, match="Another run"), Workspace(tmp_path).lock():
        pass
    with Workspace(tmp_path).lock():
        pass
