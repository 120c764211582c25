"""What of the text that was read belongs to the story, and whether two readings are the same text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Literal

from data.records import Box

Alphabet = Literal["latin", "hangul", "han", "kana", "other"]
Misread = Literal["timecode", "script", "fragment"]

TIMECODE = re.compile(r"\b\d{2}[:;.]\d{2}[:;.]\d{2}[:;.,]\d{2,3}\b")
"""Hours, minutes, seconds, frames (SMPTE ST 12-1) or milliseconds. A clock on the wall shows no frames."""
NAMES: tuple[tuple[str, Alphabet], ...] = (
    ("LATIN", "latin"),
    ("HANGUL", "hangul"),
    ("CJK", "han"),
    ("HIRAGANA", "kana"),
    ("KATAKANA", "kana"),
)
MIN_LETTERS = 3
"""Latin letters and digits a story text has at least: leaves and fur give one or two."""
MIN_SYLLABLES = 2
"""Hangul syllables a story text has at least."""
MIN_SHARE = 0.6
"""Letters and digits among the marks of a story text."""


def script_of(letter: str) -> Alphabet:
    """The script of one letter, by its Unicode name."""
    name = unicodedata.name(letter, "")
    return next((script for prefix, script in NAMES if name.startswith(prefix)), "other")


def reason_against(text: str, scripts: Sequence[Alphabet]) -> Misread | None:
    """Why a line is no story text; None when it may be.

    A line with a letter of a script that is not expected is dropped whole: it is a foreign sign the voice cannot
    speak, or Hangul misread by a reader without Hangul.
    """
    if TIMECODE.search(text):
        return "timecode"
    letters = [c for c in text if c.isalpha()]
    found = [script_of(c) for c in letters]
    if any(s not in scripts for s in found):
        return "script"
    return "fragment" if _fragment(text, letters, found.count("hangul")) else None


def _fragment(text: str, letters: Sequence[str], syllables: int) -> bool:
    """Lone letters, rows of marks, and long words without any vowel, such as no language writes."""
    marks = [c for c in text if not c.isspace()]
    signs = sum(c.isalnum() for c in marks)
    if syllables >= MIN_SYLLABLES:
        return signs < MIN_SHARE * len(marks)
    vowels = any(c in "aeiouy" for c in _bare(text))
    return signs < MIN_LETTERS or signs < MIN_SHARE * len(marks) or (len(letters) > 4 and not vowels and not syllables)


def _bare(text: str) -> str:
    """Lower case without accents (é counts as a vowel)."""
    return "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))


def plain(text: str) -> str:
    """Letters and digits alone, in one case: what two readings of one text have in common."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def same_text(one: str, other: str, similarity: float) -> bool:
    """Whether two readings are the same text, read with noise or while it was still appearing.

    Rooms 101 and 102 are two texts: where neither reading is part of the other, the digits must agree.
    """
    a, b = sorted((plain(one), plain(other)), key=len)
    if len(a) >= 4 and a in b:
        return True
    if [c for c in a if c.isdigit()] != [c for c in b if c.isdigit()]:
        return False
    return SequenceMatcher(None, a, b, autojunk=False).ratio() >= similarity


def heard(words: str, speech: str, similarity: float) -> bool:
    """Whether a text is spoken: most of it stands in what is said, in one place and in its order.

    Compared by the letters of which Hangul syllables are made (NFD), without spaces and marks, because what is said
    is often written down by ear: 괜찬아 for 괜찮아, 3시 for 세 시. The speech may be longer than the text.
    """
    a, b = (unicodedata.normalize("NFD", plain(text)) for text in (words, speech))
    if not a or a in b:
        return bool(a)
    places = range(0, max(len(b) - len(a), 0) + 1, max(len(a) // 4, 1))
    return any(_common(a, b[at : at + len(a) + len(a) // 4]) >= similarity * len(a) for at in places)


def _common(a: str, b: str) -> int:
    """Letters that both have in the same order, in runs of two and more."""
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks if block.size > 1)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(wide, 0.0) * max(high, 0.0)
    return both / (a[2] * a[3] + b[2] * b[3] - both) if both else 0.0
