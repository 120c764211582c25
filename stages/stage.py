"""The protocol stages follow.

A stage is a module `stages.<name>` with

* `VERSION: int` – raised when the stage's results would change;
* `class Config(StageConfig)` – its settings;
* `run(job) -> Iterable[Record]` – reads the declared records, yields the records it writes.

A backend is a class with a nested `Options` model (its settings), `__init__(self, options)`, which must stay
cheap, one method that takes plain images, text and arrays, and `close()`. One with weights, or a paid service behind
it, also has `identity()` and `weights()`: see `stages.models.ModelBackend`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from data.products import Kind, Product
from data.reasons import Message
from data.records import Episode, Note, Record, Row

R = TypeVar("R", bound=Row)
P = TypeVar("P", bound=Product)
C = TypeVar("C", bound="StageConfig")
Upstream = dict[Kind, tuple[Path, Callable[[], Any]]]
"""What a stage reads: kind → the folder it lies in, and what opens it."""


class StageConfig(BaseModel):
    """Settings of a stage. Unknown keys are errors; every field says what it means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def files(self) -> dict[str, str]:
        """Contents of files the settings name (a prompt, a dictionary), which the result depends on."""
        return {}


def keyed(settings: BaseModel) -> dict[str, Any]:
    """The settings a result depends on, as JSON values: all but those marked `changes_result: False`."""
    free = {
        name
        for name, field in type(settings).model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("changes_result") is False
    }
    return settings.model_dump(mode="json", exclude=free)


class NoOptions(BaseModel):
    """For backends that have nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RunSettings(BaseModel):
    """Settings of the whole run, not of one stage."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    language: Literal["ko", "en"] = Field("ko", description="Language of the narration")
    lang: Literal["ko", "en"] = Field("en", description="Language of messages and of the report")
    early: float = Field(
        2.0, ge=0, description="Seconds a line may start before its picture, where no other place is left"
    )
    late: float = Field(1.0, ge=0, description="Seconds a line may start after its picture has gone")
    plan_rate: float | None = Field(
        None, ge=3, le=7, description="Syllables per second to plan with; none: 4.5 for Korean, 3.75 for English"
    )
    audio_track: str | None = Field(
        None,
        description="Programme sound: a language (kor, en) or the track's number from 1; none: the default",
    )
    silent_ok: bool = Field(False, description="Describe films that have no audio stream: narration alone")
    cast: Path | None = Field(
        None, description="Series: folder with series.yaml or cast.yaml, or that file; none: people are not named"
    )
    extend: bool = Field(
        False, description="Also render a film that stands still for important lines that no gap can hold"
    )
    given_script: Path | None = Field(
        None, description="A person's script (VTT, SRT, DAPT, CSV, XLSX) that is spoken instead of lines found here"
    )


class Backend(Protocol):
    """What every backend has besides its one method."""

    Options: ClassVar[type[BaseModel]]

    def close(self) -> None:
        """Free the model."""


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
class Job(Generic[C]):
    """What a stage is given for one episode."""

    episode: Episode
    config: C
    settings: RunSettings
    folder: Path
    """Where the stage writes its files; becomes the final folder when the stage is whole."""
    cache: Path
    """Content-addressed files that outlive re-runs of this stage (one clip, one answer of a model)."""
    backend: Any
    """The configured backend of the stage's role; None where the role is switched off."""
    upstream: Upstream = field(repr=False)
    notes: list[Note] = field(default_factory=list)
    earlier_notes: tuple[Note, ...] = ()
    """The notes of the stages before, for a stage that declares `notes_of_all`."""
    report_progress: Callable[[float, float], None] = lambda done, total: None
    shared: Path | None = None
    """What the episodes of one output folder share, such as what was measured of a voice; None: nothing."""
    speaker: Speaker | None = None
    """The voice of the run, for a stage that declares `speaks`."""
    edits: Path | None = None
    """Where people's edits of the episode lie, for a stage that declares `edited`; the folder need not exist."""

    def read(self, kind: type[R]) -> list[R]:
        """All rows of a declared kind, in order of time."""
        return list(self.upstream[kind][1]())

    def open(self, kind: type[P]) -> P:
        """A declared product."""
        product: P = self.upstream[kind][1]()
        return product

    def folder_of(self, kind: Kind) -> Path:
        """The folder of the stage that leaves `kind`, with the files that its rows name."""
        return self.upstream[kind][0]

    def progress(self, done: float, total: float) -> None:
        """Tell how far the stage is, in any unit."""
        self.report_progress(done, total)

    def note(self, text: Message, start: float | None = None, end: float | None = None) -> None:
        """Tell people something that is not an error; shown at the end and in the report."""
        self.notes.append(Note(message=text, start=start, end=end))


@dataclass(frozen=True)
class Stage:
    """One row of the wiring. The code lies in `stages.<name>`."""

    name: str
    reads: tuple[Kind, ...]
    writes: tuple[Kind, ...]
    """First its records, then what it leaves beside them."""
    role: str | None = None
    """The role in the table of backends, where the stage has one."""
    settings: tuple[str, ...] = ()
    """Fields of RunSettings the result depends on."""
    finds_lines: bool = False
    """Serves to find lines alone: a run with a script that is given leaves it as it is."""
    notes_of_all: bool = False
    """The stage also reads the notes of every stage before it (the check)."""
    edited: bool = False
    """The stage applies what people changed in the review; its result depends on it."""
    only_if: str = ""
    """A switch of RunSettings without which the stage does not run."""
    speaks: bool = False
    """The stage may have lines spoken to know their length; its result depends on the voice's settings too."""

    @property
    def record(self) -> type[Record]:
        """The kind of its records."""
        kind = self.writes[0]
        assert issubclass(kind, Record)
        return kind

    def feeds(self, other: Stage) -> bool:
        """Whether the other one reads something of this one."""
        return not set(self.writes).isdisjoint(other.reads)
