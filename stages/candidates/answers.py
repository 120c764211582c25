"""What a model answered, as captions; see `captions`."""

from __future__ import annotations

from collections.abc import Sequence

from stages.candidates.prompt import Caption, Prompt


def captions(raw: Sequence[str], prompt: Prompt) -> list[Caption]:
    """The sentences in a model's raw answers to one prompt, without anything that is not a sentence."""
    return [Caption(text.strip(), "visual", prompt.length) for text in raw]
