"""The voices that a reviewer can choose for a line."""

from __future__ import annotations

from pathlib import Path

from data.errors import VdescError
from pipeline.config import make_backend
from pipeline.results.remembered import recall
from stages import STAGES
from stages.voice.backend import Voice

VOICE = next(stage for stage in STAGES if stage.name == "voice")


def offered(results: Path) -> tuple[str, ...] | None:
    """What the voice of the run can be told to be; None where it cannot list that, and a name is typed.

    Empty for a voice that has no others. Nothing is loaded and no service is asked.
    """
    try:
        made_with = recall(results)
        backend = make_backend(VOICE, made_with.config)
    except VdescError:  # told where the voice is used
        return None
    if not isinstance(backend, Voice) or backend.VOICE is None:
        return ()
    return backend.voices(made_with.config.language)
