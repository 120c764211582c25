"""Who asks, in which language, and whether they may."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, cast, get_args

from fastapi import Depends, HTTPException, Request, Response

from data.messages import Lang, tr
from pipeline.review.accounts import Person, Role
from pipeline.review.desk import Desk


@dataclass(frozen=True)
class Visitor:
    """Whoever sent a request. `session` is the secret of their cookie; `fresh`: they have just been given it."""

    person: Person | None
    session: str
    csrf: str
    fresh: bool


def desk_of(request: Request) -> Desk:
    """The desk that this application serves."""
    return cast(Desk, request.app.state.desk)


def language_of(request: Request) -> Lang:
    """What the visitor chose, else the first language of their browser that we speak, else English."""
    asked = [request.cookies.get("lang", "")]
    for part in request.headers.get("accept-language", "").split(","):
        asked.append(part.partition(";")[0].strip()[:2].lower())
    return cast(Lang, next((lang for lang in asked if lang in get_args(Lang)), "en"))


def visitor(request: Request) -> Visitor:
    """Whoever sent the request, signed in or not."""
    desk, session = desk_of(request), request.cookies.get(desk_of(request).cookie, "")
    fresh = not session
    session = session or secrets.token_urlsafe(32)
    person = desk.open_to or (None if fresh else desk.accounts.signed_in(session))
    return Visitor(person, session, desk.accounts.csrf(session), fresh)


def keep(request: Request, response: Response, session: str) -> None:
    """Give the visitor the cookie of their session: not for scripts, not for requests that other sites make."""
    secure = request.url.scheme == "https"
    response.set_cookie(desk_of(request).cookie, session, httponly=True, samesite="lax", secure=secure, path="/")


async def same_site(request: Request, asking: Annotated[Visitor, Depends(visitor)]) -> None:
    """Every request that changes something carries the token of its session: in a header, or in its form."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    sent = request.headers.get("x-csrf-token")
    if sent is None and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        sent = str((await request.form()).get("csrf", ""))
    if asking.fresh or not hmac.compare_digest((sent or "").encode(), asking.csrf.encode()):
        raise Refusal(403, "csrf", tr("This page is out of date; load it again"))


def signed_in(role: Role) -> Callable[[Visitor], Awaitable[Person]]:
    """A dependency: the visitor, who may do what `role` may."""

    async def allowed(asking: Annotated[Visitor, Depends(visitor)]) -> Person:
        if asking.person is None:
            raise Refusal(401, "login", tr("Sign in first"))
        if not asking.person.may(role):
            raise Refusal(403, "role", tr("Your role does not allow that; ask a lead"))
        return asking.person

    return allowed


class Refusal(HTTPException):
    """A request that is answered with a line for people and a code for scripts."""

    def __init__(self, status: int, code: str, error: str, **more: object) -> None:
        super().__init__(status, error)
        self.code, self.more = code, more


Asking = Annotated[Visitor, Depends(visitor)]
Viewer = Annotated[Person, Depends(signed_in("viewer"))]
Reviewer = Annotated[Person, Depends(signed_in("reviewer"))]
Lead = Annotated[Person, Depends(signed_in("lead"))]
