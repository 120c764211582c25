"""A folder for viewers: the described film in an accessible page, with its descriptions and a transcript.

Any web server serves it; nothing in it asks another one. The descriptions are there as `<track kind="descriptions">`
too, the convention of accessible players (Able Player, Video.js): switched off, for the film speaks them already.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from data.files import write_atomically
from data.formats import export
from data.formats.cue import timecode
from data.formats.web.film import web_film
from data.messages import tr
from data.scripts.script import Script

HERE = Path(__file__).parent
LOOKS = ("player.css", "player.js")
FILM = "described.mp4"


def write(described: Path, script: Script, folder: Path) -> Path:
    """Write the page of one episode into `folder`; the page itself. Raises MediaError, OSError."""
    film = web_film(described, script.episode.language)
    folder.mkdir(parents=True, exist_ok=True)
    _place(film, folder / FILM)
    name, content = export(script, "vtt")
    write_atomically(folder / name, content)
    captions = _captions(script)
    if captions:
        write_atomically(folder / "captions.vtt", captions.encode())
    page = _page(
        lang=script.episode.language, title=script.episode.title, film=FILM,
        descriptions=name, captions=bool(captions), rows=_transcript(script), spoken_in=_spoken_in(script),
    )  # fmt: skip
    return leave(folder, page)


def leave(folder: Path, page: str) -> Path:
    """Write a page and what it is shown with into `folder`; the page. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for look in LOOKS:
        write_atomically(folder / look, (HERE / look).read_bytes())
    place = folder / "index.html"
    write_atomically(place, page.encode())
    return place


def _page(**values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(HERE)
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return pages.get_template("page.html.j2").render(values, tr=tr, minutes=_minutes)


def _minutes(seconds: float) -> str:
    """Seconds as m:ss."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def _place(film: Path, target: Path) -> None:
    """The film under the page's folder: the same file where the file system can, else a copy."""
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        os.link(film, partial)
    except OSError:
        shutil.copyfile(film, partial)
    partial.replace(target)


def _transcript(script: Script) -> list[dict[str, Any]]:
    """What is said and what is described, by time."""
    rows = [{"start": line.start, "text": line.text, "described": True} for line in script.narrations]
    rows += [{"start": said.start, "text": said.text, "described": False} for said in script.utterances if said.text]
    return sorted(rows, key=lambda row: (row["start"], row["text"]))


def _captions(script: Script) -> str:
    """The dialogue as WebVTT; empty where no text of it is known."""
    cues = [
        f"{timecode(said.start)} --> {timecode(said.end)}\n{_escaped(said.text)}\n"
        for said in script.utterances
        if said.text and said.end > said.start
    ]
    return "WEBVTT\n\n" + "\n".join(cues) if cues else ""


def _escaped(text: str) -> str:
    """Plain text of a cue: WebVTT knows tags and entities, and ends a cue's times with an arrow."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _spoken_in(script: Script) -> str:
    """BCP 47 code of the dialogue, as far as the container said it; und: not known."""
    return {"kor": "ko", "ko": "ko", "eng": "en", "en": "en"}.get(script.episode.audio_language or "", "und")
