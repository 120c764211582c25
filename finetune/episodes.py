"""The results of runs as rows: what was offered for each keyframe, and what the ranker is asked about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from data.errors import UserError
from data.records import Context, Draft, Gap, Keyframe, Ranked, Style
from data.workspace import Manifest, Workspace
from finetune.calling import Calling
from finetune.rows import Offered
from stages import STAGES
from stages.ranking.asking import MEMORY, RankingQuestion, asked_of_model, questions
from stages.ranking.prompt import RankingPrompt
from stages.ranking.template import render
from stages.sources import Planning

_PROMPT = TypeAdapter(RankingPrompt)


def results_folders(paths: Sequence[Path]) -> list[Path]:
    """The results folders that are named, or that lie in a folder which is named. Raises UserError for none."""
    folders: list[Path] = []
    for path in paths:
        inside = [path] if (path / "workspace").is_dir() else sorted(p.parent for p in path.glob("*/workspace"))
        if not inside:
            raise UserError("{path} is no results folder of vdesc and holds none; name one such as out/", path=path)
        folders += inside
    return list(dict.fromkeys(folders))


def offered(folder: Path, *, drama: str = "", styles: Sequence[Style] = ()) -> list[Offered]:
    """A row for every keyframe that has candidates, with the prompt a run asks the ranking model with.

    `drama`: title; empty: the folder's name. `styles`: only candidates written so; empty: all.
    Candidates and prompt are in the words of the run's ranker, which knows people by ids; `told` puts texts of people
    into them. Raises UserError where the results are missing, damaged, or of different runs, ConfigError for a series
    that cannot be read any more.
    """
    workspace = Workspace(folder / "workspace")
    made = _manifest(workspace, "candidates", folder)
    ranked = workspace.manifest(Ranked.stage)
    settings = Planning(**made.settings)
    images = {k.id: workspace.folder_of(Keyframe) / k.image for k in workspace.read(Keyframe)}
    contexts, drafts = workspace.read(Context), workspace.read(Draft)
    asked = list(questions(contexts, drafts, workspace.read(Gap), settings))
    calling = Calling(folder, drafts, contexts, settings.language)
    prompts = asked_of_model(asked, ranked.ingredients["config"].get("memory", MEMORY) if ranked else MEMORY)
    common: dict[str, Any] = {"drama": drama or folder.resolve().name, "language": settings.language}
    rows = [
        _row(
            question, prompt, styles, image=str(images[question.keyframe].resolve()), episode=str(folder),
            told=calling.at(question.keyframe), **common,
        )
        for question, prompt in zip(asked, prompts, strict=True)
    ]  # fmt: skip
    return [row for row in rows if row is not None]


def _manifest(workspace: Workspace, name: str, folder: Path) -> Manifest:
    """The manifest of a stage, if it was made from the results that lie beside it."""
    made = workspace.manifest(name)
    if made is None:
        raise UserError("{folder} has no {stage} yet; run vdesc run first", folder=folder, stage=name)
    read = next(stage for stage in STAGES if stage.name == name).products
    for kind in read:
        beside = workspace.manifest(kind.stage)
        if beside is None or beside.output != made.key_of(kind):
            raise UserError(
                "{folder}: {stage} changed after {name} were made; run vdesc run again",
                folder=folder,
                stage=kind.stage,
                name=name,
            )
    return made


def _row(question: RankingQuestion, prompt: RankingPrompt, styles: Sequence[Style], **fields: Any) -> Offered | None:
    """The row of a keyframe; None where no candidate is of these styles."""
    kept = [n for n, candidate in enumerate(question.offered) if not styles or candidate.style in styles]
    if not kept:
        return None
    return Offered(
        captions=tuple(question.texts[n] for n in kept),
        prompt=render(prompt),
        asked=_PROMPT.dump_python(prompt, mode="json") | {"support": [prompt.support[n] for n in kept]},
        model=", ".join(sorted({question.offered[n].model for n in kept})),
        time=question.time,
        **fields,
    )
