"""From when a name may be used: KMCC and Netflix let describers name people only once the drama has.

A name is revealed when the dialogue says it, in full or, where they have two syllables or letters and more, by the
given name alone (“기주야” reveals 김기주; “산아” does not reveal 이산, for too many words end like that). It may be
used from the end of that utterance on. Particles, vocatives and titles may follow a Korean name; an ending that the
lexicon does not list reveals later, never too early. A given name that is also a word (하늘, Will) is revealed by
that word too, which `named_from` in the cast file prevents. A given name that two people share reveals neither.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import yaml

import data
from data.cast import Cast, Language, Member
from data.records import Face, Person, Utterance

LEXICON = Path(data.__file__).parent / "lexicon" / "names.yaml"


@functools.cache
def lexicon(key: str) -> tuple[str, ...]:
    """One of the word lists: surnames, long_surnames, titles, suffixes."""
    words: dict[str, str] = yaml.safe_load(LEXICON.read_text(encoding="utf-8"))
    return tuple(words[key].split())


def revealed(cast: Cast, utterances: Sequence[Utterance]) -> dict[str, float]:
    """Seconds from which each member's name may be used, by id; those whose name is never spoken are left out."""
    givens = {m.id: {_given(name) for name in m.names} - {""} for m in cast.members}
    shared = Counter(given for each in givens.values() for given in each)
    found: dict[str, float] = {}
    for member in cast.members:
        if member.named_from is not None:
            found[member.id] = member.named_from
            continue
        pattern = spoken([*member.names, *(g for g in givens[member.id] if shared[g] == 1)])
        first = next((u for u in utterances if pattern.search(_composed(u.text))), None)
        if first is not None:
            found[member.id] = first.end
    return found


def spoken(forms: Iterable[str]) -> re.Pattern[str]:
    """What in a line of dialogue says one of the forms of a name, as a whole word with what is attached to it."""
    return re.compile("|".join(_pattern(_composed(form)) for form in sorted(forms)), re.IGNORECASE)


def allowed(cast: Cast, times: dict[str, float], time: float, language: Language) -> tuple[str, ...]:
    """The names that may be used at a second, in the order of the cast file."""
    return tuple(cast.words(m, "name", language) for m in cast.members if _known(m, times, time))


def persons(
    cast: Cast | None, times: dict[str, float], faces: Sequence[Face], time: float, language: Language
) -> Iterator[Person]:
    """Everybody recognised on a keyframe, largest face first, as they may be called at a second."""
    members = {m.id: m for m in cast.members} if cast else {}
    for face in sorted(faces, key=lambda f: -f.box[2] * f.box[3]):
        if face.person is None:
            continue
        member, call, named = members.get(face.person), "", False
        if cast and member:
            named = _known(member, times, time)
            call = cast.words(member, "name" if named else "before", language)
        yield Person(id=face.person, call=call, named=named, emotion=face.emotion, box=face.box)


def _known(member: Member, times: dict[str, float], time: float) -> bool:
    return member.id in times and times[member.id] <= time


def _given(name: str) -> str:
    """The given name, where it is written with a surname and long enough to stand alone; else nothing."""
    name = _composed(name)
    given = _korean_given(name.replace(" ", "")) if _hangul(name) else "".join(name.split()[:-1][:1])
    title = given.casefold().rstrip(".").removesuffix("님") in lexicon("titles")
    return given if len(given) >= 2 and not title else ""


def _korean_given(name: str) -> str:
    if name.startswith(lexicon("long_surnames")):
        return name[2:]
    return name[1:] if 3 <= len(name) <= 4 and name[0] in lexicon("surnames") else ""


def _pattern(form: str) -> str:
    words = r"\s*".join(map(re.escape, form.split()))
    if _hangul(form):
        return rf"(?<![가-힣]){words}(?:{'|'.join(lexicon('suffixes'))}){{0,3}}(?![가-힣])"
    return rf"(?<!\w){words}(?!\w)"


def _hangul(text: str) -> bool:
    return bool(re.search("[가-힣]", text))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
