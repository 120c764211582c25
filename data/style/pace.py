"""How fast a line may be spoken, and how long it may last."""

from __future__ import annotations

from collections.abc import Mapping

from data import language as lang

LONG_SECONDS = 7.0
"""Longest cue a listener follows with ease; a working value."""
RATES: Mapping[str, tuple[float, float]] = {"ko": (5.5, 6.5), "en": (3.0, 3.3)}
"""Warn and fail above: Korean in syllables, English in words, per second. Working values, from 320 syllables a
minute that Korean listeners liked best, and from the 150–180 words a minute of English describers."""


def pace(text: str, language: str, seconds: float) -> float:
    """Syllables (Korean) or words (English) a second of `text` spoken in `seconds` > 0."""
    units = lang.syllables(text, language) if language == "ko" else len(text.split())
    return units / seconds
