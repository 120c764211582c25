"""Rows 13–19: loudness, ducking, what was left alone, length, clicks – all measured on the finished sound."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from data.messages import tr
from data.records import Bed, Duck, Gap, Utterance
from stages.check.findings import Result, Severity, moment, or_pass
from stages.check.measure import RATE, Measured
from stages.check.timing import Spoken

CLIP_SPREAD = 1.5  # LU around the narration's loudness; row 13
DIALOGUE_SPREAD = 2.0  # LU between narration and programme dialogue; row 13
OVER_BED: dict[Bed, float] = {"music": 10.0, "ambience": 15.0, "silence": 15.0}  # LU; row 14
OVER_BED_LEAST = 6.0  # LU; row 14
DEPTH = (6.0, 12.0)  # dB; row 15
DEPTH_SLACK = 1.0  # dB: least squares through a lossy codec
SILENCE = -50.0  # LUFS; a bed below it counts as silence (§7), and the codec's noise hides its gain
RAMP = (0.2, 0.6)  # s; row 15
PUMPING = 1.5  # s; row 15
PEAK = -1.0  # dBTP; row 16
HOUSE = (-24.0, 2.0)  # LKFS and tolerance, Korea; row 16
RESIDUAL = -60.0  # dBFS before the lossy encode; row 17
LEVEL_SLACK = 1.5  # dB by which a lossy codec may change a second of sound
DELAY = 0.015  # s; row 23 and EBU R37
EDGE_FADE = 0.01  # s; row 19
DEAD_AIR = 0.5  # s; row 19


def narration_loudness(lines: Sequence[Spoken], measured: Measured, utterances: Sequence[Utterance]) -> list[Result]:
    """Row 13: the narrator keeps one level, close to the dialogue's."""
    spans = [line.voice for line in lines if line.voice]
    level = measured.stem.gated(spans)
    if level is None:
        return []
    problems = list(_uneven(lines, measured, level))
    dialogue = measured.programme.gated([(u.start, u.end) for u in utterances])
    if dialogue is not None and abs(level - dialogue) > DIALOGUE_SPREAD:
        text = tr("Narration at {level:.1f} LUFS, dialogue at {dialogue:.1f} LUFS", level=level, dialogue=dialogue)
        problems.append(
            Result(13, "loudness", "warning", text, value=round(level - dialogue, 1), limit=DIALOGUE_SPREAD)
        )
    return or_pass(
        13, "loudness", problems, tr("Narration at {level:.1f} LUFS throughout", level=level), round(level, 1)
    )


def _uneven(lines: Sequence[Spoken], measured: Measured, level: float) -> Iterator[Result]:
    for line in lines:
        own = measured.stem.between(*line.voice) if line.voice else None
        if line.voice and own is not None and abs(own - level) > CLIP_SPREAD:
            text = tr("The line at {start} is {difference:+.1f} LU from the others", start=moment(line.clip.start),
                      difference=own - level)  # fmt: skip
            yield Result(13, "loudness", "warning", text, *line.voice, round(own - level, 1), CLIP_SPREAD)


def intelligibility(
    lines: Sequence[Spoken], measured: Measured, ducks: Sequence[Duck], gaps: Sequence[Gap]
) -> list[Result]:
    """Row 14: the narration stands out from the lowered programme."""
    beds = {g.id: g.bed for g in gaps}
    problems: list[Result] = []
    for line in lines:
        duck = next((d for d in ducks if line.clip.id in d.clips), None)
        gain = measured.dips[duck.id].bed_gain() if duck and duck.id in measured.dips else None
        if not line.voice or not gain or gain <= 0:
            continue
        voice, bed = measured.stem.between(*line.voice), measured.programme.between(*line.voice)
        if voice is None or bed is None:
            continue
        above = voice - (bed + 20 * math.log10(gain))
        wanted = OVER_BED[beds[line.narration.gap]]
        if above < wanted:
            text = tr(
                "Narration only {above:.1f} LU above the programme at {start}",
                above=above,
                start=moment(line.clip.start),
            )
            severity: Severity = "warning" if above < OVER_BED_LEAST else "info"
            problems.append(Result(14, "intelligibility", severity, text, *line.voice, round(above, 1), wanted))
    return or_pass(14, "intelligibility", problems, tr("Narration stands out from the programme everywhere"))


