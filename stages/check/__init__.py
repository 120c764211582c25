"""Check: measures the finished files and says, row by row of the quality-control table, what holds.

Rows 1–4, 7, 12–19, 22 and 23 (docs: reading the report). Nothing is taken from the plan that the files can tell.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from data.messages import tr
from data.records import Clip, Duck, Finding, Gap, Keyframe, Narration, Shot, Utterance, Written
from stages.check import files, sound, timing
from stages.check.findings import Result, numbered
from stages.check.measure import Measured, measured
from stages.check.report import Curve, Report, Scene, page, verdict
from stages.stage import Job, StageConfig

VERSION = 1
CURVE_STEP = 0.5
"""Seconds between two points of the report's loudness curves: about three pixels."""


class Config(StageConfig):
    """The check has fixed limits: they are the standard's, not the user's."""


def run(job: Job[Config]) -> Iterator[Finding]:
    """Yield the findings; write `report.json` and `report.html`."""
    described = next(iter(sorted(job.folder_of(Duck).glob("described.*"))), None)
    heard = (
        measured(job.episode, described, job.folder_of(Duck) / "narration.wav", job.read(Duck)) if described else None
    )
    results = _results(job, described, heard) if described and heard else [_nothing_added()]
    findings = list(numbered(results))
    _write_report(job, findings, heard)
    yield from findings


def _nothing_added() -> Result:
    return Result(1, "overlap", "info", tr("Nothing is spoken; no track was added"))


def _results(job: Job[Config], described: Path, heard: Measured) -> list[Result]:
    lang = job.settings.language
    gaps, ducks, utterances = job.read(Gap), job.read(Duck), job.read(Utterance)
    lines = timing.spoken(job.read(Clip), job.read(Narration), heard)
    video, audio = job.episode.video, job.episode.audio
    mixed = json.loads((job.folder_of(Duck) / "mix.json").read_text(encoding="utf-8"))
    job.progress(1, 2)
    return [
        *timing.overlap(heard, utterances),
        *timing.guards(heard, utterances),
        *timing.fit(lines, gaps),
        *timing.rate(lines, lang),
        *timing.words(lines, lang),
        *timing.density(heard, gaps),
        *sound.narration_loudness(lines, heard, utterances),
        *sound.intelligibility(lines, heard, ducks, gaps),
        *sound.ducking(heard, ducks, utterances),
        *sound.programme_level(heard),
        *sound.untouched(heard, ducks, mixed["residual_outside_cues"]),
        *sound.length(heard, job.episode.duration, video.fps, audio.channels if audio else None),
        *sound.clicks(lines, heard),
        *files.track(described, job.episode, lang),
        *files.streams(job.episode.path, described, heard.file.container == job.episode.container),
        *files.scripts(job.folder_of(Written), job.read(Written), lines, heard),
    ]


def _write_report(job: Job[Config], findings: list[Finding], heard: Measured | None) -> None:
    clips = job.read(Clip)
    spoken = [c for c in clips if not c.dropped]
    report = Report(
        episode=job.episode.id,
        file=job.episode.path.name,
        duration=job.episode.duration,
        language=job.settings.language,
        verdict=verdict(findings),
        spoken=len(spoken),
        spoken_seconds=sum(c.end - c.start for c in spoken),
        dropped=len(clips) - len(spoken),
        findings=tuple(findings),
        notes=job.earlier_notes,
        models={"voice": ", ".join(sorted({c.voice for c in spoken}))},
        programme_loudness=_curve(heard, "programme"),
        narration_loudness=_curve(heard, "stem"),
    )
    images = {k.id: job.folder_of(Keyframe) / k.image for k in job.read(Keyframe)}
    scene = Scene(job.read(Shot), job.read(Utterance), job.read(Gap), job.read(Narration), clips, images.__getitem__)
    (job.folder / "report.json").write_text(report.model_dump_json(indent=1), encoding="utf-8")
    (job.folder / "report.html").write_text(page(report, scene), encoding="utf-8")


def _curve(heard: Measured | None, which: str) -> Curve:
    """Short stretches' loudness of the programme or the stem, for the report's picture."""
    if heard is None:
        return Curve(step=CURVE_STEP, values=())
    loudness = heard.programme if which == "programme" else heard.stem
    steps = int(loudness.duration / CURVE_STEP)
    values = (loudness.between(k * CURVE_STEP, (k + 1) * CURVE_STEP) for k in range(steps))
    return Curve(step=CURVE_STEP, values=tuple(round(v, 1) if v is not None else None for v in values))
