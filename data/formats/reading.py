"""People's scripts in every format that is read, as the lines that stand in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from data import subtitles
from data.errors import UserError
from data.formats import dapt
from data.records import Kind
from data.scripts import decoded, script
from data.scripts.line import ScriptLine
from data.scripts.tables import read_table


def json_lines(path: Path, fps: float | None) -> Iterator[ScriptLine]:  # noqa: ARG001 – one form for all
    """The spoken lines of a `script.json`."""
    for line in script.load(path).narrations:
        yield ScriptLine(line.start, line.end, line.text, line.kind)


def table_lines(path: Path, fps: float | None) -> Iterator[ScriptLine]:
    """The rows of a table that are descriptions."""
    for row in read_table(path, fps):
        yield ScriptLine(row.start, row.end, row.text, _kind(row.kind))


def subtitle_lines(path: Path, fps: float | None) -> Iterator[ScriptLine]:  # noqa: ARG001
    """The cues of a subtitle file."""
    for line in subtitles.read_descriptions(path):
        yield ScriptLine(line.start, line.end, line.text)


def ttml_lines(path: Path, fps: float | None) -> Iterator[ScriptLine]:
    """The timed paragraphs of TTML of any profile."""
    _refuse_entities(path)
    return subtitle_lines(path, fps)


def dapt_lines(path: Path, fps: float | None) -> Iterator[ScriptLine]:  # noqa: ARG001
    """The Script Events that represent pictures; those of the sound are dialogue."""
    _refuse_entities(path)
    try:
        cues = dapt.read(path.read_bytes())
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    for cue in cues:
        if not cue.represents.startswith("audio"):
            title = cue.represents.startswith("visual.text.title")
            kind: Kind = "title" if title else "text" if cue.represents.startswith("visual.text") else "visual"
            yield ScriptLine(cue.start, cue.end, cue.text, kind)


def _kind(name: str) -> Kind:
    return "text" if name == "text" else "title" if name == "title" else "visual"


def _refuse_entities(path: Path) -> None:
    """Entities can hide text, grow without bound or reach for other files; no script needs its own."""
    if "<!ENTITY" in decoded(path):
        raise UserError("{path} declares XML entities, which scripts may not; remove its DOCTYPE", path=path)
