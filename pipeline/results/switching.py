"""New results of many stages take the place of the old ones all at once, whenever the program is killed.

They are made in a workspace of their own, `review/next` of the results folder. A journal is written when all of them
are whole: before it, nothing has changed; after it, whoever comes next finishes what it says.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from data.files import write_atomically
from data.workspace import Workspace
from pipeline.results.delivery import deliver

JOURNAL = "switch.json"
NEVER = ("cache", "delivered.json", ".lock", "config.json", "source.json", "run.log")
"""What a workspace holds besides the stages' results."""


def beside(results: Path, remade: Collection[str]) -> Path:
    """A results folder whose workspace shares all of `results`, in which stages can run without touching them.

    Whole results of the stages in `remade` that an earlier attempt left there are kept.
    """
    folder = results / "review" / "next"
    old, new = results / "workspace", folder / "workspace"
    new.mkdir(parents=True, exist_ok=True)
    kept = {name for name in remade if Workspace(new).manifest(name)}
    for path in new.iterdir():
        if path.name not in kept and path.name != "cache":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for path in old.iterdir():
        if path.is_dir() and path.name not in {*NEVER, *kept} and not path.name.endswith(".partial"):
            shutil.copytree(path, new / path.name, copy_function=_link)
    if not (new / "cache").is_symlink():
        (old / "cache").mkdir(exist_ok=True)
        (new / "cache").symlink_to((old / "cache").resolve(), target_is_directory=True)
    return folder


def switch(results: Path, stages: Sequence[str], unwanted: Collection[str]) -> None:
    """Put the results of `stages` beside `results` in their place, and deliver them."""
    old, new = Workspace(results / "workspace"), Workspace(results / "review" / "next" / "workspace")
    changed = [name for name in stages if new.manifest(name) and new.manifest(name) != old.manifest(name)]
    journal = {"stages": changed, "unwanted": sorted(unwanted)}
    write_atomically(results / "review" / JOURNAL, json.dumps(journal).encode())
    finish(results)


def finish(results: Path) -> bool:
    """Finish a switch that was begun, however far it got; False where there is none."""
    file = results / "review" / JOURNAL
    if not file.exists():
        return False
    journal = json.loads(file.read_bytes())
    folder = results / "review" / "next"
    for name in journal["stages"]:
        _replace(folder / "workspace" / name, results / "workspace" / name, folder / f"old-{name}")
    deliver(Workspace(results / "workspace"), results, journal["unwanted"])
    file.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    return True


def _replace(new: Path, place: Path, old: Path) -> None:
    if not new.exists():  # it was moved before the program was killed
        return
    if place.exists():
        shutil.rmtree(old, ignore_errors=True)
        place.rename(old)
    new.rename(place)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)
