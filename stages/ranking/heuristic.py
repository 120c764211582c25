"""The heuristic: a line is good when it fits a gap, says something new, keeps the style and is well supported.

Four parts, each 0–1, from the text and the prompt alone. Deterministic.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod

from data.standard import FASTER, FILL
from data.style import findings
from data.text.language import seconds
from stages.ranking.prompt import RankingPrompt

WORTH = {"text": 1.0, "face": 0.7, "object": 0.6, "region": 0.5, "dialogue": 0.5, "look": 0.3}
"""Text nobody reads comes first, then who is there, then light and place, which a look alone supports weakly."""
UNSUPPORTED = 0.4  # a caption that names no evidence: a captioner's own eyes
COST = {"error": 0.5, "warning": 0.15, "info": 0.0}  # of one style finding
_PARTICLES = re.compile(r"(?<=[가-힣])(?:에서|으로|에게|까지|부터|이라고|라고|이|가|을|를|은|는|과|와|에|의|로|도)$")
_EMPTY = {
    "있다",
    "이다",
    "나온다",
    "나타난다",
    "적혀",
    "a",
    "an",
    "the",
    "is",
    "are",
    "there",
    "it",
    "of",
    "in",
    "on",
    "reads",
}


def parts(prompt: RankingPrompt, texts: Sequence[str]) -> list[dict[str, float]]:
    """The parts `fit`, `new`, `style` and `evidence` of each text."""
    return [
        {
            "fit": _fit(seconds(text, prompt.language, prompt.rate), prompt.windows),
            "new": _new(text, prompt),
            "style": _style(text, prompt.language),
            "evidence": _evidence(prompt.support[number] if number < len(prompt.support) else ()),
        }
        for number, text in enumerate(texts)
    ]


def _fit(needed: float, windows: Sequence[float]) -> float:
    """1 up to `FILL` of the longest window, 0.6 where it is full, 0 from `FASTER` on; 0 without a window."""
    share = needed / max(windows, default=0.0) if max(windows, default=0.0) > 0 else FASTER
    if share <= FILL:
        return 1.0
    if share <= 1:
        return 1 - 0.4 * (share - FILL) / (1 - FILL)
    return max(0.0, 0.6 * (FASTER - share) / (FASTER - 1))


def _new(text: str, prompt: RankingPrompt) -> float:
    """The share of the text's words that no one earlier line, nor the dialogue, already says."""
    words = _words(text)
    if not words:
        return 0.0
    dialogue = f"{prompt.dialogue_before} {prompt.dialogue_after}"
    return 1 - max(len(words & _words(line)) / len(words) for line in (*prompt.earlier, dialogue))


def _words(text: str) -> frozenset[str]:
    """Words without particles and without those that say nothing."""
    words = (_PARTICLES.sub("", word) for word in re.findall(r"\w+", text.casefold()))
    return frozenset(words) - _EMPTY


def _style(text: str, language: str) -> float:
    return max(0.0, 1 - sum(COST[f.severity] for f in findings(text, language)))


def _evidence(support: Sequence[tuple[str, float]]) -> float:
    """How likely at least one piece of evidence holds, weighed by what it is worth (noisy or)."""
    if not support:
        return UNSUPPORTED
    best = {kind: max(score for k, score in support if k == kind) for kind, _ in support}
    return 1 - prod(1 - WORTH[kind] * score for kind, score in best.items())
