"""The runner on a small wiring of its own: order, caching, failure, backends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from pydantic import Field

from data.errors import MediaError, StageError, UserError
from data.records import Episode, Keyframe, Shot
from pipeline import config as settings
from pipeline import jobs, runner
from pipeline.runner import plan
from pipeline.work import Work
from stages.faces import Detector
from stages.sources import Language
from stages.stage import Job, Stage, StageConfig
from tests.conftest import plain_episode

SHOTS = Stage("shots", (Episode, Language), (Shot,))
KEYFRAMES = Stage("keyframes", (Shot,), (Keyframe,), role="faces")


class ShotsConfig(StageConfig):
    """One setting."""

    length: float = Field(5.0, description="Seconds of a shot")
    unseen: int = Field(0, description="Changes nothing in the result")


class KeyframesConfig(StageConfig):
    """A backend."""

    backend: str = Field(f"{__name__}:Counter", description="What runs")
    options: dict[str, Any] = Field({}, description="None")


class Counter(Detector):
    """A backend that counts how often it is loaded and closed."""

    log: ClassVar[list[str]] = []
    loaded = False

    def detect(self, images: Sequence[Any]) -> list[Any]:
        if not self.loaded:
            self.log.append("loaded")
        self.loaded = True
        return [[] for _ in images]

    def close(self) -> None:
        self.log.append("closed")


@dataclass
class World:
    """The fake stages, what they were asked, and what shall go wrong."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    errors: dict[tuple[str, str], Exception] = field(default_factory=dict)

    def shots(self, job: Job[Any]) -> Iterator[Shot]:
        self._called("shots", job)
        yield Shot(id="s00001", start=0, end=job.config.length)

    def keyframes(self, job: Job[Any]) -> Iterator[Keyframe]:
        self._called("keyframes", job)
        assert isinstance(job.backend, Counter)
        job.backend.detect([])
        for shot in job.read(Shot):
            (job.folder / "still.jpg").write_bytes(b"jpeg")
            yield Keyframe(id="k00001", shot=shot.id, time=1, image="still.jpg", sharpness=1, luma=1, look=())

    def _called(self, stage: str, job: Job[Any]) -> None:
        self.calls.append((stage, job.episode.id))
        if error := self.errors.get((stage, job.episode.id)):
            raise error


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World()
    Counter.log.clear()
    modules = {
        "shots": SimpleNamespace(VERSION=1, Config=ShotsConfig, run=world.shots),
        "keyframes": SimpleNamespace(VERSION=1, Config=KeyframesConfig, run=world.keyframes),
    }
    for module in (runner, jobs, settings):
        monkeypatch.setattr(module, "STAGES", (SHOTS, KEYFRAMES))
    monkeypatch.setattr(settings, "stage_module", lambda stage: modules[stage.name])
    settings.model.cache_clear()
    yield world
    settings.model.cache_clear()


@pytest.fixture
def works(tmp_path: Path) -> list[Work]:
    return [Work(plain_episode(Path(f"{name}.mp4")), tmp_path / name) for name in ("one", "two")]


@pytest.fixture
def empty_profile(tmp_path: Path) -> str:
    path = tmp_path / "empty.yaml"
    path.write_text("", encoding="utf-8")
    return str(path)


def test_stage_by_stage_with_one_backend_for_all_episodes(world: World, works: list[Work], empty_profile: str) -> None:
    runner.run(works, settings.load(empty_profile))
    assert world.calls == [(s, e) for s in ("shots", "keyframes") for e in ("one", "two")]
    assert Counter.log == ["loaded", "closed"]


def test_nothing_is_done_twice_and_no_backend_is_loaded_for_nothing(
    world: World, works: list[Work], empty_profile: str
) -> None:
    config = settings.load(empty_profile)
    runner.run(works, config)
    world.calls.clear()
    Counter.log.clear()
    runner.run(works, config)
    assert world.calls == []
    assert Counter.log == []


