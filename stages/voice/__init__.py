"""Voice: every narration spoken, measured, and fitted to its time.

A line that overruns is spoken faster, then replaced by a shorter candidate, then dropped with its reason.

What a voice reads is the line with the readings of `pronunciations` and of the cast, then `data.language.spoken`.

A backend has `voice(language) -> str`, what speaks and how, known without loading it; and `speak(text, language, rate)
-> (mono samples in −1…1, sampling rate)` with `rate` in syllables per second: as near to it as the voice can, and no
samples for a text without anything to say.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from data import cast, pronunciation
from data.errors import StageError
from data.files import write_atomically
from data.language import PLAN_RATE, spoken
from data.messages import tr
from data.records import Clip, Line
from data.style import refuse
from stages.stage import Job, Speaker, StageConfig
from stages.voice import clip

VERSION = 3


class Config(StageConfig):
    """Settings of the voice."""

    backend: str = Field("espeak", description="What speaks: a name of the table of backends, or module:Class")
    options: dict[str, Any] = Field(default_factory=dict, description="The backend's own settings")
    rate: float | None = Field(
        None, ge=3, le=7, description="Syllables per second, pauses included; none: 4.5 for Korean, 3.75 for English"
    )
    max_speed: float = Field(1.10, ge=1, le=1.25, description="How much faster a line may be spoken to fit its gap")
    hard_speed: float = Field(1.15, ge=1, le=1.25, description="… with a warning, before a shorter line is taken")
    pronunciations: Path | None = Field(
        None, description="CSV (word,reading) or YAML (word: reading) of how this series' words are read"
    )

    def files(self) -> dict[str, str]:
        """The readings, whatever file they come from. Raises ConfigError."""
        if self.pronunciations is None:
            return {}
        return {"pronunciations": json.dumps(pronunciation.read(self.pronunciations), sort_keys=True)}


MISS = 0.02
"""By how much a voice may be faster than it was asked to be."""

Read = Callable[[str], str]
"""A line → what the voice reads."""


class Take(NamedTuple):
    """One text as spoken: the WAV in the cache and what was measured."""

    candidate: str
    text: str
    file: str
    seconds: float  # whole milliseconds
    speed: float


def run(job: Job[Config]) -> Iterator[Clip]:
    """Speak every narration; see the module."""
    narrations = job.read(Line)
    read = _reader(job)
    for number, narration in enumerate(narrations, 1):
        yield _clip(job, read, narration)
        job.progress(number, len(narrations))


def speaker(job: Job[Config]) -> Speaker:
    """The voice for a stage that plans: what it asks for is spoken into this stage's cache and found there later.

    A text that the gate refuses lasts for ever. Raises StageError when the voice says nothing.
    """
    read = _reader(job)

    def seconds(text: str, speed: float) -> float:
        if refuse(text, job.settings.language):
            return math.inf
        return clip.seconds(job.cache / _clip_file(job, read(text), text, speed))

    half = round((1 + job.config.max_speed) / 2, 3)
    speeds = tuple(sorted({half, job.config.max_speed, job.config.hard_speed} - {1.0}))
    return Speaker(seconds, speeds)


def _reader(job: Job[Config]) -> Read:
    """What turns a line into what the voice reads; a reading of the series counts before one of the cast."""
    folder, file = job.settings.cast, job.config.pronunciations
    people = cast.load(folder).members if folder else ()
    names = {name: person.pronunciation for person in people if person.pronunciation for name in person.names}
    pronounced = pronunciation.reader(names, pronunciation.read(file) if file else {})
    return lambda text: spoken(pronounced(text), job.settings.language)


def _clip(job: Job[Config], read: Read, narration: Line) -> Clip:
    """The clip of one narration: the first of its texts that may be spoken and fits."""
    texts = [(narration.candidate, narration.text), *((a.candidate, a.text) for a in narration.alternatives)]
    reasons = []
    for candidate, text in texts:
        take = _take(job, read, narration, candidate, text)
        if isinstance(take, Take):
            return _spoken(job, narration, take)
        reasons.append(take)
    return _dropped(job, narration, reasons[0])


def _spoken(job: Job[Config], narration: Line, take: Take) -> Clip:
    if take.speed > job.config.max_speed:
        job.note(
            tr("“{text}” is spoken {speed:.2f} times as fast to fit its gap.", text=take.text, speed=take.speed),
            narration.start,
            narration.start + take.seconds,
        )
    name = f"{narration.id}.wav"
    write_atomically(job.folder / name, (job.cache / take.file).read_bytes())
    end = narration.start + take.seconds
    return _record(job, narration, take.candidate, take.text, end=end, file=name, speed=take.speed)


def _dropped(job: Job[Config], narration: Line, reason: str) -> Clip:
    text = tr("“{text}” is not spoken: {reason}", text=narration.text, reason=reason)
    job.note(text, narration.start, narration.until)
    return _record(job, narration, narration.candidate, narration.text, end=narration.start, file=None, dropped=reason)


def _record(job: Job[Config], narration: Line, candidate: str, text: str, **fields: Any) -> Clip:
    voice = job.backend.voice(job.settings.language)
    return Clip(
        id=narration.id,
        narration=narration.id,
        start=narration.start,
        candidate=candidate,
        text=text,
        voice=voice,
        **fields,
    )


def _take(job: Job[Config], read: Read, narration: Line, candidate: str, text: str) -> Take | str:
    """`text` spoken as slowly as it fits, or the reason why it is not spoken."""
    if reason := refuse(text, job.settings.language):
        return reason
    room = round(narration.until - narration.start, 3)

    def speak(speed: float) -> Take:
        return _speak(job, read(text), candidate, text, speed)

    first = speak(1.0)
    shortest = first
    for speed in _speeds(job.config, first.seconds / max(room, 0.001)):
        take = first if speed == 1.0 else speak(speed)
        if take.seconds <= room:
            return take
        shortest = min(shortest, take, key=lambda t: t.seconds)
    return tr("it takes {seconds:.1f} s and has {room:.1f} s", seconds=shortest.seconds, room=room)


def _speeds(config: Config, needed: float) -> list[float]:
    """The speeds to try, slowest first; `needed` is how far the line at normal speed overruns.

    A voice need not come out as short as it was asked to, so the next step follows a miss; it may come out shorter, so
    the policy's own speeds, which a plan may count on, are tried where they nearly fit. No step is taken that is far
    too slow, nor one for a line that no speed would fit.
    """
    if needed <= 1:
        return [1.0]
    exact = math.ceil(needed * 100) / 100
    steps = sorted({exact, round(exact + 0.02, 2), config.max_speed, config.hard_speed})
    return [step for step in steps if exact - MISS <= step <= config.hard_speed]


def _speak(job: Job[Config], said: str, candidate: str, text: str, speed: float) -> Take:
    """`text` spoken, read as `said`."""
    name = _clip_file(job, said, text, speed)
    return Take(candidate, text, name, clip.seconds(job.cache / name), speed)


def _clip_file(job: Job[Config], said: str, text: str, speed: float) -> str:
    """Have `text` spoken, read as `said`, where the same was not spoken before; the name of its clip in the cache."""
    language = job.settings.language
    rate = round((job.config.rate or PLAN_RATE[language]) * speed, 3)
    identity = [VERSION, job.backend.voice(language), language, said, rate]
    name = hashlib.sha256(json.dumps(identity).encode()).hexdigest() + ".wav"
    if not (job.cache / name).exists():
        wave = clip.shaped(*job.backend.speak(said, language, rate))
        if not len(wave):
            raise _silent(job, text)
        write_atomically(job.cache / name, clip.encoded(wave))
    return name


def _silent(job: Job[Config], text: str) -> StageError:
    return StageError(
        tr(
            "The voice {voice} said nothing for “{text}”; choose another voice (voice.backend).",
            voice=job.backend.voice(job.settings.language),
            text=text,
        )
    )
