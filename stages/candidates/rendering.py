"""The templates that put a prompt into words: shipped ones, or a user's own files.

A template is Jinja, run in a sandbox, with a block `system` and a block `user`. It knows the fields of `Prompt`,
`seconds` and `syllables`. One's own may begin with {% extends "base.ko.j2" %} and replace the block `rules` alone.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from data.errors import ConfigError
from data.records import Style
from stages.candidates.prompt import Prompt

SHIPPED = Path(__file__).parent / "templates"
OWN = {"system", "text", "attempt", "lengths"}
"""Fields of the prompt that a template does not know: they are made of it, or say nothing of the question."""


@dataclass(frozen=True)
class Templates:
    """How each style, and the description of a region, is asked for."""

    own: Mapping[Style, Path]
    language: str

    def worded(self, prompt: Prompt, name: str = "") -> Prompt:
        """The prompt with `system` and `text`, by the template of its style or the one named. Raises ConfigError."""
        import jinja2

        own = None if name else self.own.get(prompt.style)
        file = own or SHIPPED / f"{name or prompt.style}.{self.language}.j2"
        values: dict[str, Any] = {f.name: getattr(prompt, f.name) for f in fields(prompt) if f.name not in OWN}
        values |= {"seconds": prompt.seconds, "syllables": prompt.syllables}
        try:
            said = _blocks(_parsed(content(file)), values)
        except KeyError as error:
            raise ConfigError(
                "The template {file} has no block {name}; see the shipped ones in {folder}",
                file=file,
                name=str(error).strip("'"),
                folder=SHIPPED,
            ) from None
        except (jinja2.TemplateError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            cause = " ".join(str(error).split())
            raise ConfigError("The template {file} does not work ({cause}); mend it", file=file, cause=cause) from None
        return replace(prompt, system=_tidy(said["system"]), text=_tidy(said["user"]))


def content(file: Path) -> str:
    """The text of a template. Raises ConfigError."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "UTF-8"
        raise ConfigError(
            "The template {file} cannot be read ({cause}); check candidates.templates", file=file, cause=cause
        ) from None


def shipped() -> dict[str, str]:
    """The text of every shipped template by its file name."""
    return {file.name: content(file) for file in sorted(SHIPPED.glob("*.j2"))}


def _blocks(template: Any, values: Mapping[str, Any]) -> dict[str, str]:
    """What the blocks `system` and `user` say, those of a template it extends included. Raises KeyError."""
    context = template.new_context(values)
    for _ in template.root_render_func(context):  # finds the blocks of the extended template
        pass
    return {name: "".join(context.blocks[name][0](context)) for name in ("system", "user")}


@functools.lru_cache(maxsize=16)
def _parsed(source: str) -> Any:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(SHIPPED), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
