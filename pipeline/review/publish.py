"""A folder for viewers: the described film in an accessible page, with its descriptions and a transcript.

Any web server serves it; nothing in it asks another one. The descriptions are there as `<track kind="descriptions">`
too, the convention of accessible players (Able Player, Video.js): switched off, for the film speaks them already.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.files import write_atomically
from data.formats import export
from data.formats.cue import timecode
from data.messages import current
from data.script import Script
from pipeline.review.folders import results_folders
from pipeline.review.results import script_of
from pipeline.review.templating import HERE, templates
from pipeline.review.web_film import web_film

LOOKS = ("player.css", "player.js")
FILM = "described.mp4"


def publish(folder: Path, target: Path) -> Path:
    """Write the page of every episode in `folder` into `target`; returns the page to begin with. Raises UserError."""
    found = results_folders(folder)
    if not found:
        raise UserError("{folder} holds no described episode; run vdesc run first", folder=folder)
    try:
        if len(found) == 1:
            return publish_episode(next(iter(found.values())), target)
        pages = {name: publish_episode(results, target / name) for name, results in found.items()}
        titles = {name: script_of(found[name]).episode.title for name in pages}
        return _page(target, "published_list.html", titles=titles, lang=current())
    except OSError as error:
        cause = error.strerror or error
        raise UserError(
            "The page cannot be written to {folder} ({cause}); choose another one", folder=target, cause=cause
        ) from None


def publish_episode(results: Path, target: Path) -> Path:
    """Write the page of one episode. Raises UserError where there is no described film, OSError."""
    film, script = web_film(results), script_of(results)
    target.mkdir(parents=True, exist_ok=True)
    _place(film, target / FILM)
    name, content = export(script, "vtt")
    write_atomically(target / name, content)
    captions = _captions(script)
    if captions:
        write_atomically(target / "captions.vtt", captions.encode())
    return _page(
        target, "published.html", lang=script.episode.language, title=script.episode.title, film=FILM,
        descriptions=name, captions=bool(captions), rows=_transcript(script), spoken_in=_spoken_in(script),
    )  # fmt: skip


def _page(target: Path, template: str, **values: Any) -> Path:
    target.mkdir(parents=True, exist_ok=True)
    for look in LOOKS:
        write_atomically(target / look, (HERE / "static" / "published" / look).read_bytes())
    page = target / "index.html"
    write_atomically(page, templates().get_template(template).render(values).encode())
    return page


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
