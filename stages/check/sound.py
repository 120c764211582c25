"""Rows 13, 14, 16, 18 and 19: loudness, peaks, length, clicks – all measured on the finished sound."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from data.reasons import say
from data.records import Bed, Episode, Gap, Utterance
from stages.check.files import Packets
from stages.check.findings import Result, Severity, moment, or_pass
from stages.check.lines import Spoken
from stages.check.measure import RATE, Measured

CLIP_SPREAD = 1.5  # LU around the narration's loudness; row 13
DIALOGUE_SPREAD = 2.0  # LU between narration and programme dialogue; row 13
TRACK_SPREAD = 1.5  # dB between the stem and the voice in the described track
TRACK_ERROR = 12.0  # … from which the line is not heard as meant
OVER_BED: dict[Bed, float] = {"music": 10.0, "ambience": 15.0, "silence": 15.0}  # LU; row 14
OVER_BED_LEAST = 6.0  # LU; row 14
SILENCE = -50.0  # LUFS; a bed below it counts as silence (§7), and the codec's noise hides its gain
PEAK = -1.0  # dBTP; row 16
OVERSHOOT = 2.0  # dB by which true peaks and a codec may pass the samples of a loud programme
HOUSE = (-24.0, 2.0)  # LKFS and tolerance, Korea; row 16
DELAY = 0.015  # s; row 23 and EBU R37
CODEC_FRAME = 1024 / RATE  # s: containers without a word for padding end with a whole frame of AAC
FULL_SCALE = 0.999  # largest sample of 24 bits is a hair below 1; row 19
EDGE = 0.05  # share of its peak a clip may have within 1 ms of its ends: a fade of 10 ms leaves 2 %; row 19
DEAD_AIR = 0.5  # s; row 19


def narration_loudness(lines: Sequence[Spoken], measured: Measured, utterances: Sequence[Utterance]) -> list[Result]:
    """Row 13: the narrator keeps one level, close to the dialogue's, in the described track as in the stem."""
    level = measured.stem.gated([line.place for line in lines if line.place])
    if level is None:
        return []
    problems = [*_uneven(lines, measured, level), *_in_track(lines, measured)]
    dialogue = measured.programme.dialogue([(u.start, u.end) for u in utterances])
    text = say("Narration at {level:.1f} LUFS throughout", level=level)
    if dialogue is not None:
        text = say("Narration at {level:.1f} LUFS, dialogue at {dialogue:.1f} LUFS", level=level, dialogue=dialogue)
        if abs(level - dialogue) > DIALOGUE_SPREAD:
            apart = round(level - dialogue, 1)
            problems.append(Result(13, "loudness", "warning", text, value=apart, limit=DIALOGUE_SPREAD))
    return or_pass(13, "loudness", problems, text, round(level, 1))


def _uneven(lines: Sequence[Spoken], measured: Measured, level: float) -> Iterator[Result]:
    for line in lines:
        own = measured.stem.gated([line.place]) if line.place else None
        if line.voice and own is not None and abs(own - level) > CLIP_SPREAD:
            text = say("The line at {start} is {difference:+.1f} LU from the others", start=moment(line.clip.start),
                       difference=own - level)  # fmt: skip
            yield Result(13, "loudness", "warning", text, *line.voice, round(own - level, 1), CLIP_SPREAD)


def _in_track(lines: Sequence[Spoken], measured: Measured) -> Iterator[Result]:
    """Lines that the described track does not hold as loud as the stem says."""
    for line in lines:
        gain = measured.products.gains(*line.voice).narration if line.voice and measured.in_step else None
        if line.voice is None or gain is None:
            continue
        apart = 20 * math.log10(max(gain, 1e-3))
        if abs(apart) > TRACK_SPREAD:
            text = say("In the described track the line at {start} is {difference:+.1f} dB from narration.wav",
                       start=moment(line.clip.start), difference=apart)  # fmt: skip
            severity: Severity = "error" if abs(apart) > TRACK_ERROR else "warning"
            yield Result(13, "loudness", severity, text, *line.voice, round(apart, 1), TRACK_SPREAD)


def intelligibility(lines: Sequence[Spoken], measured: Measured, gaps: Sequence[Gap]) -> list[Result]:
    """Row 14: the narration stands out from the lowered programme."""
    beds = {g.id: g.bed for g in gaps}
    above = {line.clip.id: margin for line in lines if (margin := _above(line, measured)) is not None}
    if not above:
        return [Result(14, "intelligibility", "pass", say("Nothing that could be heard lies under the narration"))]
    problems = []
    for line in lines:
        margin, wanted = above.get(line.clip.id), OVER_BED[beds[line.narration.gap]]
        if margin is not None and margin < wanted:
            text = say("Narration only {above:.1f} LU above the programme at {start}", above=margin,
                       start=moment(line.clip.start))  # fmt: skip
            severity: Severity = "warning" if margin < OVER_BED_LEAST else "info"
            first, last = line.voice or (None, None)
            problems.append(Result(14, "intelligibility", severity, text, first, last, round(margin, 1), wanted))
    least = min(above.values())
    text = say("Narration {above:.1f} LU or more above the programme", above=least)
    return or_pass(14, "intelligibility", problems, text, round(least, 1))


def _above(line: Spoken, measured: Measured) -> float | None:
    """LU between the line and the programme under it, as lowered; None where nothing is to be heard under it."""
    if line.voice is None:
        return None
    voice, bed = measured.stem.between(*line.voice), measured.programme.between(*line.voice)
    gain = measured.products.gains(*line.voice).programme
    if voice is None or bed is None or bed < SILENCE or gain is None:
        return None
    return voice - (bed + 20 * math.log10(max(gain, 1e-3)))


