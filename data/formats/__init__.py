"""The one table of formats: what scripts and described films are written as, and what scripts are read from.

Help, completion, menus, the checks and the pages about formats follow it. A writer of scripts is a pure function: the
same script gives the same bytes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from data.errors import UserError

if TYPE_CHECKING:
    from data.formats.cue import Cue
    from data.scripts.line import ScriptLine
    from data.scripts.script import Script


@dataclass(frozen=True)
class Format:
    """One row. Functions are named "module:function"; an empty name: not done in this format."""

    name: str
    """As `vdesc export --format` and the menus know it."""
    title: str
    """As people call it."""
    file: str = ""
    """What it is called beside the film, a folder where it is made of the film; fields: language, name."""
    script: str = ""
    """(Script) → the file's bytes."""
    stills: bool = False
    """`script` also takes the folder of the keyframes, or None."""
    film: str = ""
    """(described film, Script, folder) → the file in the folder to begin with."""
    delivered: Literal["", "always", "extended"] = ""
    """Whether every run leaves it; extended: where there is an extended film."""
    cues: str = ""
    """(bytes of a delivered file) → its cues, under the ids of the script, for the check."""
    extended: bool = False
    """It holds the extended descriptions too."""
    rules: str = ""
    """(bytes) → every breach of the format's standard, a line each."""
    endings: tuple[str, ...] = ()
    """Of files that people's scripts are read from."""
    mark: str = ""
    """Text that tells files of this format from others with the same ending."""
    lines: str = ""
    """(path, frames a second or None) → the lines as they are written."""
    mended: str = ""
    """(path, text → its replacement) → the file's bytes, everything else as it was."""
    subtitles: tuple[str, ...] = ()
    """Endings of files that the dialogue comes in."""

    def file_name(self, language: str) -> str:
        """The file or folder that it is delivered as."""
        return self.file.format(language=language, name=self.name)

    def written(self, script: Script, stills: Path | None = None) -> bytes:
        """The script in this format; `stills` is the folder of the keyframes, for formats that show them."""
        write: Callable[..., bytes] = _function(self.script)
        return write(script, stills) if self.stills else write(script)

    def packaged(self, film: Path, script: Script, folder: Path) -> Path:
        """Make a folder of the described film; the file in it to begin with. Raises UserError, MediaError, OSError."""
        made: Path = _function(self.film)(film, script, folder)
        return made

    def cues_of(self, content: bytes) -> list[Cue]:
        """The cues of a file that a run delivered. Raises UserError where it is none."""
        cues: list[Cue] = _function(self.cues)(content)
        return cues

    def breaches(self, content: bytes) -> list[str]:
        """Every breach of the format's standard, a line each; none where nothing but reading it holds it to one."""
        broken: list[str] = _function(self.rules)(content) if self.rules else []
        return broken

    def read(self, path: Path, fps: float | None) -> Iterable[ScriptLine]:
        """The lines of a script as they are written. Raises UserError where it is malformed."""
        lines: Iterable[ScriptLine] = _function(self.lines)(path, fps)
        return lines

    def rewritten(self, path: Path, texts: Mapping[str, str]) -> bytes:
        """The file in UTF-8 with every text that `texts` names replaced. Raises UserError where that is not done."""
        if not self.mended:
            raise UserError("{path} cannot be rewritten; convert it to WebVTT, SRT, CSV or DAPT first", path=path)
        content: bytes = _function(self.mended)(path, texts)
        return content


