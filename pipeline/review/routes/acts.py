"""What a reviewer does to lines."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from data.review.session import Done
from data.scripts.script import Text
from pipeline.review.accounts import Person
from pipeline.review.desk import Desk
from pipeline.review.recording import save_recording
from pipeline.review.results import shown_line
from pipeline.review.support import missing
from pipeline.review.visitors import Reviewer, desk_of

router = APIRouter(prefix="/e/{episode}")
Gesture = Annotated[dict[str, Any], Body()]


class Typed(BaseModel):
    """A text that is being typed."""

    model_config = ConfigDict(extra="forbid")
    line: str | None = None
    text: Text = Field(max_length=1000)
    start: float = Field(ge=0)


@router.post("/acts")
def act(request: Request, who: Reviewer, episode: str, gesture: Gesture) -> Response:
    """Do one gesture; 409 with the lines as they are where somebody was faster."""
    session = desk_of(request).session(episode, who.name)
    if gesture.get("preview"):
        return JSONResponse({"lines": [asdict(row) for row in session.preview(gesture)]})
    return _done(desk_of(request), episode, who, session.do(gesture))


class Past(BaseModel):
    """Gestures that cannot be taken back, as refused undos named them."""

    model_config = ConfigDict(extra="forbid")
    past: tuple[str, ...] = Field((), max_length=1000)


@router.post("/undo")
def undo(request: Request, who: Reviewer, episode: str, asked: Past | None = None) -> Response:
    """Take back the reviewer's own last gesture that is not one of `past`; 422 with its group where that is refused."""
    past = asked.past if asked else ()
    return _done(desk_of(request), episode, who, desk_of(request).session(episode, who.name).undo(past))


@router.post("/redo")
def redo(request: Request, who: Reviewer, episode: str) -> Response:
    """Do again what was last taken back."""
    return _done(desk_of(request), episode, who, desk_of(request).session(episode, who.name).redo())


@router.post("/check")
def check(request: Request, who: Reviewer, episode: str, draft: Typed) -> Response:
    """Length and style of a text before it is saved, and what in it and in the candidates has no support."""
    desk = desk_of(request)
    machine, session = desk.machine(episode), desk.session(episode, who.name)
    gap = machine.gap_at(draft.start)
    found = session.check_text(draft.text, draft.start, gap.window[1] if gap else draft.start)
    line = next((line for line in session.lines() if line.id == draft.line), None)
    return JSONResponse(asdict(found) | missing(machine, line, draft.text))


@router.post("/lines/{line}/speak")
def speak(request: Request, who: Reviewer, episode: str, line: str) -> Response:
    """The line in its voice, as it stands."""
    from pipeline.review import applying

    desk = desk_of(request)
    spoken = applying.speak(desk.results(episode), desk.line(episode, who.name, line))
    return JSONResponse({"url": f"{_url(episode)}/clips/{spoken.file.name}", "seconds": spoken.seconds})


@router.post("/lines/{line}/recording")
def record(request: Request, who: Reviewer, episode: str, line: str, file: UploadFile) -> Response:
    """A person's own recording of the line. It is decoded first and kept as 48 kHz mono WAV."""
    desk = desk_of(request)
    name = save_recording(file.file, desk.results(episode) / "review")
    version = desk.line(episode, who.name, line).version
    gesture = {"kind": "record", "line": line, "version": version, "recording": name}
    return _done(desk, episode, who, desk.session(episode, who.name).do(gesture))


def _done(desk: Desk, episode: str, who: Person, done: Done) -> Response:
    """The changed lines for whoever did it, and word of them for everybody else who looks."""
    machine, url = desk.machine(episode), _url(episode)
    answer = {"lines": [shown_line(line, machine, url) for line in done.lines], "number": done.number}
    desk.hub.tell(episode, "acts", answer | {"who": who.name})
    return JSONResponse(answer)


def _url(episode: str) -> str:
    from urllib.parse import quote

    return f"/e/{quote(episode)}"
