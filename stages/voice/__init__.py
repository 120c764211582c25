"""Voice: every narration spoken, measured, and fitted to its time.

A line that overruns is spoken faster, then replaced by a shorter candidate, then dropped with its reason.

What a voice reads is the line with the readings of `pronunciations` and of the cast, then `data.text.language.spoken`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from data.files import write_atomically
from data.reasons import Overruns, Reason, Refused, say
from data.records import Clip, Line
from data.style import refuse
from stages.sources import Language, Speaker
from stages.stage import Job
from stages.voice.backend import Voice
from stages.voice.booth import Booth, Take
from stages.voice.calibration import usual_seconds
from stages.voice.config import Config

VERSION = 5


MISS = 0.02
"""By how much a voice may be faster than it was asked to be."""


def run(job: Job[Config, Voice]) -> Iterator[Clip]:
    """Speak every line; see the module."""
    lines = job.read(Line)
    with closing(Booth(job)) as booth:
        for number, line in enumerate(lines, 1):
            yield _clip(booth, line)
            job.progress(number, len(lines))


def speaker(job: Job[Config, Voice]) -> Speaker:
    """The voice for a stage that plans: what it asks for is spoken into this stage's cache and found there later.

    A text that the gate refuses lasts for ever. Raises StageError when the voice says nothing.
    """
    booth = Booth(job)

    def seconds(text: str, speed: float) -> float:
        return math.inf if refuse(text, job.open(Language).language) else booth.spoken("", text, speed).seconds

    def spoken_as(text: str) -> tuple[Path, str]:
        take = booth.spoken("", text, 1.0)
        return job.cache / take.file, take.voice

    half = round((1 + job.config.max_speed) / 2, 3)
    speeds = tuple(sorted({half, job.config.max_speed, job.config.hard_speed} - {1.0}))
    voice = f"{job.backend.voice(job.open(Language).language)}, {job.config.rate}"
    return Speaker(seconds, speeds, partial(usual_seconds, booth, folder=job.shared or job.cache), spoken_as, voice)


def take_of(booth: Booth, line: Line) -> Take | Reason:
    """A line as it is to be heard: the first of its texts that may be spoken and fits, or why there is none.

    What people decided is spoken whether it fits or not, as fast as they asked, else up to `hard_speed`.
    """
    if line.recording:
        return booth.recorded(line.candidate, line.text, booth.job.folder_of(Line) / line.recording)
    texts = [(line.candidate, line.text), *((a.candidate, a.text) for a in line.alternatives)]
    reasons = []
    for candidate, text in texts:
        take = _fitted(booth, line, candidate, text)
        if isinstance(take, Take):
            return take
        reasons.append(take)
    return reasons[0]


def _clip(booth: Booth, line: Line) -> Clip:
    take = take_of(booth, line)
    return _spoken(booth.job, line, take) if isinstance(take, Take) else _dropped(booth.job, line, take)


def _spoken(job: Job[Config, Voice], line: Line, take: Take) -> Clip:
    end = line.start + take.seconds
    if line.speed is None and take.speed > job.config.max_speed:
        job.note(
            say("“{text}” is spoken {speed:.2f} times as fast to fit its gap.", text=take.text, speed=take.speed),
            line.start,
            end,
        )
    if line.person and end > line.until + 0.0005:
        over = end - line.until
        job.note(
            say("“{text}” is {seconds:.1f} s longer than its place.", text=take.text, seconds=over), line.start, end
        )
    name = f"{line.id}.wav"
    write_atomically(job.folder / name, (job.cache / take.file).read_bytes())
    return _record(line, take.candidate, take.text, end=end, file=name, speed=take.speed, voice=take.voice)


def _dropped(job: Job[Config, Voice], line: Line, reason: Reason) -> Clip:
    text = say("“{text}” is not spoken: {reason}", text=line.text, reason=reason)
    job.note(text, line.start, line.until)
    voice = job.backend.voice(job.open(Language).language)
    return _record(line, line.candidate, line.text, end=line.start, file=None, dropped=reason, voice=voice)


def _record(line: Line, candidate: str, text: str, **fields: Any) -> Clip:
    return Clip(id=line.id, narration=line.id, start=line.start, candidate=candidate, text=text, **fields)


def _fitted(booth: Booth, line: Line, candidate: str, text: str) -> Take | Reason:
    """`text` spoken as slowly as it fits, or the reason why it is not spoken."""
    if rule := refuse(text, booth.job.open(Language).language):
        return Refused(rules=(rule,))
    room = round(line.until - line.start, 3)

    def speak(speed: float) -> Take:
        return booth.spoken(candidate, text, speed, line.voice, line.readings)

    shortest = first = speak(line.speed or 1.0)
    if line.speed is not None:
        return first
    for speed in _speeds(booth.job.config, first.seconds / max(room, 0.001), least=line.person):
        take = first if speed == 1.0 else speak(speed)
        if take.seconds <= room:
            return take
        shortest = min(shortest, take, key=lambda t: t.seconds)
    if line.person:
        return shortest
    return Overruns(needed=shortest.seconds, room=room)


def _speeds(config: Config, needed: float, *, least: bool = False) -> list[float]:
    """The speeds to try, slowest first; `needed` is how far the line at normal speed overruns.

    A voice need not come out as short as it was asked to, so the next step follows a miss; it may come out shorter, so
    the policy's own speeds, which a plan may count on, are tried where they nearly fit. No step is taken that is far
    too slow, nor one for a line that no speed would fit; with `least` the fastest for that one.
    """
    if needed <= 1:
        return [1.0]
    exact = math.ceil(needed * 100) / 100
    steps = sorted({exact, round(exact + 0.02, 2), config.max_speed, config.hard_speed})
    return [step for step in steps if exact - MISS <= step <= config.hard_speed] or [config.hard_speed] * least
