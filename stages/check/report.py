"""The report: one model for `report.json`, one page for people who would rather look than read.

The page stands alone (pictures inside), works without scripts, and says in tables what its pictures show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from data.messages import current, tr
from data.pictures import thumbnail
from data.records import Clip, Extended, Finding, Gap, Narration, Note, Seconds, Shot, Utterance
from stages.check.findings import Severity
from stages.check.timeline import Lanes, rows

CHECKS = {
    "overlap": "Narration over dialogue",
    "guard": "Distance to speech",
    "fit": "Lines whole, in their gaps",
    "rate": "Speaking rate",
    "style": "Wording",
    "density": "Room for the programme",
    "loudness": "Narration loudness",
    "intelligibility": "Narration above the programme",
    "ducking": "Ducking",
    "programme loudness": "Programme loudness",
    "true peak": "True peak",
    "untouched": "Programme left alone",
    "length": "Length and format",
    "extended": "Extended film",
    "clicks": "Clicks and clipping",
    "track": "Track labels",
    "copied": "Original streams",
    "scripts": "Scripts",
}
"""Check → what it is called on the page, in English; messages translate it."""
ROLES = {"dialogue": "Speech found by", "candidates": "Lines written by", "voice": "Voice"}
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info", "pass")
"""Worst first."""


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
    extended: tuple[Extended, ...] = ()
    """What the extended film says besides."""
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
    marks: Mapping[str, Sequence[str]]
    """Line → its words that no evidence supports."""


@dataclass(frozen=True)
class Summary:
    """One row of the table of all checks."""

    row: int
    name: str
    severity: Severity
    """The worst of its findings."""
    number: int
    """How many are that bad."""
    text: str
    """What was measured; empty where a warning or error says it."""


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
        checks=CHECKS,
        roles=ROLES,
        rows=list(rows(report.duration, _lanes(report, scene), timecode)),
        lines=list(_lines(report, scene)),
        errors=[f for f in report.findings if f.severity == "error"],
        warnings=[f for f in report.findings if f.severity == "warning"],
        summaries=list(summaries(report.findings)),
    )


def timecode(seconds: float) -> str:
    """h:mm:ss.s"""
    whole, tenths = divmod(round(seconds * 10), 10)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}.{tenths}"


def summaries(findings: Sequence[Finding]) -> Iterator[Summary]:
    """Every check once, in order of its row, with the worst it found."""
    for (row, name), group in groupby(findings, key=lambda f: (f.row, f.check)):
        found = list(group)
        worst = min((f.severity for f in found), key=SEVERITIES.index)
        texts = [f.text for f in found if f.severity == worst] if worst in ("pass", "info") else []
        yield Summary(row, name, worst, sum(f.severity == worst for f in found), " · ".join(texts))


def _lanes(report: Report, scene: Scene) -> Lanes:
    spoken = {c.id for c in scene.clips if not c.dropped}
    return Lanes(
        shots=scene.shots,
        utterances=scene.utterances,
        gaps=scene.gaps,
        used={n.gap for n in scene.narrations if n.id in spoken},
        clips=[(number, clip) for number, clip in enumerate(scene.clips, 1) if not clip.dropped],
        wrong={c.id for c in scene.clips if any(f.severity == "error" and _touches(c, f) for f in report.findings)},
        step=report.programme_loudness.step,
        programme=report.programme_loudness.values,
        voice=report.narration_loudness.values,
    )


def _touches(clip: Clip, finding: Finding) -> bool:
    """Whether a finding is about the time in which the clip is heard."""
    if finding.start is None:
        return False
    end = finding.start if finding.end is None else finding.end
    return finding.start <= clip.end and end >= clip.start


def _lines(report: Report, scene: Scene) -> Iterator[dict[str, Any]]:
    """Every planned line with its keyframe and what the check says of it."""
    narrations = {n.id: n for n in scene.narrations}
    bad = [f for f in report.findings if f.severity in ("error", "warning") and f.start is not None]
    for clip in scene.clips:
        narration = narrations[clip.narration]
        yield {
            "clip": clip,
            "kind": narration.kind,
            "unsupported": scene.marks.get(narration.id, ()),
            "image": thumbnail(scene.keyframe_image(narration.keyframe)),
            "findings": [f for f in bad if _touches(clip, f)],
        }
