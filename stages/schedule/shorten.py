"""A Korean line made shorter by leaving words out: adverbs first, then what describes a noun, then a side clause.

Nothing is put in other words: what is left is said as it was written. What negates, counts, compares or names a time
stays, and so does a noun that means nothing without what describes it (것, 채, 뒤). A result that the gate refuses, or
that breaks a rule of style which the line kept, is no result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from data.style import findings, morphology_installed, own_words, refuse
from data.style.morphology import Morpheme, analysed
from data.text.language import syllables

KEPT_ADVERBS = frozenset(
    ("안", "못", "다시", "또", "더", "덜", "가장", "아직", "이미", "벌써", "곧", "먼저", "함께", "같이", "서로", "혼자",
     "홀로", "거꾸로", "거의", "다", "모두", "아까", "지금", "오늘", "어제", "내일")
)  # fmt: skip
NEEDS_A_CLAUSE = frozenset(("때", "뒤", "후", "전", "사이", "동안", "순간", "중", "사실", "모습", "소리"))
SIDE = frozenset(("고", "며", "면서"))
"""Endings that join what happens beside or before, which the sentence can do without."""
SUBJECTS, EDGES = ("JKS", "JX"), ("JKS", "JX", "EC", "EF", "SP")


@dataclass(frozen=True)
class Word:
    """A word between spaces and its morphemes."""

    start: int
    end: int
    morphemes: tuple[Morpheme, ...]

    @property
    def kinds(self) -> list[str]:
        """Tags without those of punctuation."""
        return [m.kind for m in self.morphemes if m.kind not in ("SP", "SF")]

    def closes(self, *tags: str) -> bool:
        """Whether its last morpheme, punctuation left out, has one of the tags."""
        return bool(self.kinds) and self.kinds[-1] in tags


def available(language: str) -> bool:
    """Whether lines in the language can be shortened here: Korean ones where kiwipiepy is installed."""
    return language == "ko" and morphology_installed()


def shortened(text: str) -> list[str]:
    """Shorter forms of a line in Korean, the longest first; none where nothing can be left out with safety."""
    if own_words(text, "ko") != text:
        return []  # what is read out stays whole
    rules = {finding.rule for finding in findings(text, "ko")}
    found: list[str] = []
    line = text
    for cut in (_adverbs, _descriptions, _side_clauses):
        line = _without(line, cut)
        fine = refuse(line, "ko") is None and {f.rule for f in findings(line, "ko")} <= rules
        if fine and syllables(line, "ko") < syllables((found or [text])[-1], "ko"):
            found.append(line)
    return found


def _without(line: str, cut: Callable[[list[Word]], Iterator[Word]]) -> str:
    """`line` without the words that `cut` finds in each of its sentences."""
    sentences = re.findall(r"[^.!?…]+[.!?…]*\s*", line)
    return "".join(_cut(sentence, cut) for sentence in sentences).strip()


def _cut(sentence: str, cut: Callable[[list[Word]], Iterator[Word]]) -> str:
    words = _words(sentence)
    gone = list(cut(words))
    if len(words) - len(gone) < 2:
        return sentence
    return " ".join(sentence[w.start : w.end] for w in words if w not in gone) + sentence[words[-1].end :]


def _words(sentence: str) -> list[Word]:
    morphemes = analysed(sentence).morphemes
    return [
        Word(m.start(), m.end(), tuple(p for p in morphemes if m.start() <= p.start < m.end()))
        for m in re.finditer(r"\S+", sentence)
    ]


def _adverbs(words: list[Word]) -> Iterator[Word]:
    """천천히, 나란히."""
    for word in words:
        if word.kinds == ["MAG"] and word.morphemes[0].form not in KEPT_ADVERBS:
            yield word


def _descriptions(words: list[Word]) -> Iterator[Word]:
    """회색 코트를 입은 남자 → 남자; 낡은 문 → 문. Not where the noun needs them."""
    for at, word in enumerate(words[:-1]):
        noun = words[at + 1].morphemes[0] if words[at + 1].morphemes else None
        if word.closes("ETM") and noun and noun.kind == "NNG" and noun.form not in NEEDS_A_CLAUSE:
            quality = any(m.kind == "VA" for m in word.morphemes)
            yield from words[at if quality else _clause(words, at) : at + 1]


def _side_clauses(words: list[Word]) -> Iterator[Word]:
    """남자가 문을 열고 들어온다 → 남자가 들어온다; not where what follows has a subject of its own."""
    for at, word in enumerate(words[:-1]):
        last = next((m for m in reversed(word.morphemes) if m.kind not in ("SP", "SF")), None)
        after = words[at + 1].morphemes
        if last is None or last.kind != "EC" or last.form not in SIDE or not after or after[0].kind == "VX":
            continue
        if not any(w.closes(*SUBJECTS) for w in words[at + 1 :]):
            yield from words[_clause(words, at) : at + 1]


def _clause(words: list[Word], at: int) -> int:
    """Where the clause begins that the word at `at` closes: after the last subject, or other clause, before it."""
    edges = [n for n in range(at) if words[n].closes(*EDGES) or words[n].morphemes[-1].kind == "SP"]
    return edges[-1] + 1 if edges else 0
