"""The narrator's own words: a line without the on-screen text it reads out, which follows no rule of style."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

QUOTED = re.compile(r"“[^”]*”|‘[^’]*’(?![a-z])|\"[^\"]*\"|「[^」]*」|『[^』]*』|《[^》]*》|〈[^〉]*〉")
LEAD_IN = {
    "ko": re.compile(r"(?:^|(?<=[.!?] ))((?:제목|자막|글자|[^.,!?]{1,20} (?:글|글자|글씨|문구)),)\s[^.!?]*[.!?]?"),
    "en": re.compile(
        r"(?:^|(?<=[.!?] ))((?:Title|Caption|Text|Words|[^.,:!?]{1,30} reads?)[:,])\s[^.!?]*[.!?]?", re.IGNORECASE
    ),
}
FILLER = "□"
"""Stands for each character of a quotation: a sign that analysers take for a noun and no rule looks for."""


@dataclass(frozen=True)
class Sentence:
    """A sentence of the narrator's own words, without its end mark but with `?` and `!`; `start` in the line."""

    text: str
    start: int


def own_words(text: str, language: str) -> str:
    """`text` without what it reads out: quoted text, and the sentence after a lead-in ("자막, …")."""
    return QUOTED.sub(" ", LEAD_IN[language].sub(r" ", text)).strip()


@functools.lru_cache(64)
def sentences(text: str, language: str) -> tuple[Sentence, ...]:
    """The sentences of `text`, what is read out masked, character for character; every rule asks for them anew."""
    return tuple(_sentences(text, language))


def _sentences(text: str, language: str) -> Iterator[Sentence]:
    masked = LEAD_IN[language].sub(lambda m: " " * len(m[0]), text)
    masked = QUOTED.sub(lambda m: FILLER * len(m[0]), masked)
    for match in re.finditer(r"[^.?!…]+[.…]*[?!]*", masked):
        bare = match[0].strip(" ,.…\n\t")
        if re.search(r"\w", bare):
            yield Sentence(bare, match.start() + match[0].index(bare))


def unmasked(mended: str, sentence: Sentence, line: str) -> str:
    """`mended`, made from `sentence` of `line`, with its quotations in the place of what masks them."""
    runs = list(re.finditer(f"{FILLER}+", sentence.text))
    quoted = [line[sentence.start + run.start() : sentence.start + run.end()] for run in runs]
    return re.sub(f"{FILLER}+", lambda run: quoted.pop(0) if quoted else run[0], mended)
