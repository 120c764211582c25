"""Puts finished files from the workspace into the results folder, each whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from data.errors import UserError
from data.files import write_atomically
from data.formats import TABLE
from data.media.mux import SUFFIXES
from data.products import CheckReport, DescribedFilm, ExtendedFilm, ScriptFile, Stem
from data.workspace import Workspace
from pipeline.results import report

DELIVERED = {
    "mix": (DescribedFilm.pattern, Stem.pattern),
    "extended": (ExtendedFilm.pattern,),
    "script": (ScriptFile.pattern, *(row.file_name("*") for row in TABLE if row.script)),
    "check": report.FILES,
}
"""Stage → patterns of the files people are given; of scripts also those that they exported beside the others."""


def deliver(workspace: Workspace, folder: Path, unwanted: Collection[str] = ()) -> None:
    """Bring `folder` in step with the workspace; results of `unwanted` stages are not delivered.

    Large media are linked, texts copied, so that editing a text does not reach into the workspace. A file that a
    person changed since it was delivered is kept beside the new one as `<name>.edited-<n>`.
    """
    register = workspace.folder / "delivered.json"
    before: dict[str, list[int]] = json.loads(register.read_text()) if register.exists() else {}
    after: dict[str, list[int]] = {}
    for source in _finished(workspace, unwanted):
        target = folder / source.name
        if not (target.exists() and _same(source, target)):
            _keep_edited(target, before.get(source.name))
            _place(source, target)
        after[source.name] = _stamp(target) or []
    for name in before.keys() - after.keys():
        _keep_edited(folder / name, before[name])
        (folder / name).unlink(missing_ok=True)
    if after != before:
        write_atomically(register, json.dumps(after, indent=1).encode())


def deliverables(stage: str, folder: Path) -> list[Path]:
    """What people are given of a stage, as it lies in the stage's folder or among the results."""
    paths = (path for pattern in DELIVERED[stage] for path in sorted(folder.glob(pattern)))
    return list(dict.fromkeys(paths))  # a file may fit two patterns


def described_film(folder: Path) -> Path:
    """The described film in a results folder. Raises UserError where there is none."""
    films = sorted(path for path in folder.glob(DescribedFilm.pattern) if path.suffix in SUFFIXES.values())
    if not films:
        raise UserError("{folder} has no described film; run vdesc run first", folder=folder)
    return films[0]


def _finished(workspace: Workspace, unwanted: Collection[str]) -> list[Path]:
    return [
        path
        for stage in DELIVERED
        if stage not in unwanted and workspace.manifest(stage)
        for path in _left(stage, workspace)
    ]


def _left(stage: str, workspace: Workspace) -> list[Path]:
    """What people are given of a stage, as it lies in the workspace; the report in the language of whoever asks."""
    return report.rendered(workspace) if stage == CheckReport.stage else deliverables(stage, workspace.stage(stage))


def _stamp(path: Path) -> list[int] | None:
    """Size and time of change; None for a missing file."""
    return [path.stat().st_size, path.stat().st_mtime_ns] if path.exists() else None


def _same(source: Path, target: Path) -> bool:
    return target.samefile(source) or (source.stat().st_size < 1 << 24 and source.read_bytes() == target.read_bytes())


def _keep_edited(target: Path, delivered: list[int] | None) -> None:
    """Move a file that is not as it was delivered out of the way; nothing a person made is ever lost."""
    if _stamp(target) in (None, delivered):
        return
    number = 1
    while (kept := target.with_name(f"{target.name}.edited-{number}")).exists():
        number += 1
    target.rename(kept)


def _place(source: Path, target: Path) -> None:
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        _link_or_copy(source, partial)
        partial.replace(target)
    finally:  # a full disk leaves no half file beside the results
        partial.unlink(missing_ok=True)


def _link_or_copy(source: Path, target: Path) -> None:
    if source.name.startswith(("described.", "narration.", "extended.")):
        try:
            os.link(source, target)
        except OSError:  # another file system, or one without links
            shutil.copy2(source, target)
    else:
        shutil.copyfile(source, target)
