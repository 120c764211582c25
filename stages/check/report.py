"""The report: one model for what the check leaves, one page for people who would rather look than read.

The page stands alone (pictures inside), works without scripts, and says in tables what its pictures show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from data.errors import UserError
from data.media.pictures import thumbnail
from data.messages import current, tr
from data.products import Kind, Product, ScriptFile
from data.records import Clip, Extended, Finding, Gap, Keyframe, Line, Narration, Note, Row, Seconds, Shot, Utterance
from data.scripts.script import ScriptNarration, load
from stages.check.findings import Severity
from stages.check.timeline import Lanes, rows

R = TypeVar("R", bound=Row)
P = TypeVar("P", bound=Product)
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
SOURCES = {"subtitles": "subtitles", "speech": "speech detection"}
"""Utterance.source → what it is called; other sources are names of models."""
ROLES = {"dialogue": "Speech found by", "candidates": "Lines written by", "voice": "Voice"}
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info", "pass")
"""Worst first."""


class Curve(BaseModel):
    """Loudness over time: LUFS of every `step` seconds; None where there is silence."""

    model_config = ConfigDict(frozen=True)
    step: float
    values: tuple[float | None, ...]


class Report(BaseModel):
    """What the check leaves."""

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
    models: dict[str, tuple[str, ...]]
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


class Results(Protocol):
    """Where the records lie: a workspace, or the job of the check."""

    def read(self, kind: type[R], /) -> list[R]: ...
    def open(self, kind: type[P], /) -> P: ...
    def folder_of(self, kind: Kind, /) -> Path: ...


def scene(results: Results) -> Scene:
    """What the pictures of a report are drawn from."""
    images = {k.id: results.folder_of(Keyframe) / k.image for k in results.read(Keyframe)}
    marks = {line.id: line.unsupported for line in script_lines(results)}
    return Scene(
        results.read(Shot), results.read(Utterance), results.read(Gap), results.read(Line), results.read(Clip),
        images.__getitem__, marks,
    )  # fmt: skip


def script_lines(results: Results) -> Sequence[ScriptNarration]:
    """The spoken lines as the script has them."""
    path = results.open(ScriptFile).path
    try:
        return load(path).narrations if path else ()
    except UserError:
        return ()  # row 23 says what is wrong with the script


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


def told(report: Report) -> dict[str, Any]:
    """The report as JSON in which findings and notes are worded in the current language."""
    texts = {name: [{"text": one.text} for one in getattr(report, name)] for name in ("findings", "notes")}
    plain = report.model_dump(mode="json", exclude={name: {"__all__": {"message"}} for name in texts})
    whys = {"extended": [{"why": str(line.why)} for line in report.extended]}
    for name, worded in (texts | whys).items():
        plain[name] = [row | more for row, more in zip(plain[name], worded, strict=True)]
    return plain | {"models": _models(report)}


def _models(report: Report) -> dict[str, str]:
    return {role: ", ".join(tr(SOURCES.get(name, name)) for name in names) for role, names in report.models.items()}


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
        models=_models(report),
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
