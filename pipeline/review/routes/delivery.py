"""From the review to finished files: apply, quality control, deliver, export; and what Web Audio plays until then."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from data.formats import export
from data.messages import tr
from data.records import Finding, Keyframe
from data.workspace import Workspace
from pipeline.review import finishing
from pipeline.review.desk import Desk
from pipeline.review.reading import lines_about
from pipeline.review.reading import loudness as loudness_of
from pipeline.review.results import shown_finding
from pipeline.review.visitors import Lead, Refusal, Reviewer, Viewer, desk_of

router = APIRouter(prefix="/e/{episode}")


@router.post("/apply", status_code=202)
def apply(request: Request, who: Reviewer, episode: str) -> Response:
    """Begin to bring the film in step with the review; `apply` events tell how far it is."""
    if not request.app.state.workshop.begin(episode, who.name):
        raise Refusal(409, "busy", tr("The changes are being applied already; wait for it to end"))
    return JSONResponse({"state": "running"}, 202)


@router.post("/deliver")
def deliver(request: Request, who: Lead, episode: str) -> Response:
    """Say that the film is final; refused while errors stand, with the list, and while changes are not in it."""
    desk = desk_of(request)
    errors, dirty = finishing.in_the_way(desk, episode, who.name)
    if errors:
        rows = [_finding(desk, episode, who.name, row) for row in errors]
        raise Refusal(409, "findings", tr("Not yet: errors to mend: {number}", number=len(rows)), findings=rows)
    if dirty:
        raise Refusal(409, "dirty", tr("Not yet: some changes are not in the film; apply them first"))
    return JSONResponse(finishing.deliver(desk, episode, who.name))


@router.get("/qc")
def findings(request: Request, who: Viewer, episode: str) -> Response:
    """What the check found, errors first, with the lines it is about."""
    desk = desk_of(request)
    order = {"error": 0, "warning": 1, "info": 2, "pass": 3}
    rows = sorted(desk.machine(episode).findings, key=lambda row: order[row.severity])
    return JSONResponse({"findings": [_finding(desk, episode, who.name, row) for row in rows]})


@router.get("/sound")
def sound(request: Request, who: Viewer, episode: str) -> Response:
    """Ducks and clips of the lines as they stand."""
    return JSONResponse(finishing.sound(desk_of(request), episode, who.name))


@router.get("/loudness")
def loudness(request: Request, who: Viewer, episode: str) -> Response:  # noqa: ARG001
    """Loudness of the programme over time."""
    return JSONResponse(loudness_of(desk_of(request), episode))


@router.get("/export/{kind}")
def exported(request: Request, who: Viewer, episode: str, kind: str) -> Response:  # noqa: ARG001
    """The script that was applied last, in any format that is one file."""
    desk = desk_of(request)
    script, workspace = desk.machine(episode).script, Workspace(desk.results(episode) / "workspace")
    name, content = export(script, kind, workspace.folder_of(Keyframe))
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


def _finding(desk: Desk, episode: str, who: str, finding: Finding) -> dict[str, Any]:
    return shown_finding(finding) | {"lines": lines_about(desk, episode, who, finding)}
