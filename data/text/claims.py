"""What a line claims that evidence could support: things, people, how many, names, numbers, words read out.

Of all that a line says only this can be held against what was seen and heard. A wall, a shadow or a smile is in no
detector's vocabulary; of a thing that is (the 80 classes of COCO, `lexicon/objects.csv` and `lexicon/claims.yaml`), of
a number of people, of a name, of digits and of quoted text there could be evidence, and so its absence tells something.

Korean is read as morphemes where kiwipiepy is installed: 개 the dog is no 개 that counts pieces, and names are known by
their tag. Without it only words of two syllables and more are looked at, and no names. English names are told by their
capital inside a sentence and, at its start, by a verb that follows at once (“Anna opens …”).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import yaml

from data.style import fixed
from data.style.morphology import Morpheme, analysed, installed
from data.style.own import FILLER, LEAD_IN, QUOTED, sentences
from data.text.objects import LEXICON as OBJECTS
from data.text.objects import labels, object_name

LEXICON = Path(__file__).parents[1] / "lexicon" / "claims.yaml"
PERSON = "person"
LONGEST = 3
"""Words of the longest name of a thing."""
_LABEL = re.compile(r"@[A-Za-z0-9][\w-]*?(?=[가-힣]|[^\w-]|$)|@\w+")
"""Whom a model was told of as recognised (data.series.labels): no claim of the line."""
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
_PARTICLES = re.compile(
    r"(?<=[가-힣]{2})(?:에서|으로|에게|까지|부터|처럼|이|가|을|를|은|는|과|와|에|의|로|도|만|들이|들을|들은|들)$"
)

Kind = Literal["thing", "wider", "people", "count", "name", "number", "text"]
"""`wider`: a word for several things, which the absence of those does not refute."""


@dataclass(frozen=True)
class Claim:
    """One claim: its words as they stand in the line, what would support it (labels of a detector), and how many."""

    kind: Kind
    word: str
    labels: frozenset[str] = frozenset()
    number: int = 0


def claims(text: str, language: str) -> tuple[Claim, ...]:
    """The claims of a line, each once, in no order that means anything."""
    by_key: dict[tuple[Kind, str], Claim] = {}
    for claim in (*_read_out(text, language), *_worded(_LABEL.sub(FILLER, text), language)):
        by_key.setdefault((claim.kind, claim.word), claim)
    return tuple(by_key.values())


def identity() -> str:
    """What claims depend on beside the line: the lexicons, and whether Korean is read as morphemes."""
    return "\n".join([LEXICON.read_text(encoding="utf-8"), OBJECTS.read_text(encoding="utf-8"), str(installed())])


def _read_out(text: str, language: str) -> Iterator[Claim]:
    """What the line says to stand in the picture."""
    led = [match[0][match.end(1) - match.start() :] for match in LEAD_IN[language].finditer(text)]
    quoted = [match[0][1:-1] for match in QUOTED.finditer(LEAD_IN[language].sub(" ", text))]
    for words in (*led, *quoted):
        if any(map(str.isalnum, words)):
            yield Claim("text", words.strip(" .,“”‘’\"'…"))


def _worded(text: str, language: str) -> Iterator[Claim]:
    for sentence in sentences(text, language):
        own = sentence.text.replace(FILLER, " ")
        yield from (Claim("number", match[0]) for match in _DIGITS.finditer(own))
        if language == "en":
            yield from _english(own)
        elif installed():
            yield from _korean(own)
        else:
            yield from _letters(own)


# ---- Korean


def _korean(sentence: str) -> Iterator[Claim]:
    morphemes = analysed(sentence).morphemes
    nouns = [m for m in morphemes if m.kind in ("NNG", "NNP", "SL")]
    at = 0
    while at < len(nouns):
        size, claim = next(_longest(sentence, nouns, at), (1, None))
        if claim:
            yield claim
        at += size
    yield from _names(sentence, morphemes)
    yield from _korean_counts(sentence, morphemes)


def _longest(sentence: str, nouns: Sequence[Morpheme], at: int) -> Iterator[tuple[int, Claim]]:
    """How many nouns from `at` are a thing together, and the claim; most nouns first. None for a part of a word."""
    for size in range(min(LONGEST, len(nouns) - at), 0, -1):
        some = nouns[at : at + size]
        apart = all(not sentence[a.end : b.start].strip() for a, b in pairwise(some))
        before, after = at and nouns[at - 1].end == some[0].start, nouns[at + size : at + size + 1]
        whole = not before and not (after and after[0].start == some[-1].end)
        word = "".join(m.form for m in some)
        if apart and whole and word in vocabulary("ko"):
            yield size, _thing(sentence[some[0].start : some[-1].end], word, "ko")


def _names(sentence: str, morphemes: Sequence[Morpheme]) -> Iterator[Claim]:
    for number, m in enumerate(morphemes):
        word = sentence[m.start : m.end]
        joined = number and morphemes[number - 1].kind in ("NNG", "NNP") and morphemes[number - 1].end == m.start
        if m.kind == "NNP" and len(word) > 1 and not joined and word not in _words("no_names", "ko"):
            yield Claim("name", word)


def _korean_counts(sentence: str, morphemes: Sequence[Morpheme]) -> Iterator[Claim]:
    """두 사람, 세 명의 남자, 남자 둘: a number beside a word for people, with a counter between at most."""
    counts = _lexicon()["counts"]["ko"]
    plain = [m for m in morphemes if m.kind not in ("JKG", "XSN") and m.form not in ("명", "분", "인")]
    for one, other in pairwise(plain):
        number, who = (one, other) if one.kind in ("MM", "NR") else (other, one)
        if number.kind in ("MM", "NR") and number.form in counts and who.form in _words("people", "ko"):
            first, last = min(one, other, key=lambda m: m.start), max(one, other, key=lambda m: m.end)
            yield Claim("count", sentence[first.start : last.end], number=counts[number.form])


def _letters(sentence: str) -> Iterator[Claim]:
    """Korean without morphemes: whole words without their particle."""
    for word in re.findall(r"[가-힣]+", sentence):
        bare = _PARTICLES.sub("", word)
        if len(bare) > 1 and bare in vocabulary("ko"):
            yield _thing(bare, bare, "ko")


# ---- English


def _english(sentence: str) -> Iterator[Claim]:
    words = list(re.finditer(r"[A-Za-zÀ-ɏ]+(?:-[A-Za-z]+)*(?:['’][a-z]+)?", sentence))
    plain = [_singular(re.sub(r"['’]s?$", "", m[0].casefold())) for m in words]
    at = 0
    while at < len(words):
        size = next((n for n in range(LONGEST, 0, -1) if " ".join(plain[at : at + n]) in vocabulary("en")), 0)
        if size:
            written = sentence[words[at].start() : words[min(at + size, len(words)) - 1].end()]
            yield _thing(written, " ".join(plain[at : at + size]), "en")
        at += size or 1
    yield from _english_names([m[0] for m in words])
    for one, other, who in zip(words, plain, plain[1:], strict=False):
        if who in _words("people", "en") and other in _lexicon()["counts"]["en"]:
            yield Claim("count", one[0], number=_lexicon()["counts"]["en"][other])


def _singular(word: str) -> str:
    if word in _words("people", "en") or word in vocabulary("en"):
        return word
    stems = (word.removesuffix("s"), word.removesuffix("es"), re.sub("ves$", "fe", word), re.sub("ies$", "y", word))
    return next((stem for stem in stems if stem in vocabulary("en")), word)


def _english_names(words: Sequence[str]) -> Iterator[Claim]:
    """Capitalised words; the first of a sentence only before a verb (“Anna opens”) or another name (“Anna Kim”)."""
    for number, word in enumerate(words):
        bare = re.sub(r"['’][a-z]+$", "", word)
        no_name = bare.casefold() in _words("no_names", "en") | _words("openers", "en")
        if bare[:1].isupper() and len(bare) > 1 and not no_name and (number or _opens_with_a_name(word, words[1:2])):
            yield Claim("name", bare)


def _opens_with_a_name(word: str, after: Sequence[str]) -> bool:
    bare, verb = word.casefold(), after[0] if after else ""
    if bare in vocabulary("en") or bare in _words("people", "en"):
        return False
    return bool(re.search(r"['’]s$", word)) or bool(
        not re.search(r"(?:s|ing|ly|ed)$", bare) and verb.islower() and re.search(r"[a-z]{2}s$", verb)
    )


# ---- The lexicon


def _thing(written: str, word: str, language: str) -> Claim:
    kind, of = vocabulary(language)[word]
    return Claim(kind, written, of)


@functools.cache
def vocabulary(language: str) -> Mapping[str, tuple[Kind, frozenset[str]]]:
    """Every word for a thing or for people → kind of claim and the labels that support it. Korean without spaces."""
    kinds: dict[str, tuple[Kind, frozenset[str]]] = {}
    for label in labels():
        more = _lexicon()["things"].get(label, {}).get(language, "").split()
        for word in (object_name(label, "ko" if language == "ko" else "en"), *(w.replace("-", " ") for w in more)):
            if word not in _words("ambiguous", language):
                kinds[_key(word, language)] = ("thing", frozenset({label}))
    for row in _lexicon()["wider"].values():
        kinds |= {_key(word, language): ("wider", frozenset(row["of"])) for word in row[language].split()}
    return kinds | {_key(word, language): ("people", frozenset({PERSON})) for word in _words("people", language)}


def _key(word: str, language: str) -> str:
    return word.replace(" ", "") if language == "ko" else word.casefold()


@functools.cache
def _words(key: str, language: str) -> frozenset[str]:
    return frozenset(_lexicon()[key][language].split())


@functools.cache
def _lexicon() -> Any:
    return yaml.safe_load(LEXICON.read_text(encoding="utf-8"))


def person_words(language: str) -> frozenset[str]:
    """Words that say no more than who is meant: 남자, 사람, woman."""
    return _words("people", language)


def marked(text: str, original: str, marks: Iterable[str], language: str) -> tuple[str, ...]:
    """The marks of a line in other words: those of the original that it still holds, and what it claims anew.

    What is merely mended claims nothing anew, however its claims are read now.
    """
    kept = tuple(word for word in marks if word in text)
    if text == original or text == (mended := fixed(original, language)):
        return kept
    known = (*claims(original, language), *claims(mended, language))
    before = {(claim.kind, claim.labels or claim.word) for claim in known}
    news = (c for c in claims(text, language) if c.kind != "wider" and (c.kind, c.labels or c.word) not in before)
    return tuple(dict.fromkeys((*kept, *(claim.word for claim in news))))
