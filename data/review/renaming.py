"""A name put in another's place, with the Korean particles that follow it."""

from __future__ import annotations

import re

from data.text import korean
from data.text.language import with_particle

_PAIR_OF = {form: pair for pair in korean.PARTICLES for form in pair.split("/")}
_CHANGING = sorted(_PAIR_OF, key=len, reverse=True)
_FIXED = (
    "의", "에", "에게", "에게서", "께", "께서", "한테", "한테서", "도", "만", "까지", "부터", "보다", "처럼",
    "마저", "조차", "밖에", "만큼", "뿐", "씨", "님", "군", "양", "네", "들", "쪽", "같이", "하고",
)  # fmt: skip
_LAST = ("이", "가", "을", "를", "은", "는", "아", "야", "이다", "다")
"""Nothing follows these: 소영이가 is 소영이 + 가, not 소영 + 이 + 가."""
_AFTER = ("은", "는", "이", "가", "을", "를", "과", "와", "의", "도", "만")
"""What may follow a particle or title in its turn: 소영에게는, 소영 씨가."""
_SUFFIX = "이"
"""소영이가, 소영이네: a name that ends in a consonant may take it; one that ends in a vowel never."""


def renamed(text: str, old: str, new: str, language: str) -> str:
    """`text` with the name `old` called `new` wherever it stands as a word of its own, particles included.

    Korean: 소영이 → 지수가, 소영은 → 지수는, 소영에게 → 지수에게; a longer word that begins with the name stays.
    """
    if language != "ko":
        return re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", lambda _: new, text)
    return re.sub(rf"(?<!\w){re.escape(old)}(\w*)", lambda m: _attached(m[1], old, new) or m[0], text)


def _attached(rest: str, old: str, new: str) -> str | None:
    """`new` with what followed `old`; None where that is no particle, so that the word is another."""
    if not rest:
        return new
    for form in _CHANGING:
        fits = with_particle(old, _PAIR_OF[form]) == old + form
        if fits and rest.startswith(form) and rest[len(form) :] in ("", *(() if form in _LAST else _AFTER)):
            return with_particle(new, _PAIR_OF[form]) + rest[len(form) :]
    for form in _FIXED:
        if rest.startswith(form) and rest[len(form) :] in ("", *_AFTER):
            return new + rest
    if rest.startswith(_SUFFIX) and _closed(old):
        return _attached(rest[len(_SUFFIX) :], old + _SUFFIX, new + _SUFFIX if _closed(new) else new)
    return None


def _closed(name: str) -> bool:
    """Whether it ends in a consonant."""
    return with_particle(name, "이/가").endswith("이")
