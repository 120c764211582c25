"""What a model answered, as captions: sentences alone, without all that models wrap around them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from data.series.labels import bare
from data.text.language import seconds
from stages.answers import lines
from stages.candidates.judging import kind_of
from stages.candidates.prompt import Caption, Prompt, length_of

MOST = 26
"""Captions of one question that are kept."""
ALIKE = 0.9
"""Share of equal letters from which two captions say the same; a working value."""


def captions(raw: Sequence[str], prompt: Prompt) -> list[Caption]:
    """The captions in a model's raw answers to one prompt, each once, with kind and length; none where there are none.

    An answer may be one line, a list, JSON of any shape (also cut off), in a fence, after thoughts, with labels and
    notes. Of a line with several sentences those are kept that fit the longest length. Never raises.
    """
    found: list[str] = []
    for line in (line for answer in raw for line in lines(answer)):
        text = _fitted(line, prompt)
        if len(found) < MOST and not any(_alike(text, other) for other in found):
            found.append(text)
    return [Caption(text, kind_of(text, prompt), length_of(text, prompt) or "rich") for text in found]


def _fitted(line: str, prompt: Prompt) -> str:
    """The first sentences of a line that fit the longest length, at least one."""
    longest = max(prompt.lengths.values())
    kept, *rest = re.split(r"(?<=[.!?…])\s+", line)
    for sentence in rest:
        if seconds(bare(f"{kept} {sentence}"), prompt.language, prompt.rate) > longest:
            break
        kept = f"{kept} {sentence}"
    return kept


def _alike(one: str, other: str) -> bool:
    """Whether two captions are the same up to spaces, signs and a letter in ten."""
    a, b = (re.sub(r"\W", "", text).casefold() for text in (one, other))
    return a == b or SequenceMatcher(None, a, b, autojunk=False).ratio() >= ALIKE
