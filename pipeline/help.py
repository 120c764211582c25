"""What `--help` says, in the language of whoever asks, and what a shell completes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data.messages import known, tr

TITLES = (
    "ARGUMENTS_PANEL_TITLE",
    "OPTIONS_PANEL_TITLE",
    "COMMANDS_PANEL_TITLE",
    "DEFAULT_STRING",
    "REQUIRED_LONG_STRING",
)
"""What Typer itself writes."""
USAGE = "Usage:"


def asked_language(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The value of --lang, wherever it stands, and the arguments without it.

    Help is shown before the options behind it are read, and groups of commands have no options of their own.
    """
    for number, argument in enumerate(arguments):
        if argument.startswith("--lang="):
            return argument.partition("=")[2], [*arguments[:number], *arguments[number + 1 :]]
        if argument == "--lang" and number + 1 < len(arguments):
            return arguments[number + 1], [*arguments[:number], *arguments[number + 2 :]]
    return None, list(arguments)


def translate(command: Any) -> None:
    """Put the help of a Typer command, and of all below it, into the current language."""
    from typer import rich_utils

    for name in TITLES:
        setattr(rich_utils, name, known(getattr(rich_utils, name)))
    _translate(command)


def _translate(command: Any) -> None:
    for thing in (command, *command.params):
        for name in ("help", "short_help"):
            if getattr(thing, name, None):
                setattr(thing, name, known(getattr(thing, name)))
    usage, option = command.get_usage, command.get_help_option
    command.get_usage = lambda context: usage(context).replace(USAGE, tr(USAGE), 1)
    command.get_help_option = lambda context: _told(option(context))
    for below in getattr(command, "commands", {}).values():
        _translate(below)


def _told(option: Any) -> Any:
    """--help itself, which Typer makes anew."""
    if option is not None:
        option.help = known(option.help)
    return option


def profiles(incomplete: str) -> list[str]:
    """Names of profiles that begin so."""
    from pipeline.config import profiles

    return [name for name in profiles() if name.startswith(incomplete)]


def stages(incomplete: str) -> list[str]:
    """Names of stages that begin so."""
    from stages import STAGES

    return [stage.name for stage in STAGES if stage.name.startswith(incomplete)]


def formats(incomplete: str) -> list[str]:
    """Names of formats that begin so."""
    from data.formats import FORMATS
    from data.streaming import STREAMING

    return [name for name in (*FORMATS, *STREAMING, "web") if name.startswith(incomplete)]
