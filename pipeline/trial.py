"""Tries a backend for real: loads it, gives it one tiny input, frees it; each in a process of its own.

A process of its own because only so the memory is that of one model, and one that is killed for memory ends itself
alone.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

import numpy as np

from data import messages
from data.errors import UserError
from data.messages import Lang, tr
from pipeline import config as settings
from pipeline.models import Chosen, absent, need_packages, needs
from stages import STAGES
from stages.stage import Stage

SIDE = 64
"""Pixels of the picture's sides."""
SENTENCES = {"ko": "한 여자가 창가에 서 있다.", "en": "A woman stands at the window."}


@dataclass(frozen=True)
class Trial:
    """How it went."""

    seconds: float = 0.0
    memory: int | None = None
    """Peak of the process, bytes; None where the system does not tell."""
    graphics: int | None = None
    """Peak on the CUDA device, bytes; None without one."""
    error: str | None = None


def trial(stage: Stage, chosen: Chosen, lang: Lang) -> Trial:
    """Load the backend of `stage` in a process of its own and run it once."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
        try:
            return apart.submit(_tried, stage.name, chosen, lang).result()
        except BrokenProcessPool:
            return Trial(error=tr("killed, most likely for memory; set quantise=4bit, or a smaller model"))


def _tried(name: str, chosen: Chosen, lang: Lang) -> Trial:
    messages.use(lang)
    started = time.perf_counter()
    stage = next(stage for stage in STAGES if stage.name == name)
    try:
        with _quiet():
            _try(stage, settings.load(chosen.profile, chosen.assignments), chosen)
    except UserError as error:
        return Trial(error=str(error))
    except Exception as error:  # whatever a library raises is what the trial is there to find
        return Trial(error=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
    return Trial(time.perf_counter() - started, _peak(), _graphics_peak())


def _try(stage: Stage, config: settings.Config, chosen: Chosen) -> None:
    need_packages([stage], config)
    if missing := absent(needs(config, [stage])):
        raise UserError(
            "{weights}: not on this machine; run `{command}`",
            weights=", ".join(w.name for w in missing),
            command=chosen.command("fetch"),
        )
    backend = settings.make_backend(stage, config)
    try:
        PROBES[stage.role or ""](backend, config.language)
    finally:
        if backend:
            backend.close()


def _picture() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A picture with edges and colours, BGR."""
    ramp = np.linspace(0, 255, SIDE, dtype=np.uint8)
    return np.stack([np.tile(ramp, (SIDE, 1)), np.tile(ramp[:, None], SIDE), np.full((SIDE, SIDE), 128, np.uint8)], -1)


def _jpeg() -> bytes:
    from PIL import Image

    with io.BytesIO() as file:
        Image.fromarray(_picture()[..., ::-1]).save(file, "JPEG")
        return file.getvalue()


def _listen(backend: Any, language: str) -> None:  # noqa: ARG001
    tone = np.sin(np.arange(8000) * 2 * np.pi * 220 / 16_000).astype(np.float32) * 0.1
    backend.transcribe(iter([tone]), 16_000, known=[])


def _look(backend: Any, language: str) -> None:  # noqa: ARG001
    (_,) = backend.detect([_picture()])


def _read(backend: Any, language: str) -> None:  # noqa: ARG001
    (_,) = backend.read([_picture()])


def _caption(backend: Any, language: str) -> None:
    from stages.candidates.prompt import Prompt

    (_,) = backend.caption([_jpeg()], [[Prompt(language=language)]], 1)


def _rank(backend: Any, language: str) -> None:
    from stages.ranking.prompt import RankingPrompt

    (_,) = backend.score([RankingPrompt(language=language)], [[SENTENCES[language]]])


def _rewrite(backend: Any, language: str) -> None:
    from stages.schedule.rewriting import question

    (_,) = backend.rewrite([question(SENTENCES[language], 4, language)])


def _speak(backend: Any, language: str) -> None:
    samples, _ = backend.speak(SENTENCES[language], language, 4.5)
    if not len(samples):
        raise UserError("the voice said nothing; choose another one (voice.backend)")


PROBES: Mapping[str, Callable[[Any, str], None]] = {
    "dialogue": _listen, "objects": _look, "text": _read, "faces": _look, "candidates": _caption, "ranking": _rank,
    "rewriting": _rewrite, "voice": _speak,
}  # fmt: skip
"""Role → one call of its method with the smallest input."""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Libraries' bars and logs go nowhere, those of their C++ too: the table shows one line a backend."""
    with open(os.devnull, "w") as nowhere, contextlib.ExitStack() as undo:  # noqa: PTH123
        for number in (1, 2):
            undo.callback(os.dup2, os.dup(number), number)
            os.dup2(nowhere.fileno(), number)
        yield
        sys.stdout.flush()
        sys.stderr.flush()


def _peak() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _graphics_peak() -> int | None:
    torch = sys.modules.get("torch")
    return int(torch.cuda.max_memory_allocated()) if torch and torch.cuda.is_available() else None
