"""Sentences cut into the units that n-grams are counted over: morphemes or words, and characters."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from kiwipiepy import Kiwi

Language = Literal["ko", "en"]
Tokens = list[list[str]]
PUNCTUATION = ("SF", "SP", "SS", "SSO", "SSC", "SE", "SO", "SW", "SB")
"""Kiwi's tags of marks; letters of other scripts (SL, SH) and numerals (SN) are words."""


def language_of(texts: Sequence[str]) -> Language:
    """Korean where at least half of the letters are Hangul, else English."""
    letters = [c for text in texts for c in text if c.isalpha()]
    return "ko" if 2 * sum("가" <= c <= "힣" for c in letters) >= len(letters) else "en"


def words(texts: Sequence[str], language: Language) -> Tokens:
    """Morphemes of Korean (kiwipiepy), words of English; lower case, without punctuation.

    Korean words carry particles and endings, so that 문이 and 문을 share nothing as words and one morpheme of two.
    """
    if language == "en":
        return [re.findall(r"\w+(?:['’]\w+)*", _plain(text)) for text in texts]
    morphemes = _kiwi().tokenize([_plain(text) for text in texts])
    return [[token.form for token in tokens if token.tag not in PUNCTUATION] for tokens in morphemes]


def characters(texts: Sequence[str]) -> Tokens:
    """Letters and digits one by one: syllable blocks in Korean; lower case."""
    return [[c for c in _plain(text) if c.isalnum()] for text in texts]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


@functools.cache
def _kiwi() -> Kiwi:
    from kiwipiepy import Kiwi

    return Kiwi(num_workers=1)  # threads would not pay for a few hundred sentences
