"""What a ranker is told about one keyframe: plain fields, no records of the pipeline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from data.reasons import Message
from stages.backend import Backend


@dataclass(frozen=True)
class RankingPrompt:
    """One question to a ranker. What is not known stays empty."""

    language: str
    rate: float = 4.5
    """Syllables per second to plan with."""
    windows: tuple[float, ...] = ()
    """Seconds that can be spoken in each gap the keyframe can reach."""
    earlier: tuple[str, ...] = ()
    """The lines most likely said in the last minutes, in order of time."""
    light: Literal["day", "night", "unknown"] = "unknown"
    known_place: bool = False
    """Whether the picture looks like a place that was shown before."""
    people: int = 0
    """A lower bound."""
    persons: tuple[str, ...] = ()
    """What recognised people may be called here."""
    names: tuple[str, ...] = ()
    """Every name of the cast that may be spoken by now."""
    objects: tuple[str, ...] = ()
    """Things seen, one entry each, in the language of the narration; no people."""
    texts: tuple[str, ...] = ()
    """On-screen text that appears here, without burned-in dialogue."""
    dialogue_before: str = ""
    """What is said in the seconds before the keyframe."""
    dialogue_after: str = ""
    support: tuple[tuple[tuple[str, float], ...], ...] = ()
    """For each text: its evidence as (kind: text, face, object, region, look, dialogue; confidence 0–1)."""


class Ranker(Backend, ABC):
    """Base of the backends that rank candidates."""

    @abstractmethod
    def score(self, prompts: Sequence[RankingPrompt], texts: Sequence[Sequence[str]]) -> list[list[dict[str, float]]]:
        """Named parts, each 0–1, of each text of each prompt."""

    def caveat(self) -> Message | None:
        """What people should know of the results; None: nothing."""
        return None
