"""Films with known cuts, made with ffmpeg's own sources."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from data.media import probe
from data.records import Episode

LENGTHS = (2.4, 1.6, 2.0, 1.5)
"""Seconds of the four shots."""


def four_shots(rate: str, size: str = "640x360") -> tuple[str, list[float]]:
    """A filter graph of four moving shots ending in [v], and the exact times of its three cuts."""
    fps = Fraction(rate)
    counts = [round(length * fps) for length in LENGTHS]
    sources = [("testsrc2", ""), ("mandelbrot", ""), ("smptehdbars", "scroll=h=0.002,"), ("testsrc", "")]
    parts = [
        f"{source}=size={size}:rate={rate},{motion}trim=end_frame={count},format=yuv420p[p{i}]"
        for i, ((source, motion), count) in enumerate(zip(sources, counts, strict=True))
    ]
    joined = "".join(f"[p{i}]" for i in range(4)) + "concat=n=4:v=1,setsar=1[v]"
    cuts = [float(sum(counts[:n]) / fps) for n in (1, 2, 3)]
    return ";".join([*parts, joined]), cuts


def make(ffmpeg: Callable[..., None], path: Path, rate: str, *options: object, size: str = "640x360") -> list[float]:
    """Write the film to `path`; the times of its cuts."""
    graph, cuts = four_shots(rate, size)
    ffmpeg("-filter_complex", graph, "-map", "[v]", *options, path)
    return cuts


def episode(path: Path) -> Episode:
    """Probe a film without sound."""
    return probe(path, silent_ok=True, content="0" * 64)
