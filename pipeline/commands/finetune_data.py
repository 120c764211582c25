"""The command line: `vdesc finetune truth | candidates | select | split | preferences`: the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from data.errors import ConfigError, UserError
from data.formats import READ
from data.messages import catalogue, current, tr
from pipeline import DEFAULT_PROFILE
from pipeline.commands import help as help_
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

if TYPE_CHECKING:
    from finetune.likeness import Likeness
    from pipeline.config import Config
    from stages.stage import Stage

finetune_app = typer.Typer(
    no_args_is_help=True,
    help="Fine-tune the ranker on your own drama: data, training, evaluation. data/README.md shows every format.",
)
Drama = Annotated[str, typer.Option(help="Title of the drama; parts of the data are split by it.")]
Truths = Annotated[list[Path], typer.Option("--truth", readable=False, help="What people wrote; may be given again.")]


@finetune_app.command()
def truth(
    script: Annotated[
        Path,
        typer.Argument(readable=False, help=help_.filled("Human description: {formats}.", formats=READ)),
    ],
    output: Output,
    episode: Annotated[Path, typer.Option(help="Results folder of the episode, e.g. out/episode.")],
    drama: Drama,
    language: Annotated[str, typer.Option(help="Language of the script: ko or en.")] = "ko",
    source: Annotated[str, typer.Option(help="Where the script comes from; else its file name.")] = "",
    licence: Annotated[str, typer.Option(help="Licence the script may be used under.")] = "",
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """From a human audio description script to truth rows."""
    from data.scripts import read_lines
    from finetune.rows import write
    from finetune.truth import truths

    chosen_from("--language", language, ("ko", "en"))
    rows = truths(
        read_lines(script), episode=episode.as_posix(), drama=drama, language=cast(Any, language),
        source=source or script.name, licence=licence,
    )  # fmt: skip
    write(output, rows)
    _say(output, len(rows), {})


@finetune_app.command()
def candidates(
    truth: Truths,
    output: Output,
    episodes: Annotated[
        list[Path] | None, typer.Option(readable=False, help="Results folders, or the folder that holds them.")
    ] = None,
    more: More = None,
    style: Annotated[str, typer.Option(help="basic, strict, or basic,strict; else all.")] = "",
    profile: Profile = DEFAULT_PROFILE,
    assignments: Assignments = None,
    offline: Offline = False,  # noqa: ARG001
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Candidates for what people wrote: of the runs in OUT, or captions of single pictures, written now."""
    from finetune import data_sets
    from finetune.candidates import of_episodes
    from finetune.episodes import results_folders
    from finetune.rows import Truth, write

    truths = data_sets.load(expanded(truth), Truth)
    styles = _styles(style)
    found = of_episodes(truths, results_folders(expanded([*(episodes or []), *(more or [])])), styles)
    rows, counts = list(found.rows), dict(found.counts)
    if any(t.image is not None and (t.episode is None or t.time is None) for t in truths):
        written = _captioned(truths, output, styles, profile, assignments or [])
        rows, counts = [*rows, *written.rows], counts | written.counts
    if not rows:
        why = ", ".join(f"{_named(name)}: {count}" for name, count in counts.items()) or "–"
        raise UserError(
            "No candidates were found ({why}); name the results folders of the episodes with --episodes", why=why
        )
    write(output, data_sets.beside(rows, output))
    _say(output, len(rows), counts | _ignored(truths))


def _captioned(truths: Any, output: Path, styles: Sequence[Any], profile: str, assignments: Sequence[str]) -> Any:
    """Captions of the pictures that belong to no episode, by the configured captioner."""
    from finetune.candidates import of_pictures
    from pipeline import config as settings
    from pipeline.commands.progress import counted
    from stages import STAGES
    from stages.candidates.keeping import kept_in
    from stages.candidates.pictures import describe

    config = settings.load(profile, [*assignments, *([f"candidates.styles=[{','.join(styles)}]"] if styles else [])])
    stage = next(s for s in STAGES if s.role == "candidates")
    chosen: Any = config.section(stage)
    _bring(stage, config, profile, assignments)
    answers = output.with_name(f"{output.stem}.answers")  # what was written once is not computed or paid again
    answers.mkdir(parents=True, exist_ok=True)
    backend: Any = settings.make_backend(stage, config)
    asked = kept_in(answers, backend, chosen.backend)

    def described(jpegs: Sequence[bytes], language: str) -> Iterator[Any]:
        return describe(jpegs, asked, cast(Any, language), chosen.styles, chosen.n, chosen.templates)

    try:
        with counted(console(), tr("captions")) as progress:
            return of_pictures(truths, described, backend.model or chosen.backend, progress)
    finally:
        backend.close()


def _bring(stage: Stage, config: Config, profile: str, assignments: Sequence[str]) -> None:
    """Have the weights of one stage here. Raises UserError."""
    from pipeline import models
    from pipeline.commands.downloads import Downloads
    from stages.loading import offline

    models.need_packages([stage], config)
    missing = models.absent(models.needs(config, [stage]))
    failed = [] if offline() else models.fetch(missing, Downloads(console()))
    if missing and (offline() or failed):
        raise (
            failed[0]
            if failed
            else UserError(
                "{weights}: not on this machine; run `{command}`",
                weights=", ".join(w.name for w in missing),
                command=models.Chosen(profile, assignments).command("fetch"),
            )
        )


