"""Rows 1–4, 7 and 12: where narration lies, how fast and in what words. Times are those measured in the stem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data import style
from data.products import Pacing
from data.reasons import TooShort, say
from data.records import Gap, Utterance
from data.standard import FASTER, FASTEST, GUARD, LEAST_GUARD
from data.style.pace import limits, units
from stages.check.findings import Result, Severity, moment, or_pass
from stages.check.lines import Spoken
from stages.check.measure import CELLS, Measured

GRAIN = 1 / CELLS  # s: a distance is known to this
LOST = 0.03  # s of voice that may be missing: the grain at both ends, and a cell of noise
EVERYWHERE = (-np.inf, np.inf)


def _edges(spans: Sequence[Utterance]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array([s.start for s in spans]), np.array([s.end for s in spans])


def doubted(lines: Sequence[Spoken], utterances: Sequence[Utterance]) -> list[Utterance]:
    """Voices that neither a caption nor recognised words confirm, under lines a person's script puts there."""
    given = [line.voice for line in lines if line.voice and line.narration.given]
    begins, ends = (np.array([voice[side] for voice in given]) for side in (0, 1))
    near = GUARD
    return [
        u for u in utterances if not u.confirmed and bool(np.any((begins < u.end + near) & (ends > u.start - near)))
    ]


def overlap(measured: Measured, utterances: Sequence[Utterance], unsure: Sequence[Utterance] = ()) -> list[Result]:
    """Row 1: no voice of the stem lies over speech; over what is only taken for speech (`doubted`), people decide."""
    problems = [*_overlaps(measured, utterances), *map(_unsure, _overlaps(measured, unsure))]
    return or_pass(1, "overlap", problems, say("No narration over dialogue"), 0.0)


def _unsure(result: Result) -> Result:
    where = {"start": moment(result.start or 0.0), "end": moment(result.end or 0.0)}
    text = say("Narration where the script has it, over a voice that no caption and no recognised word confirms, from "
               "{start} to {end}: listen there", **where)  # fmt: skip
    return replace(result, severity="warning", message=text)


def _overlaps(measured: Measured, utterances: Sequence[Utterance]) -> Iterator[Result]:
    starts, ends = _edges(utterances)
    for start, end in measured.voiced.tolist():
        for number in np.flatnonzero((starts < end) & (ends > start)):
            first, last = max(start, float(starts[number])), min(end, float(ends[number]))
            if last - first > GRAIN:
                text = say("Narration over dialogue from {start} to {end} ({seconds:.2f} s)",
                           start=moment(first), end=moment(last), seconds=last - first)  # fmt: skip
                yield Result(1, "overlap", "error", text, first, last, round(last - first, 3), 0.0)


def guards(measured: Measured, utterances: Sequence[Utterance]) -> list[Result]:
    """Row 2: distance between voice and speech."""
    distances = list(_distances(measured, utterances))
    nearest = min((distance for distance, _ in distances), default=None)
    if nearest is None:
        return [Result(2, "guard", "pass", say("There is no speech to keep a distance from"))]
    text = say("Narration keeps its distance from speech: {distance:.2f} s or more", distance=nearest)
    return or_pass(2, "guard", _close(distances), text, nearest)


def _distances(measured: Measured, utterances: Sequence[Utterance]) -> Iterator[tuple[float, float]]:
    """Distance from each stretch of voice to the speech before and after it, and when; overlaps are row 1's."""
    starts, ends = _edges(utterances)
    for start, end in measured.voiced.tolist():
        before, after = ends[starts < start], starts[ends > end]
        sides = [(start - before.max(), start)] if len(before) else []
        sides += [(after.min() - end, end)] if len(after) else []
        yield from ((round(max(0.0, float(side)), 3), time) for side, time in sides if side >= -GRAIN)


def _close(distances: Sequence[tuple[float, float]]) -> Iterator[Result]:
    for distance, time in distances:
        if distance + GRAIN < GUARD:
            error = distance + GRAIN < LEAST_GUARD
            text = say("Only {distance:.2f} s between narration and speech at {start}", distance=distance,
                       start=moment(time))  # fmt: skip
            limit = LEAST_GUARD if error else GUARD
            yield Result(2, "guard", "error" if error else "warning", text, time, time, distance, limit)


def fit(
    lines: Sequence[Spoken],
    gaps: Sequence[Gap],
    unscripted: Iterator[tuple[float, float]],
    unsure: Sequence[Utterance] = (),
) -> list[Result]:
    """Row 3: every line is heard whole, inside its gap, and nothing besides; `doubted` voices end no gap."""
    windows = {g.id: g.window for g in gaps}
    free = {line.clip.id for line in lines if doubted([line], unsure)}
    places = [EVERYWHERE if line.clip.id in free else windows[line.narration.gap] for line in lines]
    problems = [problem for line, place in zip(lines, places, strict=True) for problem in _misfit(line, place)]
    for start, end in unscripted:
        text = say("Voice that belongs to no line from {start} to {end}", start=moment(start), end=moment(end))
        problems.append(Result(3, "fit", "error", text, start, end, round(end - start, 2), 0.0))
    text = say("All {number} lines are whole and inside their gaps", number=len(lines))
    return or_pass(3, "fit", problems, text, float(len(lines)))


def _misfit(line: Spoken, window: tuple[float, float]) -> Iterator[Result]:
    clip, values = line.clip, {"start": moment(line.clip.start), "text": line.clip.text}
    if line.voice is None:
        yield Result(3, "fit", "error", say("A line is not heard at {start}: {text}", **values), clip.start, clip.end)
        return
    outside = max(window[0] - line.voice[0], line.voice[1] - window[1])
    if outside > GRAIN:
        text = say("A line leaves its gap by {seconds:.2f} s at {start}: {text}", seconds=outside, **values)
        yield Result(3, "fit", "error", text, *line.voice, round(outside, 2), 0.0)
    if line.lost > LOST:
        text = say("A line is cut: {seconds:.2f} s of it are missing at {start}: {text}", seconds=line.lost, **values)
        yield Result(3, "fit", "error", text, *line.voice, round(line.lost, 2), LOST)


