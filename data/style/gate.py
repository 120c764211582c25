"""The text gate: why a line must never reach a voice. Its patterns are data: `lexicon/gate.yaml`."""

from __future__ import annotations

import functools
import re
import unicodedata

from data.reasons import Message, say
from data.style.own import QUOTED
from data.text import language as lang

MAX_CHARACTERS = 400
MAX_SYLLABLES = 120
"""Longer than anybody speaks in one line (about 27 s); a guard against run-away models, not a style rule."""
REMEMBERED = 16384
"""Lines whose answer is kept: they are asked about where they are written, chosen and spoken."""
_LOOP = re.compile(r"(\S)\1{5,}|(?:(?<=\s)|^)(\S+)(?:\s+\2){3,}(?!\S)|(.{2,20}?)\3{3,}")
_JAMO = re.compile(r"(?<![가-힣])[ㄱ-ㅎㅏ-ㅣ]+|[\u1100-\u11ff]")
_EMOJI = re.compile("[\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff\ufe0f]")


@functools.lru_cache(REMEMBERED)
def refuse(text: str, language: str) -> Message | None:
    """Why `text` must never be spoken in `language` (ko, en); None when it may."""
    line = text.strip()
    return _wrong_size(line, language) or _not_narration(line) or _wrong_signs(line, language)


def _wrong_size(line: str, language: str) -> Message | None:
    if not any(ch.isalnum() for ch in line):
        return say("nothing to say: the line is empty")
    if len(line) > MAX_CHARACTERS or lang.syllables(line, language) > MAX_SYLLABLES:
        return say("too long for one line: more than {limit} syllables", limit=MAX_SYLLABLES)
    if max(map(len, line.split())) > 40:
        return say("a word of more than 40 letters is not language")
    if _LOOP.search(f"{line} ") or _monotonous(line.split()):
        return say("the same words over and over")
    return None


def _monotonous(words: list[str]) -> bool:
    """Fewer than a third of many words differ: a model in a loop that a plain repeat does not show."""
    return len(words) >= 12 and len(set(words)) * 3 < len(words)


def _wrong_signs(line: str, language: str) -> Message | None:
    for ch in line:
        if unicodedata.category(ch) in ("Cc", "Cf", "Cs", "Co", "Cn") or ch == "\ufffd":
            return say("holds a character that cannot be read: {code}", code=f"U+{ord(ch):04X}")
    if _EMOJI.search(line) or (language == "ko" and _JAMO.search(line)):
        return say("holds signs that are not words")
    letters = {ch: _script(ch) for ch in line if ch.isalpha()}
    allowed = {"ko": ("HANGUL", "LATIN"), "en": ("LATIN",)}[language]
    foreign = "".join(ch for ch, script in letters.items() if script not in allowed)
    if foreign:
        return say("letters of another script: {letters}", letters=foreign[:10])
    if language == "ko" and not _is_korean(line):
        return say("not Korean: on-screen text in Latin letters stands in quotation marks after Korean words")
    return None


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return name.removeprefix("FULLWIDTH ").split(" ", 1)[0]


def _is_korean(line: str) -> bool:
    """More Hangul than Latin letters outside quotation marks; numbers alone are read in Korean."""
    own = QUOTED.sub(" ", line)
    hangul, latin = len(re.findall("[가-힣]", own)), len(re.findall("[A-Za-zÀ-ɏ]", own))
    return hangul * 2 >= latin if hangul else not latin and bool(re.search(r"\d", own))


def _not_narration(line: str) -> Message | None:
    reasons = {
        "markup": say("markup instead of plain words"),
        "data": say("data instead of a sentence"),
        "error": say("an error message"),
        "address": say("an address or a file name"),
        "apology": say("a model speaks of itself or declines"),
        "prompt": say("a piece of a prompt or of a conversation"),
    }
    own = QUOTED.sub(" ", line)
    if not re.search(r"\w", own):
        own = line  # a model that puts its whole answer in quotation marks
    for kind, patterns in _gate().items():
        for where, pattern in patterns:
            if pattern.search(own if where == "own" else line):
                return reasons[kind]
    return None


@functools.cache
def _gate() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    import yaml

    patterns = yaml.safe_load((lang.LEXICON / "gate.yaml").read_text(encoding="utf-8"))
    return {
        kind: [(where, re.compile(p, re.IGNORECASE)) for where, listed in places.items() for p in listed]
        for kind, places in patterns.items()
    }
