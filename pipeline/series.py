"""A series in a run: what stages depend on of it, the order of its episodes, and what is noted of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data import memory, series, strangers
from data.cast import FILES, UNKNOWN
from data.errors import ConfigError
from data.names import introduced
from data.records import Context, Face, Keyframe, Utterance
from data.workspace import digest
from stages.stage import Stage

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.runner import Work


def named(series_path: Path | None, cast_folder: Path | None) -> Path | None:
    """The series that the options --series and --cast name; both are one setting. Raises ConfigError for two."""
    if series_path and cast_folder:
        raise ConfigError("--series and --cast both name the series; give one of them")
    return series_path or cast_folder


def series_settings(stage: Stage, episode: str, path: Path | None) -> dict[str, Any]:
    """What a stage depends on: what the files hold, not where they lie; of all of it only what the stage declares.

    `cast`: the file and its photos; `cast.faces`: ids and photos, those of strangers of earlier episodes too;
    `cast.known`: whom earlier episodes introduced.
    """
    wanted = {name: None for name in stage.settings if name.partition(".")[0] == "cast"}
    if path is None or not wanted:
        return wanted
    found = series.load(path)
    values = {
        "cast": found.people.content[:16],
        "cast.faces": digest([found.people.faces, strangers.content(found, episode)])[:16],
        "cast.known": ", ".join(sorted(found.introduced_before(episode))),
    }
    return {name: values[name] for name in wanted}


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
