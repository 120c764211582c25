"""Lines in fewer words by a text model, where one is configured: asked once, kept, and held against the line.

A backend has `rewrite(questions) -> Iterator[(number, answer)]`: the raw answer to each question as it comes; after an
error those that came lie in the cache. An answer is read like a captioner's (`stages.answers`). It counts only where
it is shorter, passes the gate, breaks no rule of style that the line kept, and adds nothing: every noun, number and
name of it is in the line, and what negates stays. So all that supported the line supports it too.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from data.errors import ConfigError
from data.style import findings, morphology_installed, own_words, refuse
from data.style.morphology import analysed
from data.text.language import syllables
from stages.answers import lines
from stages.backend import Backend
from stages.kept import Kept
from stages.schedule.config import Config
from stages.sources import Planning
from stages.stage import Job, keyed

FORM = 1
"""Raised when kept answers would be read differently, or other words are asked."""
LEAST = 4
"""Syllables below which no sentence of description can be."""
MOST = 3
"""Wordings asked for at once."""
SYSTEM = {
    "ko": "너는 화면해설 대본을 다듬는 편집자다.",
    "en": "You are an editor of audio description scripts.",
}
TEXT = {
    "ko": (
        "아래 화면해설 문장을 {budget}음절 이하로 줄여라. 지금은 {now}음절이다.\n"
        "- 뜻을 바꾸지 마라. 문장에 없는 사람, 사물, 이름, 장소, 숫자를 더하지 마라.\n"
        "- 덜 중요한 말부터 빼라. 현재형 ‘-ㄴ다’로 끝나는 한 문장으로 써라.\n"
        "- 서로 다른 문장 {most}개를 한 줄에 하나씩 써라. 다른 말은 쓰지 마라.\n\n"
        "문장: {line}"
    ),
    "en": (
        "Shorten the line of audio description below to at most {budget} syllables. It has {now} now.\n"
        "- Keep its meaning. Add no person, thing, name, place or number that is not in it.\n"
        "- Leave out what matters least first. Write one sentence in the present tense.\n"
        "- Write {most} different sentences, one on each line, and nothing else.\n\n"
        "Line: {line}"
    ),
}
_NAMING = frozenset(("NNG", "NNP", "NP", "NR", "SN", "SL", "SH", "XR", "MM"))
"""Tags of what names or counts something; a bound noun (것, 채) names nothing."""
_NEGATING = frozenset(("안", "못", "않", "없", "말", "아니"))
_FUNCTION = frozenset(
    ("a", "an", "the", "and", "or", "but", "of", "in", "on", "at", "to", "into", "onto", "from", "with", "by", "for",
     "as", "is", "are", "be", "up", "down", "out", "off", "away", "over", "across", "through", "then", "while", "who",
     "that", "which", "there")
)  # fmt: skip
_NOT = frozenset(
    ("not", "no", "never", "without", "nothing", "nobody", "none", "neither", "nor", "hardly", "cannot")
)  # fmt: skip
STEM = 4
"""Letters by which forms of one English word are known as such: opens, opening."""


@dataclass(frozen=True)
class Question:
    """One question to a text model."""

    system: str
    text: str


def question(line: str, budget: int, language: str) -> Question:
    """What is asked to have `line` in `budget` syllables."""
    now = syllables(line, language)
    return Question(SYSTEM[language], TEXT[language].format(budget=budget, now=now, most=MOST, line=line))


class Rewriter(Backend, ABC):
    """Base of the backends that shorten lines."""

    @abstractmethod
    def rewrite(self, questions: Sequence[Question]) -> Iterator[tuple[int, str]]:
        """Number and raw answer of each question, as they come. Raises UserError after those that came."""


class Rewriting:
    """The rewriter of the run; every answer is kept and never asked for again."""

    def __init__(self, job: Job[Config, Rewriter | None]) -> None:
        self.language, self._backend = job.open(Planning).language, job.backend
        self._answers = Kept[str](job.cache, str)
        if self.available and self.language == "ko" and not morphology_installed():
            raise ConfigError(
                "schedule.backend={name} holds Korean lines against what was seen word by word and needs kiwipiepy: "
                "pip install 'videodescription[korean]'",
                name=job.config.backend,
            )
        self._identity = _identity(job.config.backend, job.backend) if job.backend else {}

    @property
    def available(self) -> bool:
        """Whether a rewriter is configured."""
        return self._backend is not None

    def shorter(self, asked: Sequence[tuple[str, int]]) -> list[list[str]]:
        """For each line and its budget of syllables: what may be spoken instead, the longest first.

        Raises what the backend raises; answers so far are kept.
        """
        questions = [question(line, budget, self.language) for line, budget in asked]
        found = {q: self._answers.get(self._key(q)) for q in questions}
        open_ = [q for q, answer in found.items() if answer is None]
        for place, answer in self._backend.rewrite(open_) if open_ and self._backend else ():
            found[open_[place]] = answer
            self._answers.put(self._key(open_[place]), answer)
        return [serving(found[q] or "", line, self.language) for (line, _), q in zip(asked, questions, strict=True)]

    def _key(self, question: Question) -> list[Any]:
        return [FORM, self._identity, question.system, question.text]


def _identity(name: str, rewriter: Rewriter) -> dict[str, Any]:
    """What answers depend on besides the question."""
    return {"rewriter": name, "options": keyed(rewriter.options), **rewriter.identity()}


def serving(answer: str, line: str, language: str) -> list[str]:
    """The sentences of a raw answer that may stand for `line`, each once, the longest first; at most `MOST`."""
    found = [text for text in dict.fromkeys(lines(answer)) if stands_for(text, line, language)]
    return sorted(found, key=lambda text: -syllables(text, language))[:MOST]


def stands_for(text: str, line: str, language: str) -> bool:
    """Whether `text` is shorter than `line`, may be spoken, is written as well, and adds nothing to it."""
    if own_words(line, language) != line or own_words(text, language) != text:
        return False  # what is read out stays whole
    if syllables(text, language) >= syllables(line, language) or refuse(text, language):
        return False
    if not {f.rule for f in findings(text, language)} <= {f.rule for f in findings(line, language)}:
        return False
    return _adds_nothing_korean(text, line) if language == "ko" else _adds_nothing_english(text, line)


def _adds_nothing_korean(text: str, line: str) -> bool:
    said, known = analysed(text).morphemes, analysed(line).morphemes
    new, old = ({m.form for m in found if m.kind in _NAMING} for found in (said, known))
    return new <= old and _negations(said) == _negations(known)


def _negations(morphemes: Sequence[Any]) -> int:
    return sum(m.form in _NEGATING and m.kind in ("MAG", "VX", "VA", "VCN", "VV") for m in morphemes)


def _adds_nothing_english(text: str, line: str) -> bool:
    """Every word but the smallest has one of the same stem in the line: no tagger tells which of them are nouns."""
    said, known = (re.findall(r"[^\W_]+(?:n't)?", part.casefold().replace("’", "'")) for part in (text, line))
    stems = {word[:STEM] for word in known}
    negated = [sum(word in _NOT or word.endswith("n't") for word in words) for words in (said, known)]
    return all(word in _FUNCTION or word[:STEM] in stems for word in said) and negated[0] == negated[1]
