"""A line of anybody's script."""

from __future__ import annotations

from dataclasses import dataclass, field

from data.records import Kind


@dataclass(frozen=True)
class ScriptLine:
    """One spoken line of a script. Seconds of presentation time; the text is one clean line."""

    start: float
    end: float
    text: str
    kind: Kind = field(default="visual", compare=False)
    """What it tells, where the format says so."""
