"""The results folders that are reviewed or published."""

from __future__ import annotations

from pathlib import Path

from data.errors import UserError
from data.messages import tr
from data.products import ScriptFile
from data.workspace import Workspace
from stages.schedule.objective import LEVELS


def results_folders(folder: Path) -> dict[str, Path]:
    """Name → results folder of every episode in `folder`, or of the one that it is itself."""
    if _described(folder):
        return {folder.resolve().name: folder.resolve()}
    try:
        return {found.name: found.resolve() for found in sorted(folder.iterdir()) if _described(found)}
    except OSError as error:
        cause = error.strerror or error
        line = tr("{folder} cannot be read ({cause}); name the folder of vdesc run", folder=folder, cause=cause)
        raise UserError(line) from None


def with_levels(folder: Path) -> dict[str, Path]:
    """As `results_folders`, and every level of detail as an episode of its own: `film-short`, as runs call it."""
    found = results_folders(folder)
    alone = _described(folder) or (folder / "levels").is_dir()
    places = {folder.resolve().name: folder} if alone else _folders(folder)
    for name, place in places.items():
        for level in LEVELS:
            at = place / "levels" / level
            if _described(at):
                found.setdefault(f"{name}-{level}", at.resolve())
    return found


def database(folder: Path, url: str | None) -> str:
    """Where accounts are kept: in the studio's database, else beside the results."""
    if url:
        return url
    place = folder / "review" if _described(folder) else folder / ".review"
    place.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{(place / 'server.sqlite').resolve()}"


def _folders(folder: Path) -> dict[str, Path]:
    return {place.name: place for place in sorted(folder.iterdir()) if place.is_dir()}


def _described(folder: Path) -> bool:
    return Workspace(folder / "workspace").open(ScriptFile).path is not None
