"""What a captioner is told about one keyframe, and what it answers: plain fields, no records of the pipeline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from data.records import Box, Evidence, Kind, Length, Style
from data.series.labels import bare
from data.text.language import seconds
from stages.backend import Backend

Place = Literal["first", "same", "back", "new", "unsure"]
"""first: the film begins; back: known from before; new: another for certain; unsure: looks new, may be the same."""
Light = Literal["day", "night", "unknown"]

SECONDS: Mapping[Length, float] = {"short": 2.5, "standard": 4.5, "rich": 7.0}
"""Longest speaking time of each length; 7 s is the longest cue a listener follows with ease. Working values."""


@dataclass(frozen=True)
class SeenText:
    """Text in the picture. `role` as in the context; `score` is the reader's confidence, 0–1."""

    text: str
    role: Literal["title", "sign", "subtitle"]
    score: float
    box: Box


@dataclass(frozen=True)
class SeenPerson:
    """Somebody recognised. `call` is their label, empty where there is none; `expression` only as evidence."""

    call: str
    expression: str
    box: Box


@dataclass(frozen=True)
class Thing:
    """An object by its name in the language of the narration; `score` is the detector's, 0–1."""

    name: str
    score: float
    box: Box


@dataclass(frozen=True)
class Prompt:
    """One question to a captioner: the facts in fields, and the same put into words as `system` and `text`.

    The questions about one keyframe in several styles and lengths begin with the same words (see `templates/`).
    """

    language: str
    style: Style = "basic"
    rate: float = 4.5
    """Syllables per second to plan with."""
    system: str = ""
    """Who the model is; the same for all questions of a film."""
    text: str = ""
    """The question itself, to be put after the picture."""
    attempt: int = 0
    """1 where the first answer was refused: a model draws other words then."""
    length: Length = "standard"
    """The length asked for; an answer may still be shorter or longer."""
    lengths: Mapping[Length, float] = field(default_factory=lambda: dict(SECONDS))
    """Longest speaking time of each length, seconds, shortest first, none longer than the longest gap in reach."""
    texts: tuple[SeenText, ...] = ()
    title_open: bool = False
    """Whether the film's title may still come: it is early and none was seen."""
    people: int = 0
    """A lower bound; `people_known` is the most the viewer knows of in this place."""
    people_known: int = 0
    faces: tuple[tuple[float, Box], ...] = ()
    """Score and box of each face."""
    persons: tuple[SeenPerson, ...] = ()
    names: tuple[str, ...] = ()
    """Labels of the cast who are seen in the shot."""
    objects: tuple[str, ...] = ()
    """Objects with their number, each counted once: 개 2, 의자 1."""
    things: tuple[Thing, ...] = ()
    """The same objects one by one, with their boxes."""
    known: tuple[str, ...] = ()
    """Objects seen on earlier keyframes of this place, by name; what is among `objects` too is no news."""
    regions: tuple[tuple[str, Box], ...] = ()
    """What the captioner said of parts of the picture."""
    light: Light = "unknown"
    light_before: Light = "unknown"
    place: Place = "unsure"
    first_of_shot: bool = True
    dialogue_before: str = ""
    dialogue_after: str = ""
    previous: tuple[str, ...] = ()
    """Lines offered for earlier keyframes, oldest first."""

    @property
    def seconds(self) -> float:
        """Longest speaking time of the length asked for."""
        return self.lengths[self.length]

    @property
    def syllables(self) -> int:
        """The same in syllables; at least one."""
        return max(1, int(self.rate * self.seconds))


@dataclass(frozen=True)
class Caption:
    """One sentence a captioner offers."""

    text: str
    kind: Kind
    length: Length
    evidence: tuple[Evidence, ...] = ()


def length_of(text: str, prompt: Prompt) -> Length | None:
    """The shortest length the text fits; None: longer than all."""
    needed = seconds(bare(text), prompt.language, prompt.rate)
    return next((name for name, limit in sorted(prompt.lengths.items(), key=lambda x: x[1]) if needed <= limit), None)


Answers = Sequence[Sequence[Caption] | None]
"""The captions of each question about one keyframe; None: not answered because an error came between."""


class Captioner(Backend, ABC):
    """Base of the backends that write captions."""

    needs_images: ClassVar[bool] = True
    """False where the prompt alone is enough; it is then given no images."""
    dear: ClassVar[bool] = True
    """Whether answers cost enough to be kept, so that none is asked for twice."""

    @property
    def model(self) -> str:
        """What writes the captions, for the record; empty: the backend's name says it."""
        return ""

    @abstractmethod
    def caption(
        self, images: Sequence[bytes], prompts: Sequence[Sequence[Prompt]], n: int
    ) -> Iterator[tuple[int, Answers]]:
        """About `n` captions for each prompt of each keyframe, as they come and in any order of keyframes.

        `images` are the JPEGs of the keyframes, none where `needs_images` is False; `prompts` the questions about
        each. Yields the keyframe's index and one list per question. Where a keyframe fails, what is known of it and
        of the others comes first, then the error: each answer can be kept the moment it exists. Raises UserError.
        """