@finetune_app.command()
def select(
    truth: Truths,
    candidates: Annotated[list[Path], typer.Option(readable=False, help="Candidates; may be given again.")],
    output: Output,
    likeness: Annotated[str, typer.Option(help="kosbert, chrf (no model), or a sentence model.")] = "kosbert",
    least: Annotated[float, typer.Option(help="Likeness below which all candidates of a moment are bad.")] = 0.3,
    device: Annotated[str, typer.Option(help="Where the sentence model computes.")] = "auto",
    offline: Offline = False,  # noqa: ARG001
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """The candidate most like what a person wrote becomes the response, the others the rejected texts."""
    from finetune import data_sets
    from finetune.corpus import merge
    from finetune.rows import Offered, Truth
    from finetune.select import select as selected
    from pipeline.commands.progress import counted

    truths = data_sets.load(expanded(truth), Truth)
    rows = data_sets.load(expanded(candidates), Offered, *dict.fromkeys(path.parent for path in truth))
    with counted(console(), likeness) as progress:
        done = selected(truths, rows, _likeness(likeness, device, progress), least=least)
    merged = merge(done.examples)
    dropped = {
        **{name: done.counts.get(name, 0) for name in done.counts if name not in ("matched", "ties")},
        "duplicates": merged.duplicates, "near-duplicates": merged.near_duplicates,
    }  # fmt: skip
    data_sets.save(output, merged.examples, {name: count for name, count in dropped.items() if count})
    _say(output, len(merged.examples), done.counts | dropped | _ignored(truths, rows))


def _likeness(name: str, device: str, progress: Callable[[float, float], None]) -> Likeness:
    from data.settings import validated
    from finetune.likeness import KOSBERT, ChrF, SentenceBert
    from stages.hub import hub_weights
    from stages.loading import offline

    if name == "chrf":
        return ChrF()
    options = {"model": KOSBERT if name == "kosbert" else name, "device": device}
    if offline() and hub_weights(options["model"], None, "unknown", None).where is None:
        raise ConfigError(
            "{model} is not on this machine; run this once with a network, or use --likeness chrf, which needs none",
            model=options["model"],
        )
    return SentenceBert(validated(SentenceBert.Options, options, "--"), progress)


@finetune_app.command()
def split(
    data: Annotated[list[Path], typer.Argument(readable=False, help="Data sets to merge and split.")],
    output: Output,
    train: Annotated[float, typer.Option(min=0, max=1, help="Share of the rows to learn from.")] = 0.8,
    validation: Annotated[float, typer.Option(min=0, max=1, help="Share to choose the best weights by.")] = 0.1,
    test: Annotated[float, typer.Option(min=0, max=1, help="Share to judge the ranker by.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Another one gives another split.")] = 0,
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Merge data sets and split them by drama into train, validation and test."""
    from finetune import corpus, data_sets
    from finetune.rows import Example

    rows = data_sets.load(expanded(data), Example)
    merged = corpus.merge(rows)
    parts = corpus.split(merged.examples, {"train": train, "validation": validation, "test": test}, seed)
    dropped = {"duplicates": merged.duplicates, "near-duplicates": merged.near_duplicates}
    dropped = {name: count for name, count in dropped.items() if count}
    known: list[str] = []
    for part in ("train", "validation", "test"):
        some = [e for e in parts if e.split == part]
        if some:
            path = output / f"{part}.jsonl"
            known = data_sets.save(path, some, dropped, parts).leaks
            _say(path, len(some), {})
    _say(output, len(parts), dropped | _ignored(rows))
    for leak in known:
        typer.echo(tr("known in two parts: {leak}", leak=leak), err=True)


@finetune_app.command()
def preferences(
    reviews: Annotated[list[Path], typer.Option(readable=False, help="Results folders that were reviewed.")],
    output: Output,
    more: More = None,
    drama: Drama = "",
    approvals: Annotated[
        bool, typer.Option("--approvals", help="Lines approved as they stood, against their other candidates.")
    ] = False,
    licence: Annotated[str, typer.Option(help="Licence the reviewers' words may be used under.")] = "",
    url: Annotated[str | None, typer.Option(help="Database of the reviews, where they are not in the folders.")] = None,
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """From reviewers' choices and edits to examples: what they wanted against what they replaced."""
    from finetune import data_sets
    from finetune.corpus import merge
    from finetune.episodes import results_folders
    from finetune.preferences import of_results

    folders = results_folders(expanded([*reviews, *(more or [])]))
    done = of_results(folders, drama=drama, approvals=approvals, url=url)
    merged = merge([e.model_copy(update={"licence": licence}) for e in done.examples])
    dropped = {"duplicates": merged.duplicates, "near-duplicates": merged.near_duplicates}
    dropped = {name: count for name, count in dropped.items() if count}
    data_sets.save(output, merged.examples, dropped)
    _say(output, len(merged.examples), done.counts | dropped)


def _styles(text: str) -> Sequence[Any]:
    from typing import get_args

    from data.records import Style

    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        chosen_from("--style", name, get_args(Style))
    return names


def _ignored(*read: Any) -> dict[str, int]:
    """Fields of the files that nobody here knows, counted."""
    return {f"{tr('field not known')}: {name}": count for rows in read for name, count in rows.ignored.items()}


def _say(path: Path, rows: int, counts: Mapping[str, int]) -> None:
    """What was written, and what became of the rest."""
    typer.echo(tr("{path}: {rows} rows", path=path, rows=rows))
    for name, count in counts.items():
        if count:
            typer.echo(f"  {_named(name)}: {count}")


def _named(count: str) -> str:
    """What is counted, in the user's language."""
    return catalogue(current()).get(count, count)
