"""The script as tables: CSV of the narrations, and the rows that describers exchange, dialogue interleaved."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import Literal

from data.errors import UserError
from data.formats.cue import NARRATOR, Cue, label, timecode
from data.messages import Lang, answering
from data.reasons import Reason
from data.scripts.script import ExtendedLine, Script, ScriptNarration

COLUMNS = (
    "id", "timecode_in", "timecode_out", "start", "end", "duration", "kind", "text",
    "gap", "shot", "keyframe", "candidate", "score", "voice", "speed",
)  # fmt: skip
STANDS = "extended"
_FORMULA = re.compile(r"^'*[=+\-@＝＋－＠\t\r]")


def protect(text: str) -> str:
    """`text` with an apostrophe before what a spreadsheet would run as a formula (OWASP, CSV injection)."""
    return "'" + text if _FORMULA.match(text) else text


def unprotect(cell: str) -> str:
    """The text that `protect` made `cell` from."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def write_csv(script: Script) -> bytes:
    """The narrations, UTF-8 with BOM and CRLF as spreadsheets want them, under the names of COLUMNS.

    Where there are extended descriptions, a last column holds the seconds that the programme pauses for them.
    """
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    rows.writerow((*COLUMNS, STANDS) if script.extended else COLUMNS)
    timed_cells = [(line.start, _cells(line) + (("",) if script.extended else ())) for line in script.narrations]
    timed_cells += [(line.time, _extended_cells(line)) for line in script.extended]
    for _, cells in sorted(timed_cells):
        rows.writerow([protect(cell) for cell in cells])
    return out.getvalue().encode("utf-8-sig")


def read_csv(content: bytes) -> list[Cue]:
    """The lines of a table that `write_csv` made. Raises UserError where it is none."""
    try:
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        return [
            Cue(unprotect(row["id"]), float(row["start"]), float(row["end"]), unprotect(row["text"])) for row in rows
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise UserError("not a table of the script ({cause}); run vdesc run again", cause=error) from error


def _extended_cells(line: ExtendedLine) -> tuple[str, ...]:
    """Times are the programme's, which pauses at the first of them."""
    return (
        line.id, timecode(line.time), timecode(line.until),
        *(f"{t:.3f}" for t in (line.time, line.until, line.end - line.start)), line.kind, line.text,
        "", line.shot, line.keyframe, line.candidate, f"{line.worth:.4f}", line.clip.voice,
        f"{line.clip.speed:.3f}", f"{line.stands:.3f}",
    )  # fmt: skip


def _cells(line: ScriptNarration) -> tuple[str, ...]:
    times = (line.start, line.end, line.end - line.start)
    return (
        line.id, timecode(line.start), timecode(line.end), *(f"{t:.3f}" for t in times), line.kind, line.text,
        line.gap, line.shot, line.keyframe, line.candidate, f"{line.score:.4f}", line.clip.voice,
        f"{line.clip.speed:.3f}",
    )  # fmt: skip


@dataclass(frozen=True)
class ExchangeRow:
    """One row of the describers' table."""

    start: float
    end: float
    kind: Literal["dialogue", "description", "gap", "extended"]
    kind_name: str
    speaker: str
    text: str
    image: str = ""
    """File name of the still that a description speaks of."""
    mark: str = ""
    """Which words of a description nothing supports, for people to look at; empty where there are none."""


def exchange_rows(script: Script) -> list[ExchangeRow]:
    """Dialogue, descriptions and the gaps that could have been used but were not, by time.

    What kinds and unknown speech are called is in the script's language.
    """
    language = script.episode.language
    names = {kind: label(kind, language) for kind in ("dialogue", "description", "gap")}
    speech, narrator = label("(speech)", language), label(NARRATOR, language)
    rows = [ExchangeRow(u.start, u.end, "dialogue", names["dialogue"], "", u.text or speech) for u in script.utterances]
    images = {still.id: still.image for still in script.keyframes}
    rows += [
        ExchangeRow(
            n.start,
            n.end,
            "description",
            names["description"],
            narrator,
            n.text,
            images.get(n.keyframe, ""),
            mark(n, language),
        )
        for n in script.narrations
    ]
    extended = label("extended description", language)
    rows += [
        ExchangeRow(
            n.time, n.until, "extended", extended, narrator, n.text, images.get(n.keyframe, ""), mark(n, language)
        )
        for n in script.extended
    ]
    rows += [
        ExchangeRow(g.start, g.end, "gap", names["gap"], "", _told(g.why, language))
        for g in script.gaps
        if g.usable and not g.used
    ]
    return sorted(rows, key=lambda row: (row.start, row.end))


def _told(reason: Reason | None, language: Lang) -> str:
    """A reason in the language of the script, whatever language its reader's messages have."""
    with answering(language):
        return str(reason) if reason else ""


def mark(line: ScriptNarration | ExtendedLine, language: Lang) -> str:
    """The mark of a line that claims what nothing supports."""
    return label("unsupported: {words}", language).format(words=", ".join(line.unsupported)) if line.unsupported else ""


def on_screen_note(line: ScriptNarration | ExtendedLine) -> str:
    """The on-screen texts a line rests on."""
    return " / ".join(dict.fromkeys(e.value for e in line.evidence if e.kind == "text"))
