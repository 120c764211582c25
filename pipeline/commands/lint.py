"""The command line: `vdesc lint`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from data.errors import UserError
from data.formats import READ
from data.messages import tr
from pipeline.commands import help as help_
from pipeline.commands.terminal import LangOption

if TYPE_CHECKING:
    from data.scripts.lint import LineFinding, Linted

FOUND = 3
"""Exit code where the script holds errors."""


def lint(
    file: Annotated[Path, typer.Argument(readable=False, help=help_.filled("Script: {formats}.", formats=READ))],
    language: Annotated[
        str | None, typer.Option(help="Language of the narration: ko or en; else by its letters.")
    ] = None,
    fps: Annotated[float | None, typer.Option(min=1, help="Frames a second, where time codes count frames.")] = None,
    series: Annotated[
        Path | None, typer.Option(readable=False, help="The series whose wordings count: series.yaml or its folder.")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is safe to mend, into the file of --output.")] = False,
    to: Annotated[Path | None, typer.Option("--output", "-o", help="Where the mended script goes.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON (docs/style.md).")] = False,
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Hold a script, ours or a person's, to the rules of style, rate and timing; 3: it has errors."""
    if language not in (None, "ko", "en"):
        raise typer.BadParameter("ko | en", param_hint="--language")
    if fix != (to is not None):
        raise UserError("--fix and --output go together; name the file for the mended script")
    from data.scripts.lint import lint as examine
    from data.series import load

    known = load(series) if series else None
    linted = examine(file, cast('Literal["ko", "en"] | None', language), fps, known)
    if to:
        mend(linted, to)
        linted = examine(to, linted.language, fps, known)
    if as_json:
        import json

        typer.echo(json.dumps(linted.as_json(), ensure_ascii=False, indent=1))
    else:
        show(linted)
    raise typer.Exit(FOUND if linted.count("error") else 0)


def mend(found: Linted, to: Path) -> None:
    """Write the script with everything mended that can safely be; the one that was read stays as it is."""
    from data.files import write_atomically
    from data.scripts import file_of, format_of
    from data.scripts.lint import mended

    file = file_of(found.file)
    if to.suffix.lower() != file.suffix.lower():
        raise UserError("{file}: the mended script keeps its format; give --output the same ending", file=to)
    if to.exists() and to.samefile(file):
        raise UserError("{file} is the script itself; give --output another name", file=to)
    texts = mended(found)
    try:
        write_atomically(to, format_of(file).rewritten(file, texts))
    except OSError as error:
        cause = error.strerror or error
        line = tr("{file} cannot be written ({cause}); choose another one with --output", file=to, cause=cause)
        raise UserError(line) from None
    lines = sum(f.text in texts for f in {f.line: f for f in found.findings}.values())
    typer.echo(tr("Lines mended in {file}: {number}. What is left:", number=lines, file=to), err=True)


def show(found: Linted) -> None:
    """The findings as text, a paragraph each, then how many there are."""
    for finding in found.findings:
        _show_one(finding)
    counts = {"errors": found.count("error"), "warnings": found.count("warning"), "hints": found.count("info")}
    typer.echo(
        tr("Lines: {lines}; errors: {errors}, warnings: {warnings}, hints: {hints}", lines=found.lines, **counts)
    )
    if found.morphology is False:
        typer.echo(
            tr("Looked at letters only, which finds less and mends nothing: Korean morphology is not installed "
               "(pip install 'videodescription[korean]')"), err=True,
        )  # fmt: skip


def _show_one(finding: LineFinding) -> None:
    from data.formats.cue import timecode

    severities = {"error": tr("error"), "warning": tr("warning"), "info": tr("hint")}
    place = timecode(finding.start) if finding.start is not None else "–"
    typer.echo(f"{place} {severities[finding.severity]} {finding.rule}: {finding.message}")
    if finding.text:
        typer.echo(f"    {finding.text}")
    source = f" ({finding.source})" if finding.source else ""
    typer.echo(tr("    why: {why}", why=f"{finding.why}{source}"))
    if finding.fix:
        typer.echo(tr("    fix: {fix}", fix=finding.fix))
