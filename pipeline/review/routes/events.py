"""Server-sent events, and where people are."""

from __future__ import annotations

from anyio import Event
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse

from pipeline.review.visitors import Viewer, desk_of

router = APIRouter(prefix="/e/{episode}")
GRACE = 2.0
"""Seconds in which a stream may end by itself when the server does."""
PING = 15
"""Seconds between two signs of life; proxies cut what is silent for a minute."""


class Place(BaseModel):
    """Where somebody is."""

    model_config = ConfigDict(extra="forbid")
    line: str | None = Field(None, max_length=64)


@router.get("/events")
async def events(request: Request, who: Viewer, episode: str) -> Response:
    """What happens to the episode, as it happens: acts, presence, apply."""
    desk_of(request).results(episode)
    return EventSourceResponse(
        desk_of(request).hub.listen(episode, who.name), ping=PING,
        shutdown_event=Event(), shutdown_grace_period=GRACE,
    )  # fmt: skip


@router.post("/presence")
async def presence(request: Request, who: Viewer, episode: str, place: Place) -> dict[str, bool]:
    """Somebody went to a line."""
    desk_of(request).hub.moved(episode, who.name, place.line)
    return {"ok": True}
