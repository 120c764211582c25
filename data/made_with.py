"""What a results folder was made with, in `workspace/config.json`: the settings and the episode of its last run."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from data.errors import UserError
from data.records import Episode

FILE = "config.json"


class MadeWith(BaseModel):
    """The file. Paths in the settings are as they were given: from `folder` on, where they are relative."""

    model_config = ConfigDict(extra="forbid")
    folder: Path
    episode: Episode
    config: dict[str, object]

    @property
    def series(self) -> Path | None:
        """The series that the run named people by, its folder or its file; None: none."""
        given = self.config.get("cast")
        return self.folder / Path(str(given)).expanduser() if given else None


def read(results: Path) -> MadeWith:
    """What `results` was made with. Raises UserError where that is not known."""
    try:
        return MadeWith.model_validate_json((results / "workspace" / FILE).read_bytes())
    except (OSError, ValidationError) as error:
        raise not_known(results, error) from error


def not_known(results: Path, error: Exception) -> UserError:
    """That nobody can tell what a folder was made with."""
    cause = str(error).partition("\n")[0]
    return UserError(
        "What {folder} was made with is not known ({cause}); run vdesc run on the film again",
        folder=results,
        cause=cause,
    )
