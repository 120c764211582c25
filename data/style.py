"""The text gate, and the style rules of audio description.

`refuse` says why a line must never reach a voice; `findings` what a describer would change in one that may. Both look
at the narrator's own words: on-screen text that is read out, in quotation marks or after a lead-in, follows no rule
of style. The rules are data: `lexicon/gate.yaml`, `lexicon/style_<language>.yaml`.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from data import language as lang
from data.messages import current, tr

Severity = Literal["warning", "error"]

MAX_CHARACTERS = 400
MAX_SYLLABLES = 120
"""Longer than anybody speaks in one line (about 27 s); a guard against run-away models, not a style rule."""
LONG_SECONDS = 7.0  # longest cue a listener follows with ease; a working value
RATES: Mapping[str, tuple[float, float]] = {"ko": (5.5, 6.5), "en": (3.0, 3.3)}
"""Warn and fail above: Korean in syllables, English in words, per second."""

_QUOTED = re.compile(r"“[^”]*”|‘[^’]*’(?![a-z])|\"[^\"]*\"|「[^」]*」|『[^』]*』|《[^》]*》|〈[^〉]*〉")
_LEAD_IN = {
    "ko": re.compile(r"(?:^|(?<=[.!?] ))((?:제목|자막|글자|[^.,!?]{1,20} (?:글|글자|글씨|문구)),)\s[^.!?]*[.!?]?"),
    "en": re.compile(
        r"(?:^|(?<=[.!?] ))((?:Title|Caption|Text|Words|[^.,:!?]{1,30} reads?)[:,])\s[^.!?]*[.!?]?", re.IGNORECASE
    ),
}
_LOOP = re.compile(r"(\S)\1{5,}|(?:(?<=\s)|^)(\S+)(?:\s+\2){3,}(?!\S)|(.{2,20}?)\3{3,}")
_JAMO = re.compile(r"(?<![가-힣])[ㄱ-ㅎㅏ-ㅣ]+|[\u1100-\u11ff]")
_EMOJI = re.compile("[\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff\ufe0f]")


@dataclass(frozen=True)
class StyleFinding:
    """One rule a line breaks. `row` is the row of the quality-control table, `why` the reason for the rule."""

    rule: str
    row: int
    severity: Severity
    message: str
    why: str


def refuse(text: str, language: str) -> str | None:
    """Why `text` must never be spoken in `language` (ko, en), in the user's language; None when it may."""
    line = text.strip()
    return _wrong_size(line, language) or _not_narration(line) or _wrong_signs(line, language)


def findings(text: str, language: str, *, spoken_seconds: float | None = None) -> list[StyleFinding]:
    """The style rules `text` breaks, each once, in the order of the rule file; with a measured length, rate too."""
    own = own_words(text, language)
    sentences = [s.strip(" ,.…") for s in re.findall(r"[^.?!…]+[.…]*[?!]*", own)]
    found = [f for rule in _rules(language) for f in [_broken(rule, sentences)] if f]
    return found + (_too_fast(text, language, spoken_seconds) if spoken_seconds else [])


def own_words(text: str, language: str) -> str:
    """`text` without what it reads out: quoted text, and the sentence after a lead-in ("자막, …")."""
    return _QUOTED.sub(" ", _LEAD_IN[language].sub(r" ", text)).strip()


def _wrong_size(line: str, language: str) -> str | None:
    if not any(ch.isalnum() for ch in line):
        return tr("nothing to say: the line is empty")
    if len(line) > MAX_CHARACTERS or lang.syllables(line, language) > MAX_SYLLABLES:
        return tr("too long for one line: more than {limit} syllables", limit=MAX_SYLLABLES)
    if max(map(len, line.split())) > 40:
        return tr("a word of more than 40 letters is not language")
    if _LOOP.search(f"{line} ") or _monotonous(line.split()):
        return tr("the same words over and over")
    return None


def _monotonous(words: list[str]) -> bool:
    """Fewer than a third of many words differ: a model in a loop that a plain repeat does not show."""
    return len(words) >= 12 and len(set(words)) * 3 < len(words)


