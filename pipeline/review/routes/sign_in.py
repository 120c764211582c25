"""Signing in and out."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from data.messages import tr
from pipeline.review.accounts import Person
from pipeline.review.desk import Desk
from pipeline.review.pages import page
from pipeline.review.routes.views import local
from pipeline.review.visitors import Asking, desk_of, keep

router = APIRouter()


@router.get("/login")
def form(request: Request, asking: Asking, to: str = "/") -> Response:
    """The form, with the address to go to afterwards."""
    if asking.person:
        return RedirectResponse(local(to), 303)
    return _form(request, asking, to)


@router.post("/login")
def sign_in(
    request: Request,
    asking: Asking,
    name: Annotated[str, Form(max_length=40)] = "",
    password: Annotated[str, Form(max_length=200)] = "",
    to: Annotated[str, Form(max_length=500)] = "/",
) -> Response:
    """Begin a session of a new id, so that nobody can have planted it; the old one ends."""
    desk, address = desk_of(request), request.client.host if request.client else ""
    wait = desk.attempts.wait(name, address)
    if wait:
        text = tr("Too many attempts; try again in {minutes} minutes", minutes=-(-wait // 60))
        response = _form(request, asking, to, name, text, 429)
        response.headers["Retry-After"] = str(wait)
        return response
    person = _person(desk, name.strip(), password)
    if person is None:
        desk.attempts.failed(name, address)
        return _form(request, asking, to, name, tr("That name and password do not belong together"), 401)
    desk.accounts.end_session(asking.session)
    response = RedirectResponse(local(to), 303)
    keep(request, response, desk.accounts.begin_session(person, guest=desk.token is not None))
    return response


@router.post("/logout")
def sign_out(request: Request, asking: Asking) -> Response:
    """End the session for good: a copy of its cookie is worth nothing afterwards."""
    desk_of(request).accounts.end_session(asking.session)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(desk_of(request).cookie)
    return response


def _person(desk: Desk, name: str, password: str) -> Person | None:
    if desk.token is None:
        return desk.accounts.verified(name, password)
    return Person(name, "lead") if name and hmac.compare_digest(desk.token.encode(), password.encode()) else None


def _form(request: Request, asking: Asking, to: str, name: str = "", error: str = "", status: int = 200) -> Response:
    by_token = desk_of(request).token is not None
    return page(request, asking, "login.html", status, to=local(to), name=name, error=error, by_token=by_token)
