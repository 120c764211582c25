"""What the command line says of results: the plan, the summary of a run, the state of an episode."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from data.messages import tr
from data.records import Clip, Finding
from data.workspace import Workspace
from pipeline.config import Config
from pipeline.jobs import in_use
from pipeline.models import resources, told
from pipeline.runner import plan
from pipeline.work import Work
from stages import STAGES


def line(console: Console, text: str, style: str | None = None) -> None:
    """One line as it is: no markup, no highlighting, no hard wraps, so that it can be searched and copied."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def print_plan(console: Console, work: Work, config: Config, until: str | None) -> None:
    """What a run would do with each stage, why, and what that takes."""
    line(console, work.episode.id)
    stages = {stage.name: stage for stage in STAGES}
    for step in plan(work, config, until):
        states = {"cached": tr("cached"), "run": tr("run: {why}", why=step.why), "follows": step.why}
        takes = "" if step.state == "cached" else f" ({told(resources(stages[step.stage], config))})"
        line(console, f"  {step.stage} – {states[step.state]}{takes}")


def print_summary(console: Console, work: Work, config: Config, until: str | None) -> None:
    """Where the results lie, what was spoken, what people should know."""
    done = [stage.name for stage in in_use(config, until)]
    if "voice" in done:
        spoken = sum(not clip.dropped for clip in work.workspace.read(Clip))
        line(console, tr("{episode}: {number} lines of narration", episode=work.episode.id, number=spoken))
    line(console, tr("Results: {folder}", folder=work.folder))
    for name in done:
        manifest = work.workspace.manifest(name)
        for note in manifest.notes if manifest else ():
            line(console, f"· {note.text}")
    if "check" in done:
        print_findings(console, findings(work.folder))


def print_status(console: Console, results: Path) -> None:
    """The stages of an episode with their state, then what the check found."""
    workspace = Workspace(results / "workspace")
    table = Table(box=None, pad_edge=False)
    for title in (tr("Stage"), tr("State"), tr("Records"), tr("Seconds")):
        table.add_column(title)
    for stage in STAGES:
        manifest = workspace.manifest(stage.name)
        if stage.switches and not manifest:  # nobody asked for it
            continue
        numbers = (str(manifest.records), f"{manifest.seconds:.1f}") if manifest else ("", "")
        table.add_row(stage.name, tr("done") if manifest else tr("not done"), *numbers)
    console.print(table)
    print_findings(console, findings(results))


def findings(results: Path) -> list[Finding]:
    """What the check found; empty before it has run."""
    workspace = Workspace(results / "workspace")
    return workspace.read(Finding) if workspace.made(Finding) else []


def print_findings(console: Console, found: list[Finding]) -> None:
    """Warnings and errors, one a line."""
    for finding in found:
        if finding.severity == "warning":
            line(console, f"{tr('Warning')}: {finding.text}", "yellow")
        elif finding.severity == "error":
            line(console, f"{tr('Error')}: {finding.text}", "bold red")