def _wrong_signs(line: str, language: str) -> str | None:
    for ch in line:
        if unicodedata.category(ch) in ("Cc", "Cf", "Cs", "Co", "Cn") or ch == "\ufffd":
            return tr("holds a character that cannot be read: {code}", code=f"U+{ord(ch):04X}")
    if _EMOJI.search(line) or (language == "ko" and _JAMO.search(line)):
        return tr("holds signs that are not words")
    letters = {ch: _script(ch) for ch in line if ch.isalpha()}
    allowed = {"ko": ("HANGUL", "LATIN"), "en": ("LATIN",)}[language]
    foreign = "".join(ch for ch, script in letters.items() if script not in allowed)
    if foreign:
        return tr("letters of another script: {letters}", letters=foreign[:10])
    if language == "ko" and not _is_korean(line):
        return tr("not Korean: on-screen text in Latin letters stands in quotation marks after Korean words")
    return None


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return name.removeprefix("FULLWIDTH ").split(" ", 1)[0]


def _is_korean(line: str) -> bool:
    """More Hangul than Latin letters outside quotation marks; numbers alone are read in Korean."""
    own = _QUOTED.sub(" ", line)
    hangul, latin = len(re.findall("[가-힣]", own)), len(re.findall("[A-Za-zÀ-ɏ]", own))
    return hangul * 2 >= latin if hangul else not latin and bool(re.search(r"\d", own))


def _not_narration(line: str) -> str | None:
    reasons = {
        "markup": tr("markup instead of plain words"),
        "data": tr("data instead of a sentence"),
        "error": tr("an error message"),
        "address": tr("an address or a file name"),
        "apology": tr("a model speaks of itself or declines"),
        "prompt": tr("a piece of a prompt or of a conversation"),
    }
    own = _QUOTED.sub(" ", line)
    if not re.search(r"\w", own):
        own = line  # a model that puts its whole answer in quotation marks
    for kind, patterns in _gate().items():
        for where, pattern in patterns:
            if pattern.search(own if where == "own" else line):
                return reasons[kind]
    return None


def _broken(rule: _Rule, sentences: list[str]) -> StyleFinding | None:
    for sentence in sentences:
        cleared = rule.exempt.sub(" ", sentence) if rule.exempt else sentence
        if hit := rule.pattern.search(cleared):
            word = cleared[cleared.rfind(" ", 0, hit.start() + 1) + 1 : hit.end()]
            message = rule.message[current()].format(found=word.strip())
            return StyleFinding(rule.id, rule.row, rule.severity, message, rule.why[current()])
    return None


def _too_fast(text: str, language: str, length: float) -> list[StyleFinding]:
    korean = language == "ko"
    rate = (lang.syllables(text, language) if korean else len(text.split())) / length
    warn, fail = RATES[language]
    why = tr("listeners of audio description want a calm voice")
    found = []
    if rate > warn:
        message = (
            tr("{rate:.1f} syllables a second", rate=rate) if korean else tr("{rate:.1f} words a second", rate=rate)
        )
        found.append(StyleFinding("rate", 4, "error" if rate > fail else "warning", message, why))
    if length > LONG_SECONDS:
        message = tr("{length:.1f} s in one line", length=length)
        found.append(StyleFinding("long", 4, "warning", message, tr("one idea a line is what the ear can hold")))
    return found


@dataclass(frozen=True)
class _Rule:
    id: str
    row: int
    severity: Severity
    pattern: re.Pattern[str]
    exempt: re.Pattern[str] | None
    message: dict[str, str]
    why: dict[str, str]


@functools.cache
def _rules(language: str) -> tuple[_Rule, ...]:
    def compiled(pattern: str) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{([ㄱ-ㅎ])\}", lambda m: _ending_in(m[1]), pattern), re.IGNORECASE)

    rules = []
    for rule in _load(f"style_{language}.yaml"):
        exempt = compiled(rule.pop("except")) if "except" in rule else None
        rules.append(_Rule(pattern=compiled(rule.pop("pattern")), exempt=exempt, **rule))
    return tuple(rules)


def _ending_in(consonant: str) -> str:
    """A character class of every syllable with that final consonant."""
    index = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ".index(consonant)
    return "[" + "".join(chr(0xAC00 + block * 28 + index) for block in range(399)) + "]"


@functools.cache
def _gate() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    return {
        kind: [(where, re.compile(p, re.IGNORECASE)) for where, patterns in places.items() for p in patterns]
        for kind, places in _load("gate.yaml").items()
    }


def _load(name: str) -> Any:
    import yaml

    return yaml.safe_load((lang.LEXICON / name).read_text(encoding="utf-8"))
