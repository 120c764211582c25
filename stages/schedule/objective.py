"""What a line is worth, and what its place costs it.

Everything is measured in the ranker's score: 1 is the best line there is. Values are named parts, so that every
decision can be explained by them; the weights are settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from data.products import LoudnessCurve
from data.records import Candidate, Context, Gap, Length
from data.text.claims import marked
from data.text.words import telling
from stages.schedule.placement import Floats, Ints

Detail = Literal["short", "standard", "rich"]
TELLING = 5
"""Words that say something, from which a line is as full of news as it gets: a clause with its people and its place."""
MARKS = 3
"""Unsupported words from which a line is no worse for more of them."""
SEEN_LATER = 0.5
"""Seconds by which a picture comes after its line for this to be noticed in full (a working value)."""
SALIENT, LOUD = 6.0, 10.0
"""LU above the gap's own loudness from which a sound stands out, and LU more at which it is all that is heard."""


class Weights(BaseModel):
    """What counts how much; 1 is what separates the ranker's best line from its worst."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    score: float = Field(default=1.0, ge=0, description="The ranker's score, 0–1")
    text: float = Field(
        default=2.0,
        ge=0,
        description="Added to on-screen text and titles; above all else by far, they reserve their time first",
    )
    scene: float = Field(default=0.3, ge=0, description="Added where the place or the time of day changes")
    new: float = Field(
        default=0.3, ge=0, description="News: words that the dialogue around does not say; full from five on"
    )
    known: float = Field(
        default=0.3,
        ge=0,
        description="Taken for telling what lines before have told, by the share of its words; no news either",
    )
    unsupported: float = Field(
        default=0.2,
        ge=0,
        description="Taken for each thing, name, number or text that nothing seen or heard supports, three at most",
    )
    dialogue: float = Field(
        default=0.5, ge=0, description="Taken for saying what the dialogue says, by the share of its words"
    )
    early: float = Field(
        default=0.2, ge=0, description="Taken from a line half a second before its picture, and for each second of it"
    )
    late: float = Field(
        default=0.02, ge=0, description="Taken for each second a line starts after its picture appeared"
    )
    music: float = Field(default=0.1, ge=0, description="Taken from a line over music")
    silence: float = Field(default=0.1, ge=0, description="Taken from a line in silence, which may be meant")
    effects: float = Field(
        default=0.5, ge=0, description="Taken for sounds that stand out under a line, by the share they fill"
    )
    crowding: float = Field(default=0.1, ge=0, description="Taken from a line that follows another without a breath")
    faster: float = Field(default=2.0, ge=0, description="Taken for each unit of speed above 1 (1.1: a tenth of it)")
    shortened: float = Field(default=0.1, ge=0, description="Taken from a line that was shortened by leaving words out")


@dataclass(frozen=True)
class Level:
    """A level of detail: value taken from every line for the quiet it breaks, the share of `fill` that may be spoken,
    how much more news counts, and which candidates are considered."""

    quiet: float
    fill: float
    news: float
    lengths: frozenset[Length]


LEVELS: Mapping[Detail, Level] = {
    "short": Level(1.0, 0.6, 0.5, frozenset({"short", "standard"})),
    "standard": Level(0.0, 1.0, 1.0, frozenset({"short", "standard", "rich"})),
    "rich": Level(0.0, 1.0, 2.0, frozenset({"short", "standard", "rich"})),
}
"""Working values. All levels choose from the same candidates, so each of them costs one optimisation."""


@dataclass(frozen=True)
class Form:
    """One way to word a moment: a candidate, mended where it must be, one with words left out, or one spoken faster."""

    key: str
    candidate: Candidate
    text: str
    speed: float
    parts: Mapping[str, float]

    @property
    def value(self) -> float:
        """What it is worth wherever it is spoken."""
        return sum(self.parts.values())


def value(
    candidate: Candidate, text: str, score: float, moment: tuple[Context, bool], weights: Weights, level: Level,
    language: str,
) -> dict[str, float]:  # fmt: skip
    """The parts of a candidate's value that do not depend on where it is spoken, nor on other lines; of a moment and
    whether it opens a scene."""
    context, scene = moment
    said = telling(text, language)
    heard = said & telling(f"{context.dialogue_before} {context.dialogue_after}", language)
    marks = marked(text, candidate.text, candidate.unsupported, language)
    found = {
        "score": weights.score * score,
        "text": weights.text if candidate.kind != "visual" else 0.0,
        "scene": weights.scene if scene and candidate.kind == "visual" else 0.0,
        "new": weights.new * level.news * min(1.0, len(said - heard) / TELLING),
        "dialogue": -weights.dialogue * len(heard) / max(len(said), 1),
        "quiet": -level.quiet if candidate.kind == "visual" else 0.0,
        "unsupported": -weights.unsupported * min(len(marks), MARKS),
    }
    return {name: part for name, part in found.items() if part}


def heard(candidate: Candidate, context: Context) -> bool:
    """Whether a line reads out only what the dialogue says or burned-in subtitles show."""
    if candidate.kind == "visual":
        return False
    subtitles = "".join(t.text for t in context.texts if t.role == "subtitle")
    audible = _letters(f"{context.dialogue_before} {context.dialogue_after} {subtitles}")
    read = [_letters(e.value) for e in candidate.evidence if e.kind == "text"]
    return bool(read) and all(len(text) > 3 and text in audible for text in read)


def _letters(text: str) -> str:
    return re.sub(r"\W", "", text).casefold()


def scenes(contexts: Sequence[Context]) -> Iterator[bool]:
    """Whether each keyframe is the first of another place or a new time of day; shots of one scene are one place."""
    shot, place, light = "", "", "unknown"
    for context in contexts:
        turned = light != "unknown" and context.light not in ("unknown", light)
        other = context.place != place if context.place else context.same_place is None
        yield context.shot != shot and (other or turned)
        shot, place, light = context.shot, context.place, context.light if context.light != "unknown" else light


class Places:
    """What a place costs a line: earliness and lateness against its picture, and the sound it would lie over."""

    def __init__(self, gaps: Sequence[Gap], loudness: NDArray[np.float32], weights: Weights) -> None:
        self._weights = weights
        self._beds = np.array([gap.bed for gap in gaps])
        self._costly = {"music": weights.music, "silence": weights.silence}
        masked = np.zeros(len(loudness) + 1)
        for gap in gaps:
            if gap.loudness is not None:
                part = slice(int(gap.start * LoudnessCurve.RATE), int(gap.end * LoudnessCurve.RATE) + 1)
                masked[1:][part] = np.clip((loudness[part] - gap.loudness - SALIENT) / LOUD, 0, 1)
        self._masked = np.cumsum(masked)

    def cost(self, pictures: Floats, seconds: Floats, slots: Ints, starts: Floats) -> Floats:
        """The sum of `parts`, rounded to a hundredth so that no line waits for what nobody hears."""
        return np.round(sum(self.parts(pictures, seconds, slots, starts).values(), np.zeros(len(starts))), 2)

    def parts(self, pictures: Floats, seconds: Floats, slots: Ints, starts: Floats) -> dict[str, Floats]:
        """What is taken, by name, for each line and its start in a slot; at least 0."""
        weights, away = self._weights, starts - pictures
        beds = {bed: np.where(self._beds[slots] == bed, cost, 0.0) for bed, cost in self._costly.items()}
        return {
            "early": weights.early * (np.clip(-away / SEEN_LATER, 0, 1) + np.maximum(-away, 0)),
            "late": weights.late * np.maximum(away, 0),
            **beds,
            "effects": weights.effects * self._share(starts, seconds),
        }

    def _share(self, starts: Floats, seconds: Floats) -> Floats:
        """How much of each stretch of `seconds` is taken by sounds that stand out, 0–1."""
        last = len(self._masked) - 1
        first = np.minimum((starts * LoudnessCurve.RATE).astype(int), last)
        until = np.minimum(np.maximum(((starts + seconds) * LoudnessCurve.RATE).astype(int), first + 1), last)
        share: Floats = (self._masked[until] - self._masked[first]) / np.maximum(until - first, 1)
        return share
