"""What a line claims though nothing that was seen or heard says so, in words for reviewers."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from data.messages import tr
from data.review.model import ReviewLine
from data.text.claims import Claim, claims, person_words
from pipeline.review.results import Machine


def missing(machine: Machine, line: ReviewLine | None, text: str) -> dict[str, Any]:
    """Why each unsupported word lacks support: of `text` as it is typed, and of the candidates of the line's picture.

    `unsupported` are the words of `text`; `missing` says of each of them, and of the candidates', what was not found.
    """
    if line is None:
        return {"unsupported": [], "missing": {}}
    near = machine.keyframe_at(line.start if line.keyframe_time is None else line.keyframe_time)
    language = machine.script.episode.language
    words = machine.marks(line.model_copy(update={"text": text}))
    told = _why(text, words, language)
    for candidate in machine.candidates.get(near.id, ()) if near else ():
        told = _why(candidate.text, candidate.unsupported, language) | told
    return {"unsupported": list(words), "missing": told}


def _why(text: str, words: Iterable[str], language: str) -> dict[str, str]:
    kinds = {claim.word: claim for claim in _claims(text, language)} if words else {}
    return {word: _told(kinds.get(word), language) for word in words}


@functools.lru_cache(4096)
def _claims(text: str, language: str) -> tuple[Claim, ...]:
    return claims(text, language)


def _told(claim: Claim | None, language: str) -> str:
    """What evidence there would have to be."""
    match claim:
        case Claim(kind="people", word=word) if word in person_words(language):
            return tr("nobody was seen in the picture")
        case Claim(kind="count"):
            return tr("another number of people was seen")
        case Claim(kind="name"):
            return tr("nobody of this name was recognised or spoken of")
        case Claim(kind="number"):
            return tr("the number was neither read in the picture nor heard")
        case Claim(kind="text"):
            return tr("these words were not read in the picture")
        case Claim(kind="thing" | "wider" | "people"):
            return tr("nothing of the kind was detected in the picture")
        case _:
            return tr("nothing that was seen or heard says so")
