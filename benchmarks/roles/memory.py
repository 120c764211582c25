"""Memory of a whole run: what each stage's model takes at its peak, and what is left when the stage has freed it."""

from __future__ import annotations

import gc
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import torch

from benchmarks.row import Row
from data.media import probe
from pipeline import config as settings
from pipeline import runner
from pipeline.work import Work
from stages.candidates.prompt import Caption, Prompt
from stages.candidates.transformers import Transformers
from stages.models import release
from tests import short_film
from tests.checkpoints import causal, vlm, whisper

CUDA = torch.cuda.is_available()
MB = 2**20
MODELLED = ("dialogue", "objects", "candidates", "ranking")
EVERY = 0.005
"""Seconds between two looks at the memory of the process."""


@dataclass(frozen=True)
class Sizes:
    """How large the random models are."""

    whisper: dict[str, int]
    yolo: str
    captioner: dict[str, Any]
    ranker: dict[str, int]


TINY = Sizes({"n_audio_state": 16}, "yolov8n.yaml", {}, {"context": 2048})
MIDDLE = Sizes(
    {"n_audio_state": 512, "n_audio_head": 8, "n_audio_layer": 4, "n_text_state": 512, "n_text_head": 8},
    "yolov8m.yaml",
    {"width": 512, "layers": 10, "decoder": {"intermediate_size": 2048}},
    {"width": 768, "layers": 8, "heads": 8, "context": 2048},
)
LARGE = Sizes(
    {"n_mels": 128, "n_audio_state": 1280, "n_audio_head": 20, "n_audio_layer": 32,
     "n_text_state": 1280, "n_text_head": 20, "n_text_layer": 32},
    "yolov8x.yaml",
    {"width": 3584, "layers": 28, "decoder": {"intermediate_size": 18944}},
    {"width": 2560, "layers": 32, "heads": 32, "context": 2048},
)  # fmt: skip
"""whisper large, YOLOv8x, Qwen2.5-VL 7B (its decoder) and phi-2, but for their vocabularies."""


class Captioner(Transformers):
    """The production captioner; what random weights write no gate lets pass, so others stand for its captions."""

    def caption(
        self, images: Sequence[bytes], prompts: Sequence[Sequence[Prompt]], n: int
    ) -> Iterator[tuple[int, list[list[Caption]]]]:
        """Two captions a question, once the model has answered."""
        for number, _ in super().caption(images, prompts, n):
            spoken = [Caption("두 사람이 걷는다.", "visual", "short"), Caption("한 남자가 나간다.", "visual", "short")]
            yield number, [spoken for _ in prompts[number]]


@dataclass
class Held(runner.Progress):
    """The memory of the process, or of the CUDA device, while the runner works; bytes above what it was at first."""

    now: Callable[[], int]
    highest: Callable[[], int]
    base: int = 0
    stage: str = ""
    peak: dict[str, int] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)
    """When a stage began: so what the one before has left."""

    def begin(self, episode: str, stage: str) -> None:  # noqa: ARG002
        """The stage before has freed its model."""
        self.before[stage] = self.now() - self.base
        if CUDA:
            torch.cuda.reset_peak_memory_stats()
        self.stage = stage

    def look(self) -> None:
        """Keep the highest value of the stage at work."""
        if stage := self.stage:
            self.peak[stage] = max(self.peak.get(stage, 0), self.highest() - self.base)


def measure() -> list[Row]:
    """The rows of this machine: middle-sized models on the CPU, real sizes on CUDA."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        film = _film(folder / "film")
        _run(
            film, _profile(folder / "tiny", TINY), folder / "first", Held(_resident, _resident)
        )  # what libraries take for good
        profile = _profile(folder / "models", LARGE if CUDA else MIDDLE)
        held = (
            Held(torch.cuda.memory_allocated, torch.cuda.max_memory_allocated) if CUDA else Held(_resident, _resident)
        )
        _run(film, profile, folder / "second", held)
        weights = {stage: _weights(folder / "models" / stage) for stage in MODELLED}
        return _rows(held, weights)


def _rows(held: Held, weights: dict[str, int]) -> list[Row]:
    device = "CUDA device" if CUDA else "process (resident), above what libraries keep"
    how = f"one run through the runner; random weights; memory of the {device}"
    largest = max(weights, key=lambda stage: held.peak[stage])
    left = held.now() - held.base
    rows = [
        Row(f"{stage}: peak", f"{held.peak[stage] / MB:.0f} MB; left by the stages before: "
            f"{held.before[stage] / MB:.0f} MB", "", f"weights {size / MB:.0f} MB; {how}")
        for stage, size in weights.items()
    ]  # fmt: skip
    every, alone = sum(weights.values()), held.peak[largest] - held.before[largest]
    return [
        *rows,
        Row("highest peak of the run against the stage with the largest model alone",
            f"{max(held.peak.values()) / alone:.2f}×", "≤ 1.25×", f"all models together: {every / MB:.0f} MB; {how}"),
        Row("left when the run has ended", f"{left / MB:.0f} MB = {left / every:.0%} of all weights", "≤ 15 %", how),
    ]  # fmt: skip


def _film(folder: Path) -> Path:
    from data import media

    def ffmpeg(*arguments: object) -> None:
        import subprocess

        subprocess.run([media.ffmpeg_path(), "-v", "error", "-y", *map(str, arguments)], check=True)

    folder.mkdir()
    parts = short_film.ingredients(folder, ffmpeg)
    film = folder / "film.mp4"
    ffmpeg("-i", parts / "picture.mkv", "-i", parts / "sound.wav", "-c:v", "copy", "-c:a", "aac", film)
    return film


def _profile(folder: Path, sizes: Sizes) -> settings.Config:
    from stages.objects.yolo import imported

    for stage in MODELLED:
        (folder / stage).mkdir(parents=True)
    whisper.openai(folder / "dialogue" / "model.pt", **sizes.whisper)
    imported().YOLO(sizes.yolo).save(str(folder / "objects" / "model.pt"))
    vlm.qwen2_5_vl(folder / "candidates", **sizes.captioner)
    causal.causal(folder / "ranking", **sizes.ranker)
    gc.collect()
    options = {
        "dialogue.backend": "whisper", "dialogue.options.model": folder / "dialogue" / "model.pt",
        "objects.backend": "yolo", "objects.options.weights": folder / "objects" / "model.pt",
        "candidates.backend": f"{Captioner.__module__}:Captioner", "candidates.options.model": folder / "candidates",
        "candidates.options.max_new_tokens": 16,
        "ranking.backend": "causal", "ranking.options.model": folder / "ranking",
    }  # fmt: skip
    return settings.load("embedded", [f"{key}={value}" for key, value in options.items()])


def _weights(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.suffix in {".pt", ".safetensors"})


def _run(film: Path, config: settings.Config, out: Path, held: Held) -> None:
    work = Work(probe(film), out)
    work.workspace.folder.mkdir(parents=True)
    release()
    held.base = held.now()
    over = threading.Event()
    looking = threading.Thread(target=partial(_keep_looking, held, over))
    looking.start()
    runner.run([work], config, "ranking", held)
    over.set()
    looking.join()
    if work.error:
        raise work.error


def _keep_looking(held: Held, over: threading.Event) -> None:
    while not over.is_set():
        held.look()
        time.sleep(EVERY)


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)
