"""A series in a run: what stages depend on of it, the order of its episodes, and what is noted of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data import memory, series
from data.cast import FILES
from data.errors import ConfigError
from data.messages import tr
from data.names import introduced
from data.records import Context, Utterance
from stages.stage import Stage

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.runner import Work


def named(series_path: Path | None, cast_folder: Path | None) -> Path | None:
    """The series that the options --series and --cast name; both are one setting. Raises ConfigError for two."""
    if series_path and cast_folder:
        raise ConfigError(tr("--series and --cast both name the series; give one of them"))
    return series_path or cast_folder


def series_settings(stage: Stage, episode: str, path: Path | None) -> dict[str, Any]:
    """What a stage depends on: what the files hold, not where they lie; of all of it only what the stage declares.

    `cast`: the file and its photos; `cast.faces`: ids and photos; `cast.known`: whom earlier episodes introduced.
    """
    wanted = {name: None for name in stage.settings if name.partition(".")[0] == "cast"}
    if path is None or not wanted:
        return wanted
    found = series.load(path)
    values = {
        "cast": found.people.content[:16],
        "cast.faces": found.people.faces[:16],
        "cast.known": ", ".join(sorted(found.introduced_before(episode))),
    }
    return {name: values[name] for name in wanted}


def in_order(works: Sequence[Work], config: Config) -> list[Work]:
    """The episodes as the story goes, for what one introduces is known in the next; without a series as given."""
    if config.cast is None:
        return list(works)
    order = series.load(config.cast).order
    return sorted(works, key=lambda work: order(work.episode.id))


def remember(work: Work, config: Config) -> None:
    """Note in the memory of the series whom the episode introduces, once its context is known.

    A bare cast folder has no memory. Raises ConfigError for a memory that cannot be read.
    """
    if config.cast is None:
        return
    found = series.load(config.cast)
    file = found.people.file
    if file.name != FILES[0]:
        return
    workspace, episode = work.workspace, work.episode.id
    shown = [text for context in workspace.read("context", Context) for text in context.texts]
    said = introduced(found.people, workspace.read("dialogue", Utterance), shown, found.names)
    memory.remember(file.parent, episode, said.keys() - found.introduced_before(episode))
