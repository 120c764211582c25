"""The describers' table as a page that a screen reader can walk: caption, scoped headers, language."""

from __future__ import annotations

from pathlib import Path

from data.formats.cue import label, timecode
from data.formats.tables import exchange_rows
from data.script import Script


def write(script: Script) -> bytes:
    """One self-contained page with one table."""
    from jinja2 import Environment, StrictUndefined

    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        Path(__file__).with_name("script.html.j2").read_text(encoding="utf-8")
    )
    language = script.episode.language
    content = page.render(
        episode=script.episode,
        rows=exchange_rows(script),
        timecode=timecode,
        label=lambda text: label(text, language),
    )
    return (content + "\n").encode()
