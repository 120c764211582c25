"""What stages depend on besides the products of others, each declared in `Stage.reads` like a product.

A source is a small type with two methods: the key it adds to that of the result, and what it opens to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeGuard

from pydantic import BaseModel, ConfigDict, Field

from data import scripts, series
from data.products import Kind
from data.records import Candidate, Context, Detection, Draft, Episode, Face, Note, Ranked, TextRegion
from data.review import applied
from data.review.model import ReviewLine
from data.series import Series, strangers
from data.series.cast import Cast
from data.workspace import digest


class Source(ABC):
    """Something besides products that a result depends on."""

    @classmethod
    @abstractmethod
    def key(cls, around: Surroundings) -> Any:
        """What of it decides the result, as a JSON value; settings by their names, which people are told of."""

    @classmethod
    @abstractmethod
    def open(cls, around: Surroundings) -> Self:
        """What the stage works with."""


Read = Kind | type[Source]
"""What a stage may declare: a product of another stage, or a source."""


def is_source(read: Read) -> TypeGuard[type[Source]]:
    """Whether it is no product."""
    return issubclass(read, Source)


def is_product(read: Read) -> TypeGuard[Kind]:
    """Whether it is no source."""
    return not issubclass(read, Source)


class _Settings(BaseModel, Source):
    """Fields of RunSettings that belong together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def key(cls, around: Surroundings) -> dict[str, Any]:
        """The values by their names."""
        return around.settings.model_dump(mode="json", include=set(cls.model_fields))

    @classmethod
    def open(cls, around: Surroundings) -> Self:
        """The values."""
        return cls(**{name: getattr(around.settings, name) for name in cls.model_fields})


class Language(_Settings):
    """The language that is narrated in."""

    language: Literal["ko", "en"] = Field("ko", description="Language of the narration")


class Early(Language):
    """How long before its picture a line may start, and its language."""

    early: float = Field(
        2.0, ge=0, description="Seconds a line may start before its picture, where no other place is left"
    )


class Planning(Early):
    """What lines are planned with."""

    late: float = Field(1.0, ge=0, description="Seconds a line may start after its picture has gone")
    plan_rate: float | None = Field(
        None, ge=3, le=7, description="Syllables per second to plan with; none: 4.5 for Korean, 3.75 for English"
    )


class Silent(_Settings):
    """Whether a film may be without sound."""

    silent_ok: bool = Field(False, description="Describe films that have no audio stream: narration alone")


class RunSettings(Planning, Silent):
    """Settings of the whole run, not of one stage."""

    lang: Literal["ko", "en"] = Field("en", description="Language of messages and of the report")
    audio_track: str | None = Field(
        None,
        description="Programme sound: a language (kor, en) or the track's number from 1; none: the default",
    )
    cast: Path | None = Field(
        None, description="Series: folder with series.yaml or cast.yaml, or that file; none: people are not named"
    )
    extend: bool = Field(
        False, description="Also render a film that stands still for important lines that no gap can hold"
    )
    given_script: Path | None = Field(
        None, description="A person's script (VTT, SRT, DAPT, CSV, XLSX) that is spoken instead of lines found here"
    )


@dataclass(frozen=True)
class Speaker:
    """The voice of the run, for a stage that must know how long lines last before it places them."""

    seconds: Callable[[str, float], float]
    """A text and a speed → seconds of its clip, which the voice stage finds spoken when its turn comes."""
    speeds: tuple[float, ...]
    """Speeds above 1 at which a line may be spoken to fit its gap, the slowest first."""
    usual: Callable[[Sequence[str]], Sequence[float]] | None = None
    """Sentences → seconds at the run's rate, measured once for all episodes of an output folder; None: not kept."""
    clip: Callable[[str], tuple[Path, str]] | None = None
    """A text → its clip (48 kHz, mono, −23 LUFS) in the voice's cache, and what speaks it."""
    voice: str = ""
    """Who speaks, and how fast; empty: not known."""


@dataclass(frozen=True)
class Surroundings:
    """What sources draw on: one episode in one run."""

    episode: Episode
    settings: RunSettings
    edits: Path | None = None
    """Where people's edits of the episode lie; the folder need not exist. None: nobody can have edited it."""
    notes: Callable[[], Sequence[Note]] = tuple
    """What the stages before want people to know."""
    speaker: Callable[[], Speaker | None] = lambda: None
    voice: Callable[[], dict[str, Any]] = dict
    """What the clips of the run's voice depend on, by the names of its settings."""

    @cached_property
    def series(self) -> Series | None:
        """The series of the run. Raises ConfigError for one that cannot be read."""
        return series.load(self.settings.cast) if self.settings.cast else None