def rate(lines: Sequence[Spoken], lang: str) -> list[Result]:
    """Row 4: syllables (Korean) or words (English) a second, as measured, and how far the voice was sped up."""
    whole = [line for line in lines if line.voice and line.lost <= LOST]  # what is left of a cut line has no pace
    paces = {line.clip.id: _pace(line, lang) for line in whole}
    fastest = max((pace for pace, _ in paces.values()), default=0.0)
    text = say("Syllables a second at most: {pace:.1f}", pace=fastest)
    if lang == "en":
        text = say("Words a second at most: {pace:.1f}", pace=fastest)
    problems = [problem for line in whole for problem in _too_fast(line, *paces[line.clip.id], lang)]
    return or_pass(4, "rate", problems, text, round(fastest, 2))


def _pace(line: Spoken, lang: str) -> tuple[float, int]:
    """Syllables or words a second, and how many there are."""
    number = units(line.clip.text, lang)
    assert line.voice
    return number / (line.voice[1] - line.voice[0]), number


def _too_fast(line: Spoken, pace: float, number: int, lang: str) -> Iterator[Result]:
    clip, voice, start = line.clip, line.voice or (0.0, 0.0), moment(line.clip.start)
    warning, error = limits(number, lang)
    if pace > warning:
        text = say("{pace:.1f} syllables a second at {start}: {text}", pace=pace, start=start, text=clip.text)
        if lang == "en":
            text = say("{pace:.1f} words a second at {start}: {text}", pace=pace, start=start, text=clip.text)
        severity: Severity = "error" if pace > error else "warning"
        yield Result(4, "rate", severity, text, *voice, round(pace, 2), error if pace > error else warning)
    if clip.speed > FASTER + 1e-3:
        text = say("Spoken {percent:.0f} % faster than set at {start}: {text}", percent=(clip.speed - 1) * 100,
                   start=start, text=clip.text)  # fmt: skip
        severity = "error" if clip.speed > FASTEST + 1e-3 else "warning"
        yield Result(4, "rate", severity, text, *voice, clip.speed, FASTEST)


def words(lines: Sequence[Spoken], lang: str) -> list[Result]:
    """Rows 7 and 8: tense, person, register, no talk of the picture itself, no guesses.

    Warnings only: the guidelines recommend and people decide. It goes by what the schedule chose by (`style.blamed`).
    """
    problems = []
    for line in lines:
        for found in style.blamed(line.clip.text, lang):
            text = say(
                "{start}: {rule}: {text}", start=moment(line.clip.start), rule=found.message, text=line.clip.text
            )
            problems.append(Result(found.row, "style", "warning", text, line.clip.start, line.clip.end))
    results = or_pass(7, "style", problems, say("Present tense and plain register throughout"))
    if lang == "ko" and not style.morphology_installed():
        text = say("Wording was looked at by letters only: pip install 'videodescription[korean]' for morphology")
        results.append(Result(7, "style", "info", text))
    return results


def density(
    lines: Sequence[Spoken],
    measured: Measured,
    gaps: Sequence[Gap],
    pacing: Pacing,
    unsure: Sequence[Utterance] = (),
) -> list[Result]:
    """Row 12: gaps that are kept silent are silent, and long ones leave the room for the programme that was asked for.

    Pauses inside a line are talk, those between two lines are room. A gap that is only short because of a `doubted`
    voice beside it is not kept silent.
    """
    edges = {u.start for u in unsure} | {u.end for u in unsure}
    gaps = [gap for gap in gaps if not isinstance(gap.why, TooShort) or not {gap.start, gap.end} & edges]
    talk, filled = np.array([line.place for line in lines if line.place]).reshape(-1, 2), []
    for gap in gaps:
        spans = talk if gap.usable else measured.voiced
        shared = np.minimum(spans[:, 1], gap.end) - np.maximum(spans[:, 0], gap.start)
        filled.append(float(np.maximum(shared, 0.0).sum()))
    shares = [
        f / (g.end - g.start)
        for f, g in zip(filled, gaps, strict=True)
        if g.usable and g.end - g.start > pacing.long_gap
    ]
    problems = [
        problem for gap, seconds in zip(gaps, filled, strict=True) for problem in _crowded(gap, seconds, pacing)
    ]
    if not shares:
        return or_pass(12, "density", problems, say("The programme keeps its room in every gap"))
    text = say("Narration fills {percent:.0f} % of a long gap at most", percent=100 * max(shares))
    return or_pass(12, "density", problems, text, round(max(shares), 2))


def _crowded(gap: Gap, filled: float, pacing: Pacing) -> Iterator[Result]:
    """`filled`: seconds of voice in the gap."""
    length, start = gap.end - gap.start, moment(gap.start)
    if not gap.usable and filled > GRAIN:
        text = say("Narration in a gap that is kept free ({why}) at {start}", why=gap.why, start=start)
        yield Result(12, "density", "error", text, gap.start, gap.end, round(filled, 2), 0.0)
    elif gap.usable and length > pacing.long_gap and filled > pacing.fill * length + GRAIN:
        text = say("Narration fills {percent:.0f} % of the gap at {start}", percent=100 * filled / length, start=start)
        yield Result(12, "density", "warning", text, gap.start, gap.end, round(filled / length, 2), pacing.fill)
