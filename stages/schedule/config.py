"""The settings of the schedule."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from data import style
from data.standard import FILL, LONG_GAP, PAUSE
from data.text import claims, words
from stages.schedule.objective import Detail, Weights
from stages.stage import StageConfig


class Config(StageConfig):
    """How lines are chosen and placed."""

    backend: str = Field(
        "none",
        description="Text model that rewrites lines no gap has room for, before words are left out: none, openai, "
        "transformers, or module:Class",
    )
    options: dict[str, Any] = Field({}, description="Settings of the text model")
    detail: Detail = Field(
        "standard", description="How much is told: short, standard or rich, from the same candidates"
    )
    rounds: int = Field(
        3, ge=0, le=3, description="How often the chosen lines are spoken and everything is decided again; 0: estimates"
    )
    trust_script: bool = Field(
        True,
        description="Lines of a given script keep their time over voices that no caption, no recognised word confirms",
    )
    pause: float = Field(PAUSE, ge=0, description="Seconds between two lines in one gap (standard 0.15–0.25)")
    breath: float = Field(1.0, ge=0, description="Seconds between two lines from which they no longer crowd each other")
    fill: float = Field(FILL, gt=0, le=1, description="Share of a long gap that may be spoken")
    long_gap: float = Field(LONG_GAP, ge=0, description="Seconds from which a gap counts as long")
    min_score: float = Field(0.35, ge=0, le=1, description="Lines that score less are not spoken")
    similarity: float = Field(0.8, gt=0, le=1, description="Share of equal words from which lines say the same")
    repeat_window: float = Field(60.0, ge=0, description="Seconds within which no line says the same again")
    memory: float = Field(
        180.0, ge=0, description="Seconds in which it is remembered what lines told of a place; elsewhere repeat_window"
    )
    weights: Weights = Field(default=Weights(), description="What counts how much")

    def files(self) -> dict[str, str]:
        """The lexicons of what lines say and claim, which their worth depends on, and the rules of style."""
        return {"claims": claims.identity(), "words": words.identity(), "rules": style.identity()}
