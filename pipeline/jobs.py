"""The one place where jobs are made: for a run, for a review that is applied, for a line that is spoken ahead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from data.products import Kind
from data.records import Episode, Note, Row
from data.workspace import Workspace
from pipeline import config as settings
from pipeline.config import Config
from stages import STAGES
from stages.backend import Backend
from stages.stage import Job, Speaker, Stage, Upstream

VOICE = next(stage for stage in STAGES if stage.role == "voice")
SHARED = ".voices"
"""The folder beside the results of episodes for what they share."""

Replaced = Mapping[Kind, tuple[Path, Sequence[Row]]]
"""Kind → rows that a job reads instead of those in the workspace, and the folder of their files."""


def stages_until(last: str | None) -> tuple[Stage, ...]:
    """The stages up to and including `last`; all for None."""
    if last is None:
        return STAGES
    return STAGES[: [s.name for s in STAGES].index(last) + 1]


def in_use(config: Config, last: str | None = None, first: str | None = None) -> tuple[Stage, ...]:
    """The stages that a run goes through: none that is not asked for; where a script is given, none that only serves
    to find lines."""
    return tuple(
        stage
        for stage in stages_until(last)[len(stages_until(first)) - 1 if first else 0 :]
        if not (config.given_script and stage.finds_lines) and (not stage.only_if or getattr(config, stage.only_if))
    )


def opened(kind: Kind, folder: Path) -> Any:
    """What lies in a stage's folder now."""
    return kind.open(folder)


@dataclass(frozen=True)
class Jobs:
    """Makes the jobs of one episode."""

    episode: Episode
    results: Path
    workspace: Workspace
    edits: Path
    """Where people's edits lie; the folder need not exist."""
    config: Config
    backend: Callable[[Stage], Backend | None]
    open: Callable[[Kind, Path], Any] = field(default=opened, repr=False)
    """How a product is opened; one who asks again and again may keep what was opened."""

    def job(
        self,
        stage: Stage,
        folder: Path | None = None,
        replaced: Replaced | None = None,
        progress: Callable[[float, float], None] = lambda done, total: None,
    ) -> Job[Any, Any]:
        """A job of the stage that writes into `folder`; None: one that leaves nothing but its cache."""
        cache = self.workspace.cache(stage.name)
        return Job(
            episode=self.episode,
            config=self.config.section(stage),
            settings=self.config.run_settings(),
            folder=folder or cache,
            cache=cache,
            backend=self.backend(stage),
            upstream=self._upstream(stage, replaced or {}),
            earlier_notes=tuple(self.notes_before(stage)) if stage.notes_of_all else (),
            report_progress=progress,
            shared=self.results.parent / SHARED,
            speaker=self._speaker() if stage.speaks else None,
            edits=self.edits if stage.edited else None,
        )

    def notes_before(self, stage: Stage) -> list[Note]:
        """What the stages before it want people to know."""
        used = in_use(self.config)
        earlier = [self.workspace.manifest(s.name) for s in used[: used.index(stage)]]
        return [note for manifest in earlier if manifest for note in manifest.notes]

    def _upstream(self, stage: Stage, replaced: Replaced) -> Upstream:
        """All that the stage reads; of stages that the run leaves out no rows."""
        found: Upstream = {Episode: (self.results, lambda: [self.episode])}
        left_out = {kind for source in STAGES if source not in in_use(self.config) for kind in source.writes}
        for kind in stage.reads:
            if kind in replaced:
                place, rows = replaced[kind]
                found[kind] = place, lambda rows=rows: rows  # type: ignore[misc]
            elif kind is not Episode:
                place = self.workspace.folder_of(kind)
                nothing = kind in left_out and issubclass(kind, Row)
                found[kind] = place, list if nothing else partial(self.open, kind, place)
        return found

    def _speaker(self) -> Speaker:
        """The voice stage's voice, for a stage before it; its clips go into the voice stage's cache."""
        speaker: Speaker = settings.stage_module(VOICE).speaker(self.job(VOICE))
        return speaker
