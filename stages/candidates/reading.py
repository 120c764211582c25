"""On-screen text read out, whatever a captioner says: it may pass over it, or read it in words that are not spoken."""

from __future__ import annotations

from dataclasses import replace

from stages.candidates.facts import Facts, line
from stages.candidates.prompt import Caption, Prompt

NAME = "facts"
READER = Facts(Facts.Options())


def reading(facts: Prompt) -> tuple[Prompt, Caption] | None:
    """The text of a keyframe as `facts` reads it in few words, all of it or else the first; None where there is none.

    With the prompt that it answers.
    """
    terse = replace(facts, style="strict")
    found = READER.read(terse)
    read = (line(some, terse) for some in (found, found[:1]) if some)
    return next(((terse, caption) for caption in read if caption), None)
