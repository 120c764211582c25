"""Labels: what people are called where nobody has decided yet what they are called.

A captioner and a ranker are told of people as `@giju`, the id in the series file behind a sign that models know from
handles. What a person is called at a second, a name or a description, is put in last, so that a person who is
renamed costs no model a second look. Korean particles follow the sound of what is put in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from data.text import korean
from data.text.language import with_particle

MARK = "@"
_FORMS = {form: pair for pair, forms in korean.PARTICLES.items() for form in forms}
_AFTER_I = {"이가": "이/가", "이는": "은/는", "이를": "을/를", "이와": "과/와"}
"""The friendly 이 after a given name that ends in a consonant (수진이가), with its particle."""
_MORE = re.compile(r"(?:의|는|은|도|만|까지|부터|가|를|을|서)?")
"""What may follow a particle: 기주와는, 기주로부터의."""


def label(person: str) -> str:
    """How models are told of a person with this id."""
    return MARK + _composed(person)


def bare(text: str) -> str:
    """A text with labels as a sentence that can be judged and measured: without the signs."""
    return re.sub(rf"(?<![\w.]){MARK}(?=\w)", "", text)


def labelled(text: str, people: Iterable[str]) -> str:
    """What a model wrote, with a sign before every id that it wrote without one, or apart from it."""
    ids = _longest_first(people)
    if not ids:
        return text
    names = "|".join(_whole(person) for person in ids)
    spelt = {person.casefold(): person for person in ids}
    pattern = re.compile(rf"(?<![\w가-힣])(?:[{MARK}＠]\s?)?({names})", re.IGNORECASE)
    return pattern.sub(lambda match: MARK + spelt[match[1].casefold()], _composed(text))


def mentioned(text: str, people: Iterable[str]) -> tuple[str, ...]:
    """The people whose labels the text holds, in the order given."""
    spans = {match[1] for match in re.finditer(_pattern(people), _composed(text))}
    return tuple(person for person in people if _composed(person) in spans)


def worded(text: str, calls: Mapping[str, str], language: str) -> str:
    """The text with what people are called in place of their labels; ids that are not in `calls` stay as they are."""
    if not calls:
        return text
    called = {_composed(person): call for person, call in calls.items()}

    def put(found: re.Match[str]) -> str:
        call = called[found[1]]
        if language == "ko":
            return attached(call, found[2])
        opens = not found.string[: found.start()].strip() or found.string[: found.start()].rstrip()[-1] in ".!?…"
        return (call[:1].upper() + call[1:] if opens else call) + found[2]

    return re.sub(_pattern(calls), put, _composed(text))


def replaced(text: str, word: str, by: str, language: str) -> str:
    """The text with one word in place of another, where that stands alone or with Korean particles behind it."""
    return worded(re.sub(rf"(?<![\w가-힣]){_whole(_composed(word))}", f"{MARK}\ue000", _composed(text)),
                  {"\ue000": by}, language)  # fmt: skip


def attached(call: str, tail: str) -> str:
    """`call` with the Korean particles of `tail`, in the form that fits its sound."""
    diminutive = next((form for form in _AFTER_I if tail == form), None)
    if diminutive:
        return with_particle(call, _AFTER_I[diminutive])
    for form in sorted(_FORMS, key=len, reverse=True):
        if tail.startswith(form) and _MORE.fullmatch(tail[len(form) :]):
            return with_particle(call, _FORMS[form]) + tail[len(form) :]
    return call + tail


def _pattern(people: Iterable[str]) -> str:
    """A label and the Hangul that is written together with it."""
    names = "|".join(rf"{re.escape(p)}{_end(p)}" for p in _longest_first(people)) or r"(?!)"
    return rf"(?<![\w.]){MARK}({names})([가-힣]*)"


def _end(person: str) -> str:
    """After an id in Latin letters or digits no other letter of these may follow; after Hangul anything may."""
    return "" if re.match("[가-힣]", person[-1]) else r"(?![A-Za-z0-9_])"


def _whole(word: str) -> str:
    """A word that stands alone, or has Korean particles behind it."""
    if not re.match("[가-힣]", word[-1]):
        return re.escape(word) + _end(word)
    forms = "|".join(
        sorted({*_FORMS, *_AFTER_I, "의", "에게", "에게서", "한테", "도", "만", "씨", "에", "에서", "까지"})
    )
    return rf"{re.escape(word)}(?=(?:(?:{forms}){{0,2}})(?![가-힣]))"


def _longest_first(people: Iterable[str]) -> list[str]:
    return sorted(map(_composed, people), key=len, reverse=True)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
