"""Particles that do not fit the word before them: 민수은, 책와, 서울으로.

Which words carry a particle is for the morphology to say: many end like one (마을, 작가, 사과). A word is called
wrong where the other form is a noun with a particle and makes the whole sentence more likely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from data.style.morphology import Analysis, analysed, likelihood
from data.text import language as lang

PAIRS = {form: pair for pair in ("으로/로", "이/가", "을/를", "은/는", "과/와") for form in pair.split("/")}
MORE_LIKELY = 5.0
"""By so much must the log probability rise. Measured on 25 pairs: true slips 6.7 … 16.6, words that only end like a
particle −13.6 … 1.5."""
_NOUN = re.compile(r"(?:N|XSN|SL|SN|SW|XR)")
_WORD = re.compile(r"(?<!\S)[가-힣A-Z0-9]+(?=[,.!?\s]|$)")


@dataclass(frozen=True)
class WrongParticle:
    """A word, where it begins in the sentence, and how it should read."""

    word: str
    start: int
    right: str


def wrong_particles(sentence: str) -> Iterator[WrongParticle]:
    """The words of a sentence whose particle does not fit."""
    for match in _WORD.finditer(sentence):
        for form in _endings(match[0]):
            stem = match[0][: -len(form)]
            right = lang.with_particle(stem, PAIRS[form])
            if right != match[0] and _is_wrong(sentence, match.start(), match[0], form, right):
                yield WrongParticle(match[0], match.start(), right)
                break


def _endings(word: str) -> list[str]:
    """The particles a word could end in, longest first."""
    return [form for form in PAIRS if word.endswith(form) and len(word) > len(form)]


def _is_wrong(sentence: str, start: int, word: str, form: str, right: str) -> bool:
    corrected = sentence[:start] + right + sentence[start + len(word) :]
    known = _carries_particle(analysed(sentence), start, start + len(word), form)
    if known and word.removesuffix(form).isascii():
        return True  # after numbers and Latin letters the morphology takes any form for the particle
    if not _carries_particle(analysed(corrected), start, start + len(right)):
        return False
    if known:
        return True
    return likelihood(corrected) - likelihood(sentence) >= MORE_LIKELY


def _carries_particle(analysis: Analysis, start: int, end: int, form: str | None = None) -> bool:
    """Whether the word at [start, end) is made of nouns and ends in one particle (`form`, if given)."""
    inside = [m for m in analysis.morphemes if start <= m.start and m.end <= end]
    if len(inside) < 2 or not inside[-1].tag.startswith("J") or form not in (None, inside[-1].form):
        return False
    return inside[-1].end == end and all(_NOUN.match(m.tag) for m in inside[:-1])
