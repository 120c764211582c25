"""A cast folder in a run: refused before anything happens, and part of the key by what it holds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from data.errors import ConfigError
from data.records import Episode, Shot
from pipeline import cli, jobs, runner
from pipeline import config as settings
from pipeline.work import Work
from stages.sources import Wordings
from stages.stage import Job, Stage, StageConfig
from tests.conftest import plain_episode

DEEPFACE = ["faces.backend=deepface"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "cast"
    made.mkdir()
    (made / "cast.yaml").write_text("- {id: giju, name: 김기주}\n", encoding="utf-8")
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(made / "giju.png")
    return made


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--cast", "nowhere"], "nowhere has no cast.yaml and no series.yaml; write one"),
        (["--cast", "cast"], "cascade cannot tell people apart; add --set faces.backend=deepface"),
        (["--cast", "cast", "--set", "faces.backend=none"], "none cannot tell people apart"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_refused_before_anything_runs(
    more: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.app, ["run", "film.mp4", "--config", "embedded", *more, "--lang", "en"])
    assert isinstance(done.exception, ConfigError)
    assert says in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_good_one_is_taken(folder: Path) -> None:
    settings.check_cast(settings.load("embedded", DEEPFACE, cast=folder))
    settings.check_cast(settings.load("embedded"))


@pytest.fixture
def one_stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A wiring of one stage whose result depends on the cast; says when it ran."""
    ran: list[str] = []

    def run(job: Job[Any]) -> Iterator[Shot]:
        ran.append(job.episode.id)
        yield Shot(id="s00001", start=0, end=1)

    stages = (Stage("shots", (Episode, Wordings), (Shot,)),)
    for module in (runner, jobs, settings):
        monkeypatch.setattr(module, "STAGES", stages)
    monkeypatch.setattr(settings, "stage_module", lambda _: SimpleNamespace(VERSION=1, Config=StageConfig, run=run))
    settings.model.cache_clear()
    yield ran
    settings.model.cache_clear()


def test_a_moved_folder_is_the_same_a_changed_one_is_not(one_stage: list[str], folder: Path, tmp_path: Path) -> None:
    profile = tmp_path / "empty.yaml"
    profile.write_text("", encoding="utf-8")
    work = Work(plain_episode(Path("one.mp4")), tmp_path / "one")
    moved = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    runner.run([work], settings.load(str(profile), cast=folder))
    runner.run([work], settings.load(str(profile), cast=moved))
    assert one_stage == ["one"]
    Image.fromarray(np.ones((30, 40, 3), np.uint8)).save(moved / "giju.png")
    (step,) = runner.plan(work, settings.load(str(profile), cast=moved))
    assert step.why.startswith("cast changed from ")
    runner.run([work], settings.load(str(profile), cast=moved))
    assert one_stage == ["one", "one"]
    runner.run([work], settings.load(str(profile)))
    assert len(one_stage) == 3
