"""What a results folder was made with: the settings and the episode of its last run, in `workspace/config.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from data.errors import UserError
from data.files import write_atomically
from data.messages import tr
from data.records import Episode
from pipeline import config as settings
from pipeline.config import Config

if TYPE_CHECKING:
    from pipeline.runner import Work

FILE = "config.json"


class _Kept(BaseModel):
    """The file. Paths in the settings are as they were given: from `folder` on, where they are relative."""

    model_config = ConfigDict(extra="forbid")
    folder: Path
    episode: Episode
    config: dict[str, object]


class Remembered(BaseModel):
    """What a run needs to be made again."""

    model_config = ConfigDict(frozen=True)
    folder: Path
    """The working directory that relative paths of the settings start from."""
    episode: Episode
    config: Config


def keep_settings(work: Work, config: Config) -> None:
    """Keep the settings and the episode of a run in its workspace."""
    film, subtitles = work.episode.path, work.episode.subtitles
    paths = {"path": film.resolve(), "subtitles": subtitles.resolve() if subtitles else None}
    kept = _Kept(
        folder=Path.cwd(), episode=work.episode.model_copy(update=paths), config=config.model_dump(mode="json")
    )
    content = kept.model_dump_json(indent=1).encode()
    file = work.workspace.folder / FILE
    if not file.exists() or file.read_bytes() != content:
        write_atomically(file, content)


def recall(results: Path) -> Remembered:
    """What `results` was made with. Raises UserError where that is not known, or no longer valid."""
    file = results / "workspace" / FILE
    try:
        kept = _Kept.model_validate_json(file.read_bytes())
        config = settings.model().model_validate(kept.config)
    except (OSError, ValidationError, json.JSONDecodeError) as error:
        cause = str(error).partition("\n")[0]
        raise UserError(
            tr("What {folder} was made with is not known ({cause}); run vdesc run on the film again",
               folder=results, cause=cause)
        ) from error  # fmt: skip
    if not kept.episode.path.exists():
        raise UserError(
            tr("The film {path} is not where it was; run vdesc run on it again", path=kept.episode.path)
        )  # fmt: skip
    return Remembered(folder=kept.folder, episode=kept.episode, config=config)
