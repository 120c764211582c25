"""How long a voice takes for given sentences, measured once for all episodes of an output folder and kept there.

All sentences are spoken at the usual rate. At another one only the longest is, and the others are scaled by what it
took: a voice need not follow the rate it was asked for. Of espeak-ng between 3.5 and 5.5 syllables a second, a length
scaled so is off by 1–3 %, and a line through them fits as well as one through sentences spoken at that rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from data.text.language import PLAN_RATE
from stages.kept import Kept
from stages.sources import Language
from stages.voice.booth import VERSION, Booth

if TYPE_CHECKING:
    from collections.abc import Callable

FORM = 1
"""Raised when kept measurements would be read differently."""


class Measured(BaseModel):
    """What was measured of one voice. Seconds at the usual rate; by rate, how many times as long the longest took."""

    voice: str
    seconds: list[float]
    factors: dict[str, float] = {}


def usual_seconds(booth: Booth, sentences: Sequence[str], folder: Path) -> list[float]:
    """Seconds the run's voice takes for each of the sentences at the run's rate. Raises what the voice raises."""
    job = booth.job
    language = job.open(Language).language
    usual, voice = PLAN_RATE[language], job.backend.voice(language)
    rate = job.config.rate or usual
    measured, key = Kept[Measured](folder, Measured), [FORM, VERSION, voice, language, *sentences]

    def spoken(sentence: str, at: float) -> float:
        return booth.spoken("", sentence, at / rate).seconds

    kept = measured.get(key)
    found = kept or Measured(voice=voice, seconds=[spoken(sentence, usual) for sentence in sentences])
    found = _with_factor(found, sentences, rate, usual, spoken)
    if found != kept:
        measured.put(key, found)
    return [seconds * found.factors[f"{rate:g}"] for seconds in found.seconds]


def _with_factor(
    found: Measured, sentences: Sequence[str], rate: float, usual: float, spoken: Callable[[str, float], float]
) -> Measured:
    if f"{rate:g}" in found.factors:
        return found
    longest = max(range(len(sentences)), key=found.seconds.__getitem__)
    factor = 1.0 if rate == usual else spoken(sentences[longest], rate) / found.seconds[longest]
    return found.model_copy(update={"factors": {**found.factors, f"{rate:g}": factor}})
