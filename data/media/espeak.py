"""espeak-ng: a small formant voice whose wheel carries library and languages; Korean, English and many more."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import StageError

WORKER = Path(__file__).with_name("espeak_worker.py")
PATIENCE = 60.0
"""Seconds to wait for one text; a sentence takes about 0.05."""


def version() -> str:
    """Name and version of what speaks, known without loading it."""
    return f"espeak-ng (espeakng-loader {metadata.version('espeakng-loader')})"


def variants() -> list[str]:
    """Names of the voice variants that are installed: what may follow the plus of a voice."""
    import espeakng_loader

    return sorted(path.name for path in (Path(espeakng_loader.get_data_path()) / "voices" / "!v").iterdir())


def speak(text: str, voice: str, words_per_minute: int, pitch: int = 50) -> tuple[NDArray[np.float32], int]:
    """Speak `text`: mono samples in −1…1 and their rate (22 050 Hz). The same arguments give the same samples.

    `voice` is a voice of espeak-ng, a variant after a plus (`ko`, `en-us`, `ko+f3`); `words_per_minute` (80–450) is
    espeak-ng's own count, not true words; `pitch` is 0–99. Silence around the speech is part of the samples.
    Raises StageError when espeak-ng does not start, refuses, hangs or is killed.
    """
    import espeakng_loader

    library, voices = espeakng_loader.get_library_path(), espeakng_loader.get_data_path()
    # -I -S: neither the user's environment nor site-packages, which halves the start-up time.
    command = [sys.executable, "-I", "-S", str(WORKER), library, voices, voice, str(words_per_minute), str(pitch)]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise _failed(text, f"> {PATIENCE:.0f} s") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise _failed(text, said[-1] if said else f"exit code {done.returncode}")
    rate = int.from_bytes(done.stdout[:4], "little")
    return np.frombuffer(done.stdout[4:], "<i2").astype(np.float32) / np.float32(32768), rate


def _failed(text: str, reason: str) -> StageError:
    return StageError(
        "The espeak-ng voice stopped while it spoke “{text}” ({reason}); run again, and if it stops again "
        "reinstall espeakng-loader.",
        text=text,
        reason=reason,
    )
