"""What `--help` says, and what is wrong with a command, in the language of whoever asks; what a shell completes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from data.messages import known, tr

if TYPE_CHECKING:
    from rich.text import Text

TITLES = (
    "ARGUMENTS_PANEL_TITLE",
    "OPTIONS_PANEL_TITLE",
    "COMMANDS_PANEL_TITLE",
    "DEFAULT_STRING",
    "REQUIRED_LONG_STRING",
)
"""What Typer itself writes."""
USAGE = "Usage:"
MISUSES = (
    "No such command {name}. Did you mean {near}?",
    "No such command {name}.",
    "Missing command.",
    "No such option: {name} (Possible options: {near})",
    "No such option: {name}",
    "Missing option {name}.",
    "Missing argument {name}.",
    "Option {name} requires an argument.",
    "Option {name} does not take a value.",
    "Got unexpected extra argument(s) ({arguments})",
    "Invalid value for {name}: {cause}",
    "Path {path} is not readable.",
    "Input should be a valid integer, unable to parse string as an integer",
    "Input should be a valid number, unable to parse string as a number",
    "Input should be greater than or equal to {limit}",
    "Input should be less than or equal to {limit}",
)
"""What Typer says of a wrong command line; a longer template stands before the one it begins with."""


TEMPLATES: dict[str, tuple[str, dict[str, str]]] = {}
"""Help text → what it was filled into, and with what."""


def filled(template: str, **values: str) -> str:
    """A help text with what a table says in it; the template is what is translated."""
    text = template.format(**values)
    TEMPLATES[text] = template, values
    return text


def _shown(text: str) -> str:
    """A help text in the current language."""
    template, values = TEMPLATES.get(text, (text, {}))
    return tr(template, **values) if values else known(text)


def misuse(said: str) -> str:
    """What Typer said is wrong with the command line, in the user's language as far as it is known."""
    for template in MISUSES:
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(template))
        if match := re.fullmatch(pattern, said):
            return tr(template, **{name: misuse(value) for name, value in match.groupdict().items()})
    return said


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
    from rich.text import Text
    from typer import rich_utils

    setattr(Text, "rstrip_end", _rstrip_end)  # noqa: B010 - its own counts letters
    for name in TITLES:
        setattr(rich_utils, name, known(getattr(rich_utils, name)))
    _translate(command)


def _translate(command: Any) -> None:
    for thing in (command, *command.params):
        for name in ("help", "short_help"):
            if getattr(thing, name, None):
                setattr(thing, name, _shown(getattr(thing, name)))
    usage, option = command.get_usage, command.get_help_option
    command.get_usage = lambda context: usage(context).replace(USAGE, tr(USAGE), 1)
    command.get_help_option = lambda context: _told(option(context))
    for below in getattr(command, "commands", {}).values():
        _translate(below)


def _rstrip_end(text: Text, size: int) -> None:
    """Take off the spaces that stand beyond `size` cells.

    Rich counts letters instead, so that a Korean line that just fits keeps its space and loses a syllable to "…".
    """
    spaces = len(text.plain) - len(text.plain.rstrip())
    beyond = min(text.cell_len - size, spaces)
    if beyond > 0:
        text.right_crop(beyond)


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
    from data.formats import EXPORTS

    return [name for name in EXPORTS if name.startswith(incomplete)]
