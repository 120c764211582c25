"""Audacity label track: start, end and text of every line, tab-separated (Audacity manual, Importing labels)."""

from __future__ import annotations

from data.scripts.script import Script


def write(script: Script) -> bytes:
    """One label a narration, seconds with six decimals as Audacity writes them, UTF-8."""
    rows = (f"{line.start:.6f}\t{line.end:.6f}\t{line.text}\n" for line in script.narrations)
    return "".join(rows).encode()