def programme_level(lines: Sequence[Spoken], measured: Measured) -> list[Result]:
    """Row 16: integrated loudness and true peak of the mix; the programme's own are not ours to change."""
    return [*_integrated(measured), *_peaks(lines, measured)]


def _integrated(measured: Measured) -> Iterator[Result]:
    level, own = measured.described.integrated, measured.programme.integrated
    if level is None:
        return
    text = say("The mix has {level:.1f} LUFS", level=level)
    if own is not None:
        text = say("The mix has {level:.1f} LUFS, the programme {own:.1f} LUFS", level=level, own=own)
    near = abs(level - HOUSE[0]) <= HOUSE[1]
    severity: Severity = "pass" if near else "info"
    yield Result(16, "programme loudness", severity, text, value=round(level, 1), limit=HOUSE[0])


def _peaks(lines: Sequence[Spoken], measured: Measured) -> Iterator[Result]:
    """Above −1 dBTP: a problem under narration, which is ours; elsewhere only where the programme is lower."""
    mix, fine = measured.described, True
    for line in lines:
        peak = mix.true_peak_between(*line.place) if line.place else None
        if line.place and peak is not None and peak > PEAK + 0.05:
            text = say("True peak {peak:.1f} dBTP under the line at {start}", peak=peak, start=moment(line.clip.start))
            severity: Severity = "error" if peak > 0 else "warning"
            yield Result(16, "true peak", severity, text, *line.place, round(peak, 1), PEAK)
            fine = False
    peak, own = mix.true_peak, measured.programme_peak
    if peak is None or not fine:
        return
    text = say("True peak {peak:.1f} dBTP", peak=peak)
    severity = "pass"
    if peak > PEAK + 0.05:
        severity = "info" if own is not None and peak <= own + OVERSHOOT else "error"
        if severity == "info":
            text = say("True peak {peak:.1f} dBTP, the programme's own", peak=peak)
    yield Result(16, "true peak", severity, text, value=round(peak, 1), limit=PEAK)


def length(measured: Measured, episode: Episode, track: Packets | None) -> list[Result]:
    """Row 18: as long as the programme, in step with it, 48 kHz, same channels; and the stem likewise."""
    problems = [*_lengths(measured, episode, track), *_formats(measured, episode)]
    if measured.delay is not None and abs(measured.delay) > DELAY:
        text = say("The described track lags the programme by {delay:.3f} s", delay=measured.delay)
        problems.append(Result(18, "length", "error", text, value=measured.delay, limit=DELAY))
    text = say("As long as the programme, 48 kHz")
    if measured.delay is not None:
        text = say("As long as the programme, 48 kHz, {delay:.1f} ms apart from it", delay=abs(measured.delay) * 1000)
    return or_pass(18, "length", problems, text, measured.delay)


def _lengths(measured: Measured, episode: Episode, track: Packets | None) -> Iterator[Result]:
    duration, frame = episode.duration, 1 / episode.video.fps if episode.video.fps > 0 else 0.04
    times = (track.start, track.end) if track else (measured.file.start_time,) * 2
    start, end = (time - measured.file.start_time for time in times)
    if start > frame:
        text = say("The described track starts {seconds:.3f} s late", seconds=start)
        yield Result(18, "length", "error", text, 0.0, start, round(start, 3), round(frame, 3))
    names = {
        say("described track"): (end, CODEC_FRAME),
        say("narration stem"): (measured.stem_samples / RATE, 0.0),
    }
    for name, (seconds, padding) in names.items():
        if not -frame <= seconds - duration <= frame + padding:
            text = say("The {name} lasts {seconds:.3f} s, the programme {duration:.3f} s", name=name, seconds=seconds,
                       duration=duration)  # fmt: skip
            yield Result(18, "length", "error", text, value=round(seconds, 3), limit=duration)
    if abs(measured.file.duration - duration) > 2.0:
        text = say("The described file lasts {seconds:.3f} s", seconds=measured.file.duration)
        yield Result(18, "length", "error", text, value=measured.file.duration, limit=duration)


def _formats(measured: Measured, episode: Episode) -> Iterator[Result]:
    track, source = measured.track, episode.audio
    if track.rate != RATE or (source and track.channels != source.channels):
        text = say("The described track has {rate} Hz and {channels} channels", rate=track.rate,
                   channels=track.channels)  # fmt: skip
        yield Result(18, "length", "error", text, value=float(track.channels))
    if measured.stem_format != "48000 Hz, 1 ch, PCM_24":
        yield Result(18, "length", "error", say("The stem is {format}", format=measured.stem_format))


def clicks(lines: Sequence[Spoken], measured: Measured) -> list[Result]:
    """Row 19: no clipping, soft edges, no hole inside a line."""
    problems = []
    if measured.stem_peak >= FULL_SCALE:
        text = say("The narration clips: it reaches full scale")
        problems.append(Result(19, "clicks", "error", text, value=measured.stem_peak, limit=1.0))
    for line in lines:
        (first, last), start = line.voice or (None, None), moment(line.clip.start)
        if line.edge > EDGE:
            text = say("The line at {start} has a hard edge", start=start)
            problems.append(Result(19, "clicks", "warning", text, first, last, round(line.edge, 2), EDGE))
        if line.hole > DEAD_AIR:
            text = say("A hole of {seconds:.2f} s inside the line at {start}", seconds=line.hole, start=start)
            problems.append(Result(19, "clicks", "warning", text, first, last, line.hole, DEAD_AIR))
    peak = 20 * math.log10(max(measured.stem_peak, 1e-6))
    text = say("No clipping (narration peaks at {peak:.1f} dBFS), soft edges, no holes", peak=peak)
    return or_pass(19, "clicks", problems, text, round(peak, 1))
