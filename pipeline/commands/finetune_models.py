"""The command line: `vdesc finetune train | evaluate | compare`: the models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from data.formats import READ
from data.messages import tr
from pipeline import DEFAULT_PROFILE
from pipeline.commands import help as help_
from pipeline.commands.finetune_data import finetune_app
from pipeline.commands.terminal import (
    Assignments,
    LangOption,
    More,
    Offline,
    Output,
    Profile,
    chosen_from,
    console,
    expanded,
)

__all__ = ["finetune_app"]


@finetune_app.command()
def train(
    data: Annotated[list[Path], typer.Option(readable=False, help="Data sets; several, as a shell expands *.")],
    output: Output,
    more: More = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", readable=False, help="Settings in YAML.")] = None,
    assignments: Assignments = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew, do not go on where it stopped.")] = False,
    offline: Offline = False,  # noqa: ARG001
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Train an adapter (several GPUs: accelerate launch -m finetune.train, with the same options)."""
    from finetune.train import train as trained
    from finetune.training_config import load
    from pipeline.commands.progress import counted

    settings = load(config, assignments or [])
    with counted(console(), tr("training")) as progress:
        done = trained(settings, expanded([*data, *(more or [])]), output, resume=not restart, progress=progress)
    for note in done.notes:
        typer.echo(note, err=True)
    typer.echo(str(done.output))


@finetune_app.command()
def evaluate(
    data: Annotated[list[Path], typer.Option(readable=False, help="Data sets; several, as a shell expands *.")],
    output: Output,
    more: More = None,
    adapter: Annotated[str | None, typer.Option(help="Adapter to judge: folder or hub id; none: the model.")] = None,
    model: Annotated[str | None, typer.Option(help="Base model; else the one the adapter was trained on.")] = None,
    objective: Annotated[str | None, typer.Option(help="sft, dpo or reward; else what the adapter says.")] = None,
    profile: Profile = DEFAULT_PROFILE,
    assignments: Assignments = None,
    offline: Offline = False,  # noqa: ARG001
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Does the ranker pick better than chance, simple rules and its base? JSON, Markdown and a page with plots."""
    from finetune import data_sets, rankers
    from finetune.evaluate import evaluate as evaluated
    from finetune.evaluation_report import markdown, write_report
    from finetune.rows import Example
    from pipeline.commands.progress import counted

    chosen_from("--objective", objective, ("sft", "dpo", "reward"))
    examples = rankers.unseen(data_sets.load(expanded([*data, *(more or [])]), Example))
    options, weights = _ranker(adapter, profile, assignments or [])
    options, kind = rankers.of_adapter(options)
    options = options.model_copy(update={"model": model} if model else {})
    kind = kind if objective is None else "reward" if objective == "reward" else "causal"
    name = _name(Path(adapter or options.model))
    with counted(console(), name) as progress:
        judged = rankers.rivals(examples, options, kind, name, weights, lambda _, done, total: progress(done, total))
        evaluation = evaluated(examples, judged, name)
    write_report(output, evaluation, Path())
    typer.echo(markdown(evaluation))
    typer.echo(str(output / "evaluation.html"))


def _ranker(adapter: str | None, profile: str, assignments: Sequence[str]) -> tuple[Any, Mapping[str, float]]:
    """The ranker's options and the heuristic's weights as the profile has them."""
    from data.settings import validated
    from pipeline import config as settings
    from stages import STAGES
    from stages.ranking.model import RankerOptions

    config = settings.load(profile, assignments)
    stage = next(s for s in STAGES if s.role == "ranking")
    section: Any = config.section(stage)
    given = section.options | ({"adapter": adapter} if adapter else {})
    return validated(RankerOptions, given, "ranking.options."), section.weights


def _name(ranker: Path) -> str:
    """What the report calls our ranker: the folder's name, or its path where a rival has that name."""
    return str(ranker) if ranker.name in ("random", "first", "longest", "heuristic", "base") else ranker.name


@finetune_app.command()
def compare(
    ours: Annotated[Path, typer.Argument(readable=False, help="Results folder of ours, or a script.")],
    theirs: Annotated[
        Path,
        typer.Argument(readable=False, help=help_.filled("Human description: {formats}.", formats=READ)),
    ],
    output: Output,
    matching: Annotated[str, typer.Option(help="events: 1:1 by time and text; windows: by time alone.")] = "events",
    match_by: Annotated[str, typer.Option(help="Likeness for the matching: chrf, kosbert, bertscore.")] = "chrf",
    cast_folder: Annotated[Path | None, typer.Option("--cast", readable=False, help="For the figure of names.")] = None,
    kosbert: Annotated[str | None, typer.Option(help="Sentence model, or default; none: not computed.")] = None,
    bertscore: Annotated[str | None, typer.Option(help="Encoder of BERTScore, or default; none: not computed.")] = None,
    siglip: Annotated[str | None, typer.Option(help="Text-picture model, or default; none: not computed.")] = None,
    device: Annotated[str, typer.Option(help="Where the models compute.")] = "auto",
    offline: Offline = False,  # noqa: ARG001
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Our descriptions against those a person wrote for the same film: JSON, Markdown and a page with plots."""
    from finetune.descriptions.evaluate import evaluate_files
    from finetune.descriptions.learned import MULTILINGUAL, SIGLIP2
    from finetune.descriptions.report import markdown, write_report
    from finetune.likeness import KOSBERT

    chosen_from("--matching", matching, ("events", "windows"))
    chosen_from("--match-by", match_by, ("chrf", "kosbert", "bertscore"))
    report = evaluate_files(
        ours, theirs, matched=cast(Any, matching), match_by=cast(Any, match_by), cast_folder=cast_folder,
        kosbert=KOSBERT if kosbert == "default" else kosbert,
        bertscore=MULTILINGUAL if bertscore == "default" else bertscore,
        siglip=SIGLIP2 if siglip == "default" else siglip,
        device=device,
    )  # fmt: skip
    write_report(output, report)
    typer.echo(markdown(report))
    typer.echo(str(output / "descriptions.html"))
