"""Runs the stages over episodes: stage by stage, each model loaded once, whole results only, nothing done twice."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from data.errors import SURROUNDINGS, MediaError, StageError, VdescError, interrupted
from data.messages import tr
from data.records import Episode
from data.workspace import Manifest, digest
from pipeline import config as settings
from pipeline.config import Config
from pipeline.jobs import in_use, not_asked_for
from pipeline.results.delivery import deliver
from pipeline.results.remembered import keep_settings
from pipeline.results.switching import finish
from pipeline.series import in_order, remember
from pipeline.work import Work
from stages import STAGES
from stages.backend import Backend
from stages.models import release
from stages.sources import Edits
from stages.stage import Stage

log = logging.getLogger(__name__)

State = Literal["cached", "run", "follows"]


@dataclass(frozen=True)
class Step:
    """What a run would do with one stage of one episode, and why."""

    stage: str
    state: State
    why: str


class Progress:
    """What the runner tells while it works. The command line shows it; by default nobody listens."""

    def begin(self, episode: str, stage: str) -> None:
        """A stage starts to work on an episode."""

    def advance(self, episode: str, stage: str, done: float, total: float) -> None:
        """The stage is `done` of `total` through, in units of its own."""

    def end(self, episode: str, stage: str, cached: bool, seconds: float) -> None:
        """The stage's result is whole; `cached`: it already was."""

    def fail(self, episode: str, stage: str, error: Exception) -> None:
        """The stage failed for this episode; later stages leave it out."""


def run(
    works: Sequence[Work],
    config: Config,
    until: str | None = None,
    progress: Progress | None = None,
    since: str | None = None,
) -> None:
    """Bring every episode's results up to date, stage by stage, and deliver them; results before `since` stay.

    An episode whose stage fails is left out of the later ones; its error is kept in `Work.error`.
    """
    progress = progress or Progress()
    works = in_order(works, config)
    with ExitStack() as locks:
        for work in works:
            locks.enter_context(work.workspace.lock())
            finish(work.folder)
            keep_settings(work, config)
        for stage in in_use(config, until, since):
            _run_stage(stage, [w for w in works if not w.error], config, progress)
        unwanted = [stage.name for stage in not_asked_for(config, until)]
        for work in works:
            if not work.error:
                _attempt(work, "delivery", progress, partial(deliver, work.workspace, work.folder, unwanted))


def plan(work: Work, config: Config, until: str | None = None) -> list[Step]:
    """What `run` would do, without doing it."""
    steps: list[Step] = []
    stale: set[Stage] = set()
    for stage in in_use(config, until):
        upstream = [s.name for s in STAGES if s in stale and s.feeds(stage)]
        if upstream:
            steps.append(Step(stage.name, "follows", tr("follows {stages}", stages=", ".join(upstream))))
            stale.add(stage)
            continue
        ingredients = _ingredients(stage, work, config)
        manifest = work.workspace.manifest(stage.name)
        if manifest and manifest.key == digest(ingredients):
            steps.append(Step(stage.name, "cached", ""))
        else:
            steps.append(Step(stage.name, "run", _difference(stage, manifest, ingredients)))
            stale.add(stage)
    return steps


def _run_stage(stage: Stage, works: Sequence[Work], config: Config, progress: Progress) -> None:
    """Run one stage for every episode; its backend is loaded on first need and freed at the end."""
    with ExitStack() as open_backends:
        backend = _Backends(config, open_backends)
        for work in works:
            _attempt(work, stage.name, progress, partial(_bring_up, stage, work, config, backend, progress))
            if not work.error:
                _attempt(work, stage.name, progress, partial(remember, stage, work, config))


class _Backends:
    """The backends of one stage, its own and that of the voice it may ask: made on first need, freed at its end."""

    def __init__(self, config: Config, open_backends: ExitStack) -> None:
        self._config, self._open = config, open_backends
        self._made: dict[str, Backend | None] = {}

    def __call__(self, stage: Stage) -> Backend | None:
        if stage.name not in self._made:
            made = self._made[stage.name] = settings.make_backend(stage, self._config)
            if made:
                self._open.callback(release)
                self._open.callback(made.close)
        return self._made[stage.name]


