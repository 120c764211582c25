"""Asking a captioner, and keeping every answer: what was answered once is never computed or paid again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import StageError
from stages.candidates.prompt import Caption, Captioner, Prompt
from stages.kept import Kept
from stages.stage import keyed

FORM = 1
"""Raised when kept answers would be read differently."""


@dataclass(frozen=True)
class PictureQuestion:
    """The questions about one picture, and how many captions of each. `image` is its JPEG, empty where not needed."""

    image: bytes
    prompts: Sequence[Prompt]
    n: int


@dataclass(frozen=True)
class Asked:
    """A captioner whose answers are kept."""

    captioner: Captioner
    answers: Kept[list[Caption]]
    identity: Mapping[str, Any]
    """What the answers depend on besides the question."""

    def ask(self, questions: Sequence[PictureQuestion]) -> list[list[list[Caption]]]:
        """The captions of each prompt of each question. Raises what the captioner raises, answers so far kept."""
        found = [[self.answers.get(self._key(q, p)) for p in q.prompts] for q in questions]
        for n in sorted({q.n for q in questions}):
            left = [k for k, q in enumerate(questions) if q.n == n and None in found[k]]
            for k, place, captions in self._asked(questions, found, left, n) if left else ():
                self.answers.put(self._key(questions[k], questions[k].prompts[place]), captions)
                found[k][place] = captions
        if any(None in row for row in found):
            raise StageError("The captioner left out a question; choose another one (candidates.backend)")
        return [[captions or [] for captions in row] for row in found]

    def _asked(
        self, questions: Sequence[PictureQuestion], found: Sequence[Sequence[object]], left: Sequence[int], n: int
    ) -> Iterator[tuple[int, int, list[Caption]]]:
        """What is not known yet, as it comes: number of the question, of the prompt, captions."""
        places = [[place for place, known in enumerate(found[k]) if known is None] for k in left]
        images = [questions[k].image for k in left] if self.captioner.needs_images else []
        prompts = [[questions[k].prompts[p] for p in ps] for k, ps in zip(left, places, strict=True)]
        for number, answers in self.captioner.caption(images, prompts, n):
            for place, captions in zip(places[number], answers, strict=True):
                if captions is not None:
                    yield left[number], place, list(captions)

    def _key(self, question: PictureQuestion, prompt: Prompt) -> list[Any]:
        return [
            FORM, self.identity, hashlib.sha256(question.image).hexdigest(), question.n, prompt.attempt,
            prompt.system, prompt.text, dict(prompt.lengths), prompt.title_open,
        ]  # fmt: skip


def kept_in(folder: Path, captioner: Captioner, name: str) -> Asked:
    """A captioner of this name; its answers are kept where they are dear."""
    identity = {"captioner": name, "options": keyed(captioner.options)} | captioner.identity()
    return Asked(captioner, Kept(folder if captioner.dear else None, list[Caption]), identity)
