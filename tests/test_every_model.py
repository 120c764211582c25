"""A whole run in which every role has its model: tiny checkpoints of the real classes, captions from a real server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from data.records import Clip, Detection, Draft, Face, Narration, Ranked, Utterance
from pipeline import config as settings
from pipeline import runner
from pipeline.results.episodes import open_episode
from pipeline.work import Work
from tests.checkpoints import causal, faces, ocr, vits, vlm, whisper, yolo
from tests.loopback import Reply, Server, serving
from tests.short_film import Ffmpeg, ingredients

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning"),  # numpy 2 and torch
    pytest.mark.filterwarnings("ignore:unclosed file.*tiktoken:ResourceWarning"),  # openai-whisper
    pytest.mark.filterwarnings("ignore:Exception ignored in.*tiktoken:pytest.PytestUnraisableExceptionWarning"),
]

CAPTIONS = ("고양이가 앉아 있다.", "한 사람이 카메라를 든다.", "두 사람이 마주 선다.", "창밖이 밝다.")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, ffmpeg: Ffmpeg) -> Path:
    """Eight seconds, two shots, one spoken line."""
    folder = ingredients(tmp_path_factory.mktemp("영화"), ffmpeg)
    ffmpeg("-i", folder / "picture.mkv", "-i", folder / "sound.wav", "-c:v", "copy", folder / "film.mp4")
    return folder / "film.mp4"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of every role in a folder with a Hangul name."""
    folder = tmp_path_factory.mktemp("모델")
    whisper.openai(folder / "whisper.pt", sure=True)
    yolo.yolov8(folder, "yolo.pt")
    ocr.detector(folder)
    ocr.own_network(folder)
    faces.build(folder)
    vlm.qwen2_5_vl(folder / "qwen")
    causal.lora(folder / "adapter", causal.causal(folder / "phi"))
    vits.build(folder / "voice")
    return folder


@pytest.fixture
def profile(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile that names them all, without a network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(sys, "path", list(sys.path))  # EasyOCR adds to it
    faces.home(models, monkeypatch)
    ocr.trust(models, monkeypatch)
    roles: dict[str, Any] = {
        "dialogue": ("whisper", {"model": models / "whisper.pt", "language": "ko"}),
        "objects": ("yolo", {"weights": models / "yolo.pt"}),
        "text": ("easyocr", {"model_folder": models, "network_folder": models, "recogniser": "mine"}),
        "faces": ("deepface", {"detector": faces.DETECTOR, "model": faces.MODEL}),
        "candidates": ("transformers", {"model": models / "qwen", "max_new_tokens": 8, "image_size": 112}),
        "ranking": ("causal", {"model": models / "phi", "adapter": models / "adapter"}),
        "voice": ("transformers", {"model": models / "voice"}),
    }
    values = {
        stage: {"backend": backend, "options": {name: _plain(value) for name, value in options.items()}}
        for stage, (backend, options) in roles.items()
    }
    for options in (values[stage]["options"] for stage in values):
        options["device"] = "cpu"
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    return path


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        server.reply = lambda _: Reply.chat(*CAPTIONS)
        yield server


def run(film: Path, out: Path, profile: Path, *assignments: str) -> Work:
    config = settings.load(str(profile), assignments)
    work = open_episode(film, out, config, None)
    runner.run([work], config)
    return work


def by_server(server: Server) -> tuple[str, ...]:
    options = {"base_url": server.url, "model": "m", "retries": 0, "concurrency": 1}
    return ("candidates.backend=openai", f"candidates.options={json.dumps(options)}")


def test_every_stage_works_with_its_model_and_a_captioner_that_babbles_is_never_spoken(
    film: Path, profile: Path, tmp_path: Path
) -> None:
    work = run(film, tmp_path / "out", profile)
    assert work.error is None, work.error
    assert {draft.model for draft in work.workspace.read(Draft)} <= {"facts"}, "what is read on screen"
    notes = " ".join(n.text for n in work.workspace.manifest("candidates").notes)  # type: ignore[union-attr]
    assert "refused" in notes
    read_out = {draft.text for draft in work.workspace.read(Draft)}
    assert {c.text for c in work.workspace.read(Clip) if c.file} <= read_out
    assert work.workspace.read(Utterance)


def test_described_with_models_and_a_service(film: Path, profile: Path, tmp_path: Path, server: Server) -> None:
    work = run(film, tmp_path / "out", profile, *by_server(server))
    assert work.error is None, work.error
    space = work.workspace
    assert {c.text for c in space.read(Draft) if c.model != "facts"} <= set(CAPTIONS)
    assert all({"likelihood", "fit", "new"} <= r.parts.keys() for r in space.read(Ranked))
    spoken = [c for c in space.read(Clip) if c.file]
    assert spoken
    assert len(space.read(Narration)) >= len(spoken)
    assert {d.label for d in space.read(Detection)} <= set(yolo.LABELS)
    assert all(f.person for f in space.read(Face))
    assert (tmp_path / "out" / "film" / "described.mp4").is_file()
    report = json.loads((tmp_path / "out" / "film" / "report.json").read_text(encoding="utf-8"))
    rows = {finding["row"]: finding["severity"] for finding in report["findings"]}
    assert rows[1] == "pass"  # no narration over dialogue


def test_a_service_that_goes_down_stops_the_run_and_a_rerun_pays_for_nothing_twice(
    film: Path, profile: Path, tmp_path: Path, server: Server
) -> None:
    server.script = [Reply.chat(*CAPTIONS), Reply.chat(*CAPTIONS), Reply.error(401, "no key")]
    stopped = run(film, tmp_path / "out", profile, *by_server(server))
    assert stopped.error is not None
    assert "\n" not in str(stopped.error)
    paid = [json.dumps(r.body, sort_keys=True) for r in server.requests[:2]]
    server.requests.clear()
    work = run(film, tmp_path / "out", profile, *by_server(server))
    assert work.error is None, work.error
    again = [json.dumps(r.body, sort_keys=True) for r in server.requests]
    assert again
    assert not set(paid) & set(again)
    assert work.ran[0] == "candidates"
