"""Rows 1–4, 7 and 12: where narration lies, how fast and in what words. Times are those measured in the stem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data import language, style
from data.messages import tr
from data.records import Clip, Gap, Narration, Utterance
from stages.check.findings import Result, Severity, moment, or_pass
from stages.check.measure import Measured

GUARD_ERROR, GUARD_WARNING = 0.25, 0.3  # s; quality-control row 2
CELL_SECONDS = 0.01  # grain of the measured curve: a distance is known to this
RATE_LIMITS = {"ko": (5.5, 6.5), "en": (3.0, 3.3)}  # warn, fail; syllables/s and words/s; row 4
STRETCH_WARNING, STRETCH_ERROR = 1.10, 1.15  # row 4 and the policy for faster speech
LONG_GAP, FILL = 6.0, 0.8  # s, share; row 12


@dataclass(frozen=True)
class Spoken:
    """A clip with where its voice was found in the stem; None: it is not there."""

    clip: Clip
    narration: Narration
    voice: tuple[float, float] | None


def spoken(clips: Sequence[Clip], narrations: Sequence[Narration], measured: Measured) -> list[Spoken]:
    """Every clip that should be heard."""
    lines = {n.id: n for n in narrations}
    return [
        Spoken(c, lines[c.narration], measured.voiced_within(c.start - 0.1, c.end + 0.1))
        for c in clips
        if not c.dropped
    ]


def overlap(measured: Measured, utterances: Sequence[Utterance]) -> list[Result]:
    """Row 1: no voice of the stem lies over speech."""
    return or_pass(1, "overlap", _overlaps(measured, utterances), tr("No narration over dialogue"), 0.0)


def _overlaps(measured: Measured, utterances: Sequence[Utterance]) -> Iterator[Result]:
    for start, end in measured.voiced():
        for speech in utterances:
            first, last = max(start, speech.start), min(end, speech.end)
            if last - first > CELL_SECONDS:
                text = tr("Narration over dialogue from {start} to {end} ({seconds:.2f} s)",
                          start=moment(first), end=moment(last), seconds=last - first)  # fmt: skip
                yield Result(1, "overlap", "error", text, first, last, round(last - first, 3), 0.0)


def guards(measured: Measured, utterances: Sequence[Utterance]) -> list[Result]:
    """Row 2: distance between voice and speech."""
    nearest = min((d for d, *_ in _distances(measured, utterances)), default=None)
    text = tr("Narration keeps its distance from speech")
    return or_pass(2, "guard", _close(measured, utterances), text, nearest)


def _distances(measured: Measured, utterances: Sequence[Utterance]) -> Iterator[tuple[float, float, float]]:
    """Distance to the speech before and after each stretch of voice that does not overlap it; and the stretch."""
    for start, end in measured.voiced():
        before = [start - u.end for u in utterances if u.end <= start]
        after = [u.start - end for u in utterances if u.start >= end]
        yield from ((round(min(side), 3), start, end) for side in (before, after) if side)


def _close(measured: Measured, utterances: Sequence[Utterance]) -> Iterator[Result]:
    for distance, start, end in _distances(measured, utterances):
        if distance + CELL_SECONDS < GUARD_WARNING:
            error = distance + CELL_SECONDS < GUARD_ERROR
            text = tr("Only {distance:.2f} s between narration and speech at {start}", distance=distance,
                      start=moment(start))  # fmt: skip
            limit = GUARD_ERROR if error else GUARD_WARNING
            yield Result(2, "guard", "error" if error else "warning", text, start, end, distance, limit)


def fit(lines: Sequence[Spoken], gaps: Sequence[Gap]) -> list[Result]:
    """Row 3: every line is heard whole, inside its gap."""
    windows = {g.id: g.window for g in gaps}
    return or_pass(3, "fit", _misfits(lines, windows), tr("Every line is whole and inside its gap"))


def _misfits(lines: Sequence[Spoken], windows: dict[str, tuple[float, float]]) -> Iterator[Result]:
    for line in lines:
        clip, (start, end) = line.clip, windows[line.narration.gap]
        if line.voice is None:
            yield Result(3, "fit", "error", tr("A line is not heard: {text}", text=clip.text), clip.start, clip.end)
        elif line.voice[0] + CELL_SECONDS < start or line.voice[1] - CELL_SECONDS > end:
            text = tr("A line leaves its gap at {start}: {text}", start=moment(clip.start), text=clip.text)
            yield Result(3, "fit", "error", text, *line.voice)
        elif line.voice[1] - line.voice[0] < (clip.end - clip.start) * 0.5:
            text = tr("A line is cut short at {start}: {text}", start=moment(clip.start), text=clip.text)
            yield Result(3, "fit", "error", text, *line.voice)


def rate(lines: Sequence[Spoken], lang: str) -> list[Result]:
    """Row 4: syllables (Korean) or words (English) a second, as measured, and how far the voice was sped up."""
    return or_pass(4, "rate", _too_fast(lines, lang), tr("Every line is spoken at a pace that can be followed"))


def _too_fast(lines: Sequence[Spoken], lang: str) -> Iterator[Result]:
    warning, error = RATE_LIMITS[lang]
    for line in lines:
        if line.voice is None:
            continue
        units = language.syllables(line.clip.text, lang) if lang == "ko" else len(line.clip.text.split())
        pace = units / (line.voice[1] - line.voice[0])
        if pace > warning and units > 4:  # shorter lines hold no pause, so their pace says little
            text = tr("{pace:.1f} syllables or words a second at {start}: {text}", pace=pace,
                      start=moment(line.clip.start), text=line.clip.text)  # fmt: skip
            severity: Severity = "error" if pace > error else "warning"
            yield Result(4, "rate", severity, text, *line.voice, round(pace, 2), error if pace > error else warning)
        if line.clip.speed > STRETCH_WARNING + 1e-3:
            text = tr("Spoken {percent:.0f} % faster than set at {start}: {text}", percent=(line.clip.speed - 1) * 100,
                      start=moment(line.clip.start), text=line.clip.text)  # fmt: skip
            severity = "error" if line.clip.speed > STRETCH_ERROR + 1e-3 else "warning"
            yield Result(4, "rate", severity, text, *line.voice, line.clip.speed, STRETCH_ERROR)


def words(lines: Sequence[Spoken], lang: str) -> list[Result]:
    """Row 7: tense, person, register, no talk of the picture itself."""
    problems = [
        Result(
            7,
            "style",
            "warning",
            f"{moment(line.clip.start)}: {finding.message} ({finding.rule}): {line.clip.text}",
            line.clip.start,
            line.clip.end,
        )
        for line in lines
        for finding in style.findings(line.clip.text, lang)
    ]
    return or_pass(7, "style", problems, tr("Present tense and plain register throughout"))


def density(measured: Measured, gaps: Sequence[Gap]) -> list[Result]:
    """Row 12: gaps that are kept silent are silent, and long ones leave room for the programme."""
    return or_pass(12, "density", _crowded(measured, gaps), tr("The programme keeps its room in every gap"))


def _crowded(measured: Measured, gaps: Sequence[Gap]) -> Iterator[Result]:
    voiced = measured.voiced()
    for gap in gaps:
        filled = sum(max(0.0, min(end, gap.end) - max(start, gap.start)) for start, end in voiced)
        length = gap.end - gap.start
        if not gap.usable and filled > CELL_SECONDS:
            text = tr(
                "Narration in a gap that is kept free ({why}) at {start}", why=tr(gap.why), start=moment(gap.start)
            )
            yield Result(12, "density", "error", text, gap.start, gap.end, round(filled, 2), 0.0)
        elif length > LONG_GAP and filled > FILL * length:
            text = tr("Narration fills {percent:.0f} % of the gap at {start}", percent=100 * filled / length,
                      start=moment(gap.start))  # fmt: skip
            yield Result(12, "density", "warning", text, gap.start, gap.end, round(filled / length, 2), FILL)
