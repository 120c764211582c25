"""The report: one model for `report.json`, one page for people who would rather look than read.

The page stands alone (pictures inside), works without scripts, and says in tables what its pictures show.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from data.messages import current, tr
from data.pictures import read_picture
from data.records import Clip, Finding, Gap, Narration, Note, Seconds, Shot, Utterance

ROW_SECONDS = 120.0
"""Film shown in one row of the timeline: a minute is then about 600 pixels wide, a short line still visible."""
WIDTH, LANE, CURVE = 1200, 14, 70
LOUDEST, QUIETEST = -5.0, -65.0
"""LUFS at the upper and lower edge of the loudness curve."""


class Curve(BaseModel):
    """Loudness over time: LUFS of every `step` seconds; None where there is silence."""

    model_config = ConfigDict(frozen=True)
    step: float
    values: tuple[float | None, ...]


class Report(BaseModel):
    """What `report.json` holds."""

    model_config = ConfigDict(frozen=True)
    episode: str
    file: str
    duration: Seconds
    language: str
    verdict: Literal["pass", "warning", "error"]
    spoken: int
    spoken_seconds: Seconds
    dropped: int
    findings: tuple[Finding, ...]
    notes: tuple[Note, ...]
    models: dict[str, str]
    """Role → what did the work."""
    programme_loudness: Curve
    narration_loudness: Curve


@dataclass(frozen=True)
class Scene:
    """The records the pictures are drawn from."""

    shots: Sequence[Shot]
    utterances: Sequence[Utterance]
    gaps: Sequence[Gap]
    narrations: Sequence[Narration]
    clips: Sequence[Clip]
    keyframe_image: Callable[[str], Path]
    """Keyframe id → its JPEG."""


def verdict(findings: Sequence[Finding]) -> Literal["pass", "warning", "error"]:
    """The worst severity."""
    severities = {f.severity for f in findings}
    return "error" if "error" in severities else "warning" if "warning" in severities else "pass"


def page(report: Report, scene: Scene) -> str:
    """The report as one HTML page in the current language."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        report=report,
        tr=tr,
        lang=current(),
        clock=timecode,
        rows=list(_rows(report, scene)),
        lines=list(_lines(report, scene)),
        shown=[f for f in report.findings if f.severity in ("error", "warning")],
        passed=[f for f in report.findings if f.severity in ("pass", "info")],
        width=WIDTH,
        lane=LANE,
        curve=CURVE,
    )


def timecode(seconds: float) -> str:
    """h:mm:ss.s"""
    whole, tenths = divmod(round(seconds * 10), 10)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}.{tenths}"


def _rows(report: Report, scene: Scene) -> Iterator[dict[str, Any]]:
    """The timeline cut into rows; positions in pixels."""
    wrong = [(f.start, f.end) for f in report.findings if f.severity == "error" and f.start is not None]
    spoken = [c for c in scene.clips if not c.dropped]
    used = {n.gap for n in scene.narrations if any(c.narration == n.id for c in spoken)}
    start = 0.0
    while start < report.duration:
        end = min(start + ROW_SECONDS, report.duration)
        yield {
            "start": start,
            "end": end,
            "shots": _bars(scene.shots, start, end),
            "speech": _bars(scene.utterances, start, end),
            "gaps": [
                bar | {"bed": gap.bed, "used": gap.id in used, "usable": gap.usable}
                for gap in scene.gaps
                for bar in _bars([gap], start, end)
            ],
            "narration": [
                bar | {"text": clip.text, "wrong": _touches(clip, wrong)}
                for clip in spoken
                for bar in _bars([clip], start, end)
            ],
            "programme": list(_polylines(report.programme_loudness, start, end)),
            "voice": list(_polylines(report.narration_loudness, start, end)),
            "ticks": [(_x(t, start), timecode(t)) for t in _steps(start, end)],
        }
        start = end


def _steps(start: float, end: float) -> list[float]:
    return [start + k * 10.0 for k in range(int((end - start) // 10) + 1)]


def _x(time: float, start: float) -> float:
    return round((time - start) * WIDTH / ROW_SECONDS, 1)


def _bars(spans: Sequence[Any], start: float, end: float) -> list[dict[str, Any]]:
    return [
        {"x": _x(max(s.start, start), start), "w": max(_x(min(s.end, end), max(s.start, start)), 1.0)}
        for s in spans
        if s.start < end and s.end > start
    ]


def _touches(clip: Clip, spans: Sequence[tuple[float | None, float | None]]) -> bool:
    return any((a or 0.0) <= clip.end and (b if b is not None else a or 0.0) >= clip.start for a, b in spans)


def _polylines(curve: Curve, start: float, end: float) -> Iterator[str]:
    """The curve inside a row as SVG point lists, broken where there is silence."""
    first, last = round(start / curve.step), round(end / curve.step)
    points: list[str] = []
    for number, value in enumerate(curve.values[first:last], first):
        if value is None:
            if len(points) > 1:
                yield " ".join(points)
            points = []
            continue
        share = (LOUDEST - min(max(value, QUIETEST), LOUDEST)) / (LOUDEST - QUIETEST)
        points.append(f"{_x((number + 0.5) * curve.step, start)},{share * CURVE:.1f}")
    if len(points) > 1:
        yield " ".join(points)


def _lines(report: Report, scene: Scene) -> Iterator[dict[str, Any]]:
    """Every planned line with its keyframe and what the check says of it."""
    narrations = {n.id: n for n in scene.narrations}
    for clip in scene.clips:
        narration = narrations[clip.narration]
        touching = [
            f.text
            for f in report.findings
            if f.severity in ("error", "warning") and f.start is not None and _touches(clip, [(f.start, f.end)])
        ]
        yield {
            "clip": clip,
            "kind": narration.kind,
            "image": _thumbnail(scene.keyframe_image(narration.keyframe)),
            "findings": touching,
        }


def _thumbnail(path: Path) -> str:
    """A small JPEG of the keyframe as a data URI."""
    import cv2

    image = read_picture(path)
    height, width = image.shape[:2]
    small = cv2.resize(image, (240, max(round(240 * height / width), 1)), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode("ascii")
