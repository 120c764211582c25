"""SubRip. The format has no escapes, so characters that players take for markup become their full-width forms."""

from __future__ import annotations

from data.formats.cue import timecode
from data.scripts.script import Script

_LOOKALIKES = str.maketrans({"<": "〈", ">": "〉", "{": "｛", "}": "｝", "\\": "＼"})


def write(script: Script) -> bytes:
    """The narrations as numbered cues, UTF-8."""
    blocks = [
        f"{number}\n{timecode(line.start, ',')} --> {timecode(line.end, ',')}\n{line.text.translate(_LOOKALIKES)}\n"
        for number, line in enumerate(script.narrations, 1)
    ]
    return "\n".join(blocks).encode()
