"""One episode on its way through the stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from data.records import Episode
from data.workspace import Workspace
from pipeline.config import Config
from pipeline.jobs import Jobs
from stages.backend import Backend
from stages.stage import Stage


@dataclass
class Work:
    """One episode on its way through the stages."""

    episode: Episode
    folder: Path
    """The results folder, out/<episode>/."""
    error: Exception | None = None
    ran: list[str] = field(default_factory=list)
    review: Path | None = None

    @property
    def workspace(self) -> Workspace:
        """Where the stages' results lie."""
        return Workspace(self.folder / "workspace")

    @property
    def edits(self) -> Path:
        """Where people's edits lie; for a workspace that is made beside another one, those of that one."""
        return self.review or self.folder / "review"

    def jobs(self, config: Config, backend: Callable[[Stage], Backend | None] = lambda _: None) -> Jobs:
        """What makes the jobs of its stages."""
        return Jobs(self.episode, self.folder, self.workspace, self.edits, config, backend)
