"""What a describer would change in a line, and what can safely be changed for them."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from data.messages import Lang, current, tr
from data.reasons import Message, say
from data.style import morphology
from data.style.gate import refuse
from data.style.mending import MENDERS
from data.style.own import Sentence, sentences, unmasked
from data.style.pace import LONG_SECONDS, limits, units
from data.style.particles import wrong_particles
from data.text import language as lang

Severity = Literal["info", "warning", "error"]
REMEMBERED = 16384
"""Lines whose findings are kept: the candidates of a season, ranked more than once."""
PACE_SOURCE = "working values, see docs/style.md"


@dataclass(frozen=True)
class StyleFinding:
    """One rule a line breaks. `row` is the row of the quality-control table, `why` the reason for the rule."""

    rule: str
    row: int
    severity: Severity
    message: Message
    why: str
    source: str = ""
    """The guideline the rule comes from."""
    fix: str | None = None
    """The whole line without this fault, where that is sure to say the same."""


@dataclass(frozen=True)
class Rule:
    """A rule of `lexicon/style_<language>.yaml`, which explains the fields."""

    id: str
    row: int
    severity: Severity
    message: dict[str, str]
    why: dict[str, str]
    source: str
    pattern: re.Pattern[str] | None = None
    exempt: re.Pattern[str] | None = None
    morphemes: re.Pattern[str] | None = None
    spared: re.Pattern[str] | None = None
    mend: str = ""
    check: str = ""


def findings(text: str, language: str, *, spoken_seconds: float | None = None) -> list[StyleFinding]:
    """The style rules `text` breaks, each once, in the order of the rule file; with a measured length, rate too."""
    found: list[StyleFinding | None] = [*_findings(text, language, current())]
    if spoken_seconds:
        found += [too_fast(text, language, spoken_seconds), long_line(spoken_seconds)]
    return [finding for finding in found if finding]


def blamed(text: str, language: str) -> list[StyleFinding]:
    """What the check of a finished film holds against a spoken line: all findings but hints, which are for writers."""
    return [finding for finding in findings(text, language) if finding.severity != "info"]


def fixed(text: str, language: str) -> str:
    """`text` with everything mended that a finding has a fix for; itself where there is nothing to mend."""
    while fix := next((f.fix for f in _findings(text, language, current()) if f.fix), None):
        text = fix  # ends: every fix takes a rule away and brings none
    return text


@functools.cache
def identity() -> str:
    """What findings depend on besides the text: the rules and the version of the morphology, as one short string."""
    files = [(lang.LEXICON / f"style_{language}.yaml").read_bytes() for language in ("en", "ko")]
    kiwi = importlib.metadata.version("kiwipiepy") if morphology.installed() else "none"
    return f"{hashlib.sha256(b''.join(files)).hexdigest()[:16]} kiwipiepy {kiwi}"


@functools.lru_cache(REMEMBERED)
def _findings(text: str, language: str, messages: Lang) -> tuple[StyleFinding, ...]:
    found: dict[str, StyleFinding] = {}
    for rule in rules(language):
        hits = list(_hits(text, language, rule))
        if hits and rule.id not in found:
            told = Message(template=rule.message["en"], values={"found": hits[0]}, korean=rule.message["ko"])
            fix = _fix(text, language, rule)
            found[rule.id] = StyleFinding(rule.id, rule.row, rule.severity, told, rule.why[messages], rule.source, fix)
    return tuple(found.values())


def _hits(text: str, language: str, rule: Rule) -> Iterator[str]:
    """The words that break the rule."""
    for sentence in sentences(text, language):
        if rule.check:
            yield from CHECKS[rule.check](sentence, language)
        elif rule.morphemes and morphology.installed():
            yield from _in_morphemes(rule, sentence)
        elif rule.pattern:
            yield from _in_letters(rule, sentence)


def _in_letters(rule: Rule, sentence: Sentence) -> Iterator[str]:
    assert rule.pattern
    cleared = rule.exempt.sub(" ", sentence.text) if rule.exempt else sentence.text
    for hit in rule.pattern.finditer(cleared):
        yield _words(cleared, hit.start(), hit.end())


def _in_morphemes(rule: Rule, sentence: Sentence) -> Iterator[str]:
    analysis = morphology.analysed(sentence.text)
    for hit in morpheme_hits(rule, analysis):
        parts = [analysis.morphemes[n] for n in analysis.covered(hit)]
        yield _words(sentence.text, parts[0].start, parts[-1].end)


def morpheme_hits(rule: Rule, analysis: morphology.Analysis) -> Iterator[re.Match[str]]:
    """Matches of the rule's morphemes, without those that lie in what it spares."""
    assert rule.morphemes
    spared = [hit.span() for hit in rule.spared.finditer(analysis.tagged)] if rule.spared else []
    for hit in rule.morphemes.finditer(analysis.tagged):
        if not any(start < hit.end() and hit.start() < end for start, end in spared):
            yield hit


