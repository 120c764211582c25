"""From when a name may be used: KMCC and Netflix let describers name people only once the drama has.

A name is introduced when the dialogue says it, or a text in the picture shows it: in full or, where they have two
syllables or letters and more, by the given name alone (“기주야” introduces 김기주; “산아” does not introduce 이산, for
too many words end like that). It may be used from the end of that utterance on, or from the second that shows the text.
Particles, vocatives and titles may follow a Korean name; an ending that the lexicon does not list introduces later,
never too early. A given name that is also a word (하늘, Will) is introduced by that word too, which `named_from` in the
series file prevents. A given name that two people share introduces neither.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import yaml

import data
from data.records import OnScreenText, Utterance
from data.series.cast import Cast, Member
from data.series.labels import attached
from data.text import korean

When = Literal["introduced", "spoken", "always"]
"""From when: introduced: spoken or shown; spoken: a text does not count; always: from the first second."""
LEXICON = Path(data.__file__).parent / "lexicon" / "names.yaml"


@functools.cache
def lexicon(key: str) -> tuple[str, ...]:
    """One of the word lists: surnames, long_surnames, titles, suffixes."""
    words: dict[str, str] = yaml.safe_load(LEXICON.read_text(encoding="utf-8"))
    return tuple(words[key].split())


def introduced(
    cast: Cast, utterances: Sequence[Utterance], shown: Iterable[OnScreenText] = (), when: When = "introduced"
) -> dict[str, float]:
    """Seconds from which each member's name may be used, by id; those who are not introduced are left out.

    `shown`: the texts of the story that are seen. `named_from` stands above everything.
    """
    texts = list(shown) if when == "introduced" else []
    seconds_of: dict[str, float] = {}
    for member in cast.members:
        if member.named_from is not None:
            seconds_of[member.id] = member.named_from
            continue
        pattern = spoken(forms(member, cast))
        heard = (u.end for u in utterances if pattern.search(_composed(u.text)))
        read = (t.first_seen for t in texts if pattern.search(_composed(t.text)))
        times = [0.0] if when == "always" else [*heard, *read]
        if times:
            seconds_of[member.id] = min(times)
    return seconds_of


def forms(member: Member, cast: Cast) -> tuple[str, ...]:
    """What a member is called by name, the longest first: in full, and by the given name where nobody shares it."""
    shared = Counter(given for other in cast.members for given in {_given(name) for name in other.names})
    givens = {_given(name) for name in member.names} - {""}
    return tuple(sorted({*member.names, *(g for g in givens if shared[g] == 1)}, key=lambda f: (-len(f), f)))


def known(member: Member, times: Mapping[str, float], time: float) -> bool:
    """Whether a name may be used at a second."""
    return times.get(member.id, float("inf")) <= time


def spoken(forms: Iterable[str]) -> re.Pattern[str]:
    """What in a line of dialogue says one of the forms of a name, as a whole word with what is attached to it."""
    return re.compile("|".join(_pattern(_composed(form)) for form in sorted(forms)), re.IGNORECASE)


def exchanged(text: str, words: Mapping[str, str]) -> str:
    """A person's text with other words in place of these; Korean particles follow the sound of what is put in.

    All at once, the longest first, where they stand alone or with what is written together with a name. A friendly 이
    goes with the name (수진이도). What stands in quotation marks is read out, and stays.
    """
    text, put = _composed(text), {_composed(word): by for word, by in words.items()}
    if not put:
        return text
    found = "|".join(_standing(word) for word in sorted(put, key=lambda w: (-len(w), w)))
    pattern = re.compile(rf"(?:{_QUOTED})|(?<![\w가-힣])({found})([가-힣]*)")
    return pattern.sub(lambda m: attached(put[m[1]], _unfriendly(m[1], m[2])) if m[1] else m[0], text)


_QUOTED = "|".join(rf"{a}[^{a}{b}]*{b}" for a, b in ("“”", "‘’", "「」", "『』", "《》", '""'))


def _standing(word: str) -> str:
    """A word as a pattern; no letter follows it but what may be written together with a name."""
    if _hangul(word[-1]):
        return rf"{re.escape(word)}(?=(?:{'|'.join(lexicon('suffixes'))}){{0,3}}(?![가-힣]))"
    return rf"{re.escape(word)}(?![A-Za-z0-9_])"


def _unfriendly(word: str, tail: str) -> str:
    """What follows a word without the friendly 이, where no particle of its own sound takes the 이 in."""
    closed = _hangul(word[-1]) and korean.final(word[-1]) > 0
    return tail[1:] if closed and tail in ("이의", "이도", "이만", "이한테", "이에게", "이하고", "이네") else tail


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
