"""A script of any kind, ours or a person's, held to the rules of style, rate and timing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from data import style
from data.messages import tr
from data.reasons import say
from data.scripts import file_of, format_of, read_as_written
from data.scripts.line import ScriptLine
from data.series import Series
from data.style import Severity, StyleFinding
from data.style.pace import RATES, units
from data.text import language as lang

VERSION = 1
"""Of the JSON that `Linted.as_json` gives; raised when a field changes its meaning."""
HOPELESS = 2.0
"""Times the highest rate of the quality control: 13 syllables, 6.6 words a second, which nobody speaks."""
OVERLAP = 0.01
"""Seconds by which cues may overlap unnoticed: less than half a frame."""


@dataclass(frozen=True)
class LineFinding:
    """One rule that a line breaks. `line` counts the lines of the script from 1; None: the file as a whole."""

    line: int | None
    start: float | None
    end: float | None
    text: str
    rule: str
    row: int
    severity: Severity
    message: str
    why: str
    source: str
    fix: str | None = None


@dataclass(frozen=True)
class Linted:
    """What was found in a script. `morphology`: whether Korean was taken apart; None where it is not Korean."""

    file: Path
    language: Literal["ko", "en"]
    morphology: bool | None
    lines: int
    findings: tuple[LineFinding, ...]
    series: Series | None = None

    def count(self, severity: Severity) -> int:
        """How many findings are of that severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The findings as JSON values; the fields are those of the dataclasses (docs/style.md)."""
        return {
            "version": VERSION,
            "file": str(self.file),
            "language": self.language,
            "morphology": self.morphology,
            "lines": self.lines,
            "errors": self.count("error"),
            "warnings": self.count("warning"),
            "hints": self.count("info"),
            "findings": [vars(finding) for finding in self.findings],
        }


def lint(
    path: Path,
    language: Literal["ko", "en"] | None = None,
    fps: float | None = None,
    series: Series | None = None,
) -> Linted:
    """Everything worth changing in a script, in the order of its lines; what concerns the file as a whole first.

    `language`: that of the narration; None: told by its letters. `fps`: what time codes that count
    frames count by. `series`: whose wordings the script is held to. Raises UserError where the file cannot be read as
    a script.
    """
    lines = read_as_written(path, fps)
    measured = file_of(path).suffix.lower() == ".json"
    chosen = language or _language(lines)
    found = list(_of_file(path, lines))
    latest = 0.0
    for number, line in enumerate(lines, 1):
        before = lines[number - 2] if number > 1 else None
        about = [*_timing(line, before, latest), *of_line(line, chosen, measured=measured)]
        found += [_placed(number, line, finding) for finding in (*about, *_wording(line, series, chosen))]
        latest = max(latest, line.end)
    morphology = style.morphology_installed() if chosen == "ko" else None
    return Linted(path, chosen, morphology, len(lines), tuple(found), series)


def of_line(line: ScriptLine, language: str, *, measured: bool) -> Iterator[StyleFinding]:
    """What is worth changing in a line alone: gate, style, rate. `measured`: its times are those of a voice."""
    yield from _words(line, language)
    yield from _pace(line, language, measured)


def mended(linted: Linted) -> dict[str, str]:
    """Text → what it becomes when everything is mended that can safely be."""
    texts = {finding.text for finding in linted.findings if finding.fix}
    fixed = {text: style.fixed(text, linted.language) for text in texts}
    return {
        text: linted.series.preferred(new, linted.language) if linted.series else new for text, new in fixed.items()
    }


def _language(lines: Sequence[ScriptLine]) -> Literal["ko", "en"]:
    """Korean where at least half of the lines hold Hangul: those that read out Latin letters hold it too."""
    worded = [line for line in lines if re.search(r"[^\W\d_]", line.text)]
    return "ko" if sum(bool(re.search("[가-힣]", line.text)) for line in worded) * 2 >= len(worded) else "en"


def _placed(number: int, line: ScriptLine, found: StyleFinding) -> LineFinding:
    return LineFinding(
        number, line.start, line.end, line.text,
        found.rule, found.row, found.severity, str(found.message), found.why, found.source, found.fix,
    )  # fmt: skip


def _of_file(path: Path, lines: Sequence[ScriptLine]) -> Iterator[LineFinding]:
    why = tr("players and tools read only what the standard allows")
    row = format_of(file_of(path))
    for breach in row.breaches(file_of(path).read_bytes()):
        yield LineFinding(None, None, None, "", row.name, 23, "error", breach, why, row.title)
    if not any(re.search(r"\w", line.text) for line in lines):
        told = tr("no line with words in it")
        yield LineFinding(None, None, None, "", "empty", 3, "error", told, tr("there is nothing to speak"), "")


def _timing(line: ScriptLine, before: ScriptLine | None, latest: float) -> Iterator[StyleFinding]:
    """`latest`: where the last of the lines above ends."""
    why = tr("a line is spoken where its times say, one at a time")
    if line.end <= line.start:
        yield StyleFinding("times", 3, "error", say("the line ends before it begins"), why, "W3C WebVTT")
    if before and line.start < before.start:
        told = say("begins before the line above it")
        yield StyleFinding("order", 23, "error", told, why, "W3C WebVTT")
    elif latest - line.start > OVERLAP:
        told = say("begins {seconds:.2f} s before the line above it ends", seconds=latest - line.start)
        yield StyleFinding("overlap", 3, "error", told, why, "W3C DAPT")


def _words(line: ScriptLine, language: str) -> Iterator[StyleFinding]:
    if not re.search(r"\w", line.text):
        yield StyleFinding("empty", 3, "warning", say("no words"), tr("there is nothing to speak"))
        return
    if reason := style.refuse(line.text, language):
        yield StyleFinding("gate", 20, "error", reason, tr("no voice will speak this line"))
    if line.kind == "visual":  # text that is read out follows no rule of style
        yield from style.findings(line.text, language)


def _wording(line: ScriptLine, series: Series | None, language: str) -> Iterator[StyleFinding]:
    """Words in whose place the series wants others; text that is read out stays as it is shown."""
    wanted = series.preferred(line.text, language) if series and line.kind == "visual" else line.text
    if wanted != line.text:
        told = say("the series has other words for this")
        why = tr("the same person, place or thing goes by the same words throughout")
        yield StyleFinding("wording", 9, "warning", told, why, "KMCC p. 9", wanted)


def _pace(line: ScriptLine, language: str, measured: bool) -> Iterator[StyleFinding]:
    """Rate by the line's times: those of our script are measured, those of others a plan for a voice unknown.

    Broadcast descriptions in English run at 3.9 words a second (median of a research set), so that a plan is no error.
    """
    if not re.search(r"\w", line.text):
        return
    pace = style.too_fast(line.text, language, line.end - line.start) if line.end > line.start else None
    if pace:
        rushed = units(line.text, language) / (line.end - line.start) > HOPELESS * RATES[language][1]
        yield pace if measured or rushed else replace(pace, severity="warning")
    if long := style.long_line(lang.seconds(line.text, language, lang.PLAN_RATE[language])):
        yield long
