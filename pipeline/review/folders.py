"""The results folders that are reviewed or published."""

from __future__ import annotations

from pathlib import Path

from data.errors import UserError
from data.messages import tr


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


def database(folder: Path, url: str | None) -> str:
    """Where accounts are kept: in the studio's database, else beside the results."""
    if url:
        return url
    place = folder / "review" if _described(folder) else folder / ".review"
    place.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{(place / 'server.sqlite').resolve()}"


def _described(folder: Path) -> bool:
    return (folder / "workspace" / "script" / "script.json").is_file()
