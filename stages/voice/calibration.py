"""How long a voice takes for given sentences, measured once for all episodes of an output folder and kept there.

All sentences are spoken at the usual rate. At another one only the longest is, and the others are scaled by what it
took: a voice need not follow the rate it was asked for. Of espeak-ng between 3.5 and 5.5 syllables a second, a length
scaled so is off by 1–3 %, and a line through them fits as well as one through sentences spoken at that rate.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from data.files import write_atomically
from data.language import PLAN_RATE
from stages.sources import Language
from stages.voice.booth import VERSION, Booth

if TYPE_CHECKING:
    from collections.abc import Callable

FORM = 1
"""Raised when kept measurements would be read differently."""


class Kept(BaseModel):
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
    file = folder / (hashlib.sha256(json.dumps([FORM, VERSION, voice, language, *sentences]).encode()).hexdigest())
    file = file.with_suffix(".json")

    def spoken(sentence: str, at: float) -> float:
        return booth.spoken("", sentence, at / rate).seconds

    kept = _read(file)
    found = kept or Kept(voice=voice, seconds=[spoken(sentence, usual) for sentence in sentences])
    found = _with_factor(found, sentences, rate, usual, spoken)
    if found != kept:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(file, found.model_dump_json(indent=1).encode())
    return [seconds * found.factors[f"{rate:g}"] for seconds in found.seconds]


def _with_factor(
    found: Kept, sentences: Sequence[str], rate: float, usual: float, spoken: Callable[[str, float], float]
) -> Kept:
    if f"{rate:g}" in found.factors:
        return found
    longest = max(range(len(sentences)), key=found.seconds.__getitem__)
    factor = 1.0 if rate == usual else spoken(sentences[longest], rate) / found.seconds[longest]
    return found.model_copy(update={"factors": {**found.factors, f"{rate:g}": factor}})


def _read(file: Path) -> Kept | None:
    try:
        return Kept.model_validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
