"""The espeak-ng voice, at a rate measured in syllables per second."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from data.media import espeak
from stages.voice.backend import Voice
from stages.voice.pace import within

VOICES = {"ko": "ko", "en": "en-us"}
_NUMBERED = re.compile(r"[fm]\d$")
WORDS_PER_MINUTE = (100, 140, 180, 220, 260, 300, 360)
SYLLABLES_PER_SECOND = {
    "ko": (2.99, 4.27, 5.53, 6.77, 7.87, 8.92, 10.22),
    "en": (2.56, 3.59, 4.59, 5.59, 6.52, 7.44, 8.97),
}
"""espeak-ng 1.52 measured: all syllables of ten describing sentences (5–18 syllables) over their trimmed length,
pauses inside and 60 ms of pad counted, at those settings of its rate. The tests measure it again."""


class Espeak(Voice):
    """espeak-ng from the espeakng-loader wheel, run as a process of its own (it is GPL-3)."""

    class Options(BaseModel):
        """What can be set."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        variant: str = Field("", description="Voice variant of espeak-ng: f1–f5, m1–m8, a name; empty: the plain voice")
        pitch: int = Field(50, ge=0, le=99, description="Pitch, 0 (low) to 99 (high)")

    VOICE = "variant"
    options: Options

    def voices(self, language: str) -> tuple[str, ...]:  # noqa: ARG002 – variants suit every language
        """The variants that are installed: f1–f5 and m1–m8 first, then those with names."""
        return tuple(sorted(espeak.variants(), key=lambda name: (not _NUMBERED.match(name), name.casefold())))

    def voice(self, language: str) -> str:
        """What speaks and how, for the record and as part of a clip's cache key."""
        return f"{espeak.version()} {self._name(language)} pitch {self.options.pitch}"

    def speak(self, text: str, language: str, rate: float) -> tuple[NDArray[np.float32], int]:
        """Speak `text` at `rate` syllables per second: mono samples in −1…1 and their sampling rate.

        Deterministic; never slower or faster than was measured. Raises StageError when espeak-ng fails.
        """
        measured = SYLLABLES_PER_SECOND[language]
        words = words_per_minute(language, within(rate, measured[0], measured[-1]))
        return espeak.speak(text, self._name(language), words, self.options.pitch)

    def _name(self, language: str) -> str:
        return f"{VOICES[language]}+{self.options.variant}" if self.options.variant else VOICES[language]


def words_per_minute(language: str, rate: float) -> int:
    """espeak-ng's setting that gives `rate` syllables per second; ValueError outside what was measured."""
    measured = SYLLABLES_PER_SECOND[language]
    if not measured[0] <= rate <= measured[-1]:
        raise ValueError(f"{rate} syllables per second lie outside {measured[0]}–{measured[-1]}")
    return round(float(np.interp(rate, measured, WORDS_PER_MINUTE)))
