"""Settings as people write them: YAML files and `section.key=value`, and what is wrong with them in one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from data.errors import ConfigError
from data.messages import tr

Settings = TypeVar("Settings", bound=BaseModel)


def read(path: Path) -> dict[str, Any]:
    """The settings of a YAML file. Raises ConfigError, FileNotFoundError."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        cause = " ".join(str(error).split())
        raise ConfigError("{path} is not a readable YAML file: {cause}", path=path, cause=cause) from None
    if values is not None and not isinstance(values, dict):
        raise ConfigError("{path} must hold settings as `name: value` lines", path=path)
    return values or {}


def assign(values: dict[str, Any], assignment: str) -> None:
    """Put one `section.key=value` into the tree; the value is read as YAML. Raises ConfigError."""
    key, equals, text = assignment.partition("=")
    if not equals or not key.strip():
        raise ConfigError("--set {assignment}: write it as section.key=value", assignment=assignment)
    *sections, last = key.strip().split(".")
    for section in sections:
        inner = values.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError("--set {assignment}: {section} is not a section", assignment=assignment, section=section)
        values = inner
    try:
        values[last] = yaml.safe_load(text)
    except yaml.YAMLError:
        values[last] = text


def valid_keys(kind: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every dotted key of a settings model."""
    for name, field in kind.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from valid_keys(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def validated(kind: type[Settings], values: Mapping[str, Any], prefix: str = "") -> Settings:
    """The settings as their model; `prefix` stands before keys in messages. Raises ConfigError."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error, kind, prefix)) from None


def explain(error: ValidationError, kind: type[BaseModel], prefix: str = "") -> str:
    """The first problem in one line: the key, what is wrong, and the nearest valid key for unknown ones."""
    problem = error.errors()[0]
    key = prefix + ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return unknown(key, key, dict.fromkeys(valid_keys(kind, prefix)))
    if problem["type"] == "model_type":
        return tr("{key} is a section; set one of its keys: {keys}", key=key, keys=", ".join(_keys_of(kind, key)))
    return tr("{key}: {cause} (given: {value})", key=key, cause=problem["msg"], value=repr(problem.get("input")))


def unknown(shown: str, wanted: str, valid: Mapping[str, Any]) -> str:
    """That a name is not known, and the nearest one that is."""
    near = difflib.get_close_matches(wanted, list(valid), n=1, cutoff=0.0)
    return tr("{key} is not known; did you mean {near}?", key=shown, near=near[0] if near else ", ".join(valid))


def _keys_of(kind: type[BaseModel], section: str) -> list[str]:
    return [key for key in valid_keys(kind) if key.startswith(f"{section}.")]
