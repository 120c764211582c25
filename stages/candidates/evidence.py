"""What of the known facts a caption speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable

from data.cards import is_card
from data.labels import MARK, label, mentioned
from data.records import Evidence, Kind
from stages.candidates.prompt import Prompt, SeenText

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


def _letters(text: str) -> str:
    return re.sub(r"\W", "", text).casefold()


def _names(text: str, name: str) -> bool:
    """Whether the name begins a word of the text: particles follow Korean nouns, an s English ones."""
    ends = "" if re.search("[가-힣]$", name) else r"(?:e?s)?(?!\w)"
    return bool(name) and bool(re.search(rf"(?<!\w){re.escape(name)}{ends}", text, re.IGNORECASE))
