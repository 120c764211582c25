"""The one place where jobs are made: for a run, for a review that is applied, for a line that is spoken ahead."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from data.products import Kind
from data.records import Episode, Note, Row
from data.workspace import Workspace
from pipeline import config as settings
from pipeline.config import Config
from stages import STAGES
from stages.backend import Backend
from stages.sources import GivenScript, Read, Speaker, Surroundings
from stages.stage import Job, Stage, Upstream

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
    needless = GivenScript.INSTEAD_OF if config.given_script else ()
    return tuple(
        stage
        for stage in stages_until(last)[len(stages_until(first)) - 1 if first else 0 :]
        if stage.record not in needless and all(getattr(config, switch.setting) for switch in stage.switches)
    )


def not_asked_for(config: Config, last: str | None = None) -> tuple[Stage, ...]:
    """The stages that wait for a switch which is off: what they left once is wanted no more."""
    used = in_use(config, last)
    return tuple(stage for stage in stages_until(last) if stage.switches and stage not in used)


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
            folder=folder or cache,
            cache=cache,
            backend=self.backend(stage),
            upstream=self._upstream(stage, replaced or {}),
            around=self._around(stage),
            keys=partial(self.keys, stage),
            report_progress=progress,
            shared=self.results.parent / SHARED,
        )

    def keys(self, stage: Stage) -> dict[Read, Any]:
        """All that the stage declares → the key that it adds to that of the result."""
        around, outputs = self._around(stage), self._outputs({kind.stage for kind in stage.products})
        products: dict[Read, Any] = {kind: outputs[kind.stage] for kind in stage.products}
        return products | {source: source.key(around) for source in stage.sources}

    def _outputs(self, names: Collection[str]) -> dict[str, str | None]:
        """Stage → what tells its result from another, "" stands for the episode; None: it is left out or not made."""
        used = {stage.name for stage in in_use(self.config)}
        made = {name: self.workspace.manifest(name) if name in used else None for name in names}
        outputs = {name: manifest.output if manifest else None for name, manifest in made.items()}
        return outputs | {Episode.stage: self.episode.identity()}

    def _around(self, stage: Stage) -> Surroundings:
        return Surroundings(
            self.episode,
            self.config.run_settings(),
            self.edits,
            notes=partial(self._notes_before, stage),
            speaker=cache(self._speaker),
            voice=self._voice_key,
        )

    def _notes_before(self, stage: Stage) -> list[Note]:
        used = in_use(self.config)
        earlier = [self.workspace.manifest(s.name) for s in used[: used.index(stage)]]
        return [note for manifest in earlier if manifest for note in manifest.notes]

    def _upstream(self, stage: Stage, replaced: Replaced) -> Upstream:
        """All that the stage reads; of stages that the run leaves out no rows."""
        found: Upstream = {Episode: (self.results, lambda: [self.episode])}
        left_out = {kind for source in STAGES if source not in in_use(self.config) for kind in source.writes}
        for kind in stage.products:
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

    def _voice_key(self) -> dict[str, Any]:
        """What its clips depend on, by the names of its settings."""
        own = settings.ingredients(VOICE, self.config).items()
        around = self._around(VOICE)
        read = [source.key(around) for source in VOICE.sources]
        return {f"{VOICE.name}.{name}": value for name, value in own} | {k: v for key in read for k, v in key.items()}