def _attempt(work: Work, stage: str, progress: Progress, do: Callable[[], None]) -> None:
    """Do it; an error ends this episode alone, is kept and is logged with its traceback."""
    try:
        do()
    except Exception as error:  # every error is reported by the caller, with the episode and the stage
        if interrupted(error):
            raise KeyboardInterrupt from error
        log.exception("%s: %s failed", work.episode.id, stage)
        work.error = _named(error, work, stage)
        progress.fail(work.episode.id, stage, work.error)


def _named(error: Exception, work: Work, stage: str) -> Exception:
    """The error with the episode and the stage in its message."""
    values = {"episode": work.episode.id, "stage": stage}
    if isinstance(error, VdescError):
        return type(error)("{episode}, {stage}: {cause}", cause=error, **values)
    if isinstance(error, OSError) and error.errno in SURROUNDINGS:
        cause = tr("{cause}; make room or mend the rights, then run again", cause=error)
        return MediaError("{episode}, {stage}: {cause}", cause=cause, **values)
    cause = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return StageError(
        "{episode}, {stage}: {cause}. This is a defect of vdesc; please report it with {log}",
        cause=cause,
        log=work.workspace.folder / "run.log",
        **values,
    )


def _bring_up(stage: Stage, work: Work, config: Config, backend: _Backends, progress: Progress) -> None:
    """Make the stage's result current: take the one on disk if its key fits, else run the stage."""
    workspace, ingredients = work.workspace, _ingredients(stage, work, config)
    key, found = digest(ingredients), workspace.manifest(stage.name)
    if found and found.key == key:
        progress.end(work.episode.id, stage.name, cached=True, seconds=0.0)
        return
    started = time.monotonic()
    progress.begin(work.episode.id, stage.name)
    log.info("%s: %s: %s", work.episode.id, stage.name, _difference(stage, found, ingredients))
    folder = workspace.begin(stage.name)
    job = work.jobs(config, backend).job(
        stage, folder, progress=lambda done, total: progress.advance(work.episode.id, stage.name, done, total)
    )
    records = settings.stage_module(stage).run(job)
    done = workspace.finish(stage.name, records, key, ingredients, job.notes, started)
    log.info("%s: %s: %d records in %.2f s", work.episode.id, stage.name, done.records, done.seconds)
    work.ran.append(stage.name)
    progress.end(work.episode.id, stage.name, cached=False, seconds=done.seconds)


def _ingredients(stage: Stage, work: Work, config: Config) -> dict[str, Any]:
    """All that decides the stage's result; its digest is the key."""
    return {
        "stage": stage.name,
        "version": settings.stage_module(stage).VERSION,
        "episode": work.episode.content,
        "config": settings.ingredients(stage, config),
        "reads": {kind.__name__: key for kind, key in work.jobs(config).keys(stage).items()},
    }


def _difference(stage: Stage, manifest: Manifest | None, ingredients: dict[str, Any]) -> str:
    """Why a result on disk does not serve, in the user's words."""
    if manifest is None:
        return tr("no result yet")
    before = manifest.ingredients
    if before.keys() != ingredients.keys():  # a version that made keys of other things
        return tr("a newer version of the stage")
    if before.get("episode") != ingredients["episode"]:
        return tr("the film or its subtitles changed")
    set_before = {f"{stage.name}.{name}": value for name, value in before["config"].items()}
    set_now = {f"{stage.name}.{name}": value for name, value in ingredients["config"].items()}
    changed: list[type] = []
    for kind in stage.reads:
        old, new = manifest.key_of(kind), ingredients["reads"][kind.__name__]
        if isinstance(new, dict):
            set_before, set_now = set_before | (old or {}), set_now | new
        elif old != new:
            changed.append(kind)
    for key, new in set_now.items():
        if (old := set_before.get(key)) != new:
            return tr("{key} changed from {old} to {new}", key=key, old=old, new=new)
    return _other(changed, before.get("version") != ingredients["version"])


def _other(changed: Sequence[type], newer: bool) -> str:
    """Why a result does not serve whose settings are the same."""
    if Episode in changed:
        return tr("the film or its subtitles changed")
    if Edits in changed:
        return tr("people changed lines in the review")
    if newer:
        return tr("a newer version of the stage")
    return tr("new results of {stages}", stages=", ".join(dict.fromkeys(getattr(k, "stage", "notes") for k in changed)))
