"""Extended: important lines that no gap can hold, spoken while the picture stands still (WCAG 2.2, 1.2.7).

The described film stays as it is. `extended.mp4` is another one: at a pause of the dialogue the programme stops on one
picture, the line is spoken, and it goes on. Its picture is encoded anew by moviepy; its sound is the described film's,
so all the lines of the gaps are in it too. Yields one `Extended` for every line that is kept.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

from pydantic import Field

from data import media
from data.media.extended import frame_rate
from data.media.loudness import measure
from data.media.sound import audio_blocks, native_layout
from data.products import DescribedFilm, ExtendedFilm, Levels
from data.reasons import say
from data.records import Clip, Episode, Extended, Line, Missed, Utterance, record_id
from data.standard import GUARD, PAUSE
from stages.extended import picture, sound
from stages.extended.choosing import Wanted, chosen, wanted
from stages.extended.instants import Instant, free_stretches, instant
from stages.sources import Language, VoiceOfRun
from stages.stage import Job, StageConfig

VERSION = 1
CLIP_LOUDNESS = -23.0
"""LUFS of every clip, as the voice makes them."""
LEAD = TAIL = GUARD
"""Seconds before the first and after the last line of a freeze: those of a gap."""


class Config(StageConfig):
    """Which lines deserve that the film waits for them."""

    worth: float = Field(
        1.0,
        description="Least worth of a picture's line, in the ranker's score; on-screen text is always worth it",
    )
    share: float = Field(
        0.1, ge=0, le=1, description="Most that may be added, as a share of the film's length; always room for one line"
    )
    longest: float = Field(12.0, gt=0, description="Seconds of the longest line that the film waits for")
    reach: float = Field(
        4.0, ge=0, description="Seconds from the moment within which a pause of the dialogue is looked for"
    )
    apart: float = Field(
        5.0, ge=0, description="Seconds within which two lines share one freeze rather than stopping the film twice"
    )


def run(job: Job[Config]) -> Iterator[Extended]:
    """Choose the lines, have them spoken, and render the extended film.

    Raises MediaError where the film cannot be read or written, and what the voice raises.
    """
    picture.check_installed()
    lines = list(_lines(job))
    if not lines:
        job.note(say("No important line was left out; there is no extended film."))
        return
    _render(job, lines)
    total = sum({line.time: line.stands for line in lines}.values())
    job.note(
        say("{number} extended descriptions make the film {seconds:.1f} s longer: extended.mp4",
            number=len(lines), seconds=total)
    )  # fmt: skip
    yield from lines


def _lines(job: Job[Config]) -> Iterator[Extended]:
    """The lines that are kept, in order of time, with their places in the extended film."""
    placed = _placed(job, list(_wanted(job)))
    rate, added = frame_rate(job.episode.video.fps), 0.0
    number = 0
    for time in sorted({where.time for _, where, _ in placed}):
        here = [(item, clip) for item, where, clip in placed if where.time == time]
        lengths = [clip.seconds for _, clip in here]
        spoken = LEAD + sum(lengths) + PAUSE * (len(here) - 1) + TAIL
        stands = float(-(-spoken * rate // 1) / rate)  # whole frames, so that sound and picture go on together
        start = time + added + LEAD
        for (item, clip), length in zip(here, lengths, strict=True):
            number += 1
            name = record_id("x", number)
            shutil.copyfile(clip.path, job.folder / f"{name}.wav")
            yield Extended(
                id=name, time=time, stands=stands, start=start, end=start + length, text=item.text, kind=item.kind,
                keyframe=item.keyframe, candidate=item.candidate, worth=item.worth, why=item.why,
                file=f"{name}.wav", voice=clip.voice,
            )  # fmt: skip
            start += length + PAUSE
        added += round(stands, 3)


def _wanted(job: Job[Config]) -> Iterator[Wanted]:
    """The lines without a place that are important enough, the most important first."""
    spoken = [clip for clip in job.read(Clip) if not clip.dropped]
    left = wanted(job.read(Missed), job.read(Line), job.read(Clip), job.open(Language).language)
    yield from chosen(left, [(clip.start, clip.text) for clip in spoken], job.config.worth)


def _placed(job: Job[Config], lines: Sequence[Wanted]) -> list[tuple[Wanted, Instant, sound.Take]]:
    """The lines for which there is an instant and time, in order of time, each with its clip."""
    speaker = job.open(VoiceOfRun).speaker
    assert speaker
    assert speaker.clip
    room = max(job.config.share * job.episode.duration, LEAD + job.config.longest + TAIL)
    kept: list[tuple[Wanted, Instant, sound.Take]] = []
    free, rate = _free(job), frame_rate(job.episode.video.fps)
    lost = 0
    for done, item in enumerate(lines, 1):
        taken = [where for _, where, _ in kept]
        where = instant(item, free, taken, job.config.reach, job.config.apart, rate)
        take = sound.take(*speaker.clip(item.text)) if where else None
        job.progress(0.1 * done / len(lines), 1)
        if not where or not take or take.seconds > job.config.longest:
            lost += where is None
            continue
        cost = take.seconds + (PAUSE if where in taken else LEAD + TAIL)
        if cost <= room:
            room -= cost
            kept.append((item, where, take))
    if lost:
        job.note(
            say("{count} lines stay unsaid: no pause of the dialogue is near enough to stop the film.", count=lost)
        )
    return sorted(kept, key=lambda row: (row[1].time, row[0].start, row[0].candidate))


def _free(job: Job[Config]) -> list[tuple[float, float]]:
    """Where the film may be stopped: no speech and no line of a gap."""
    speech = [(u.start, u.end) for u in job.read(Utterance)]
    lines = [(clip.start, clip.end) for clip in job.read(Clip) if not clip.dropped]
    return free_stretches(speech, lines, job.episode.duration)


def _render(job: Job[Config], lines: Sequence[Extended]) -> None:
    """Write `extended.mp4`: first its sound, then the picture with it."""
    film, track = _described(job)
    heard = track.audio_streams[-1] if track.audio_streams else None
    layout = native_layout(heard) if heard else "mono"
    level = _level(job)
    scratch = job.folder / "extended.flac"
    blocks = audio_blocks(film.model_copy(update={"duration": job.episode.duration}), heard, layout=layout)
    try:
        sound.write(scratch, blocks, layout, lines, job.folder, (frame_rate(job.episode.video.fps), level))
        job.progress(0.3, 1)
        picture.write(
            job.episode, lines, scratch, ExtendedFilm.place(job.folder), job.open(Language).language,
            lambda done: job.progress(0.3 + 0.7 * done, 1),
        )  # fmt: skip
    finally:
        scratch.unlink(missing_ok=True)


def _described(job: Job[Config]) -> tuple[Episode, Episode]:
    """The film whose last track is heard; the programme itself where no line lies in a gap."""
    path = job.open(DescribedFilm).path
    film = media.probe(path, content="-", silent_ok=True) if path else None
    if film is None:
        programme = (job.episode.audio,) if job.episode.audio else ()
        return job.episode, job.episode.model_copy(update={"audio_streams": programme})
    return film, film


def _level(job: Job[Config]) -> float:
    """LUFS of the lines: those of the mix; without one, those of the dialogue."""
    if (level := job.open(Levels).narration_loudness) is not None:
        return level
    if job.episode.audio is None:
        return CLIP_LOUDNESS
    layout = native_layout(job.episode.audio)
    programme = measure(audio_blocks(job.episode, layout=layout), 48_000, layout)
    known = [programme.dialogue([(u.start, u.end) for u in job.read(Utterance)]), programme.integrated, CLIP_LOUDNESS]
    return float(next(level for level in known if level is not None))
