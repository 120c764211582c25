"""WebVTT for `<track kind="descriptions">` (W3C WebVTT, Candidate Recommendation)."""

from __future__ import annotations

import html
import re
from typing import NoReturn

from data.errors import UserError
from data.formats.cue import NARRATOR, Cue, label, timecode
from data.reasons import Message, say
from data.scripts.script import ExtendedLine, Script, ScriptNarration

_TIMING = re.compile(
    r"^((?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3})[ \t]+-->[ \t]+((?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3})(?:[ \t].*)?$"
)
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|lrm|rlm|nbsp|quot|apos|#\d+|#x[0-9a-fA-F]+);)")


def write(script: Script) -> bytes:
    """The narrations as cues of one voice, their ids those of the script."""
    return _file(script, "kind=descriptions", [_block(line, script) for line in script.narrations])


def write_extended(script: Script) -> bytes:
    """The narrations and the extended descriptions, for players that pause the programme while they speak a cue.

    Times are the programme's. A cue for which it must pause has the class `extended` and a note that says how long.
    """
    lines: list[ScriptNarration | ExtendedLine] = [*script.narrations, *script.extended]
    lines.sort(key=lambda line: (_times(line), line.id))
    return _file(script, "kind=descriptions; extended", [_block(line, script) for line in lines])


def _file(script: Script, note: str, blocks: list[str]) -> bytes:
    head = ["WEBVTT", f"NOTE {note}; language={script.episode.language}"]
    return ("\n\n".join([*head, *blocks]) + "\n").encode()


def _times(line: ScriptNarration | ExtendedLine) -> tuple[float, float]:
    return (line.time, line.until) if isinstance(line, ExtendedLine) else (line.start, line.end)


def _block(line: ScriptNarration | ExtendedLine, script: Script) -> str:
    start, end = _times(line)
    voice, text = label(NARRATOR, script.episode.language), html.escape(line.text, quote=False)
    cue = f"{line.id}\n{timecode(start)} --> {timecode(end)}\n"
    if isinstance(line, ExtendedLine):
        return f"NOTE extended: pause at {timecode(start)} for {line.stands:.3f} s\n\n{cue}<v.extended {voice}>{text}"
    return f"{cue}<v {voice}>{text}"


def read(content: bytes) -> list[Cue]:
    """The cues of a WebVTT file, held to the rules for authors: times ordered, markup escaped, ids unique.

    Raises UserError with the number of the first line that breaks them.
    """
    text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if not re.match(r"WEBVTT(?:[ \t]|$)", lines[0]):
        _refuse(1, say("it does not begin with WEBVTT"))
    if len(lines) > 1 and lines[1]:
        _refuse(2, say("no empty line after the header"))
    cues: list[Cue] = []
    for number, block in _blocks(lines):
        if not re.match(r"(?:NOTE|STYLE|REGION)(?:[ \t]|$)", block[0]):
            cue = _cue(number, block)
            _check_order(number, cue, cues)
            cues.append(cue)
    return cues


def _blocks(lines: list[str]) -> list[tuple[int, list[str]]]:
    blocks: list[tuple[int, list[str]]] = []
    empty = True
    for number, line in enumerate(lines[1:], 2):
        if line and empty:
            blocks.append((number, []))
        if line:
            blocks[-1][1].append(line)
        empty = not line
    return blocks


def _cue(number: int, block: list[str]) -> Cue:
    name = "" if "-->" in block[0] else block[0]
    rows = block[1:] if name else block
    number += bool(name)
    times = _TIMING.match(rows[0]) if rows else None
    if not times:
        _refuse(number, say("not a line of times"))
    payload = "\n".join(rows[1:])
    if "-->" in payload or _BARE_AMPERSAND.search(payload) or re.search(r"<(?![/a-z0-9])", payload):
        _refuse(number + 1, say("text that is not escaped"))
    return Cue(name, _seconds(times[1]), _seconds(times[2]), html.unescape(re.sub(r"<[^>]*>", "", payload)))


def _check_order(number: int, cue: Cue, before: list[Cue]) -> None:
    if cue.end <= cue.start:
        _refuse(number, say("a cue ends before it begins"))
    if before and cue.start < before[-1].start:
        _refuse(number, say("a cue begins before the one above it"))
    if cue.id and any(cue.id == other.id for other in before):
        _refuse(number, say("an id occurs twice"))


def _seconds(time: str) -> float:
    parts = [float(part) for part in time.split(":")]
    hours, minutes, seconds = [0.0] * (3 - len(parts)) + parts
    return round(hours * 3600 + minutes * 60 + seconds, 3)


def _refuse(number: int, cause: Message) -> NoReturn:
    raise UserError("not a valid WebVTT file: line {number}: {cause}; export it again", number=number, cause=cause)
