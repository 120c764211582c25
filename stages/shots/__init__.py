"""Shots: one decode pass that finds the cuts and keeps the stills from which keyframes are chosen."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from pydantic import Field

from data.media.video import closely, frames
from data.reasons import say
from data.records import Record, Shot, Still, record_id
from stages.shots.cuts import Cuts, Detector, see
from stages.shots.stills import Snapshot, Stills
from stages.stage import Job, StageConfig

VERSION = 1
DETECTION_WIDTH = 256
"""Pixels; the width to which PySceneDetect scales films by default."""


class Config(StageConfig):
    """How cuts are found. Times in seconds."""

    detector: Detector = Field(
        "adaptive",
        description="adaptive: change against that of the frames around (camera moves are no cuts); content: change",
    )
    threshold: float | None = Field(
        None, gt=0, description="The detector's threshold; none: PySceneDetect's own, adaptive 3.0, content 27.0"
    )
    min_change: float = Field(15.0, ge=0, description="adaptive: least mean HSV change (0–255) of a cut")
    same_picture: float = Field(
        0.93, gt=0, le=1, description="A change after which luma correlates this well with before is no cut"
    )
    fades: bool = Field(True, description="Also cut where the picture fades to black, white or one colour and back")
    min_shot: float = Field(
        0.6, ge=0, description="Cuts closer than this to the last, the start or the end are dropped"
    )
    stills: int = Field(6, ge=1, le=12, description="Stills kept per shot for choosing keyframes")
    still_width: int = Field(960, ge=64, description="Width of stills and keyframes in pixels; never enlarged")


def run(job: Job[Config]) -> Iterable[Record]:
    """Shots that tile [0, duration]; leaves their stills, as JPEGs named by time.

    Raises MediaError where no picture decodes. Damaged stretches become notes.
    """
    config, episode = job.config, job.episode
    cuts = _cuts(job)
    stills = Stills(config.still_width, config.stills)
    starts, kept = [0.0], list[Still]()
    for picture in frames(episode, width=DETECTION_WIDTH, damaged=lambda start, end: _note(job, start, end)):
        seen = see(picture)
        stills.feed(picture, seen)
        for cut in cuts.feed(seen):
            if starts[-1] + config.min_shot <= cut <= episode.duration - config.min_shot:
                kept += [_write(job, snapshot) for snapshot in stills.close(cut)]
                starts.append(cut)
        job.progress(picture.time, episode.duration)
    kept += [_write(job, snapshot) for snapshot in stills.close(max(episode.duration, stills.start))]
    Still.leave(kept, job.folder)
    tiles = enumerate(pairwise([*starts, episode.duration]), 1)
    return [Shot(id=record_id("s", number), start=start, end=end) for number, (start, end) in tiles]


def _cuts(job: Job[Config]) -> Cuts:
    config = job.config
    default = 3.0 if config.detector == "adaptive" else 27.0
    return Cuts(
        config.detector,
        default if config.threshold is None else config.threshold,
        config.min_change,
        config.same_picture,
        config.fades,
        job.episode.video.fps,
        lambda start, end: closely(job.episode, start, end, width=DETECTION_WIDTH),
    )


def _write(job: Job[Config], snapshot: Snapshot) -> Still:
    """Write its picture."""
    time = round(snapshot.seen.time, 3)
    image = f"{time:010.3f}.jpg"
    snapshot.write(job.folder / image, job.config.still_width)
    return Still(
        time=time,
        image=image,
        sharpness=round(snapshot.sharpness, 2),
        luma=round(float(snapshot.seen.grey.mean()), 2),
        look=tuple(snapshot.look()),
    )


def _note(job: Job[Config], start: float, end: float) -> None:
    text = say(
        "The picture is damaged or missing from {start:.1f} s to {end:.1f} s; the rest is described.",
        start=start,
        end=end,
    )
    job.note(text, start, end)
