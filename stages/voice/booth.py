"""Where texts are spoken into the cache, each once, by the voice and with the readings that a line asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from data.errors import ConfigError, StageError
from data.files import write_atomically
from data.settings import explain
from data.text import pronunciation
from data.text.language import PLAN_RATE, spoken
from stages.kept import named
from stages.sources import Language, Wordings
from stages.stage import Job
from stages.voice import clip, recording
from stages.voice.backend import Voice

if TYPE_CHECKING:
    from stages.voice.config import Config

VERSION = 3
"""Of the clips: raised when the same text would sound different."""
RECORDED = "recording"
"""What a clip names as its voice that a person spoke."""


class Take(NamedTuple):
    """One text as spoken: the WAV in the cache and what was measured."""

    candidate: str
    text: str
    file: str
    seconds: float  # whole milliseconds
    speed: float
    voice: str


class Booth:
    """Speaks for one job; `close` frees the voices that single lines asked for."""

    def __init__(self, job: Job[Config, Voice]) -> None:
        self.job = job
        self._others: dict[str, Voice] = {}
        known, file = job.open(Wordings).series, job.config.pronunciations
        of_series = known.readings if known else {}
        self._readings = of_series, pronunciation.read(file) if file else {}
        self._pronounced = pronunciation.reader(*self._readings)

    def spoken(
        self,
        candidate: str,
        text: str,
        speed: float,
        voice: str | None = None,
        readings: Mapping[str, str] | None = None,
    ) -> Take:
        """`text` at `speed` times the configured rate. A line's reading counts before one of the series or the cast.

        Raises ConfigError for a voice that the backend does not have, StageError when the voice says nothing.
        """
        language, backend = self.job.open(Language).language, self._backend(voice)
        pronounced = pronunciation.reader(*self._readings, readings) if readings else self._pronounced
        said, who = spoken(pronounced(text), language), backend.voice(language)
        rate = round((self.job.config.rate or PLAN_RATE[language]) * speed, 3)
        name = named([VERSION, who, language, said, rate], ".wav")
        if not (self.job.cache / name).exists():
            wave = clip.shaped(*backend.speak(said, language, rate))
            if not len(wave):
                raise _silent(who, text)
            write_atomically(self.job.cache / name, clip.encoded(wave))
        return Take(candidate, text, name, clip.seconds(self.job.cache / name), speed, who)

    def recorded(self, candidate: str, text: str, file: Path) -> Take:
        """A person's recording of `text`, trimmed and levelled like what the voice speaks. Raises UserError."""
        content = file.read_bytes()
        name = named([VERSION, recording.VERSION, hashlib.sha256(content).hexdigest()], ".wav")
        if not (self.job.cache / name).exists():
            write_atomically(self.job.cache / name, clip.encoded(recording.shaped(content, text)))
        return Take(candidate, text, name, clip.seconds(self.job.cache / name), 1.0, RECORDED)

    def close(self) -> None:
        """Free the voices of single lines; that of the run is the runner's."""
        while self._others:
            self._others.popitem()[1].close()

    def _backend(self, voice: str | None) -> Voice:
        """The run's backend, or one like it with another voice."""
        if voice is None:
            return self.job.backend
        if voice not in self._others:
            self._others[voice] = with_voice(self.job.backend, voice)
        return self._others[voice]


def with_voice(backend: Voice, voice: str) -> Voice:
    """A backend like `backend` that speaks with `voice`, the option named in its `VOICE`. Raises ConfigError."""
    if backend.VOICE is None:
        raise ConfigError(
            "The configured voice has no other voices to choose from; set the line back to the usual voice."
        )
    kind = type(backend)
    try:
        return kind(kind.Options.model_validate(backend.options.model_dump() | {backend.VOICE: voice}))
    except ValidationError as error:
        raise ConfigError(explain(error, kind.Options, "voice.options.")) from None


def _silent(voice: str, text: str) -> StageError:
    return StageError(
        "The voice {voice} said nothing for “{text}”; choose another voice (voice.backend).", voice=voice, text=text
    )
