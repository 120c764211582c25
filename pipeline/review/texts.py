"""The texts that the scripts of the page show: they look English templates up in what the page carries."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from data.messages import catalogue, current

_CALL = re.compile(r"""\bt\(\s*(["'])(.*?)\1""", re.DOTALL)


@functools.cache
def templates() -> frozenset[str]:
    """Every template in the scripts."""
    scripts = (Path(__file__).parent / "static").glob("*.js")
    return frozenset(text for path in scripts for _, text in _CALL.findall(path.read_text(encoding="utf-8")))


def page_texts() -> dict[str, str]:
    """Template → text in the current language; nothing for English, which the scripts hold themselves."""
    translated = catalogue(current())
    return {template: translated[template] for template in sorted(templates()) if template in translated}
