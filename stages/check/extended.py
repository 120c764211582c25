"""The extended film, measured: its length, its freezes, what is heard in them, and that nothing drifts.

The picture is compared with the source's frame by frame at the edges of every freeze, the sound with that of the
described film, both decoded from the finished files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import media
from data.media.extended import Freeze, added, frame_rate, freezes, later
from data.media.loudness import Loudness, Meter
from data.media.sound import audio_blocks, native_layout
from data.reasons import Message, say
from data.records import AudioStream, Episode, Extended, Utterance
from stages.check.findings import Result, moment, or_pass
from stages.check.measure import delay

RATE = 48_000
LOW = 8_000
"""Samples a second at which sounds are compared."""
SMALL = 64
"""Width at which pictures are compared; what moves there is seen."""
STILL = 3.0
"""Mean difference of two pictures, of 255, below which they are the same picture encoded twice."""
MOVES = 1.5
"""How much worse than the best frame a frame must match to be another one."""
AROUND = 5
"""Frames before and after the expected one among which the matching one is looked for."""
SHIFT = 2
"""More frames than this off and sound and picture have drifted; one is the encoder's rounding of a time."""
SNIPPET = 3.0
"""Seconds of sound after a freeze that are compared."""
VOICE = -55.0
"""LUFS below which 0.1 s holds no voice."""
TOLERANCE = 2.0
"""LU between a line and the narration of the described film (row 13's)."""
PEAK = -1.0
"""dBTP (EBU R 128)."""
Samples = NDArray[np.float32]
Picture = NDArray[np.int16]


@dataclass(frozen=True)
class Film:
    """The extended film as it is found: sound and the pictures around its freezes."""

    file: Episode
    rate: Fraction
    loudness: Loudness
    sound: Samples
    """(samples,) at 8 kHz, all channels as one."""
    pictures: dict[int, Picture]
    """Frame → its small picture, for all frames of the freezes and a few around them."""
    frames: int


def check(
    path: Path, episode: Episode, described: tuple[Episode, AudioStream | None], lines: Sequence[Extended],
    speech: Sequence[Utterance], level: float | None,
) -> list[Result]:  # fmt: skip
    """The results for the extended film at `path`.

    `level`: LUFS of the narration in the described film; None: the lines are held to the dialogue.
    """
    if not path.exists():
        return [Result(18, "extended", "error", say("There are extended descriptions, and no extended film"))]
    stops = freezes(lines)
    film = _measured(path, episode, stops)
    source, sound = _pictures_of(episode, film.rate, stops), _low(described[0], described[1])
    if level is None:
        level = film.loudness.dialogue([(later(u.start, stops), later(u.end, stops)) for u in speech])
    problems = [
        *_length(film, episode, stops),
        *_freezes(film, source, stops),
        *_in_step(film, sound, stops),
        *_heard(film, lines, stops, level),
    ]
    text = say("{number} freezes of {seconds:.1f} s in all: still pictures, each line inside, in step after them",
               number=len(stops), seconds=added(stops))  # fmt: skip
    return or_pass(18, "extended", problems, text, round(added(stops), 2))


def _error(text: Message, stop: Freeze, value: float, limit: float) -> Result:
    return Result(18, "extended", "error", text, stop.time, stop.time, round(value, 3), limit)


def _measured(path: Path, episode: Episode, stops: Sequence[Freeze]) -> Film:
    file = media.probe(path, content="-", silent_ok=True)
    rate = frame_rate(episode.video.fps)
    track = file.audio_streams[-1] if file.audio_streams else None
    layout = native_layout(track) if track else "mono"
    meter = Meter(RATE, layout, true_peak=True)
    for block in audio_blocks(file, track, rate=RATE, layout=layout):
        meter.feed(block)
    spans = [(round(s.start * rate) - AROUND, round(s.end * rate) + 2 * AROUND) for s in stops]
    pictures, frames = _pictures(file, rate, spans)
    return Film(file, rate, meter.result(), _low(file, track), pictures, frames)


def _low(file: Episode, track: AudioStream | None) -> Samples:
    blocks = [block[:, 0] for block in audio_blocks(file, track, rate=LOW, layout="mono")]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _pictures_of(episode: Episode, rate: Fraction, stops: Sequence[Freeze]) -> dict[int, Picture]:
    """The source's frames around the instants at which it is stopped, on the extended film's grid."""
    spans = [(round(s.time * rate) - AROUND, round(s.time * rate) + 2 * AROUND) for s in stops]
    return _pictures(episode, rate, spans)[0]


def _pictures(file: Episode, rate: Fraction, spans: Sequence[tuple[int, int]]) -> tuple[dict[int, Picture], int]:
    """Small pictures of the frames in `spans`, and how many frames there are; a late frame stands for those missing."""
    import av

    found: dict[int, Picture] = {}
    last = -1
    with av.open(f"file:{file.path}", metadata_errors="replace") as container:
        stream: Any = container.streams[file.video.index]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            if frame.pts is None:
                continue
            time = float(frame.pts * stream.time_base) - file.start_time
            last = max(last, round(time * rate))
            if any(first <= last <= until for first, until in spans):
                height = max(2, round(SMALL / 2 * frame.height / frame.width) * 2)
                small = frame.reformat(SMALL, height, "yuv420p")  # the luma as it is, whatever its range is said to be
                found[last] = small.to_ndarray()[:height].astype(np.int16)
    return found, last + 1


