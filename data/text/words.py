"""The words of a line that say something, in one form each, to tell what two lines have in common.

Korean: nouns and the stems of verbs, adjectives and adverbs, by kiwipiepy (문을 연다, 문 열어: 문 and 열 in both);
without it words less their particle. English: words less their endings (opens, opening: open), no dictionary.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import yaml

from data.style.morphology import analysed, installed

LEXICON = Path(__file__).parents[1] / "lexicon" / "words.yaml"
_TELLING = frozenset(("NNG", "NNP", "NR", "XR", "VV", "VA", "MAG", "MM", "SL", "SN"))
_PARTICLES = re.compile(r"(?<=[가-힣])(?:에서|으로|에게|까지|부터|이라고|라고|이|가|을|를|은|는|과|와|에|의|로|도)$")
REMEMBERED = 16384


@functools.lru_cache(REMEMBERED)
def telling(text: str, language: str) -> frozenset[str]:
    """The words of `text` that say something; none twice."""
    if language == "ko" and installed():
        return frozenset(m.form for m in analysed(text).morphemes if m.kind in _TELLING) - _empty("ko")
    words = (re.sub(r"['’]s$", "", word) for word in re.findall(r"\w+(?:['’]s)?", text.casefold()))
    if language == "ko":
        return frozenset(_PARTICLES.sub("", word) for word in words) - _empty("ko")
    return frozenset(_stem(word) for word in words if word not in _empty("en"))


@functools.cache
def _empty(language: str) -> frozenset[str]:
    words: dict[str, str] = yaml.safe_load(LEXICON.read_text(encoding="utf-8"))["empty"]
    return frozenset(words[language].split())


def _stem(word: str) -> str:
    """Without the endings of number, person and tense; not a word of the dictionary, but the same for all forms."""
    if len(word) > 3:
        word = re.sub(r"(?<=\w{3})(?:ing|ed|es|s)$", "", word)
    return re.sub(r"e$|(?<=([b-df-hj-np-tv-z]))\1$", "", word)


def identity() -> str:
    """What `telling` depends on beside the text."""
    return LEXICON.read_text(encoding="utf-8") + str(installed())
