"""A text held against its place, the rate and the rules of style, while somebody types it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from data import style
from data.messages import tr
from data.reasons import say
from data.records import Kind
from data.review.made import Made
from data.scripts.line import ScriptLine
from data.scripts.lint import of_line
from data.standard import FASTEST
from data.style import Severity, StyleFinding
from data.text import language as lang

WARM = {"ko": "문이 열린다.", "en": "A door opens."}


@dataclass(frozen=True)
class TextFinding:
    """One thing worth changing, why, and the whole text without it where that is sure to say the same."""

    rule: str
    severity: Severity
    message: str
    why: str
    fix: str | None


@dataclass(frozen=True)
class TextCheck:
    """A text in its place. Seconds: predicted length, and the room there is (0: it lies over what is said)."""

    syllables: int
    seconds: float
    room: float
    findings: tuple[TextFinding, ...]


def check(text: str, start: float, until: float, made: Made, kind: Kind = "visual") -> TextCheck:
    """What `text` needs and breaks where it would be spoken from `start` and must have ended by `until`."""
    seconds = lang.seconds(text, made.language, made.rate)
    room = round(max(until - start, 0.0), 3)
    line = ScriptLine(start, max(until, start), text, kind)
    found = [*of_line(line, made.language, measured=True), *_room(seconds, room)]
    return TextCheck(
        syllables=lang.syllables(text, made.language),
        seconds=round(seconds, 3),
        room=room,
        findings=tuple(TextFinding(f.rule, f.severity, str(f.message), f.why, f.fix) for f in found),
    )


def warm(language: Literal["ko", "en"]) -> None:
    """Load what checking needs, once: seconds for Korean morphology, which the first check would have to wait for."""
    style.findings(WARM[language], language)


def _room(seconds: float, room: float) -> Iterator[StyleFinding]:
    why = tr("narration never covers what is said, and never runs into the next line")
    if room <= 0:
        yield StyleFinding("room", 3, "error", say("there is no pause here"), why)
    elif seconds > room:
        told = say("{seconds:.1f} s too long for its place", seconds=seconds - room)
        yield StyleFinding("room", 3, "warning" if seconds <= room * FASTEST else "error", told, why)
