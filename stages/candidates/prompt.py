"""What a captioner is told about one keyframe, and what it answers: plain fields, no records of the pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Literal

from data.records import Box, Context, Evidence, Kind, Length, Style
from stages.candidates.wording import is_card, is_jump

Place = Literal["first", "same", "back", "new", "unsure"]
"""first: the film begins; back: known from before; new: another for certain; unsure: looks new, may be the same."""
Light = Literal["day", "night", "unknown"]

SECONDS: Mapping[Length, float] = {"short": 2.5, "standard": 4.5, "rich": 7.0}
"""Longest speaking time of each length; 7 s is the longest cue a listener follows with ease. Working values."""


GROWING = 5.0
"""Seconds in which a text that is being written or faded in is whole; a working value."""
ALIKE = 0.8
"""Share of equal letters from which two readings are the same text; one letter in five may be misread."""


@dataclass(frozen=True)
class SeenText:
    """Text in the picture. `role` as in the context; `score` is the reader's confidence, 0–1."""

    text: str
    role: Literal["title", "sign", "subtitle"]
    score: float
    box: Box


@dataclass(frozen=True)
class Prompt:
    """One question to a captioner."""

    language: str
    style: Style = "basic"
    rate: float = 4.5
    """Syllables per second to plan with."""
    texts: tuple[SeenText, ...] = ()
    title_open: bool = False
    """Whether the film's title may still come: it is early and none was seen."""
    people: int = 0
    """A lower bound; `people_known` is the most the viewer knows of in this place."""
    people_known: int = 0
    faces: tuple[tuple[float, Box], ...] = ()
    """Score and box of each face."""
    objects: tuple[str, ...] = ()
    light: Light = "unknown"
    light_before: Light = "unknown"
    place: Place = "unsure"
    first_of_shot: bool = True
    dialogue_before: str = ""
    dialogue_after: str = ""
    lengths: Mapping[Length, float] = field(default_factory=lambda: dict(SECONDS))
    """Longest speaking time of each length, seconds."""

    def in_style(self, style: Style) -> Prompt:
        """The same question in another style."""
        return replace(self, style=style)


@dataclass(frozen=True)
class Caption:
    """One sentence a captioner offers."""

    text: str
    kind: Kind
    length: Length
    evidence: tuple[Evidence, ...] = ()


@dataclass
class _Viewer:
    """What the viewer knows so far."""

    shot: str = ""
    place: str = ""
    places: dict[str, str] = field(default_factory=dict)
    people: int = 0
    light: Light = "unknown"
    titled: bool = False


def prompts(
    contexts: Sequence[Context], language: str, rate: float, lengths: Mapping[Length, float], title_until: float
) -> Iterator[Prompt]:
    """One prompt per context, in the given order of time. Titles are awaited until `title_until` seconds."""
    viewer = _Viewer()
    for number, whole in enumerate(contexts):
        context = _without_growing(whole, contexts[number + 1 :])
        place = _place(context, viewer)
        if place in ("first", "back", "new") or (place == "unsure" and not _talk_goes_on(context)):
            viewer.people = 0
        yield Prompt(
            language=language,
            rate=rate,
            texts=tuple(SeenText(t.text, t.role, t.score, t.box) for t in context.texts),
            title_open=not viewer.titled and context.time <= title_until,
            people=context.people,
            people_known=viewer.people,
            faces=tuple((f.score, f.box) for f in context.faces),
            objects=tuple(o.label for o in context.objects),
            light=context.light,
            light_before=viewer.light,
            place=place,
            first_of_shot=context.shot != viewer.shot,
            dialogue_before=context.dialogue_before,
            dialogue_after=context.dialogue_after,
            lengths=lengths,
        )
        _seen(context, viewer)


def _without_growing(context: Context, later: Sequence[Context]) -> Context:
    """Without texts that are still appearing, letter by letter: the whole of them follows within `GROWING` seconds."""
    soon = takewhile(lambda c: c.time <= context.time + GROWING, later)
    longer = [text.text for follower in soon for text in follower.texts]
    kept = tuple(t for t in context.texts if not any(_begins(t.text, text) for text in longer))
    return context if kept == context.texts else context.model_copy(update={"texts": kept})


def _begins(part: str, whole: str) -> bool:
    """Whether `whole` is longer and begins like `part`, up to a few misread letters."""
    part, whole = (re.sub(r"\W", "", text).casefold() for text in (part, whole))
    alike = SequenceMatcher(None, part, whole[: len(part)], False).ratio()
    return len(whole) > len(part) and alike >= ALIKE


def _place(context: Context, viewer: _Viewer) -> Place:
    """Whether the viewer is in another place than on the keyframe before; keeps the viewer's map of shots.

    A look that was never seen may be a reverse angle in the same room. It counts as a new place only where the light
    turns or a card says that time has passed between the scenes.
    """
    if not viewer.place:
        viewer.place = viewer.places[context.shot] = context.shot
        return "first"
    if context.shot == viewer.shot:
        return "same"
    known = viewer.places.get(context.same_place or "")
    if known:
        before, viewer.place = viewer.place, known
        viewer.places[context.shot] = known
        return "same" if known == before else "back"
    turned = {context.light, viewer.light} == {"day", "night"} or any(is_jump(t.text) for t in context.texts)
    if turned:
        viewer.place = context.shot
    viewer.places[context.shot] = viewer.place
    return "new" if turned else "unsure"


def _talk_goes_on(context: Context) -> bool:
    return bool(context.dialogue_before and context.dialogue_after)


def _seen(context: Context, viewer: _Viewer) -> None:
    viewer.shot = context.shot
    viewer.people = max(viewer.people, context.people)
    viewer.titled |= any(t.role == "title" and not is_card(t.text) for t in context.texts)
    if context.light != "unknown":
        viewer.light = context.light
