"""What the commands share: their options, and the console they write to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from data import messages
from data.errors import ConfigError, UserError
from data.messages import Lang
from pipeline.commands.help import profiles

if TYPE_CHECKING:
    from rich.console import Console

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "YOLO_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
"""What tells each library to stay off the network; most read it once, when they are imported."""


def _language(value: str | None) -> str | None:
    """Switch the messages before anything else is parsed."""
    if value not in (None, "ko", "en"):
        raise typer.BadParameter("ko | en")
    messages.use(cast(Lang, value) if value else messages.from_locale())
    return value


def _offline(value: bool) -> bool:
    """Tell the libraries before any of them is imported."""
    if value:
        os.environ.update(OFFLINE)
    return value


LangOption = Annotated[
    str | None,
    typer.Option("--lang", callback=_language, is_eager=True, help="Language of messages and report: ko or en."),
]
Offline = Annotated[bool, typer.Option("--offline", callback=_offline, is_eager=True, help="Never touch the network.")]
Profile = Annotated[
    str, typer.Option("--config", "-c", autocompletion=profiles, help="A profile's name or a YAML file.")
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", help="One setting, e.g. voice.rate=4.8; may be given again.")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="File or folder to write.")]
More = Annotated[list[Path] | None, typer.Argument(readable=False, help="More of the same, as a shell expands *.")]
Results = Annotated[Path, typer.Argument(help="An episode's results folder, e.g. out/episode.")]


PIPED = 1000
"""Columns where no terminal says how many there are: enough for a row of a table to stay on one line."""


def console() -> Console:
    """Standard output."""
    from rich.console import Console

    screen = Console()
    return screen if screen.is_terminal else Console(width=PIPED)


def expanded(paths: Sequence[Path]) -> list[Path]:
    """The paths; a pattern that the shell left as it is, is expanded here. Raises UserError where it matches none."""
    found: list[Path] = []
    for path in paths:
        pattern = not path.exists() and any(letter in str(path) for letter in "*?[")
        matched = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor)))) if pattern else [path]
        if not matched:
            raise UserError("{pattern} matches no file; check the pattern", pattern=path)
        found += matched
    return found


def chosen_from(option: str, value: str | None, known: Sequence[str]) -> None:
    """Raise ConfigError for a value that is none of the known ones; none at all is fine."""
    if value is not None and value not in known:
        raise ConfigError("{option} {value}: choose from {known}", option=option, value=value, known=", ".join(known))
