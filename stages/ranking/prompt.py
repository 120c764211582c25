"""What a ranker is told about one keyframe: plain fields, no records of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RankingPrompt:
    """One question to a ranker."""

    language: str
    rate: float = 4.5
    """Syllables per second to plan with."""
    windows: tuple[float, ...] = ()
    """Seconds that can be spoken in each gap the keyframe can reach."""
    earlier: tuple[str, ...] = ()
    """The lines most likely said in the last minutes."""
    dialogue: str = ""
    """What is said around the keyframe."""
    support: tuple[tuple[tuple[str, float], ...], ...] = ()
    """For each text: its evidence as (kind: text, face, object, look, dialogue; confidence 0–1)."""