def _words(text: str, start: int, end: int) -> str:
    """The stretch [start, end) from the beginning of its first word."""
    return text[text.rfind(" ", 0, start + 1) + 1 : end].strip()


def _fix(text: str, language: str, rule: Rule) -> str | None:
    """The line with every breach of the rule mended; None where that is impossible or would break something else."""
    if not rule.mend or not morphology.installed():
        return None
    mended = text
    for sentence in reversed(sentences(text, language)):
        better = unmasked(MENDERS[rule.mend](sentence.text), sentence, text)
        mended = mended[: sentence.start] + better + mended[sentence.start + len(sentence.text) :]
    return mended if _is_better(text, mended, language, rule) else None


def _is_better(text: str, mended: str, language: str, rule: Rule) -> bool:
    """The fault is gone, none has come, and the gate lets it pass as it did before."""
    if any(True for _ in _hits(mended, language, rule)):
        return False
    if refuse(mended, language) and not refuse(text, language):
        return False
    return _broken(mended, language) < _broken(text, language)


def _broken(text: str, language: str) -> frozenset[str]:
    return frozenset(rule.id for rule in rules(language) if any(True for _ in _hits(text, language, rule)))


def _read_out(sentence: Sentence, language: str) -> Iterator[str]:
    """Words with digits or Latin letters, with what a Korean voice says for them."""
    for word in re.findall(r"\S*[0-9A-Za-z]\S*", sentence.text) if language == "ko" else ():
        if (said := lang.spoken(word, "ko")) != word:
            yield f"{word} → {said}"


def _wrong_particles(sentence: Sentence, language: str) -> Iterator[str]:
    if language == "ko" and morphology.installed():
        yield from (f"{wrong.word} → {wrong.right}" for wrong in wrong_particles(sentence.text))


CHECKS = {"read": _read_out, "particle": _wrong_particles}


def too_fast(text: str, language: str, seconds: float) -> StyleFinding | None:
    """The finding for a line that leaves `seconds` > 0 to speak it; None where that is enough."""
    number = units(text, language)
    rate = number / seconds
    warning, error = limits(number, language)
    if rate <= warning:
        return None
    told = say("{rate:.1f} words a second", rate=rate)
    if language == "ko":
        told = say("{rate:.1f} syllables a second", rate=rate)
    why = tr("listeners of audio description want a calm voice")
    return StyleFinding("rate", 4, "error" if rate > error else "warning", told, why, PACE_SOURCE)


def long_line(seconds: float) -> StyleFinding | None:
    """The finding for a line that lasts `seconds`; None where that is not too long."""
    if seconds <= LONG_SECONDS:
        return None
    told = say("{length:.1f} s in one line", length=seconds)
    return StyleFinding("long", 4, "warning", told, tr("one idea a line is what the ear can hold"), PACE_SOURCE)


@functools.cache
def rules(language: str) -> tuple[Rule, ...]:
    """The rules of a language, in the order of their file."""
    import yaml

    listed = yaml.safe_load((lang.LEXICON / f"style_{language}.yaml").read_text(encoding="utf-8"))
    return tuple(Rule(**_compiled(rule)) for rule in listed)


def _compiled(rule: dict[str, Any]) -> dict[str, Any]:
    names = {"pattern": "pattern", "except": "exempt", "morphemes": "morphemes", "except_morphemes": "spared"}
    patterns = {to: _pattern(rule[name]) for name, to in names.items() if name in rule}
    return {name: value for name, value in rule.items() if name not in names} | patterns


def _pattern(written: str) -> re.Pattern[str]:
    finals = re.sub(r"\{([ㄱ-ㅎ])\}", lambda m: _ending_in(m[1]), written)
    return re.compile(finals.replace("$", "(?=[?!]*$)"), re.IGNORECASE)  # end marks are no part of the words


def _ending_in(consonant: str) -> str:
    """A character class of every syllable with that final consonant."""
    index = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ".index(consonant)
    return "[" + "".join(chr(0xAC00 + block * 28 + index) for block in range(399)) + "]"
