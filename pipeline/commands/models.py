"""The command line: `vdesc models list | fetch | check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from data import messages
from data.errors import ConfigError, UserError
from data.messages import tr
from pipeline.commands.terminal import Assignments, LangOption, Offline, Profile, console

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.models import Need
    from pipeline.trial import Trial
    from stages.backend import Weights
    from stages.stage import Stage

models_app = typer.Typer(no_args_is_help=True, help="The models of a profile: list them, fetch them, try them out.")
FAILED = 2
"""Exit code where a model cannot be had or does not work."""


@models_app.command("list")
def list_(
    profile: Annotated[str | None, typer.Option("--config", "-c", help="A profile or YAML file; else all.")] = None,
    assignments: Assignments = None,
    offline: Offline = False,  # noqa: ARG001
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Which models a profile needs: size, licence, where they lie."""
    from pipeline import config as settings
    from pipeline.models import absent, needs, to_download

    screen = console()
    for name in [profile] if profile else settings.profiles():
        found = list(needs(settings.load(name, assignments or [])))
        _table(screen, name, found)
        size, unknown = to_download(absent(found))
        line = tr("{profile}: {size:.2f} GB to download", profile=name, size=size / 1e9)
        more = tr(", and {number} of unknown size", number=unknown) if unknown else ""
        screen.print(f"{line}{more}\n", markup=False, highlight=False, soft_wrap=True)


@models_app.command()
def fetch(
    profile: Profile,
    assignments: Assignments = None,
    update: Annotated[bool, typer.Option("--update", help="Take newer weights where there are some.")] = False,
    offline: Offline = False,  # noqa: ARG001
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Download the models of a profile; goes on where an earlier try stopped."""
    from pipeline import config as settings
    from pipeline import models
    from pipeline.commands.downloads import Downloads
    from stages.loading import offline as is_offline

    found = list(models.needs(settings.load(profile, assignments or [])))
    wanted = [w for need in found for w in need.weights if w.update] if update else []
    wanted = list({w.name: w for w in [*models.absent(found), *wanted]}.values())
    if wanted and is_offline():
        raise ConfigError("--offline forbids fetching; run this again without it")
    failed = models.fetch(wanted, Downloads(console()), update=update)
    for error in failed:
        typer.echo(str(error), err=True)
    if failed:
        raise typer.Exit(FAILED)
    typer.echo(tr("All models of {profile} are here", profile=profile))


@models_app.command()
def check(
    profile: Profile,
    only: Annotated[str | None, typer.Option("--stage", help="Only the backend of this stage.")] = None,
    assignments: Assignments = None,
    offline: Offline = False,  # noqa: ARG001
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Load each model of a profile, give it one tiny input, free it."""
    from pipeline import config as settings
    from pipeline.models import Chosen
    from pipeline.trial import trial

    config = settings.load(profile, assignments or [])
    sound = True
    for stage in _stages(only):
        if settings.backend_class(stage, config) is None:
            continue
        name = f"{stage.name}: {settings.backend_name(stage, config)}"
        done = trial(stage, Chosen(profile, assignments or []), messages.current())
        typer.echo(f"{name}: {_told(done)}", err=done.error is not None)
        sound = sound and done.error is None
    if not sound:
        raise typer.Exit(FAILED)


def _stages(only: str | None) -> list[Stage]:
    from stages import STAGES

    with_backend = [stage for stage in STAGES if stage.role]
    chosen = [stage for stage in with_backend if only in (None, stage.name)]
    if not chosen:
        known = ", ".join(stage.name for stage in with_backend)
        raise UserError(
            "--stage {stage}: no stage of that name has a model; choose one of {known}", stage=only, known=known
        )
    return chosen


def _told(done: Trial) -> str:
    if done.error:
        return tr("failed: {cause}", cause=done.error)
    said = tr("ok, {seconds:.1f} s", seconds=done.seconds)
    if done.memory:
        said += tr(", {size:.2f} GB of memory", size=done.memory / 1e9)
    if done.graphics:
        said += tr(", {size:.2f} GB on the GPU", size=done.graphics / 1e9)
    return said


def _table(screen: Console, title: str, found: list[Need]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, title=title, title_justify="left", title_style="bold")
    for column in (tr("Stage"), tr("Backend"), tr("Weights"), tr("Size"), tr("Licence"), tr("Takes"), tr("Where")):
        table.add_column(column, overflow="fold")
    for need in found:
        for row in _rows(need):
            table.add_row(need.stage, need.backend, *row)
    screen.print(table, highlight=False, markup=False)


def _rows(need: Need) -> list[tuple[str, ...]]:
    """Of several weights the first is told what they all take together."""
    from pipeline.models import told

    source = tr("a service on the network") if need.resources.network else tr("part of its package")
    rows = [_row(weights) for weights in need.weights] or [(source, "", "", "")]
    takes = [told(need.resources), *[""] * (len(rows) - 1)]
    return [(*row[:3], said, row[3]) for row, said in zip(rows, takes, strict=True)]


def _row(weights: Weights) -> tuple[str, str, str, str]:
    size = f"{weights.size / 1e9:.2f} GB" if weights.size else tr("unknown")
    where = str(weights.where) if weights.where else tr("not here; goes to {folder}", folder=weights.cache)
    return weights.name, size, weights.licence, where
