"""Which claims of a caption the evidence supports, and which it could have supported and does not: those are marked.

A mark is no ban: detectors miss things. It is set only where there was something to judge by, found anywhere in the
episode: things where objects are detected, people where bodies are (a face alone misses backs), quoted words and digits
where text is read. Names are always judged. What counts is what is seen in the shot, or in the same place shortly
before or after; what the dialogue around says; and what the captioner said of a part of the picture when it was shown
that part alone. That two captions of one picture agree counts for nothing: one model wrote both, from one picture and
one prompt, and what models invent they invent often (Rohrbach et al. 2018: objects that usually go together).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from data.records import Context, Evidence, Kind
from data.series.labels import MARK, label, mentioned
from data.text.cards import is_card
from data.text.claims import PERSON, Claim, claims
from data.text.objects import object_name
from stages.candidates.prompt import Prompt, SeenText

NEAR = 20.0
"""Seconds around a keyframe in which what is seen in the same place counts; as long as dialogue does."""
ALIKE = 0.75
"""Share of common letters that makes two readings the same text, as in the context."""


@dataclass(frozen=True)
class Judged:
    """What supports the claims of a caption, and the words of those that nothing supports."""

    evidence: tuple[Evidence, ...]
    unsupported: tuple[str, ...]


class Judge:
    """Holds captions of one episode against its contexts, in order of time."""

    def __init__(self, contexts: Sequence[Context], language: Literal["ko", "en"]) -> None:
        self._contexts, self._language = contexts, language
        self._number = {context.keyframe: number for number, context in enumerate(contexts)}
        self._objects = any(context.objects for context in contexts)
        self._bodies = any(o.label == PERSON for context in contexts for o in context.objects)
        self._texts = any(context.texts for context in contexts)
        self._recognised = any(context.persons for context in contexts)

    def judged(self, text: str, keyframe: str, regions: Sequence[Evidence] = ()) -> Judged:
        """The claims of a caption of a keyframe; `regions`: what was said of parts of the picture."""
        context = self._contexts[self._number[keyframe]]
        near = list(self._near(self._number[keyframe]))
        told = [(region, claim) for region in regions for claim in claims(region.value, self._language)]
        found, missing = [], []
        for claim in claims(text, self._language):
            support = [*self._support(claim, context, near), *(r for r, other in told if _same(claim, other))]
            found += support[:1]
            if not support and self._could(claim):
                missing.append(claim.word)
        return Judged(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(missing)))

    def _near(self, number: int) -> Iterator[Context]:
        """The contexts of the same shot, and of the same place within `NEAR` seconds; the keyframe's own first."""
        here = self._contexts[number]
        yield here
        before, after = reversed(self._contexts[:number]), self._contexts[number + 1 :]
        for side in (before, after):
            for other in side:
                if other.shot != here.shot and abs(other.time - here.time) > NEAR:
                    break
                if other.shot == here.shot or (other.place and other.place == here.place):
                    yield other

    def _could(self, claim: Claim) -> bool:
        """Whether there would be evidence if the claim held."""
        if claim.kind in ("number", "text"):
            return self._texts
        if claim.kind in ("people", "count"):
            return self._bodies
        return claim.kind == "name" or (claim.kind == "thing" and self._objects)

    def _support(self, claim: Claim, context: Context, near: Sequence[Context]) -> Iterator[Evidence]:
        if claim.kind in ("people", "count"):
            yield from _people(claim, near)
            return
        yield from self._detected(claim, near)
        if claim.kind != "wider":
            yield from _written(claim, near)
            yield from self._said(claim, context)

    def _detected(self, claim: Claim, near: Sequence[Context]) -> Iterator[Evidence]:
        for keyframe, found in ((c.keyframe, o) for c in near for o in c.objects if o.label in claim.labels):
            name = object_name(found.label, self._language)
            yield Evidence(kind="object", value=name, keyframe=keyframe, box=found.box, score=found.score)

    def _said(self, claim: Claim, context: Context) -> Iterator[Evidence]:
        """The dialogue around; a name also earlier, where nobody is recognised by their face."""
        around = [context]
        if claim.kind == "name" and not self._recognised:
            around = list(self._contexts[: self._number[context.keyframe] + 1])
        if any(_holds(f"{c.dialogue_before} {c.dialogue_after}", claim.word) for c in reversed(around)):
            yield Evidence(kind="dialogue", value=claim.word)


