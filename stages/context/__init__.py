"""Context: all that is known about a keyframe, in one record. Pure code; it states nothing it was not given."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from pydantic import Field

from data.reasons import say
from data.records import (
    Context,
    Detection,
    Face,
    Keyframe,
    OnScreenText,
    Shot,
    TextRegion,
    Utterance,
)
from data.text.cards import is_jump
from stages.context.look import light_of, same_place
from stages.context.people import labels, persons, usable
from stages.context.places import ShotLook, places
from stages.context.reading import Alphabet, reason_against
from stages.context.speech import Speech
from stages.context.texts import Track, best, blocks, by_keyframe, is_overlay, roles, tracks
from stages.sources import Early, Introduced, Wordings
from stages.stage import Job, StageConfig

VERSION = 4

S = TypeVar("S", Detection, Face, TextRegion, Keyframe)


class Config(StageConfig):
    """Settings of the context stage."""

    scripts: tuple[Alphabet, ...] = Field(
        ("hangul", "latin"),
        description="Scripts the narration can speak: hangul, latin, han, kana, other. Lines with letters of "
        "others are left out",
    )
    text_similarity: float = Field(
        0.75, ge=0, le=1, description="Share of common letters that makes two readings the same text"
    )
    text_memory: float = Field(60.0, ge=0, description="Seconds after which a text seen again counts as new")
    overlay_shots: int = Field(
        8, ge=2, description="Text that stays in one spot through so many shots is a channel's mark, not the story's"
    )
    place_memory: float = Field(120.0, ge=0, description="Seconds in which a place is known again")
    place_difference: float = Field(
        12.0, ge=0, description="Mean difference of colours (0–255) below which two shots show the same place"
    )
    scene_seconds: float = Field(
        30.0, ge=0, description="Seconds within which a look that returns makes one scene of all that lies between"
    )
    dialogue_seconds: float = Field(20.0, ge=0, description="Seconds of dialogue kept before and after a keyframe")


def run(job: Job[Config]) -> Iterable[Context]:
    """One record per keyframe, in order of time. Raises ConfigError for a cast file that lacks a text."""
    config, keyframes = job.config, sorted(job.read(Keyframe), key=lambda k: k.time)
    shots = {s.id: s for s in job.read(Shot)}
    utterances = job.read(Utterance)
    speech = Speech(utterances)
    texts = story_texts(job, keyframes, speech)
    shown = [text for found in texts.values() for text in found]
    settings = job.open(Early)
    known = job.open(Introduced).people
    labelled = labels(job.open(Wordings).series, known, utterances, shown, settings.language)
    faces = _group(job.read(Face), "keyframe")
    objects = _group(job.read(Detection), "keyframe")
    in_shot = _group(keyframes, "shot")
    place = _places(config, in_shot, texts)
    for done, keyframe in enumerate(keyframes, start=1):
        beside = in_shot[keyframe.shot]
        since = bisect_left(keyframes, keyframe.time - config.place_memory, key=lambda k: k.time)
        earlier = [k for k in keyframes[since : done - 1] if k.shot != keyframe.shot]
        spoken_at = max(0.0, keyframe.time - settings.early)  # where its line may start at the earliest
        before, after = speech.around(keyframe.time, config.dialogue_seconds)
        yield Context(
            id=f"c{keyframe.id}",
            keyframe=keyframe.id,
            shot=keyframe.shot,
            time=keyframe.time,
            start=shots[keyframe.shot].start,
            end=shots[keyframe.shot].end,
            texts=tuple(texts.get(keyframe.id, ())),
            people=max(_people(faces.get(k.id, ()), objects.get(k.id, ())) for k in beside),
            faces=tuple(faces.get(keyframe.id, ())),
            objects=tuple(objects.get(keyframe.id, ())),
            light=light_of(beside),
            same_place=same_place(keyframe, earlier, config.place_difference),
            place=place[keyframe.shot],
            dialogue_before=before,
            dialogue_after=after,
            persons=tuple(persons(faces.get(keyframe.id, ()), labelled, spoken_at)),
            names=usable((f for k in beside for f in faces.get(k.id, ())), labelled, spoken_at),
        )
        job.progress(done, len(keyframes))


def _places(
    config: Config, in_shot: Mapping[str, list[Keyframe]], texts: Mapping[str, list[OnScreenText]]
) -> dict[str, str]:
    """Shot → the first shot of its place; `in_shot` in order of time."""
    jumps = {name for name, found in texts.items() if any(is_jump(text.text) for text in found)}
    looks = [
        ShotLook(shot, tuple(stills), light_of(stills), any(still.id in jumps for still in stills))
        for shot, stills in in_shot.items()
    ]
    return places(looks, config.place_difference, config.scene_seconds, config.place_memory)


def _people(faces: Sequence[Face], objects: Sequence[Detection]) -> int:
    """How many people a still shows at least: faces, or bodies, which also count backs and profiles."""
    return max(len(faces), sum(o.label == "person" for o in objects))


def story_texts(job: Job[Config], keyframes: Sequence[Keyframe], speech: Speech) -> Mapping[str, list[OnScreenText]]:
    """The texts of the story by the keyframe where they first appear; what is left out is noted with its reason."""
    config = job.config
    regions = _kept(job, {k.id: k for k in keyframes})
    seen = [block for k in keyframes for block in blocks(k, regions.get(k.id, ()))]
    found = tracks(seen, config.text_similarity, config.text_memory)
    marks = [t for t in found if is_overlay(t, config.overlay_shots)]
    for mark in marks:
        job.note(
            say("“{text}” stays on screen and is taken for a channel's mark: not described", text=best(mark).text),
            mark[0].keyframe.time,
            mark[-1].keyframe.time,
        )
    story: list[Track] = [t for t in found if t not in marks]
    return by_keyframe(story, roles(story, speech, config.text_similarity))


def _kept(job: Job[Config], keyframes: Mapping[str, Keyframe]) -> Mapping[str, list[TextRegion]]:
    """The lines that may belong to the story, by keyframe."""
    kept: dict[str, list[TextRegion]] = defaultdict(list)
    left_out: dict[str, list[TextRegion]] = defaultdict(list)
    for region in job.read(TextRegion):
        why = reason_against(region.text, job.config.scripts)
        (left_out[why] if why else kept[region.keyframe]).append(region)
    for reason, lines in left_out.items():
        first, last = keyframes[lines[0].keyframe].time, keyframes[lines[-1].keyframe].time
        count = len({r.keyframe for r in lines})
        if reason == "timecode":
            job.note(say("A burned-in timecode is not described ({count} keyframes)", count=count), first, last)
        elif reason == "script":
            told = say(
                "Text that cannot be spoken, or was misread, is not described ({count} keyframes), first: {text}",
                count=count,
                text=lines[0].text,
            )
            job.note(told, first, last)
    return kept


def _group(records: Iterable[S], key: str) -> Mapping[str, list[S]]:
    """Records by one of their fields, in their order."""
    grouped: dict[str, list[S]] = defaultdict(list)
    for record in records:
        grouped[getattr(record, key)].append(record)
    return grouped