def ducking(measured: Measured, ducks: Sequence[Duck], utterances: Sequence[Utterance]) -> list[Result]:
    """Row 15: how deep and how fast the programme goes down, as found in the described track."""
    problems = [*_depths(measured, ducks), *_ramps(ducks, measured.programme.duration), *_pumping(ducks, utterances)]
    return or_pass(15, "ducking", problems, tr("Ducking of 6–12 dB with ramps of 0.2–0.6 s, nothing pumps"))


def _depths(measured: Measured, ducks: Sequence[Duck]) -> Iterator[Result]:
    for duck in ducks:
        dip = measured.dips.get(duck.id)
        gain = dip.bed_gain() if dip else None
        bed = measured.programme.between(duck.start, duck.end)
        if gain is None or bed is None or bed < SILENCE:
            continue  # nothing is there to be lowered, or less than what the codec adds
        depth = -20 * math.log10(max(gain, 1e-4))
        if not DEPTH[0] - DEPTH_SLACK <= depth <= DEPTH[1] + DEPTH_SLACK:
            text = tr("The programme is lowered by {depth:.1f} dB at {start}", depth=depth, start=moment(duck.start))
            yield Result(15, "ducking", "warning", text, duck.start, duck.end, round(depth, 1), DEPTH[1])


def _ramps(ducks: Sequence[Duck], duration: float) -> Iterator[Result]:
    for duck in ducks:
        for ramp, room in ((duck.attack, duck.start), (duck.release, duration - duck.end)):
            if room >= RAMP[0] and not RAMP[0] - 1e-3 <= ramp <= RAMP[1] + 1e-3:
                text = tr("A ramp of {ramp:.2f} s at {start}", ramp=ramp, start=moment(duck.start))
                yield Result(15, "ducking", "warning", text, duck.start, duck.end, ramp, RAMP[0])


def _pumping(ducks: Sequence[Duck], utterances: Sequence[Utterance]) -> Iterator[Result]:
    for one, other in pairwise(ducks):
        spoken = any(u.start < other.start and u.end > one.end for u in utterances)
        if other.start - one.end < PUMPING and not spoken:
            text = tr("The programme comes up for {seconds:.1f} s only at {start}", seconds=other.start - one.end,
                      start=moment(one.end))  # fmt: skip
            yield Result(15, "ducking", "warning", text, one.end, other.start, round(other.start - one.end, 2), PUMPING)


def programme_level(measured: Measured) -> list[Result]:
    """Row 16: integrated loudness and true peak of the mix; the programme's own are not ours to change."""
    results = []
    mix, source = measured.described, measured.programme
    level, own = mix.integrated, source.integrated
    if level is not None:
        text = tr(
            "The mix has {level:.1f} LUFS, the programme {own}",
            level=level,
            own=f"{own:.1f}" if own is not None else "–",
        )
        near = abs(level - HOUSE[0]) <= HOUSE[1]
        results.append(
            Result(16, "programme loudness", "pass" if near else "info", text, value=round(level, 1), limit=HOUSE[0])
        )
    peak, own_peak = mix.true_peak, source.true_peak
    if peak is not None:
        text = tr("True peak {peak:.1f} dBTP", peak=peak)
        ours = own_peak is None or peak > own_peak + 0.5
        severity: Severity = (
            "pass" if peak <= PEAK + 0.05 else "error" if ours and peak > 0 else "warning" if ours else "info"
        )
        results.append(Result(16, "true peak", severity, text, value=round(peak, 1), limit=PEAK))
    return results


def untouched(measured: Measured, ducks: Sequence[Duck], residual: float | None) -> list[Result]:
    """Row 17: outside cues the mix is the programme. `residual` is that of the samples before the encoder, dBFS."""
    problems = list(_changed(measured, ducks))
    if residual is not None and residual > RESIDUAL:
        text = tr("Outside cues the mix differs from the programme by {residual:.1f} dBFS", residual=residual)
        problems.append(Result(17, "untouched", "error", text, value=residual, limit=RESIDUAL))
    return or_pass(17, "untouched", problems, tr("Outside cues the mix is the programme"), residual)


