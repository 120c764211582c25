"""Audio description that people wrote, as the truth of an episode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from data.scripts.line import ScriptLine
from finetune.rows import Truth


def truths(
    lines: Sequence[ScriptLine], *, episode: str, drama: str, language: Literal["ko", "en"] = "ko", source: str = "",
    licence: str = "",
) -> list[Truth]:  # fmt: skip
    """A row for each line of a script of `episode` (a results folder, or its name)."""
    return [
        Truth(
            caption=line.text, image=None, time=line.start, end=line.end,
            episode=episode, drama=drama, language=language, source=source, licence=licence,
        )
        for line in lines
    ]  # fmt: skip
