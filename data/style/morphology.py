"""Korean sentences as morphemes, by Kiwi (github.com/bab2min/Kiwi), tag set of the Sejong corpus.

kiwipiepy is an optional dependency: `installed` says whether it is there. The model loads once a process, about 1 s and
300 MB.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_FINALS = str.maketrans("ᆫᆯᆷᆸᆻ", "ㄴㄹㅁㅂㅆ")
_INITIAL_FORMS = {"ㄴ다": "는다"}  # one form for the joiner, which finds the one that fits the stem
REMEMBERED = 8192


@functools.cache
def installed() -> bool:
    """Whether kiwipiepy can be imported."""
    return importlib.util.find_spec("kiwipiepy") is not None


@dataclass(frozen=True)
class Morpheme:
    """`form` in its dictionary shape, finals as letters of their own (ㄴ다); `start` and `end` in the sentence."""

    form: str
    tag: str
    start: int
    end: int

    @property
    def kind(self) -> str:
        """The tag without the mark of (ir)regular conjugation."""
        return self.tag.partition("-")[0]


@dataclass(frozen=True)
class Analysis:
    """A sentence, its morphemes, and those before the end marks as one string "문/NNG 이/JKS 열리/VV ㄴ다/EF"."""

    text: str
    morphemes: tuple[Morpheme, ...]
    tagged: str

    def covered(self, hit: re.Match[str]) -> range:
        """The numbers of the morphemes that a match in `tagged` covers."""
        first = self.tagged.count(" ", 0, hit.start() + (hit[0].startswith(" ")))
        return range(first, first + len(hit[0].split()))


@functools.lru_cache(REMEMBERED)
def analysed(sentence: str) -> Analysis:
    """The most likely analysis of a sentence."""
    morphemes = tuple(
        Morpheme(token.form.translate(_FINALS).replace(" ", "_"), token.tag, token.start, token.end)
        for token in _kiwi().tokenize(sentence)
    )
    tagged = " ".join(f"{m.form}/{m.kind}" for m in morphemes)
    return Analysis(sentence, morphemes, re.sub(r"(?: [^ ]+/S[EFP])+$", "", tagged))


@functools.lru_cache(REMEMBERED)
def likelihood(sentence: str) -> float:
    """Log probability of the most likely analysis."""
    return float(_kiwi().analyze(sentence)[0][1])


def joined(morphemes: Sequence[tuple[str, str]]) -> str:
    """Morphemes (form, tag) in writing, their sounds contracted: 열리 + 었 + 다 → 열렸다."""
    plain = [(_INITIAL_FORMS.get(form, form), tag) for form, tag in morphemes]
    return str(_kiwi().join(plain))


@functools.cache
def _kiwi() -> Any:
    from kiwipiepy import Kiwi

    return Kiwi(num_workers=1, load_multi_dict=False, load_typo_dict=False)  # names of works and typos: half the time
