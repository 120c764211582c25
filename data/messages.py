"""Messages in the user's language: the English template is the key, `locale/<lang>/*.yaml` its translation."""

from __future__ import annotations

import functools
import locale
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Literal, cast, get_args

Lang = Literal["ko", "en"]
_current: Lang = "en"
_spoken_to: ContextVar[Lang | None] = ContextVar("language of whoever is being answered", default=None)


def use(lang: Lang) -> None:
    """Make `lang` the language of every message from here on."""
    global _current
    _current = lang


def current() -> Lang:
    """The language messages are written in."""
    return _spoken_to.get() or _current


@contextmanager
def answering(lang: Lang) -> Iterator[None]:
    """Messages in `lang` for what is done inside, in this thread or task alone: a server answers each in theirs."""
    token = _spoken_to.set(lang)
    try:
        yield
    finally:
        _spoken_to.reset(token)


def from_locale() -> Lang:
    """Korean where the environment's locale is Korean, else English."""
    names = [os.environ.get(k, "") for k in ("LC_ALL", "LC_MESSAGES", "LANG")] + [locale.getlocale()[0] or ""]
    first = next((n for n in names if n), "en")[:2].lower()
    return cast(Lang, first) if first in get_args(Lang) else "en"


@functools.cache
def catalogue(lang: Lang) -> dict[str, str]:
    """English template → translation; empty for English itself."""
    if lang == "en":
        return {}
    import yaml

    merged: dict[str, str] = {}
    for path in sorted((Path(__file__).parent / "locale" / lang).glob("*.yaml")):
        merged |= yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return merged


def known(text: str) -> str:
    """A text in the current language where it is a template without fields, else as it is."""
    return catalogue(current()).get(text, text)


def tr(template: str, /, **values: object) -> str:
    """`template` in the current language with `values` filled in (str.format fields, same in both languages)."""
    return known(template).format(**values)
