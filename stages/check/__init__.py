"""Check: measures the finished files and says, row by row of the quality-control table, what holds.

Rows 1–4, 7, 8, 12–19, 22 and 23 (docs: reading the report). Nothing is taken from the plan that the files can tell:
the plan says where to look.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from data import media, style
from data.files import write_atomically
from data.products import CheckReport, DescribedFilm, ExtendedFilm, Levels, Pacing, Stem
from data.reasons import say
from data.records import Clip, Duck, Episode, Extended, Finding, Gap, Line, Utterance, Written
from stages.check import ducking, extended, files, sound, timing
from stages.check.findings import Result, numbered
from stages.check.lines import Spoken, spoken, unscripted
from stages.check.measure import Measured, measured
from stages.check.report import Curve, Report, script_lines, verdict
from stages.sources import EarlierNotes, Language
from stages.stage import Job, StageConfig

VERSION = 4
CURVE_STEPS = (0.2, 0.5)
"""Seconds between two points of the report's loudness curves, for films of up to a minute and for longer ones."""
LISTENING = 0.8
"""Share of the check's time that the pass over the sound takes."""


class Config(StageConfig):
    """The check has fixed limits: they are the standard's, not the user's."""

    def files(self) -> dict[str, str]:
        """The rules of style, which row 7 depends on."""
        return {"rules": style.identity()}


def run(job: Job[Config]) -> Iterator[Finding]:
    """Yield the findings; leave the report."""
    file = _described(job)
    heard = _listen(job, file) if file else None
    results = _results(job, heard) if heard else [_nothing_added(job.read(Clip))]
    findings = list(numbered([*results, *_extended(job, heard)]))
    _write_report(job, findings, heard)
    yield from findings


def _described(job: Job[Config]) -> Episode | None:
    """The described film as it lies there; None where there is none with sound."""
    path = job.open(DescribedFilm).path
    file = media.probe(path, content="-", silent_ok=True) if path else None  # its hash says nothing here
    return file if file and file.audio_streams else None


def _nothing_added(clips: Sequence[Clip]) -> Result:
    if all(clip.dropped for clip in clips):
        return Result(1, "overlap", "warning", say("Nothing is spoken; no track was added"))
    return Result(3, "fit", "error", say("There are lines to be heard, and no described film"))


def _listen(job: Job[Config], file: Episode) -> Measured:
    length = job.episode.duration
    return measured(job.episode, file, _stem(job), lambda done: job.progress(LISTENING * done, length))


def _extended(job: Job[Config], heard: Measured | None) -> list[Result]:
    """What the extended film holds, where one was asked for and a line is in it."""
    lines = job.read(Extended)
    if not lines:
        return []
    described = (heard.file, heard.track) if heard else (job.episode, job.episode.audio)
    level = job.open(Levels).narration_loudness if heard else None
    path = ExtendedFilm.place(job.folder_of(ExtendedFilm))
    return extended.check(path, job.episode, described, lines, job.read(Utterance), level)


def _stem(job: Job[Config]) -> Path:
    return Stem.place(job.folder_of(Stem))


def _results(job: Job[Config], heard: Measured) -> list[Result]:
    episode, described = job.episode, heard.file
    lines = spoken(job.read(Clip), job.read(Line), job.folder_of(Clip), _stem(job), heard)
    before, after = files.packets(episode.path), files.packets(described.path)
    return [
        *_placed(job, lines, heard),
        *_sounding(job, lines, heard),
        *ducking.untouched(heard, job.read(Duck), job.open(Levels).residual_outside_cues),
        *sound.length(heard, episode, after.get(heard.track.index)),
        *sound.clicks(lines, heard),
        *files.track(described.path, episode, job.open(Language).language),
        *files.streams(before, after, episode, described),
        *files.scripts(job.folder_of(Written), job.read(Written), lines, job.read(Extended)),
    ]


def _placed(job: Job[Config], lines: Sequence[Spoken], heard: Measured) -> Iterator[Result]:
    """Rows 1–12."""
    gaps, utterances, lang = job.read(Gap), job.read(Utterance), job.open(Language).language
    unsure = timing.doubted(lines, utterances)
    sure = [utterance for utterance in utterances if utterance not in unsure]
    yield from timing.overlap(heard, sure, unsure)
    yield from timing.guards(heard, sure)
    yield from timing.fit(lines, gaps, unscripted(lines, heard), unsure)
    yield from timing.rate(lines, lang)
    yield from timing.words(lines, lang)
    yield from timing.density(lines, heard, gaps, job.open(Pacing), unsure)


def _sounding(job: Job[Config], lines: Sequence[Spoken], heard: Measured) -> Iterator[Result]:
    """Rows 13–16. Gains can be measured only where the described track is in step with the programme."""
    gaps, utterances, ducks = job.read(Gap), job.read(Utterance), job.read(Duck)
    yield from sound.narration_loudness(lines, heard, utterances)
    if heard.in_step:
        yield from sound.intelligibility(lines, heard, gaps)
        yield from ducking.ducking(lines, heard, ducks, utterances)
    else:
        text = say("Not measured: the described track is not in step with the programme")
        yield from (Result(14, "intelligibility", "info", text), Result(15, "ducking", "info", text))
    yield from sound.programme_level(lines, heard)


def _write_report(job: Job[Config], findings: list[Finding], heard: Measured | None) -> None:
    clips = job.read(Clip)
    spoken = [c for c in clips if not c.dropped]
    report = Report(
        episode=job.episode.id,
        file=job.episode.path.name,
        duration=job.episode.duration,
        language=job.open(Language).language,
        verdict=verdict(findings),
        spoken=len(spoken),
        spoken_seconds=sum(c.end - c.start for c in spoken),
        dropped=len(clips) - len(spoken),
        extended=tuple(job.read(Extended)),
        findings=tuple(findings),
        notes=job.open(EarlierNotes).notes,
        models=_models(job, spoken),
        programme_loudness=_curve(heard, "programme"),
        narration_loudness=_curve(heard, "stem"),
    )
    write_atomically(CheckReport.place(job.folder), report.model_dump_json(indent=1).encode())


def _models(job: Job[Config], spoken: Sequence[Clip]) -> dict[str, tuple[str, ...]]:
    """Role → what did the work, as far as the records tell."""
    heard_by = sorted({part for u in job.read(Utterance) for part in u.source.split("+")})
    done = {
        "dialogue": heard_by,
        "candidates": _writers(job, spoken),
        "voice": sorted({c.voice for c in spoken}),
    }
    return {role: tuple(names) for role, names in done.items() if names}


def _writers(job: Job[Config], spoken: Sequence[Clip]) -> list[str]:
    """The models that wrote the spoken lines; the script knows them."""
    chosen = {c.candidate for c in spoken}
    return sorted({c.model for line in script_lines(job) for c in line.candidates if c.id in chosen})


def _curve(heard: Measured | None, which: str) -> Curve:
    """Short stretches' loudness of the programme or the stem, for the report's picture."""
    if heard is None:
        return Curve(step=CURVE_STEPS[1], values=())
    loudness = heard.programme if which == "programme" else heard.stem
    step = CURVE_STEPS[loudness.duration > 60]
    values = (loudness.between(k * step, (k + 1) * step) for k in range(int(loudness.duration / step)))
    return Curve(step=step, values=tuple(round(v, 1) if v is not None else None for v in values))
