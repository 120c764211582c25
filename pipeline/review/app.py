"""The application: routes, what every request passes, and how errors are told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from urllib.parse import quote

from anyio import to_thread
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from data import messages
from data.errors import UserError
from data.messages import tr
from data.review.store import Conflict
from data.review.undoing import BlockedError
from pipeline.review.desk import AbsentError, Desk
from pipeline.review.finishing import Workshop
from pipeline.review.routes import acts, delivery, events, media, sign_in, views
from pipeline.review.security import Guard
from pipeline.review.templating import HERE
from pipeline.review.visitors import Refusal, language_of, same_site

THREADS = 12
"""Requests that are worked on at once; Python runs one thread at a time, and more of them only keep others waiting."""


def create(desk: Desk, names: Iterable[str] = ()) -> FastAPI:
    """The review server over `desk`. `names` are host names it is reached by besides addresses and localhost."""

    workshop = Workshop(desk)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        desk.hub.begin()
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        await to_thread.run_sync(workshop.resume)
        yield
        workshop.stop()
        desk.close()

    app = FastAPI(lifespan=lifespan, dependencies=[Depends(same_site)], docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk, app.state.workshop = desk, workshop
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    for routes in (views, sign_in, acts, media, events, delivery):
        app.include_router(routes.router)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(UserError, _wrong)
    app.add_exception_handler(BlockedError, _blocked)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(Exception, _defect)
    app.add_exception_handler(AbsentError, _absent)
    app.add_middleware(TheirLanguage)
    app.add_middleware(Guard, names=names)
    return app


class TheirLanguage:
    """ASGI middleware: every message that is made while a request is answered is in the visitor's language."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in the language that was asked for."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with messages.answering(language_of(Request(scope))):
            await self._app(scope, receive, send)


async def _refused(request: Request, error: Exception) -> Response:
    """Anything that is turned away: a page goes to sign in, a script gets a line and a code."""
    assert isinstance(error, HTTPException)
    if error.status_code == 401 and request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(f"/login?to={quote(request.url.path)}", 303)
    if isinstance(error, Refusal):
        return told(error.status_code, error.code, str(error.detail), **error.more)
    if error.status_code == 404:
        return await _absent(request, error)
    return told(error.status_code, "refused", str(error.detail))


async def _absent(_: Request, __: Exception) -> Response:
    return told(404, "absent", tr("There is no such page or file"))


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    return told(422, "invalid", tr("{where}: {cause}; load the page again", where=where, cause=first["msg"]))


async def _wrong(_: Request, error: Exception) -> Response:
    return told(422, "wrong", str(error))


async def _blocked(_: Request, error: Exception) -> Response:
    assert isinstance(error, BlockedError)
    return told(422, "blocked", str(error), group=error.group)


async def _conflict(_: Request, error: Exception) -> Response:
    assert isinstance(error, Conflict)
    lines = [line.model_dump(mode="json") for line in error.lines]
    suggested = [line.model_dump(mode="json") for line in error.suggested]
    return told(409, "conflict", str(error), lines=lines, suggested=suggested)


async def _defect(request: Request, _: Exception) -> Response:
    with messages.answering(language_of(request)):  # it is made outside all middleware
        return told(500, "defect", tr("This is a defect of vdesc; please report it with what the server wrote"))


def told(status: int, code: str, error: str, **more: object) -> JSONResponse:
    """An error for people and for scripts."""
    return JSONResponse({"error": error, "code": code, **more}, status)