TABLE = (
    Format(
        "dapt", "W3C DAPT", file="script.dapt.xml", script="data.formats.dapt:write", extended=True,
        delivered="always", cues="data.formats.dapt:read", rules="data.formats.dapt_rules:validate",
        endings=(".xml", ".ttml", ".dfxp"), mark="http://www.w3.org/ns/ttml/profile/dapt#metadata",
        lines="data.formats.reading:dapt_lines", mended="data.formats.mending:dapt_file",
    ),
    Format(
        "vtt", "WebVTT", file="descriptions.{language}.vtt", script="data.formats.vtt:write",
        delivered="always", cues="data.formats.vtt:read",
        endings=(".vtt",), lines="data.formats.reading:subtitle_lines", mended="data.formats.mending:subtitle_file",
        subtitles=(".vtt",),
    ),
    Format(
        "vtt-extended", "WebVTT", file="descriptions.extended.{language}.vtt",
        script="data.formats.vtt:write_extended", extended=True, delivered="extended", cues="data.formats.vtt:read",
    ),
    Format(
        "srt", "SRT", file="descriptions.{language}.srt", script="data.formats.srt:write",
        endings=(".srt",), lines="data.formats.reading:subtitle_lines", mended="data.formats.mending:subtitle_file",
        subtitles=(".srt",),
    ),
    Format(
        "csv", "CSV", file="script.csv", script="data.formats.tables:write_csv", extended=True,
        delivered="always", cues="data.formats.tables:read_csv",
        endings=(".csv", ".tsv"), lines="data.formats.reading:table_lines", mended="data.formats.mending:csv_file",
    ),
    Format(
        "xlsx", "XLSX", file="script.xlsx", script="data.formats.xlsx:write", extended=True,
        endings=(".xlsx",), lines="data.formats.reading:table_lines", mended="data.formats.mending:xlsx_file",
    ),
    Format("labels", "Audacity", file="labels.txt", script="data.formats.labels:write"),
    Format("fadepan", "ETSI TS 101 154", file="fadepan.csv", script="data.formats.fadepan:write"),
    Format("docx", "DOCX", file="script.docx", script="data.formats.docx:write", stills=True, extended=True),
    Format("html", "HTML", file="script.html", script="data.formats.html:write", stills=True, extended=True),
    Format(
        "json", "JSON", file="script.{name}", script="data.scripts.script:content", extended=True,
        endings=(".json",), lines="data.formats.reading:json_lines", mended="data.formats.mending:json_file",
    ),
    Format("hls", "HLS", file="hls", film="data.formats.streaming:hls"),
    Format("dash", "DASH", file="dash", film="data.formats.streaming:dash"),
    Format("web", "HTML", file="web", film="data.formats.web:write"),
    Format(
        "ass", "ASS", endings=(".ass", ".ssa"), lines="data.formats.reading:subtitle_lines",
        mended="data.formats.mending:subtitle_file", subtitles=(".ass", ".ssa"),
    ),
    Format(
        "ttml", "TTML", endings=(".ttml", ".dfxp", ".xml"), lines="data.formats.reading:ttml_lines",
        subtitles=(".ttml", ".dfxp"),
    ),
    Format(
        "smi", "SMI", endings=(".smi", ".sami"), lines="data.formats.reading:subtitle_lines",
        subtitles=(".smi", ".sami"),
    ),
)  # fmt: skip
"""Of formats with the same ending, the one with a mark stands first."""

FORMATS: Mapping[str, Format] = {row.name: row for row in TABLE}
EXPORTS = tuple(row.name for row in TABLE if row.file)
"""What `vdesc export` writes."""
FILES = tuple(row.name for row in TABLE if row.script)
"""Those of them that are one file, made of the script alone."""
READ = ", ".join(row.title for row in TABLE if row.lines)
"""What people's scripts may come in, for help texts."""
ENDINGS = tuple(dict.fromkeys(ending for row in TABLE for ending in row.endings))
"""Of files that may hold a script."""
SUBTITLES = tuple(ending for row in TABLE for ending in row.subtitles)
"""Endings of subtitle files; of several equally good files the first of these is taken."""


def chosen(name: str, among: tuple[str, ...] = EXPORTS) -> Format:
    """The row of that name. Raises UserError where there is none `among` those that are asked for."""
    if name not in among:
        formats = ", ".join(among)
        raise UserError("there is no script format {format}; choose one of {formats}", format=name, formats=formats)
    return FORMATS[name]


def export(script: Script, name: str, stills: Path | None = None) -> tuple[str, bytes]:
    """The script as (file name, content) in the format of that name. Raises UserError where no file is made of it.

    `stills` is the folder of the keyframes, for the formats that show them.
    """
    row = chosen(name, FILES)
    return row.file_name(script.episode.language), row.written(script, stills)


def _function(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)
