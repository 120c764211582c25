"""Pictures and sound. Every name is looked for in the folders that hold such files, and nowhere else."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse

from data.errors import UserError
from data.formats.web.film import web_film
from data.records import Clip, Keyframe
from data.review.applied import RECORDINGS
from data.workspace import Workspace
from pipeline.results.delivery import described_film
from pipeline.review.reading import film as film_of
from pipeline.review.visitors import Viewer, desk_of

router = APIRouter(prefix="/e/{episode}")
TYPES = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm", ".mkv": "video/x-matroska",
    ".ts": "video/mp2t", ".avi": "video/x-msvideo", ".wav": "audio/wav", ".jpg": "image/jpeg", ".vtt": "text/vtt",
}  # fmt: skip
"""Media types by ending; nothing a browser would run."""


def inside(folder: Path, name: str) -> Path:
    """The file `name` in `folder`, links followed. Raises HTTPException 404 for one that lies elsewhere or is none."""
    if not name.isprintable():
        raise HTTPException(404)
    found = (folder / name).resolve()
    if not found.is_relative_to(folder.resolve()) or not found.is_file():
        raise HTTPException(404)
    return found


def _holds(folder: Path, name: str) -> bool:
    return name.isprintable() and (folder / name).is_file()


def served(path: Path) -> Response:
    """The file, in parts where the browser asks for parts (RFC 9110 Range)."""
    headers = {"Cache-Control": "private, no-cache"}
    return FileResponse(path, media_type=TYPES.get(path.suffix.lower(), "application/octet-stream"), headers=headers)


@router.get("/film")
def film(request: Request, who: Viewer, episode: str) -> Response:  # noqa: ARG001
    """The film as it came; its place is what the run wrote down, not what a request says."""
    found = film_of(desk_of(request), episode)
    if not found or not found.is_file():
        raise HTTPException(404)
    return served(found)


@router.get("/described")
def described(request: Request, who: Viewer, episode: str) -> Response:  # noqa: ARG001
    """The film with its narration."""
    try:
        desk = desk_of(request)
        language = desk.machine(episode).script.episode.language
        return served(web_film(described_film(desk.results(episode)), language))
    except UserError:
        raise HTTPException(404) from None


@router.get("/clips/{file}")
def clip(request: Request, who: Viewer, episode: str, file: str) -> Response:  # noqa: ARG001
    """A spoken line: of the film, just spoken for a listener, or a person's recording."""
    results = desk_of(request).results(episode)
    workspace = Workspace(results / "workspace")
    folders = (
        workspace.folder_of(Clip),
        results / "review" / RECORDINGS,
        workspace.cache(Clip.stage),
    )
    holding = next((folder for folder in folders if _holds(folder, file)), folders[0])
    return served(inside(holding, file))


@router.get("/keyframes/{file}")
def keyframe(request: Request, who: Viewer, episode: str, file: str) -> Response:  # noqa: ARG001
    """A still."""
    return served(inside(Workspace(desk_of(request).results(episode) / "workspace").folder_of(Keyframe), file))
