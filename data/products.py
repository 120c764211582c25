"""What stages leave for others beside their records: files, each with the type that opens it.

Names of files stand here and nowhere else; who needs one names its type.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from data.files import write_atomically
from data.records import Missed, RefusedCandidate, RefusedDraft, Row, Song, Still
from data.standard import FILL, LONG_GAP

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Product(ABC):
    """A file that a stage leaves, or several."""

    stage: ClassVar[str]
    pattern: ClassVar[str]
    """Its name in the stage's folder, as a glob where the name may differ."""

    @classmethod
    @abstractmethod
    def open(cls, folder: Path) -> Self:
        """The product that lies in a stage's folder."""


@dataclass(frozen=True)
class File(Product):
    """One file; `path` is None where the stage had no reason to make it."""

    path: Path | None

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Where it lies."""
        return cls(next(iter(sorted(folder.glob(cls.pattern))), None))

    @classmethod
    def place(cls, folder: Path) -> Path:
        """Where the stage has to write it."""
        return folder / cls.pattern


@dataclass(frozen=True)
class LoudnessCurve(Product):
    """The programme's momentary loudness (EBU Tech 3341)."""

    stage = "gaps"
    pattern = "loudness.npy"
    RATE: ClassVar[int] = 10
    """Values a second."""

    values: NDArray[np.float32]
    """LUFS of the 0.4 s that start at 0, 0.1, 0.2 … s, never below `data.media.loudness.FLOOR`."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Raises OSError where it was not made."""
        import numpy as np

        return cls(np.load(folder / cls.pattern))

    def leave(self, folder: Path) -> None:
        """Write it."""
        import numpy as np

        whole = io.BytesIO()
        np.save(whole, self.values)
        write_atomically(folder / self.pattern, whole.getvalue())


class Pacing(BaseModel, Product):
    """How full the schedule was allowed to make long gaps."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    stage: ClassVar[str] = "schedule"
    pattern: ClassVar[str] = "pacing.json"

    fill: float = FILL
    """Most of a long gap that may be spoken, as a share of it."""
    long_gap: float = LONG_GAP
    """Seconds from which a gap is long."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Raises OSError where no schedule was made."""
        return cls.model_validate_json((folder / cls.pattern).read_bytes())

    def leave(self, folder: Path) -> None:
        """Write it."""
        write_atomically(folder / self.pattern, self.model_dump_json(indent=1).encode() + b"\n")


class Levels(BaseModel, Product):
    """Loudness of the mix in LUFS; None: not to be measured, or nothing is added."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    stage: ClassVar[str] = "mix"
    pattern: ClassVar[str] = "mix.json"

    dialogue_loudness: float | None = None
    programme_loudness: float | None = None
    mix_loudness: float | None = None
    narration_loudness: float | None = None
    true_peak_under_cues: float | None = None
    """dBTP"""
    residual_outside_cues: float | None = None
    """dBFS of what the mix changes where nobody narrates."""
    gains: dict[str, float] = {}
    """Clip → dB"""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Empty where nothing was mixed."""
        file = folder / cls.pattern
        return cls.model_validate_json(file.read_bytes()) if file.exists() else cls()

    def leave(self, folder: Path) -> None:
        """Write it."""
        write_atomically(folder / self.pattern, self.model_dump_json(indent=1).encode() + b"\n")


class DescribedFilm(File):
    """The film with the described sound as a further track."""

    stage, pattern = "mix", "described.*"


class Stem(File):
    """The narration alone, at its level in the mix."""

    stage, pattern = "mix", "narration.wav"


class ExtendedFilm(File):
    """The film that stands still for lines which no gap holds."""

    stage, pattern = "extended", "extended.mp4"


class ScriptFile(File):
    """The script with all that is known of its lines (`data.scripts.script`)."""

    stage, pattern = "script", "script.json"


class CheckReport(File):
    """What the check measured and found, as data; people read it rendered in their language."""

    stage, pattern = "check", "report.json"


Kind = type[Row] | type[Product]
BESIDE: tuple[Kind, ...] = (
    Still, Song, RefusedDraft, RefusedCandidate, Missed, LoudnessCurve, Pacing, Levels, DescribedFilm, Stem,
    ExtendedFilm, ScriptFile, CheckReport,
)  # fmt: skip
"""All that stages leave beside their records."""
