"""The templates of the pages."""

from __future__ import annotations

import functools
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from data.messages import tr
from data.scripts.timecode import clock

HERE = Path(__file__).parent


@functools.cache
def templates() -> Environment:
    """The environment of the pages: everything is escaped, a misspelt name is an error."""
    loader = FileSystemLoader(HERE / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.globals["_"] = tr
    made.filters |= {"clock": clock, "minutes": minutes, "moment": moment, "kind": kind}
    return made


def minutes(seconds: float) -> str:
    """Seconds as m:ss."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def moment(at: str, lang: str) -> str:
    """An ISO time as it is written in the language, in the server's time zone."""
    when = datetime.fromisoformat(at).astimezone()
    return f"{when:%Y. %-m. %-d. %H:%M}" if lang == "ko" else f"{when.day} {when:%b %Y, %H:%M}"


def kind(name: str) -> str:
    """What an act is called."""
    names = {
        "swap": tr("took a candidate"), "edit": tr("changed the words"), "move": tr("moved"), "split": tr("split"),
        "merge": tr("joined"), "delete": tr("deleted"), "add": tr("added"), "voice": tr("changed the voice"),
        "record": tr("recorded"), "approve": tr("approved"), "reject": tr("rejected"), "flag": tr("flagged"),
        "reopen": tr("reopened"), "note": tr("wrote a note"), "rename": tr("renamed a character"),
        "replace": tr("replaced words"), "undo": tr("took back"), "redo": tr("did again"),
    }  # fmt: skip
    return names.get(name, name)
