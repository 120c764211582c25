"""Pages to read: the list of episodes, an episode, its history, the draft beside what it became."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from data.errors import UserError
from data.formats import FILES
from pipeline.review.desk import Desk
from pipeline.review.levels import side_by_side
from pipeline.review.pages import page
from pipeline.review.reading import explained, overview, read, state
from pipeline.review.texts import page_texts
from pipeline.review.visitors import Asking, Viewer, desk_of
from pipeline.review.voices import offered

router = APIRouter()


@router.get("/")
def episodes(request: Request, asking: Asking, who: Viewer, q: str = "", show: str = "all") -> Response:
    """Every episode with how far its review is; `q` searches titles, `show` is all, open, errors or done."""
    rows = [row for name in desk_of(request).folders() if (row := _row(desk_of(request), name, who.name))]
    wanted = [row for row in rows if q.casefold() in row["title"].casefold() and _needs(row, show)]
    return page(request, asking, "list.html", rows=wanted, total=len(rows), q=q, show=show)


def _row(desk: Desk, name: str, who: str) -> dict[str, Any]:
    try:
        return {"id": name, "problem": "", **overview(desk, name, who)}
    except UserError as error:
        return {"id": name, "title": name, "problem": str(error)}


def _needs(row: dict[str, Any], show: str) -> bool:
    if show == "all" or row["problem"]:
        return True
    left = row["total"] - row["decided"]
    return bool({"open": left > 0, "errors": row["errors"] > 0, "done": left == 0}.get(show, True))


@router.get("/language")
def language(to: str, back: str = "/") -> Response:
    """Choose the language of the pages."""
    response = RedirectResponse(local(back), 303)
    if to in ("ko", "en"):
        response.set_cookie("lang", to, max_age=365 * 86_400, httponly=True, samesite="lax")
    return response


def local(path: str) -> str:
    """A path on this server, whatever was asked for: never another site."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"


@router.get("/e/{episode}")
def episode(request: Request, asking: Asking, who: Viewer, episode: str) -> Response:
    """The review page; the lines are in it, so that it reads without scripts too."""
    desk = desk_of(request)
    shown = read(desk, episode, who.name, who.role) | {"voices": offered(desk.results(episode))}
    return page(request, asking, "episode.html", texts=page_texts(), formats=FILES, **shown)


@router.get("/e/{episode}/state")
def episode_state(request: Request, who: Viewer, episode: str) -> Response:
    """All that the page shows, as JSON."""
    return Response(state(desk_of(request), episode, who.name, who.role), media_type="application/json")


@router.get("/e/{episode}/levels")
def levels(request: Request, who: Viewer, episode: str) -> Response:
    """The levels of detail of the film side by side; none where it was described once."""
    return JSONResponse({"levels": side_by_side(desk_of(request), episode, who.name)})


@router.get("/e/{episode}/history")
def history(request: Request, asking: Asking, who: Viewer, episode: str, line: str | None = None) -> Response:
    """Who changed what, the latest first; of one line or of all."""
    desk = desk_of(request)
    acts = [act.model_dump(mode="json") for act in desk.session(episode, who.name).history(line)][::-1]
    if _wants_json(request):
        return JSONResponse({"acts": acts})
    title = desk.machine(episode).script.episode.title
    return page(request, asking, "history.html", acts=acts, title=title, base=_base(episode), line=line)


@router.get("/e/{episode}/why")
def why(request: Request, asking: Asking, who: Viewer, episode: str, at: str = "") -> Response:
    """Why a line is spoken, or nothing is: of a line, a second, or with a count of all reasons."""
    desk = desk_of(request)
    sections = explained(desk, episode, who.name, at)
    if _wants_json(request):
        return JSONResponse({"sections": [asdict(section) for section in sections]})
    title = desk.machine(episode).script.episode
    return page(request, asking, "why.html", sections=sections, title=title.title, language=title.language, at=at,
                base=_base(episode))  # fmt: skip


@router.get("/e/{episode}/compare")
def compare(request: Request, asking: Asking, who: Viewer, episode: str) -> Response:
    """What the machine drafted beside what it became."""
    desk = desk_of(request)
    rows = [asdict(row) for row in desk.session(episode, who.name).compare()]
    if _wants_json(request):
        return JSONResponse({"lines": rows})
    return page(
        request,
        asking,
        "compare.html",
        rows=rows,
        title=desk.machine(episode).script.episode.title,
        base=_base(episode),
    )


def _base(episode: str) -> str:
    from urllib.parse import quote

    return f"/e/{quote(episode)}"


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")
