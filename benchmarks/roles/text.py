"""On-screen text: a batch of keyframes against one at a time, through the production backend.

EasyOCR's CRAFT and Korean recogniser in real size; the detector is built to find the white bars of the stills, so that
there is something to read. Searching is batched over the pictures, reading over the lines of one picture; on the CPU
EasyOCR batches neither, for a batch is slower there, and the ratio says that nothing is lost.
"""

from __future__ import annotations

import operator
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from benchmarks.roles.objects import compared
from benchmarks.row import Row
from stages.text.easyocr import EasyOCR
from tests.checkpoints import ocr as checkpoint

LINES = 4


def measure() -> list[Row]:
    """The rows of this role."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    stills, repeats, size = (32, 7, (540, 960)) if device == "cuda" else (4, 5, (270, 480))
    still = np.full((*size, 3), 40, np.uint8)
    for line in range(LINES):
        top = (1 + 2 * line) * size[0] // (2 * LINES + 1)
        still[top : top + size[0] // 20, size[1] // 4 : size[1] * 3 // 4] = 255
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.detector(Path(folder))
        checkpoint.recogniser(Path(folder))
        checkpoint.trust(Path(folder), SimpleNamespace(setitem=operator.setitem))
        batched = EasyOCR(EasyOCR.Options(model_folder=folder, network_folder=folder, device=device, batch=stills))
        single = EasyOCR(EasyOCR.Options(model_folder=folder, network_folder=folder, device=device, batch=1))
        found = [len(backend.read([still])[0]) for backend in (batched, single)]
        pictures = [still] * stills
        batched.read(pictures)
        ratio, each = compared(lambda: single.read(pictures), lambda: batched.read(pictures), repeats)
    how = (
        f"EasyOCR, {stills} stills of {size[1]}×{size[0]} with {found[0]} lines, random weights of real size, "
        f"{device}{' (takes one at a time)' if device == 'cpu' else ''}, median of {repeats}"
    )
    return [
        Row("text, batched against one by one", f"{ratio:.2f}×", "≥ 2× where the library allows", how),
        Row("text, one still in a batch", f"{1000 * each / stills:.0f} ms", "", how),
    ]
