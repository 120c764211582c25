"""The script formats: one table from a format's name to its file and its writer.

Every writer is a pure function of the script: the same script gives the same bytes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from data.errors import UserError
from data.script import Script

FORMATS: dict[str, tuple[str, str]] = {
    "dapt": ("script.dapt.xml", "data.formats.dapt:write"),
    "vtt": ("descriptions.{language}.vtt", "data.formats.vtt:write"),
    "vtt-extended": ("descriptions.extended.{language}.vtt", "data.formats.vtt:write_extended"),
    "srt": ("descriptions.{language}.srt", "data.formats.srt:write"),
    "csv": ("script.csv", "data.formats.tables:write_csv"),
    "xlsx": ("script.xlsx", "data.formats.xlsx:write"),
    "labels": ("labels.txt", "data.formats.labels:write"),
    "fadepan": ("fadepan.csv", "data.formats.fadepan:write"),
    "docx": ("script.docx", "data.formats.docx:write"),
    "html": ("script.html", "data.formats.html:write"),
}
"""format → (file name, "module:function"). The function takes a Script and returns the file's bytes."""

WITH_PICTURES = ("docx", "html")
"""Formats whose function also takes the folder of the keyframes."""


def file_name(script: Script, format: str) -> str:
    """The name of the file that `format` is delivered as. Raises UserError for an unknown format."""
    return _row(format)[0].format(language=script.episode.language)


def export(script: Script, format: str, stills: Path | None = None) -> tuple[str, bytes]:
    """The script as (file name, content) in `format`, a key of FORMATS. Raises UserError for an unknown format.

    `stills` is the folder of the keyframes, for the formats that show them.
    """
    module, _, function = _row(format)[1].partition(":")
    writer: Callable[..., bytes] = getattr(importlib.import_module(module), function)
    return file_name(script, format), writer(script, stills) if stills and format in WITH_PICTURES else writer(script)


def _row(format: str) -> tuple[str, str]:
    if format not in FORMATS:
        raise UserError(
            "there is no script format {format}; choose one of {formats}", format=format, formats=", ".join(FORMATS)
        )
    return FORMATS[format]
