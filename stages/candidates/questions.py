"""What is asked about one keyframe: styles and lengths, parts of the picture, text to be read out, and what is news."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import takewhile
from pathlib import Path
from typing import Literal

from data.media.pictures import read_picture
from data.records import Box, Context, Detection, Length, Style
from data.text.cards import is_card, is_jump
from data.text.objects import object_name
from stages.candidates.facts import Facts, line
from stages.candidates.prompt import Caption, Light, Place, Prompt, SeenPerson, SeenText, Thing

TURNS: Mapping[Style, tuple[Length, ...]] = {
    "basic": ("standard", "rich", "short"),
    "strict": ("short", "standard", "rich"),
}
"""The lengths a style is asked for, most wanted first: four questions in two styles cover all three lengths."""


def questions(prompt: Prompt, styles: Sequence[Style], n: int) -> list[Prompt]:
    """At most `n` questions about one keyframe: the styles in turn, each length of each style once.

    Where the gaps leave only short lines, lengths that came out equal are one.
    """
    distinct = {limit: name for name, limit in reversed(list(prompt.lengths.items()))}
    turns = [[(style, name) for name in TURNS[style] if name in distinct.values()] for style in dict.fromkeys(styles)]
    asked = [pair for turn in zip(*turns, strict=True) for pair in turn]
    return [replace(prompt, style=style, length=length) for style, length in asked[:n]]


MARGIN = 0.1
"""Share of a box that is shown around it, so that what is held or worn at its edge is whole; a working value."""
LEAST = 32
"""Pixels: the smaller side of a part that still shows something; a working value."""
SAME = 0.5
"""Intersection over union from which two boxes hold the same thing, as detectors are scored (PASCAL VOC)."""


def bare(prompt: Prompt) -> Prompt:
    """The prompt without what is known of the whole picture, for a part of it."""
    return Prompt(language=prompt.language, rate=prompt.rate, style=prompt.style)


def crops(still: Path, prompt: Prompt, n: int) -> list[tuple[Box, bytes]]:
    """The boxes of the `n` largest people, objects and faces of a still, each with its JPEG. Raises StageError."""
    import cv2

    picture = read_picture(still)
    height, width = picture.shape[:2]
    found: list[tuple[Box, bytes]] = []
    for box in _largest(prompt):
        x, y, w, h = box
        left, top = max(0, round((x - MARGIN * w) * width)), max(0, round((y - MARGIN * h) * height))
        right, bottom = round((x + w + MARGIN * w) * width), round((y + h + MARGIN * h) * height)
        part = picture[top:bottom, left:right]
        if min(part.shape[:2]) >= LEAST and len(found) < n:
            found.append((box, cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()))
    return found


def _largest(prompt: Prompt) -> Iterator[Box]:
    """Boxes by falling area, those of one thing once."""
    boxes = [*(p.box for p in prompt.persons), *(t.box for t in prompt.things), *(box for _, box in prompt.faces)]
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda b: b[2] * b[3], reverse=True):
        if all(overlap(box, other) < SAME for other in kept):
            kept.append(box)
            yield box


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0–1."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0.0, across) * max(0.0, down)
    whole = one[2] * one[3] + other[2] * other[3] - shared
    return shared / whole if whole > 0 else 0.0


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
