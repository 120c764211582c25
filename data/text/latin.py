"""Latin letters in Korean text, as they are spoken: words, acronyms, addresses, Roman numerals, ordinals.

Acronyms are read by letter names, common words by `lexicon/latin_ko.csv`. A word that is neither stays Latin, for
voices read English words better than any letter-by-letter rule would; if one word of a phrase stays, the phrase
stays, so that it is read in one accent.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Callable
from pathlib import Path

from data.text import korean

LEXICON = Path(__file__).parents[1] / "lexicon" / "latin_ko.csv"
WORD = r"[A-Za-zÀ-ɏ]+(?:['’][A-Za-zÀ-ɏ]+)*"
DOMAINS = {
    "com": "컴",
    "net": "넷",
    "org": "오알지",
    "info": "인포",
    "kr": "케이알",
    "co": "씨오",
    "or": "오알",
    "go": "지오",
}
SIGNS = {".": "점", "@": "골뱅이", "-": "하이픈", "_": "언더바", "/": "슬래시", "+": "플러스"}
_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+(?:com|net|org|info|kr|co|tv|io|jp|cn|uk|us)"
_ROMAN = {"I": 1, "V": 5, "X": 10}


def phrase(m: re.Match[str]) -> str:
    """A run of Latin words as it is read."""
    words = m[0].split()
    shouted = len(words) > 2 and m[0].isupper()
    read = [word_read(word, shouted) for word in words]
    if any(re.search("[A-Za-z]", r) for r in read):
        read = [word if w == word or not _is_acronym(word, shouted) else w for word, w in zip(words, read, strict=True)]
    return " ".join(read)


def word_read(word: str, shouted: bool = False) -> str:
    """One Latin word as it is read; `shouted` when its whole phrase is in capitals."""
    known = lexicon().get(word.casefold())
    if known is not None:
        return known
    return korean.spell(word) if _is_acronym(word, shouted) else word


def _is_acronym(word: str, shouted: bool) -> bool:
    """Capitals without a vowel, or up to three of them unless the whole phrase is in capitals."""
    if not (word.isupper() and word.isascii() and word.isalpha()):
        return False
    return not re.search("[AEIOUY]", word) or (len(word) <= 3 and not shouted)


@functools.cache
def lexicon() -> dict[str, str]:
    """Latin word in lower case → its Korean reading."""
    with LEXICON.open(encoding="utf-8", newline="") as file:
        return {row["word"]: row["reading"] for row in csv.DictReader(file)}


def _address(m: re.Match[str]) -> str:
    """vip@naver.com → 브이아이피 골뱅이 네이버 점 컴."""
    parts = re.findall(r"[A-Za-z]+|\d+|[.@_/+-]", m[0].split("://")[-1].rstrip("/"))
    return " ".join(_address_part(part) for part in parts)


def _address_part(part: str) -> str:
    if part.isdigit():
        return korean.one_by_one(part)
    known = SIGNS.get(part) or DOMAINS.get(part.lower()) or lexicon().get(part.lower())
    if known:
        return known
    return part if len(part) > 4 or (len(part) == 4 and re.search("[aeiou]", part)) else korean.spell(part)


def _roman(numeral: str) -> str:
    values = [_ROMAN[letter] for letter in numeral]
    following = [*values[1:], 0]
    return str(sum(-one if one < after else one for one, after in zip(values, following, strict=True)))


def _half_of_day(letter: str, time: str, follows: str) -> str:
    """AM 10:00, 10 a.m. → 오전 10시; a time with minutes is read by its own rule."""
    hour = "" if ":" in time or follows.startswith("시") else "시"
    return f"{'오전' if letter.lower() == 'a' else '오후'} {time}{hour}"


def _joined(m: re.Match[str]) -> str:
    """Wi-Fi as WiFi where that is a word."""
    return lexicon().get((m[1] + m[2]).lower(), m[0])


_NUMERAL = r"(?=[IVX])X{0,3}(?:IX|IV|V?I{0,3})"
_OF_NUMERAL = "제|시즌|파트|챕터|[Pp]art|PART|[Cc]hapter|CHAPTER|[Ss]eason|SEASON|[Vv]ol\\.?|VOL\\.?"
_TIME = r"\d{1,2}(?::\d{2})?"

RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(rf"(?<![\w.@-])[a-z0-9][\w.+-]*@{_HOST}(?![a-z0-9])", re.ASCII | re.IGNORECASE), _address),
    (
        re.compile(rf"(?<![\w.@-])(?:https?://)?{_HOST}(?![a-z0-9])(?:/[\w-]+)*/?", re.ASCII | re.IGNORECASE),
        _address,
    ),
    (
        re.compile(rf"(?<![A-Za-z])(?:([AP])M|([ap])\.m\.)\s?({_TIME})(?![\d:])"),
        lambda m: _half_of_day(m[1] or m[2], m[3], m.string[m.end() :]),
    ),
    (
        re.compile(rf"(?<![\d:])({_TIME})\s?([ap])(?:m|\.m\.)(?![a-z])", re.IGNORECASE),
        lambda m: _half_of_day(m[2], m[1], m.string[m.end() :]),
    ),
    (re.compile(rf"({_OF_NUMERAL})(\s?)({_NUMERAL})(?![A-Za-z])"), lambda m: m[1] + m[2] + _roman(m[3])),
    (
        re.compile(
            rf"(?<![A-Za-z])({_NUMERAL})(?=\s?[세장부막권](?:[은는이가의를을와과도로에](?![가-힣])|(?![가-힣])))"
        ),
        lambda m: _roman(m[1]),
    ),
    (re.compile(r"(\d)(?:st|nd|rd|th)(?![A-Za-z])"), lambda m: f"{m[1]}번째 "),
    (re.compile(r"(?<![A-Za-z])No\.?\s?(?=\d)"), lambda _: "넘버 "),
    (re.compile(r"(?<![A-Za-z])([A-Za-z]+)-([A-Za-z]+)(?![A-Za-z-])"), _joined),
    (re.compile(r"(?<=[A-Za-z])-(?=\d)"), lambda _: " "),
)
"""Before numbers are read: what to find, and what to put in its place."""
