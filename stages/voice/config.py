"""Settings of the voice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from data.standard import FASTER, FASTEST
from data.text import pronunciation
from stages.stage import StageConfig


class Config(StageConfig):
    """Settings of the voice."""

    backend: str = Field("espeak", description="What speaks: a name of the table of backends, or module:Class")
    options: dict[str, Any] = Field(default_factory=dict, description="The backend's own settings")
    rate: float | None = Field(
        None, ge=3, le=7, description="Syllables per second, pauses included; none: 4.5 for Korean, 3.75 for English"
    )
    max_speed: float = Field(FASTER, ge=1, le=1.25, description="How much faster a line may be spoken to fit its gap")
    hard_speed: float = Field(FASTEST, ge=1, le=1.25, description="… with a warning, before a shorter line is taken")
    pronunciations: Path | None = Field(
        None, description="CSV (word,reading) or YAML (word: reading) of how this series' words are read"
    )

    def files(self) -> dict[str, str]:
        """The readings, whatever file they come from. Raises ConfigError."""
        if self.pronunciations is None:
            return {}
        return {"pronunciations": json.dumps(pronunciation.read(self.pronunciations), sort_keys=True)}
