"""How fast a line may be spoken, and how long it may last."""

from __future__ import annotations

from collections.abc import Mapping

from data.text import language as lang

LONG_SECONDS = 7.0
"""Longest cue a listener follows with ease; a working value."""
RATES: Mapping[str, tuple[float, float]] = {"ko": (5.5, 6.5), "en": (3.0, 3.3)}
"""Warn and fail above: Korean in syllables, English in words, per second. Working values, from 320 syllables a
minute that Korean listeners liked best, and from the 150–180 words a minute of English describers."""

SHORT, BRISK = 4, 1.3
"""Lines of so few syllables or words hold no pause, so that they may be faster by this factor."""


def units(text: str, language: str) -> int:
    """What the rate counts: syllables of Korean as it is read out, words of English."""
    return lang.syllables(text, language) if language == "ko" else len(text.split())


def limits(number: int, language: str) -> tuple[float, float]:
    """The rates above which a line of `number` units is worth a warning, and an error."""
    warning, error = RATES[language]
    factor = BRISK if number <= SHORT else 1.0
    return warning * factor, error * factor
