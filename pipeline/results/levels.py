"""Levels of detail side by side: short, standard and rich narration of one film from the same candidates.

Every level has a results folder of its own, `levels/<level>/`, as a film described alone has; the stages before the
schedule run once for all. `levels/described.*` holds the film with every level as a track.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from data.errors import UserError
from data.files import write_atomically
from data.media.mux import TITLES
from data.media.side_by_side import join
from data.products import DescribedFilm
from data.workspace import Workspace
from pipeline import runner
from pipeline.config import Config
from pipeline.jobs import in_use
from pipeline.results.delivery import described_film
from pipeline.runner import Progress
from pipeline.work import Work
from stages import STAGES
from stages.schedule.objective import LEVELS

ALL = "all"
NAMES = {
    "ko": {"short": "짧게", "standard": "보통", "rich": "자세히"},
    "en": {"short": "short", "standard": "standard", "rich": "rich"},
}
"""What a track of a level is called, in its language; not messages, for they follow the narration."""
FIRST = "schedule"
"""The first stage that the level of detail changes."""
SHARED_CACHES = ("schedule", "voice")
Shown = Callable[[Sequence[str], int], AbstractContextManager[Progress]]


def parse(names: str) -> tuple[str, ...]:
    """The levels that `short,rich` or `all` names, in order of detail. Raises UserError."""
    wanted = {name.strip() for name in names.split(",")} if names.strip() != ALL else set(LEVELS)
    if unknown := sorted(wanted - set(LEVELS)):
        raise UserError(
            "There is no level of detail {name}; choose from {levels}, or all",
            name=unknown[0] or "“”",
            levels=", ".join(LEVELS),
        )
    return tuple(level for level in LEVELS if level in wanted)


def run(works: Sequence[Work], config: Config, levels: Sequence[str], until: str | None, shown: Shown) -> list[Work]:
    """Describe the films once for each level; the works of the levels.

    An episode whose shared stage fails keeps its error and has no levels.
    """
    shared = _shared(config, until)
    with shown(shared, len(works)) as progress:
        runner.run(works, config, shared[-1], progress)
    sound = [work for work in works if not work.error]
    done: list[Work] = []
    if until in shared:
        return list(works)
    for level in levels:
        chosen = _with_detail(config, level)
        here = [_level(work, level, shared) for work in sound]
        with shown([s.name for s in in_use(chosen, until) if s.name not in shared], len(here)) as progress:
            runner.run(here, chosen, until, progress)
        for work, made in zip(sound, here, strict=True):
            _share_caches(made.workspace, work.workspace)
            done.append(made)
    order = [work.folder for work in sound]
    return [work for work in works if work.error] + sorted(done, key=lambda made: order.index(made.folder.parents[1]))


def film(work: Work, levels: Sequence[str], language: str) -> Path | None:
    """The film with a track for each level, made again only where a level changed; None where nothing is spoken.

    Raises MediaError where it cannot be written.
    """
    folder = work.folder / "levels"
    folders = {level: folder / level for level in levels if DescribedFilm.open(folder / level).path}
    if not folders:
        return None
    films = {f"{TITLES[language]} ({NAMES[language][level]})": described_film(at) for level, at in folders.items()}
    target = folder / next(iter(films.values())).name
    made_of = {title: path.stat().st_mtime_ns for title, path in films.items()}
    register = work.workspace.folder / "levels.json"
    if not (target.exists() and register.exists() and json.loads(register.read_bytes()) == made_of):
        join(films, target)
        write_atomically(register, json.dumps(made_of).encode())
    return target


def _shared(config: Config, until: str | None) -> list[str]:
    """The stages that run once: those before the schedule."""
    names = [stage.name for stage in STAGES]
    used = [stage.name for stage in in_use(config, until)]
    return [name for name in used if names.index(name) < names.index(FIRST)]


def _with_detail(config: Config, level: str) -> Config:
    section = getattr(config, FIRST)
    return config.model_copy(update={FIRST: section.model_copy(update={"detail": level})})


def _level(work: Work, level: str, shared: Sequence[str]) -> Work:
    """The work of one level, with the results of the shared stages in its workspace."""
    episode = work.episode.model_copy(update={"id": f"{work.episode.id}-{level}"})
    made = Work(episode, work.folder / "levels" / level)
    with work.workspace.lock(), made.workspace.lock():
        for stage in shared:
            _share_stage(work.workspace, made.workspace, stage)
        _share_caches(work.workspace, made.workspace)
        source = work.workspace.folder / "source.json"
        if source.exists():
            shutil.copyfile(source, made.workspace.folder / "source.json")
    return made


def _share_stage(source: Workspace, target: Workspace, stage: str) -> None:
    """Take over a whole result; its files are linked, for no stage writes into a result that is whole."""
    there, here = source.manifest(stage), target.manifest(stage)
    if there is None or (here and (here.key, here.output) == (there.key, there.output)):
        return
    partial = target.begin(stage)
    shutil.copytree(source.stage(stage), partial, copy_function=_link, dirs_exist_ok=True)
    shutil.rmtree(target.stage(stage), ignore_errors=True)
    partial.rename(target.stage(stage))


def _share_caches(source: Workspace, target: Workspace) -> None:
    """What is spoken for one level is not spoken again for another."""
    for name in SHARED_CACHES:
        cache, other = source.cache(name), target.cache(name)
        for file in cache.iterdir():
            if file.is_file() and not file.name.endswith(".partial") and not (other / file.name).exists():
                _link(os.fspath(file), os.fspath(other / file.name))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)
