"""The describers' table as a page that a screen reader can walk: caption, scoped headers, language."""

from __future__ import annotations

from pathlib import Path

from data.formats.cue import label, timecode
from data.formats.tables import exchange_rows
from data.media.pictures import thumbnail
from data.scripts.script import Script


def write(script: Script, stills: Path | None = None) -> bytes:
    """One self-contained page with one table; with the folder of the keyframes, also a picture beside every line."""
    from jinja2 import Environment, StrictUndefined

    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        Path(__file__).with_name("script.html.j2").read_text(encoding="utf-8")
    )
    language = script.episode.language
    content = page.render(
        episode=script.episode,
        rows=exchange_rows(script),
        picture=lambda row: thumbnail(stills / row.image) if stills and row.image else "",
        pictures=stills is not None,
        timecode=timecode,
        label=lambda text: label(text, language),
    )
    return (content + "\n").encode()
