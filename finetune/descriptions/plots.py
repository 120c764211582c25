"""Pictures of a comparison. Their words are names of metrics and "human", "ours": no font for Hangul is needed."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from data.scripts.line import ScriptLine

if TYPE_CHECKING:
    from finetune.descriptions.evaluate import DescriptionReport

MATCHED, LONELY, HUMAN = "#37474f", "#b3261e", "#90a4ae"
ROW = 600.0
"""Seconds in one row of the timeline: ten minutes, in which a line of two seconds is still seen."""


def bars(report: DescriptionReport) -> bytes:
    """A PNG with a bar for every figure, as the share of its best value, and a tick for the human script's own."""
    from matplotlib.figure import Figure

    figures = report.figures[::-1]
    drawn = Figure(figsize=(9, 0.32 * len(figures) + 1), layout="constrained")
    axes: Any = drawn.subplots()
    shares = [max(f.value, 0.0) / f.best for f in figures]
    axes.barh(range(len(figures)), shares, color=MATCHED)
    for place, figure in enumerate(figures):
        if figure.human is not None:
            axes.plot([figure.human / figure.best] * 2, [place - 0.4, place + 0.4], color=LONELY, linewidth=3)
        end = max(shares[place], (figure.human or 0.0) / figure.best)
        axes.text(end + 0.01, place, f"{figure.value:g}", va="center", fontsize=8)
    arrows = {"higher": "↑", "lower": "↓"}
    axes.set_yticks(range(len(figures)), [f"{f.name}, {f.unit} {arrows[f.better]}" for f in figures])
    axes.set_xlim(0, 1.1)
    axes.margins(y=0.01)
    return _png(drawn)


def timeline(report: DescriptionReport) -> bytes:
    """A PNG of both scripts over time, human above ours, pairs joined by lines, unmatched lines red."""
    from matplotlib.figure import Figure

    lines = [*_of(report, "human"), *_of(report, "ours")]
    rows = max(1, math.ceil(max((line.end for line, _ in lines), default=1.0) / ROW))
    drawn = Figure(figsize=(14, 1.2 * rows + 0.5), layout="constrained")
    for row, axes in enumerate(drawn.subplots(rows, 1, squeeze=False)[:, 0]):
        for place, side in enumerate(("ours", "human")):
            spans = [(line.start, max(line.end - line.start, 0.3)) for line, _ in _of(report, side)]
            colours = [MATCHED if known else LONELY for _, known in _of(report, side)]
            axes.broken_barh(spans, (place * 2, 1), facecolors=colours, edgecolor="white", linewidth=0.5)
        for pair in report.pairs:
            for line in pair.ours:
                axes.plot([_middle(pair.human), _middle(line)], [2, 1], color=HUMAN, linewidth=1)
        axes.set_xlim(row * ROW, row * ROW + (ROW if rows > 1 else max(line.end for line, _ in lines)))
        axes.set_ylim(0, 3)
        axes.set_yticks([0.5, 2.5], ["ours", "human"])
    axes.set_xlabel("s")
    return _png(drawn)


def _of(report: DescriptionReport, side: str) -> Sequence[tuple[ScriptLine, bool]]:
    """The lines of one script, each with whether it is matched."""
    if side == "human":
        return [(p.human, True) for p in report.pairs] + [(line, False) for line in report.only_human]
    return [(line, True) for p in report.pairs for line in p.ours] + [(line, False) for line in report.only_ours]


def _middle(line: ScriptLine) -> float:
    return (line.start + line.end) / 2


def _png(drawn: Any) -> bytes:
    stream = io.BytesIO()
    drawn.savefig(stream, format="png", dpi=110)
    return stream.getvalue()
