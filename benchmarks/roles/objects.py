"""Objects: a batch of keyframes against one at a time, through the production backend; YOLOv8n with random weights."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.row import Row
from stages.objects.yolo import Yolo
from tests.checkpoints import yolo as checkpoint


def measure() -> list[Row]:
    """The rows of this role."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    stills, repeats = (64, 9) if device == "cuda" else (8, 7)
    noise = np.random.default_rng(0)
    pictures = [noise.integers(0, 255, (540, 960, 3), dtype=np.uint8) for _ in range(stills)]
    with tempfile.TemporaryDirectory() as folder:
        file = str(checkpoint.yolov8(Path(folder)))
        batched = Yolo(Yolo.Options(weights=file, device=device, batch=stills))
        single = Yolo(Yolo.Options(weights=file, device=device, batch=1))
        for backend in (batched, single):
            backend.detect(pictures[:2])
        ratio, each = compared(lambda: single.detect(pictures), lambda: batched.detect(pictures), repeats)
    how = f"YOLOv8n, {stills} stills of 960×540 at 640, boxes nearly everywhere, {device}, median of {repeats}"
    return [
        Row("objects, batched against one by one", f"{ratio:.2f}×", "≥ 2× where the library allows", how),
        Row("objects, one still in a batch", f"{1000 * each / stills:.1f} ms", "", how),
    ]


def compared(slow: Callable[[], object], fast: Callable[[], object], repeats: int) -> tuple[float, float]:
    """How many times longer `slow` takes than `fast`, both run in turn, and the shortest time of `fast`, seconds."""
    times = [(timed(slow), timed(fast)) for _ in range(repeats)]
    return statistics.median(a / b for a, b in times), min(b for _, b in times)


def timed(run: Callable[[], object]) -> float:
    """Seconds one run takes; the results of these backends are numbers, so nothing is still under way."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