@dataclass(frozen=True)
class Wordings(Source):
    """The words of the series: what people and things are called, and how words are read."""

    series: Series | None

    @classmethod
    def key(cls, around: Surroundings) -> dict[str, str | None]:
        """What the file holds, and its photos; not where they lie."""
        return {"cast": around.series.people.content[:16] if around.series else None}

    @classmethod
    def open(cls, around: Surroundings) -> Self:
        """The whole series. Raises ConfigError."""
        return cls(around.series)


@dataclass(frozen=True)
class Introduced(Source):
    """Ids of those whom earlier episodes of the series introduced."""

    people: frozenset[str]

    @classmethod
    def key(cls, around: Surroundings) -> dict[str, str | None]:
        """Their ids; None without a series."""
        return {"cast.known": ", ".join(sorted(cls.open(around).people)) if around.series else None}

    @classmethod
    def open(cls, around: Surroundings) -> Self:
        """Raises ConfigError for a memory that cannot be read."""
        return cls(around.series.introduced_before(around.episode.id) if around.series else frozenset())


@dataclass(frozen=True)
class Photos(Source):
    """Pictures by which people are known: of the cast, and of strangers whom earlier episodes showed."""

    cast: Cast | None
    strangers: Mapping[str, Path]

    @classmethod
    def key(cls, around: Surroundings) -> dict[str, str | None]:
        """Ids and photos alone: a name does not change who is who."""
        if (known := around.series) is None:
            return {"cast.faces": None}
        return {"cast.faces": digest([known.people.faces, strangers.content(known, around.episode.id)])[:16]}

    @classmethod
    def open(cls, around: Surroundings) -> Self:
        """Raises ConfigError."""
        known = around.series
        return cls(known.people, strangers.before(known, around.episode.id)) if known else cls(None, {})


@dataclass(frozen=True)
class GivenScript(Source):
    """A person's script that is spoken instead of lines found here."""

    INSTEAD_OF: ClassVar[tuple[Kind, ...]] = (Detection, TextRegion, Face, Context, Draft, Ranked, Candidate)
    """Records that serve to find lines alone: with a script nobody makes them."""

    path: Path | None

    @classmethod
    def key(cls, around: Surroundings) -> dict[str, str | None]:
        """What it says. Raises UserError."""
        path = around.settings.given_script
        return {"given_script": scripts.content(path) if path else None}

    @classmethod
    def open(cls, around: Surroundings) -> Self:
        """Where it lies; None: lines are found."""
        return cls(around.settings.given_script)


@dataclass(frozen=True)
class VoiceOfRun(Source):
    """The voice, asked ahead: its clips, and with them its settings, decide how long lines last."""

    speaker: Speaker | None
    """None: lengths are estimated."""

    @classmethod
    def key(cls, around: Surroundings) -> dict[str, Any]:
        """All that its clips depend on."""
        return around.voice()

    @classmethod
    def open(cls, around: Surroundings) -> Self:
        """Who speaks. Raises ConfigError."""
        return cls(around.speaker())


@dataclass(frozen=True)
class Edits(Source):
    """What people decided in the review and applied."""

    lines: Sequence[ReviewLine]
    folder: Path
    """With their recordings."""

    @classmethod
    def key(cls, around: Surroundings) -> str | None:
        """Its digest; None where nothing was applied."""
        return applied.content(around.edits) if around.edits else None

    @classmethod
    def open(cls, around: Surroundings) -> Self:
        """The lines that people touched. Raises UserError."""
        return cls(applied.read(around.edits) if around.edits else [], around.edits or Path())


@dataclass(frozen=True)
class EarlierNotes(Source):
    """What the stages before want people to know."""

    notes: tuple[Note, ...]

    @classmethod
    def key(cls, around: Surroundings) -> list[dict[str, Any]]:
        """All of them."""
        return [note.model_dump() for note in around.notes()]

    @classmethod
    def open(cls, around: Surroundings) -> Self:
        """In the order of the stages."""
        return cls(tuple(around.notes()))


class Switch(Source):
    """A field of RunSettings without which the stage that declares it does not run. It changes no result."""

    setting: ClassVar[str]

    @classmethod
    def key(cls, around: Surroundings) -> None:
        """Nothing: where there is a result it was on."""

    @classmethod
    def open(cls, around: Surroundings) -> Self:
        """Nothing to work with."""
        return cls()


class ExtendedAsked(Switch):
    """An extended film is asked for."""

    setting = "extend"
