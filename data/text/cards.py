"""Cards: on-screen text that names a time, a jump in time or a credit, told by its words."""

from __future__ import annotations

import re

_CARD = re.compile(
    r"\d ?(?:년|개월|달|주|일|시간|분|초)|(?:년|달|주|시간) ?(?:후|전|뒤|만에)|다음 ?날|"
    r"이튿날|그날|며칠|현재|과거|오전|오후|아침|저녁|새벽|제공|제작|감독|각본|극본|연출|출연|기획|편집|음악|원작|프로덕션|엔터테인먼트|픽처스|"
    r"\b(?:later|earlier|ago|meanwhile|morning|evening|tonight|today|presents?|productions?|pictures|studios?|films|"
    r"directed|director|produced|producer|written|screenplay|starring|featuring|music by|based on|a film by|"
    r"january|february|march|april|june|july|august|september|october|november|december|[12]\d{3})\b",
    re.IGNORECASE,
)


_JUMP = re.compile(
    r"(?:년|개월|달|주|주일|일|시간|분) ?(?:후|전|뒤)(?![가-힣])|다음 ?날|이튿날|며칠|그로부터|"
    r"\b(?:later|earlier|ago|the next day)\b",
    re.IGNORECASE,
)
_JUMP_WORDS = 5
"""A card that names a jump in time is no longer than this; a notice on a wall is."""


def is_jump(text: str) -> bool:
    """Whether the text is a card that moves the story in time: 3년 후, the next day."""
    return len(text.split()) <= _JUMP_WORDS and bool(_JUMP.search(text))


def is_card(text: str) -> bool:
    """Whether a large text is a card of time or credit rather than the film's name; by its words."""
    return bool(_CARD.search(text))
