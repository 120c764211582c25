"""Keyframes: one to three stills of each shot, sharp and different from each other. Decodes nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from pydantic import Field

from data.records import Keyframe, Record, Shot, Still, record_id
from stages.stage import Job, StageConfig

VERSION = 1


class Config(StageConfig):
    """How many keyframes a shot gets."""

    max_per_shot: int = Field(3, ge=1, le=6, description="Most keyframes of one shot")
    seconds_each: float = Field(
        2.0, gt=0, description="A shot gets one keyframe, and one more for each of these seconds"
    )
    min_difference: float = Field(
        12.0, ge=0, description="A further keyframe differs this much (0–255) in some sixteenth of the picture"
    )
    min_sharpness: float = Field(
        0.4, ge=0, le=1, description="A further keyframe is at least this sharp, as a share of the shot's sharpest"
    )


def run(job: Job[Config]) -> Iterable[Record]:
    """Choose from the stills of the shots stage; the JPEGs, named by time, are linked into the stage's folder.

    A shot with nothing to see (black, white, one colour throughout) has no still and gets no keyframe.
    """
    source = job.folder_of(Shot)
    stills = job.read(Still)
    chosen = [(shot, still) for shot in job.read(Shot) for still in choose(_within(stills, shot), shot, job.config)]
    for _, still in chosen:
        _place(source / still.image, job.folder / still.image)
    return [
        Keyframe(id=record_id("k", n), shot=shot.id, **still.model_dump()) for n, (shot, still) in enumerate(chosen, 1)
    ]


def choose(stills: list[Still], shot: Shot, config: Config) -> list[Still]:
    """The sharpest still, then those most different from all chosen (farthest-first traversal), by time."""
    if not stills:
        return []
    best = max(stills, key=lambda still: still.sharpness)
    sharp = [still for still in stills if still.sharpness >= config.min_sharpness * best.sharpness]
    chosen = [best]
    while len(chosen) < min(config.max_per_shot, 1 + int((shot.end - shot.start) / config.seconds_each)):
        farthest = max(sharp, key=lambda still: _apart(still, chosen))
        if _apart(farthest, chosen) < max(config.min_difference, 1e-6):
            break
        chosen.append(farthest)
    return sorted(chosen, key=lambda still: still.time)


def _within(stills: list[Still], shot: Shot) -> list[Still]:
    return [still for still in stills if shot.start <= still.time < shot.end]


def _apart(still: Still, chosen: list[Still]) -> float:
    return min(_difference(still, other) for other in chosen)


def _difference(a: Still, b: Still) -> float:
    """The largest mean difference of B, G, R in one cell of the 4×4 grid: small text changes few cells."""
    cells = np.abs(np.subtract(a.look, b.look)).reshape(16, 3)
    return float(cells.mean(axis=1).max())


def _place(source: Path, target: Path) -> None:
    """A hard link where the file system has them, else a copy: the same bytes either way."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
