"""Only what may be spoken: the text gate, a second question for what it refuses, each text once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from data.reasons import Message, say
from data.series.labels import bare, labelled
from data.style import refuse
from stages.candidates.judging import labels_in
from stages.candidates.keeping import Asked, PictureQuestion
from stages.candidates.prompt import Caption, Prompt


@dataclass(frozen=True)
class Refusal:
    """A caption that may not be spoken, and why."""

    prompt: Prompt
    caption: Caption
    rule: Message


@dataclass
class _Answer:
    """The answer to one prompt: what passes the gate, and why the rest does not."""

    prompt: Prompt
    good: list[Caption] = field(default_factory=list)
    bad: list[Refusal] = field(default_factory=list)
    empty: list[Message] = field(default_factory=list)
    """As many reasons as captions were asked for, where the model said nothing at all."""

    @property
    def reasons(self) -> list[Message]:
        """Of each caption that is missing."""
        return self.empty + [refusal.rule for refusal in self.bad]

    def missing(self, n: int) -> int:
        """How many captions were refused without another in their place."""
        return min(len(self.reasons), max(0, n - len(self.good)))


@dataclass(frozen=True)
class Sifted:
    """What is offered for one picture, the prompts in turn, all that was refused, and why captions are missing."""

    captions: list[tuple[Prompt, Caption]]
    refused: list[Refusal]
    missing: list[Message]


def answers_to(questions: Sequence[PictureQuestion], asked: Asked, language: str) -> list[Sifted]:
    """The captions that may be spoken. What is refused is asked for once more, no more of it than is missing."""
    first = [_sorted(q, row, asked, language) for q, row in zip(questions, asked.ask(questions), strict=True)]
    lost: list[list[Message]] = [[] for _ in questions]
    bad = [[refusal for answer in answers for refusal in answer.bad] for answers in first]
    again = list(_again(questions, first))
    found = asked.ask([q for _, _, q in again])
    for (number, answers, question), row in zip(again, found, strict=True):
        for answer, other in zip(answers, _sorted(question, row, asked, language), strict=True):
            answer.good += other.good
            bad[number] += other.bad
            lost[number] += [*other.reasons, *answer.reasons][: max(0, question.n - len(other.good))]
    return [Sifted(_in_turn(answers), *rest) for answers, rest in zip(first, zip(bad, lost, strict=True), strict=True)]


def _sorted(question: PictureQuestion, row: Sequence[Sequence[Caption]], asked: Asked, language: str) -> list[_Answer]:
    answers, nothing = [], say("nothing to say: the line is empty")
    for prompt, captions in zip(question.prompts, row, strict=True):
        answer = _Answer(prompt)
        if not captions and asked.captioner.dear:  # a model that was asked always has something to say
            answer.empty = [nothing] * question.n
        for caption in (replace(c, text=labelled(c.text, labels_in(prompt))) for c in captions):
            rule = _why_not(caption, language)
            answer.bad += [Refusal(prompt, caption, rule)] if rule else []
            answer.good += [] if rule else [caption]
        answers.append(answer)
    return answers


def _why_not(caption: Caption, language: str) -> Message | None:
    """Why a caption may not be spoken. A bare number may stand on a sign, but describes nothing."""
    if caption.kind == "visual" and not re.search(r"[^\W\d_]", caption.text):
        return refuse("", language) if not caption.text.strip() else say("no words: numbers or signs alone")
    return refuse(bare(caption.text), language)


def _again(
    questions: Sequence[PictureQuestion], rows: Sequence[Sequence[_Answer]]
) -> Iterator[tuple[int, list[_Answer], PictureQuestion]]:
    """The second questions: those of one picture that miss equally many together."""
    for number, (question, answers) in enumerate(zip(questions, rows, strict=True)):
        missing: dict[int, list[_Answer]] = defaultdict(list)
        for answer in answers:
            missing[answer.missing(question.n)].append(answer)
        for n, some in sorted(missing.items()):
            if n:
                yield number, some, PictureQuestion(question.image, [replace(a.prompt, attempt=1) for a in some], n)


def _in_turn(answers: Sequence[_Answer]) -> list[tuple[Prompt, Caption]]:
    """The first caption of each prompt, the second of each …; each text once."""
    turns = zip_longest(*([(a.prompt, c) for c in a.good] for a in answers))
    once: dict[str, tuple[Prompt, Caption]] = {}
    for pair in (pair for turn in turns for pair in turn if pair):
        once.setdefault(pair[1].text, pair)
    return list(once.values())