def _changed(measured: Measured, ducks: Sequence[Duck]) -> Iterator[Result]:
    """Whole seconds outside ducks whose level the described track changes."""
    seconds = len(measured.programme_power) // 100
    ducked = np.zeros(seconds, bool)
    for duck in ducks:
        ducked[max(0, int(duck.start - duck.attack)) : math.ceil(duck.end + duck.release)] = True
    source, mix = (
        p[: seconds * 100].reshape(-1, 100).mean(axis=1) for p in (measured.programme_power, measured.described_power)
    )
    for second in np.flatnonzero(
        ~ducked & (np.maximum(source, mix) > 1e-6)
    ):  # −60 dBFS: below it codecs do as they like
        change = 10 * math.log10(max(mix[second], 1e-10) / max(source[second], 1e-10))
        if abs(change) > LEVEL_SLACK:
            text = tr("The programme is changed by {change:+.1f} dB at {start}, where nothing is spoken", change=change,
                      start=moment(float(second)))  # fmt: skip
            yield Result(
                17, "untouched", "error", text, float(second), float(second + 1), round(change, 1), LEVEL_SLACK
            )


def length(measured: Measured, duration: float, fps: float, channels: int | None) -> list[Result]:
    """Row 18: as long as the programme, in step with it, 48 kHz, same channels; and the stem likewise."""
    frame = 1 / fps if fps > 0 else 0.04
    problems = []
    for name, samples in ((tr("described track"), measured.samples), (tr("narration stem"), measured.stem_samples)):
        if abs(samples / RATE - duration) > frame:
            text = tr("The {name} lasts {seconds:.3f} s, the programme {duration:.3f} s", name=name,
                      seconds=samples / RATE, duration=duration)  # fmt: skip
            problems.append(Result(18, "length", "error", text, value=samples / RATE, limit=duration))
    if abs(measured.file.duration - duration) > max(2.0, frame):
        text = tr("The described file lasts {seconds:.3f} s", seconds=measured.file.duration)
        problems.append(Result(18, "length", "error", text, value=measured.file.duration, limit=duration))
    if measured.delay is not None and abs(measured.delay) > DELAY:
        text = tr("The described track lags the programme by {delay:.3f} s", delay=measured.delay)
        problems.append(Result(18, "length", "error", text, value=measured.delay, limit=DELAY))
    if measured.track.rate != RATE or (channels is not None and measured.track.channels != channels):
        text = tr("The described track has {rate} Hz and {channels} channels", rate=measured.track.rate,
                  channels=measured.track.channels)  # fmt: skip
        problems.append(Result(18, "length", "error", text))
    if measured.stem_format != "48000 Hz, 1 ch, PCM_24":
        problems.append(Result(18, "length", "error", tr("The stem is {format}", format=measured.stem_format)))
    return or_pass(18, "length", problems, tr("Same length as the programme, 48 kHz, in step"), measured.delay)


def clicks(lines: Sequence[Spoken], measured: Measured) -> list[Result]:
    """Row 19: no clipping, soft edges, no hole inside a line."""
    problems = []
    if measured.stem_peak >= 1.0:
        problems.append(Result(19, "clicks", "error", tr("The narration clips"), value=measured.stem_peak, limit=1.0))
    for line in lines:
        if line.voice is None:
            continue
        first, last = (round(t * 100) for t in line.voice)
        cells = measured.stem_rms[first:last]
        loud = float(cells.max(initial=0.0))
        if max(cells[0], cells[-1]) > 0.7 * loud:
            text = tr("The line at {start} has a hard edge", start=moment(line.clip.start))
            problems.append(Result(19, "clicks", "warning", text, *line.voice))
        hole = _longest_run(cells < 1e-3)
        if hole / 100 > DEAD_AIR:
            text = tr(
                "A hole of {seconds:.2f} s inside the line at {start}",
                seconds=hole / 100,
                start=moment(line.clip.start),
            )
            problems.append(Result(19, "clicks", "warning", text, *line.voice, hole / 100, DEAD_AIR))
    return or_pass(19, "clicks", problems, tr("No clipping, soft edges, no holes"))


def _longest_run(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    """Length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))