def _people(claim: Claim, near: Sequence[Context]) -> Iterator[Evidence]:
    """As many people as the line says, or more, on one still; one where it gives no number."""
    for context in near:
        if max(context.people, len(context.persons)) >= max(claim.number, 1):
            bodies = (o for o in context.objects if o.label == PERSON)
            seen = [(one.box, one.score) for one in context.faces] or [(one.box, one.score) for one in bodies]
            box, score = seen[0] if seen else (None, None)
            yield Evidence(kind="face", value=claim.word, keyframe=context.keyframe, box=box, score=score)


def _written(claim: Claim, near: Sequence[Context]) -> Iterator[Evidence]:
    for context in near:
        for text in context.texts:
            if _reads(text.text, claim):
                yield Evidence(kind="text", value=text.text, keyframe=context.keyframe, box=text.box, score=text.score)


def _reads(shown: str, claim: Claim) -> bool:
    if claim.kind != "text":
        return _holds(shown, claim.word)
    read, said = _letters(shown), _letters(claim.word)
    if not said or said in read or (len(read) > 1 and read in said):
        return True
    return any(
        SequenceMatcher(None, said, read[at : at + len(said)], False).ratio() >= ALIKE
        for at in range(max(len(read) - len(said), 0) + 1)
    )


def _holds(text: str, word: str) -> bool:
    """Whether a text holds a word, Korean with whatever follows it, English whole."""
    ends = "" if re.search("[가-힣]$", word) else r"(?!\w)"
    return bool(re.search(rf"(?<!\w){re.escape(word)}{ends}", text, re.IGNORECASE))


def _same(claim: Claim, other: Claim) -> bool:
    if claim.labels:
        return bool(claim.labels & other.labels)
    return claim.kind == other.kind and (
        claim.word.casefold() == other.word.casefold() or 0 < claim.number <= other.number
    )


def _letters(text: str) -> str:
    return re.sub(r"\W", "", text).casefold()


LETTERS = 2
"""On-screen text of fewer letters meets a caption by chance."""


def support(text: str, prompt: Prompt) -> tuple[Evidence, ...]:
    """On-screen text the caption reads out, objects and people it names, with where they are in the picture."""
    texts = [Evidence(kind="text", value=t.text, box=t.box, score=t.score) for t in _read_out(text, prompt)]
    things = {t.name: t for t in reversed(prompt.things) if _names(text, t.name)}
    objects = [Evidence(kind="object", value=t.name, box=t.box, score=t.score) for t in reversed(things.values())]
    named = {label(person) for person in mentioned(text, labels_in(prompt))}
    people = [Evidence(kind="face", value=p.call, box=p.box) for p in prompt.persons if p.call in named]
    return (*texts, *people, *objects)


def labels_in(prompt: Prompt) -> tuple[str, ...]:
    """Ids of the people who have a label in the question, each once."""
    calls = (*(person.call for person in prompt.persons), *prompt.names)
    return tuple(dict.fromkeys(call.removeprefix(MARK) for call in calls if call))


def regions_of(prompt: Prompt) -> tuple[Evidence, ...]:
    """What was said of parts of the picture, which the captioner was told."""
    return tuple(Evidence(kind="region", value=text, box=box) for text, box in prompt.regions)


def once(found: Iterable[Evidence], keyframe: str) -> tuple[Evidence, ...]:
    """Each piece of evidence once; what has no keyframe of its own is of this one."""
    kept: dict[tuple[str, str, str], Evidence] = {}
    for evidence in found:
        whole = evidence.model_copy(update={"keyframe": evidence.keyframe or keyframe})
        kept.setdefault((whole.kind, whole.value, whole.keyframe or ""), whole)
    return tuple(kept.values())


def kind_of(text: str, prompt: Prompt) -> Kind:
    """Whether a caption reads out the film's title, other on-screen text, or says what is seen."""
    read = _read_out(text, prompt)
    if any(t.role == "title" and not is_card(t.text) for t in read) and prompt.title_open:
        return "title"
    return "text" if read else "visual"


def _read_out(text: str, prompt: Prompt) -> list[SeenText]:
    said = _letters(text)
    shown = [t for t in prompt.texts if t.role != "subtitle"]
    return [t for t in shown if len(_letters(t.text)) >= LETTERS and _letters(t.text) in said]


def _names(text: str, name: str) -> bool:
    """Whether the name begins a word of the text: particles follow Korean nouns, an s English ones."""
    ends = "" if re.search("[가-힣]$", name) else r"(?:e?s)?(?!\w)"
    return bool(name) and bool(re.search(rf"(?<!\w){re.escape(name)}{ends}", text, re.IGNORECASE))
