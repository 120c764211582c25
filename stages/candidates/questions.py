"""Which questions are asked about one keyframe: styles and lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from data.records import Length, Style
from stages.candidates.prompt import Prompt

TURNS: Mapping[Style, tuple[Length, ...]] = {
    "basic": ("standard", "rich", "short"),
    "strict": ("short", "standard", "rich"),
}
"""The lengths a style is asked for, most wanted first: four questions in two styles cover all three lengths."""


def questions(prompt: Prompt, styles: Sequence[Style], n: int) -> list[Prompt]:
    """At most `n` questions about one keyframe: the styles in turn, each length of each style once.

    Where the gaps leave only short lines, lengths that came out equal are one.
    """
    distinct = {limit: name for name, limit in reversed(list(prompt.lengths.items()))}
    turns = [[(style, name) for name in TURNS[style] if name in distinct.values()] for style in dict.fromkeys(styles)]
    asked = [pair for turn in zip(*turns, strict=True) for pair in turn]
    return [replace(prompt, style=style, length=length) for style, length in asked[:n]]
