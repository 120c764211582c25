"""What further candidates of a keyframe cost, and what batches of keyframes save, through the production captioner.

Qwen2.5-VL with random weights: 27 M parameters in the proportions of the 3B model on the CPU, the sizes of
Qwen2.5-VL-3B in bf16 where CUDA is at hand. The question takes about 760 tokens, 299 of them a picture of 640×360;
every answer has 32 tokens, for none ends by itself.
"""

from __future__ import annotations

import io
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.row import Row

REPEATS = 3
NEW_TOKENS = 32
KEYFRAMES = 4
SMALL: dict[str, Any] = {
    "width": 384,
    "layers": 6,
    "decoder": {
        "intermediate_size": 2048, "num_attention_heads": 8, "num_key_value_heads": 1,
        "rope_parameters": {"rope_type": "default", "mrope_section": [8, 8, 8], "rope_theta": 10000.0},
    },
    "intermediate_size": 1024,
}  # fmt: skip
"""Keys and values an eighth of the width, as in the 3B model."""
REAL: dict[str, Any] = {
    "width": 2048,
    "layers": 36,
    "decoder": {
        "intermediate_size": 11008, "num_attention_heads": 16, "num_key_value_heads": 2, "vocab_size": 151936,
        "rope_parameters": {"rope_type": "default", "mrope_section": [16, 24, 24], "rope_theta": 1000000.0},
    },
    "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 2048,
    "fullatt_block_indexes": [7, 15, 23, 31],
}  # fmt: skip
"""config.json of Qwen/Qwen2.5-VL-3B-Instruct."""
CONTEXT = (
    "Dialogue before: I told you not to come back here, and still you come. Dialogue after: Then look at me. "
    "On-screen text: Incheon Airport, Departures. Objects: a suitcase, two chairs, a cup. People: at least two. "
    "Earlier line: A woman waits at the window of the terminal. "
)
SYSTEM = "You write audio description for drama."
STYLES = (
    "Say what the picture shows in one sentence in the present tense, no longer than twenty syllables.",
    "As few words as possible; only what is seen, no guesses about feelings; names only where they are given.",
)


def measure() -> list[Row]:
    """The figures of the candidates role."""
    import torch

    cuda = torch.cuda.is_available()
    how = "Qwen2.5-VL-3B sizes, bf16, CUDA, wall time" if cuda else "27 M parameters, fp32, CPU, processor time"
    how += f"; random weights, ~760-token prompt with a 640×360 picture, {NEW_TOKENS} new tokens, best of {REPEATS}"
    with tempfile.TemporaryDirectory() as folder:
        together, alone = (captioner(checkpoint(Path(folder), cuda=cuda), batch) for batch in (KEYFRAMES, 1))
        runs: dict[str, Callable[[], object]] = {
            "one": lambda: caption(together, STYLES[:1], 1),
            "four": lambda: caption(together, STYLES, 2),
            "naive": lambda: [caption(together, [style], 1) for style in STYLES for _ in range(2)],
            "alone": lambda: caption(alone, STYLES, 2),
        }
        seconds = best(runs, clock=synchronised if cuda else time.process_time)
    return rows(seconds, how, cuda=cuda)


def rows(seconds: dict[str, float], how: str, *, cuda: bool) -> list[Row]:
    """The ratios, as they are read."""
    four, naive = seconds["four"] / seconds["one"], seconds["naive"] / seconds["one"]
    batched = seconds["alone"] / seconds["four"]
    return [
        Row("4 candidates of a keyframe (2 styles × 2) against 1", f"{four:.2f}×", "≤ 1.6×", how),
        Row("the same without sharing: 4 questions of 1", f"{naive:.2f}×", "", how),
        Row(
            f"{KEYFRAMES} keyframes together against one by one", f"{batched:.2f}× faster", "≥ 3×" if cuda else "", how
        ),
        Row("4 candidates of one keyframe", f"{1000 * seconds['four'] / KEYFRAMES:.0f} ms", "", how),
    ]


def checkpoint(folder: Path, *, cuda: bool) -> Path:
    """A model whose answers never end by themselves, so that all runs write the same number of tokens."""
    import torch

    from tests.checkpoints import vlm

    torch.set_default_dtype(torch.bfloat16 if cuda else torch.float32)
    with torch.device("cuda") if cuda else nullcontext():
        vlm.qwen2_5_vl(folder, **(REAL if cuda else SMALL))
    torch.set_default_dtype(torch.float32)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": 10**9, "pad_token_id": 0}))
    return folder


def captioner(folder: Path, batch: int) -> Any:
    """The production captioner, loaded."""
    from stages.candidates.transformers import Transformers

    backend = Transformers(Transformers.Options(model=str(folder), batch=batch, max_new_tokens=NEW_TOKENS))
    caption(backend, STYLES[:1], 1)
    return backend


def caption(backend: Any, styles: Sequence[str], n: int) -> list[object]:
    """Captions of all keyframes."""
    from stages.candidates.prompt import Prompt

    asked = [
        [Prompt(language="en", system=SYSTEM, text=f"Shot {number}. {CONTEXT}{style}") for style in styles]
        for number in range(KEYFRAMES)
    ]
    return list(backend.caption(STILLS, asked, n))


def still(seed: int) -> bytes:
    """A noisy picture as a JPEG."""
    from PIL import Image

    file = io.BytesIO()
    small = np.random.default_rng(seed).integers(0, 256, (27, 48, 3), dtype=np.uint8)
    Image.fromarray(small).resize((640, 360)).save(file, "JPEG")
    return file.getvalue()


STILLS = [still(seed) for seed in range(KEYFRAMES)]


def best(runs: dict[str, Callable[[], object]], clock: Callable[[], float]) -> dict[str, float]:
    """The shortest time of each, taken in turns so that all meet the same load."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(REPEATS):
        for name, run in runs.items():
            start = clock()
            run()
            taken[name].append(clock() - start)
    return {name: min(times) for name, times in taken.items()}


def synchronised() -> float:
    """The time when the GPU has done all it was told."""
    import torch

    torch.cuda.synchronize()
    return time.perf_counter()
