"""A series in a run: the order of its episodes, and what is noted of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data import series
from data.errors import ConfigError
from data.records import Context, Face, Keyframe, Utterance
from data.series import memory, strangers
from data.series.cast import FILES, UNKNOWN
from data.series.names import introduced
from stages.stage import Stage

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.work import Work


def named(series_path: Path | None, cast_folder: Path | None) -> Path | None:
    """The series that the options --series and --cast name; both are one setting. Raises ConfigError for two."""
    if series_path and cast_folder:
        raise ConfigError("--series and --cast both name the series; give one of them")
    return series_path or cast_folder


def in_order(works: Sequence[Work], config: Config) -> list[Work]:
    """The episodes as the story goes, for what one introduces is known in the next; without a series as given."""
    if config.cast is None:
        return list(works)
    order = series.load(config.cast).order
    return sorted(works, key=lambda work: order(work.episode.id))


def remember(stage: Stage, work: Work, config: Config) -> None:
    """Note what later episodes need, once a stage has found it: strangers after the faces, names after the context.

    A bare cast folder has no memory. Raises ConfigError for a memory that cannot be read.
    """
    found = series.load(config.cast) if config.cast and stage.record in (Face, Context) else None
    if found is None or found.people.file.name != FILES[0]:
        return
    if stage.record is Face:
        _meet(work, found)
    else:
        _introduce(work, found)


def _meet(work: Work, found: series.Series) -> None:
    workspace = work.workspace
    stills = {k.id: workspace.folder_of(Keyframe) / k.image for k in workspace.read(Keyframe)}
    seen: dict[str, Face] = {}
    for face in workspace.read(Face):
        if face.person and face.person.startswith(UNKNOWN):
            seen[face.person] = max(face, seen.get(face.person, face), key=lambda f: f.box[2] * f.box[3])
    strangers.keep(found, work.episode.id, {person: (stills[f.keyframe], f.box) for person, f in seen.items()})


def _introduce(work: Work, found: series.Series) -> None:
    workspace, episode = work.workspace, work.episode.id
    shown = [text for context in workspace.read(Context) for text in context.texts]
    said = introduced(found.people, workspace.read(Utterance), shown, found.names)
    memory.remember(found.people.file.parent, episode, said.keys() - found.introduced_before(episode))
