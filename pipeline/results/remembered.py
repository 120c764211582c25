"""The settings and the episode of a run, kept in its results folder (`data.made_with`) and checked when recalled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from data import made_with
from data.errors import UserError
from data.files import write_atomically
from data.made_with import FILE, MadeWith
from data.records import Episode
from pipeline import config as settings
from pipeline.config import Config

if TYPE_CHECKING:
    from pipeline.work import Work


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
    kept = MadeWith(
        folder=Path.cwd(), episode=work.episode.model_copy(update=paths), config=config.model_dump(mode="json")
    )
    content = kept.model_dump_json(indent=1).encode()
    file = work.workspace.folder / FILE
    if not file.exists() or file.read_bytes() != content:
        write_atomically(file, content)


def recall(results: Path) -> Remembered:
    """What `results` was made with. Raises UserError where that is not known, or no longer valid."""
    kept = made_with.read(results)
    try:
        config = settings.model().model_validate(kept.config)
    except ValidationError as error:
        raise made_with.not_known(results, error) from error
    if not kept.episode.path.exists():
        raise UserError("The film {path} is not where it was; run vdesc run on it again", path=kept.episode.path)
    return Remembered(folder=kept.folder, episode=kept.episode, config=config)
