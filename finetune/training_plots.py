"""Pictures of a training: how the loss fell and how the ranking accuracy rose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

SERIES = {
    "loss.png": ("cross-entropy or preference loss", {"loss": "training", "eval_loss": "validation"}),
    "ranking_accuracy.png": ("ranking accuracy@1", {"eval_ranking_accuracy": "validation"}),
}
"""File → label of its axis, and the metrics in it with their names."""


def draw(folder: Path, history: Sequence[dict[str, Any]]) -> list[Path]:
    """One picture for each series that has points; `history` is the Trainer's, with `step` in every entry."""
    drawn = []
    for name, (label, metrics) in SERIES.items():
        lines = {called: points for metric, called in metrics.items() if (points := _points(history, metric))}
        if lines:
            drawn.append(_chart(folder / name, label, lines))
    return drawn


def _points(history: Sequence[dict[str, Any]], metric: str) -> list[tuple[int, float]]:
    return [(entry["step"], entry[metric]) for entry in history if metric in entry]


def _chart(path: Path, label: str, lines: dict[str, list[tuple[int, float]]]) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for called, points in lines.items():
        axes.plot(*zip(*points, strict=True), label=called, marker="o" if len(points) < 40 else None)
    axes.set_xlabel("step")
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
    return path