def test_same_bytes_upstream_stop_a_rerun_early(world: World, works: list[Work], empty_profile: str) -> None:
    runner.run(works[:1], settings.load(empty_profile))
    world.calls.clear()
    runner.run(works[:1], settings.load(empty_profile, ["shots.unseen=1"]))
    assert world.calls == [("shots", "one")]


def test_a_moved_copy_of_the_film_is_the_same_film(world: World, works: list[Work], empty_profile: str) -> None:
    runner.run(works[:1], settings.load(empty_profile))
    world.calls.clear()
    moved = works[0].episode.model_copy(update={"path": Path("/elsewhere/one.mp4")})
    runner.run([Work(moved, works[0].folder)], settings.load(empty_profile))
    assert world.calls == []


@pytest.mark.parametrize(
    ("assignment", "why"),
    [
        ("shots.length=4", "shots.length changed from 5.0 to 4.0"),
        ("language=en", "language changed from ko to en"),
    ],
)
def test_the_plan_says_what_would_run_and_why(
    world: World, works: list[Work], empty_profile: str, assignment: str, why: str
) -> None:
    fresh = plan(works[0], settings.load(empty_profile))
    assert [(s.state, s.why) for s in fresh] == [("run", "no result yet"), ("follows", "follows shots")]
    runner.run(works[:1], settings.load(empty_profile))
    world.calls.clear()
    assert [s.state for s in plan(works[0], settings.load(empty_profile))] == ["cached", "cached"]
    steps = plan(works[0], settings.load(empty_profile, [assignment]))
    assert (steps[0].state, steps[0].why, steps[1].state) == ("run", why, "follows")
    assert world.calls == []


@pytest.mark.usefixtures("world")
def test_the_plan_says_that_results_are_of_an_older_version(works: list[Work], empty_profile: str) -> None:
    """Its keys were made of other things, so nothing is said of what may have changed."""
    runner.run(works[:1], settings.load(empty_profile))
    manifest = works[0].workspace.stage("shots") / "manifest.json"
    held = json.loads(manifest.read_bytes())
    made = held["ingredients"].pop("reads")
    manifest.write_text(json.dumps(held | {"key": "", "ingredients": held["ingredients"] | {"inputs": made}}))
    (shots, keyframes) = plan(works[0], settings.load(empty_profile))
    assert (shots.state, shots.why, keyframes.state) == ("run", "a newer version of the stage", "follows")


def test_a_film_that_fails_is_left_out_and_the_others_go_on(
    world: World, works: list[Work], empty_profile: str
) -> None:
    world.errors["shots", "one"] = MediaError("no picture; copy it again")
    runner.run(works, settings.load(empty_profile))
    assert ("keyframes", "one") not in world.calls
    assert ("keyframes", "two") in world.calls
    assert isinstance(works[0].error, MediaError)
    assert str(works[0].error) == "one, shots: no picture; copy it again"
    assert works[1].error is None


def test_our_own_defect_is_named_as_one(world: World, works: list[Work], empty_profile: str) -> None:
    world.errors["keyframes", "one"] = ZeroDivisionError("division\nby zero")
    runner.run(works[:1], settings.load(empty_profile))
    assert isinstance(works[0].error, StageError)
    assert "\n" not in str(works[0].error)
    assert "run.log" in str(works[0].error)


def test_a_full_disk_is_no_defect_of_ours(world: World, works: list[Work], empty_profile: str) -> None:
    world.errors["keyframes", "one"] = OSError(28, "No space left on device")
    runner.run(works[:1], settings.load(empty_profile))
    assert isinstance(works[0].error, UserError)
    assert "make room" in str(works[0].error)


def test_until_ends_after_the_named_stage(world: World, works: list[Work], empty_profile: str) -> None:
    runner.run(works, settings.load(empty_profile), until="shots")
    assert {stage for stage, _ in world.calls} == {"shots"}
