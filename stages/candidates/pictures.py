"""Captions of pictures that belong to no episode: the same questions and the same gate, without any fact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from data.records import Evidence, Style
from data.text.language import PLAN_RATE
from stages.candidates.judging import support
from stages.candidates.keeping import Asked, PictureQuestion
from stages.candidates.prompt import Prompt
from stages.candidates.questions import questions
from stages.candidates.rendering import Templates
from stages.candidates.sifting import answers_to


@dataclass(frozen=True)
class Captioned:
    """One sentence for a picture, and what supports it."""

    text: str
    evidence: tuple[Evidence, ...]


def describe(
    pictures: Sequence[bytes], asked: Asked, language: Literal["ko", "en"], styles: Sequence[Style], n: int,
    templates: Mapping[Style, Path] | None = None,
) -> Iterator[list[Captioned]]:  # fmt: skip
    """At most `n` captions of each JPEG that pass the text gate, of all styles together, each text once.

    Raises ConfigError and what the captioner raises.
    """
    words = Templates(templates or {}, language)
    prompts = [words.worded(p) for p in questions(Prompt(language, rate=PLAN_RATE[language]), styles, n)]
    rows = [PictureQuestion(jpeg, prompts, -(-n // len(prompts))) for jpeg in pictures]
    for sifted in answers_to(rows, asked, language):
        yield [Captioned(c.text, c.evidence or support(c.text, prompt)) for prompt, c in sifted.captions[:n]]