def _length(film: Film, episode: Episode, stops: Sequence[Freeze]) -> Iterator[Result]:
    """As long as the programme and its freezes together, to a frame of picture and the padding of the sound."""
    wanted, frame = episode.duration + added(stops), float(1 / film.rate)
    for name, length in ((say("picture"), film.frames * frame), (say("sound"), len(film.sound) / LOW)):
        if abs(length - wanted) > frame + 0.05:
            text = say("The extended film's {stream} lasts {length:.2f} s instead of {wanted:.2f} s",
                       stream=name, length=length, wanted=wanted)  # fmt: skip
            yield Result(18, "extended", "error", text, value=round(length, 3), limit=round(wanted, 3))


def _freezes(film: Film, source: dict[int, Picture], stops: Sequence[Freeze]) -> Iterator[Result]:
    """One picture from the first to the last frame of a freeze; after it the source's next frames."""
    for stop in stops:
        first, last = round(stop.start * film.rate), round(stop.end * film.rate)
        held = [film.pictures[n] for n in range(first, last + 1) if n in film.pictures]
        moved = max((_apart(held[0], picture) for picture in held[1:]), default=0.0)
        if len(held) < last - first or moved > STILL:
            yield _error(
                say("The picture does not stand still at {start}", start=moment(stop.time)), stop, moved, STILL
            )
        off = _off(film, source, round(stop.time * film.rate), last)
        if abs(off) >= SHIFT:
            text = say(
                "After the freeze at {start} the picture is {frames} frames off", start=moment(stop.time), frames=off
            )
            yield _error(text, stop, off, SHIFT)


def _off(film: Film, source: dict[int, Picture], at: int, goes_on: int) -> int:
    """Frames by which the picture after a freeze differs from the source's; 0 where nothing moves that could tell."""
    costs = {}
    for off in range(-AROUND, AROUND + 1):
        pairs = [(film.pictures.get(goes_on + k), source.get(at + k + off)) for k in range(AROUND)]
        both = [_apart(one, other) for one, other in pairs if one is not None and other is not None]
        if len(both) == AROUND:
            costs[off] = sum(both) / len(both)
    if not costs:
        return 0
    best = min(costs, key=lambda off: (costs[off], abs(off)))
    return best if 0 in costs and costs[0] > MOVES * costs[best] + 0.5 else 0


def _apart(one: Picture, other: Picture) -> float:
    return float(np.abs(one - other).mean()) if one.shape == other.shape else 255.0


def _in_step(film: Film, sound: Samples, stops: Sequence[Freeze]) -> Iterator[Result]:
    """The programme's sound after each freeze is where its picture is."""
    size = round(SNIPPET * LOW)
    for stop, after in zip(stops, [*(s.time for s in stops[1:]), len(sound) / LOW], strict=True):
        first = round((stop.time + 0.05) * LOW)
        there = round((stop.end + 0.05) * LOW)
        size = min(round(SNIPPET * LOW), round((after - stop.time - 0.1) * LOW))
        one, other = sound[first : first + size], film.sound[there : there + size]
        if size < LOW // 4 or len(one) != len(other) or float(np.abs(one).max(initial=0.0)) < 0.003:
            continue
        lag = delay(_raised(one), _raised(other))
        if lag is not None and abs(lag) > float(1 / film.rate):
            text = say(
                "After the freeze at {start} the sound is {seconds:+.3f} s off", start=moment(stop.time), seconds=lag
            )
            yield _error(text, stop, lag, round(float(1 / film.rate), 3))


def _raised(wave: Samples) -> Samples:
    """At the 48 kHz that `delay` counts in."""
    return np.repeat(wave, RATE // LOW)


def _heard(film: Film, lines: Sequence[Extended], stops: Sequence[Freeze], level: float | None) -> Iterator[Result]:
    """Every line in its freeze and nowhere else in it, as loud as the other narration, without clipping."""
    for line in lines:
        stop = next(stop for stop in stops if stop.time == line.time)
        loudness = film.loudness.gated([(line.start, line.end)])
        if loudness is None or loudness < VOICE:
            yield _error(
                say("A line is not heard at {start}: {text}", start=moment(line.time), text=line.text), stop, 0, 0
            )
            continue
        if level is not None and abs(loudness - level) > TOLERANCE:
            text = say("A line of the extended film is {lu:+.1f} LU off the narration at {start}: {text}",
                       lu=loudness - level, start=moment(line.time), text=line.text)  # fmt: skip
            yield Result(18, "extended", "warning", text, line.time, line.time, round(loudness, 2), round(level, 2))
    for stop in stops:
        inside = [line for line in lines if line.time == stop.time]
        edges = (stop.start + 0.03, inside[0].start - 0.03), (inside[-1].end + 0.03, stop.end - 0.03)
        if any((film.loudness.between(a, b) or -99.0) > VOICE for a, b in edges if b - a >= 0.1):
            text = say("The programme is heard while the picture stands still at {start}", start=moment(stop.time))
            yield _error(text, stop, 0, 0)
    peak = film.loudness.true_peak
    spoken = [film.loudness.true_peak_between(line.start, line.end) for line in lines]
    loudest = max((p for p in spoken if p is not None), default=None)
    if peak is not None and loudest is not None and loudest > PEAK:
        text = say("The extended film's lines reach {peak:.1f} dBTP", peak=loudest)
        yield Result(18, "extended", "warning", text, value=round(loudest, 2), limit=PEAK)
