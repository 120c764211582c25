"""What the viewer knows at each keyframe, and so what is news: the facts of the prompts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Literal

from data.cards import is_card, is_jump
from data.objects import object_name
from data.records import Context, Detection
from stages.candidates.prompt import Light, Place, Prompt, SeenPerson, SeenText, Thing

GROWING = 5.0
"""Seconds in which a text that is being written or faded in is whole; a working value."""
ALIKE = 0.8
"""Share of equal letters from which two readings are the same text; one letter in five may be misread."""


@dataclass
class _Viewer:
    """What the viewer knows so far."""

    shot: str = ""
    place: str = ""
    scene: str = ""
    places: dict[str, str] = field(default_factory=dict)
    things: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    """Place → the names of the objects seen there, each once, in order."""
    people: int = 0
    light: Light = "unknown"
    titled: bool = False


def prompts(
    contexts: Sequence[Context], language: Literal["ko", "en"], rate: float, title_until: float
) -> Iterator[Prompt]:
    """One prompt per context, in the given order of time. Titles are awaited until `title_until` seconds."""
    viewer = _Viewer()
    for number, whole in enumerate(contexts):
        context = _without_growing(whole, contexts[number + 1 :])
        place = _place(context, viewer)
        if place in ("first", "back", "new") or (place == "unsure" and not _talk_goes_on(context)):
            viewer.people = 0
        things = tuple(_things(context.objects, language))
        yield Prompt(
            language=language,
            rate=rate,
            texts=tuple(SeenText(t.text, t.role, t.score, t.box) for t in context.texts),
            title_open=not viewer.titled and context.time <= title_until,
            people=context.people,
            people_known=viewer.people,
            faces=tuple((f.score, f.box) for f in context.faces),
            persons=tuple(SeenPerson(p.call, p.emotion or "", p.box) for p in context.persons),
            names=context.names,
            objects=_counted(things),
            things=things,
            known=tuple(viewer.things[viewer.place]),
            light=context.light,
            light_before=viewer.light,
            place=place,
            first_of_shot=context.shot != viewer.shot,
            dialogue_before=context.dialogue_before,
            dialogue_after=context.dialogue_after,
        )
        if place != "unsure":
            viewer.things[viewer.place] |= dict.fromkeys(thing.name for thing in things)
        _seen(context, viewer)


def _things(objects: Iterable[Detection], language: Literal["ko", "en"]) -> Iterator[Thing]:
    """The objects by name, those that were found twice once."""
    once = {o.track or o.id: o for o in objects}
    return (Thing(object_name(o.label, language), o.score, o.box) for o in once.values())


def _counted(things: Iterable[Thing]) -> tuple[str, ...]:
    """Names with their number, in the order seen: 개 2, 의자 1."""
    return tuple(f"{name} {number}" for name, number in Counter(t.name for t in things).items())


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

    A look that was never seen may be a reverse angle in the same room: it is where the context says that the scene goes
    on. Else it counts as a new place only where the light turns or a card says that time has passed between the scenes.
    """
    goes_on, viewer.scene = bool(context.place) and context.place == viewer.scene, context.place
    if not viewer.place:
        viewer.place = viewer.places[context.shot] = context.shot
        return "first"
    if context.shot == viewer.shot:
        return "same"
    if goes_on:
        viewer.places[context.shot] = viewer.place
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
