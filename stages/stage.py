"""The protocol stages follow.

A stage is a module `stages.<name>` with

* `VERSION: int` – raised when the stage's results would change;
* `class Config(StageConfig)` – its settings;
* `run(job) -> Iterable[Record]` – reads the declared records, yields the records it writes.

What a backend is says `stages.backend`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

from pydantic import BaseModel, ConfigDict
from typing_extensions import TypeVar  # with defaults; typing has them from Python 3.13 on

from data.products import Kind, Product
from data.reasons import Message
from data.records import Episode, Note, Record, Row
from stages.backend import ONE_CORE, Backend, Resources
from stages.sources import EarlierNotes, Read, Source, Surroundings, Switch, is_product, is_source

R = TypeVar("R", bound=Row)
P = TypeVar("P", bound=Product | Source)
C = TypeVar("C", bound="StageConfig")
B = TypeVar("B", bound=Backend | None, default=Backend | None, covariant=True)
"""The base of the stage's role."""
Upstream = dict[Kind, tuple[Path, Callable[[], Any]]]
"""The products that a stage reads: kind → the folder it lies in, and what opens it."""


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


@dataclass(frozen=True)
class Job(Generic[C, B]):
    """What a stage is given for one episode."""

    episode: Episode
    config: C
    folder: Path
    """Where the stage writes its files; becomes the final folder when the stage is whole."""
    cache: Path
    """Content-addressed files that outlive re-runs of this stage (one clip, one answer of a model)."""
    backend: B
    """The configured backend of the stage's role; None where the role is switched off."""
    upstream: Upstream = field(repr=False)
    around: Surroundings = field(repr=False)
    """What the sources draw on that the stage declares."""
    notes: list[Note] = field(default_factory=list)
    keys: Callable[[], Mapping[Read, Any]] = dict
    """All that the stage declares → the key that it adds to that of the result."""
    report_progress: Callable[[float, float], None] = lambda done, total: None
    shared: Path | None = None
    """What the episodes of one output folder share, such as what was measured of a voice; None: nothing."""

    def read(self, kind: type[R]) -> list[R]:
        """All rows of a declared kind, in order of time."""
        return list(self.upstream[kind][1]())

    def open(self, kind: type[P]) -> P:
        """A declared product or source."""
        if issubclass(kind, Source):
            return kind.open(self.around)
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
    reads: tuple[Read, ...]
    """All that its result depends on, besides the film and its own settings."""
    writes: tuple[Kind, ...]
    """First its records, then what it leaves beside them."""
    role: str | None = None
    """The role in the table of backends, where the stage has one."""
    resources: Resources = ONE_CORE
    """What it takes on its own, besides its backend."""

    @property
    def record(self) -> type[Record]:
        """The kind of its records."""
        kind = self.writes[0]
        assert issubclass(kind, Record)
        return kind

    @property
    def products(self) -> tuple[Kind, ...]:
        """What it reads that another stage leaves, and the episode."""
        return tuple(read for read in self.reads if is_product(read))

    @property
    def sources(self) -> tuple[type[Source], ...]:
        """What it reads that is no product."""
        return tuple(read for read in self.reads if is_source(read))

    @property
    def switches(self) -> tuple[type[Switch], ...]:
        """What must be on for the stage to run."""
        return tuple(source for source in self.sources if issubclass(source, Switch))

    def feeds(self, other: Stage) -> bool:
        """Whether the other one reads something of this one."""
        return EarlierNotes in other.reads or not set(self.writes).isdisjoint(other.reads)
