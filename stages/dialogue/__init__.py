"""Where somebody speaks, and what: subtitles united with what a backend hears.

`songs.json` in the stage's folder lists the songs that subtitles name ({start, end, text}), which are no speech but
which narration must not cover either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np
from pydantic import Field

from data import subtitles
from data.errors import ConfigError, MediaError
from data.media import audio_blocks
from data.media.loudness import channel_names
from data.media.sound import Damaged, native_layout
from data.reasons import say
from data.records import Episode, Song, Utterance, record_id
from stages.dialogue.speech import RATE, Samples, Speech, Transcriber, one_at_a_time, unite
from stages.sources import Language, Silent
from stages.stage import Job, StageConfig

VERSION = 3
# Subtitles that meet a voice for less than this share of their time are probably those of another cut.
HEARD_SHARE = 0.3


class Config(StageConfig):
    """How dialogue is found."""

    sources: Literal["auto", "subtitles", "speech"] = Field(
        "auto", description="auto: subtitles where there are any, united with voices; or one of both alone"
    )
    backend: str = Field(
        "silero", description="What hears dialogue: silero, whisper, faster-whisper; none: subtitles alone"
    )
    options: dict[str, Any] = Field({}, description="Settings of the backend")


def run(job: Job[Config, Transcriber | None]) -> Iterable[Utterance]:
    """Utterances that cover every spoken subtitle and every voice, in order, without overlaps.

    Raises MediaError where a film has neither sound nor leave to be silent, or subtitles are demanded and missing.
    """
    episode = job.episode
    if episode.audio is None and not job.open(Silent).silent_ok:
        raise MediaError("{path} has no sound; --silent-ok describes it all the same.", path=episode.path)
    cues = _cues(job)
    Song.leave([Song(start=c.start, end=c.end, text=c.text) for c in cues if c.song], job.folder)
    lines = [Speech(c.start, c.end, c.text, source="subtitles") for c in cues if c.spoken]
    lines = one_at_a_time(lines, episode.duration)
    voices, damaged = _voices(job, lines)
    united = unite(lines, voices, episode.duration)
    _doubt(job, lines, united, voices)
    # What cannot be heard may be speech: better a gap lost than a word covered.
    united = unite(united, damaged, episode.duration)
    for number, span in enumerate(united, 1):
        yield Utterance(
            id=record_id("u", number),
            start=span.start,
            end=span.end,
            text=span.text,
            source=span.source,
            words=span.words,
        )


def _cues(job: Job[Config]) -> list[subtitles.Subtitle]:
    """Cues of the side file, else of a stream inside the film."""
    if job.config.sources == "speech":
        return []
    side, language = job.episode.subtitles, job.open(Language).language
    cues = subtitles.read(side, language) if side else subtitles.read_embedded(job.episode, language)
    if not cues and job.config.sources == "subtitles":
        raise MediaError(
            "{path} has no subtitles; give them (--subtitles) or set dialogue.sources=auto.", path=job.episode.path
        )
    return cues


def _voices(job: Job[Config, Transcriber | None], lines: list[Speech]) -> tuple[list[Speech], list[Speech]]:
    """Speech that the backend hears, and the stretches of sound that cannot be decoded."""
    if job.config.sources == "subtitles" or job.episode.audio is None:
        return [], []
    if job.backend is None:
        if job.config.sources == "speech":
            raise ConfigError("dialogue.sources=speech needs a backend; set dialogue.backend=silero.")
        return [], []
    damaged: list[Speech] = []

    def tell(start: float, end: float) -> None:
        damaged.append(Speech(start, end, source="damaged"))
        text = say(
            "The sound is damaged or missing from {start:.1f} s to {end:.1f} s; nothing is narrated there.",
            start=start,
            end=end,
        )
        job.note(text, start, end)

    return job.backend.transcribe(_heard(job, tell), RATE, known=lines, progress=job.progress), damaged


def _heard(job: Job[Config], tell: Damaged) -> Iterator[Samples]:
    """Blocks (samples, channels) to listen to: one channel, or of surround sound the centre apart from the rest."""
    columns = _surround(job.episode)
    layout = None if columns else "mono"
    done = 0
    for block in audio_blocks(job.episode, rate=RATE, layout=layout, damaged=tell):
        done += len(block)
        job.progress(done / RATE, job.episode.duration)
        if columns:
            centre, rest = columns
            yield np.stack([block[:, centre], block[:, rest].sum(axis=1) / 2], axis=1)
        else:
            yield block


def _surround(episode: Episode) -> tuple[int, list[int]] | None:
    """Columns of the centre and of the other full-range channels; None for mono and stereo.

    Film dialogue lies in the centre, where music and effects of the other channels do not drown it.
    """
    assert episode.audio is not None
    names = channel_names(native_layout(episode.audio))
    if "FC" not in names or len(names) < 3:
        return None
    return names.index("FC"), [i for i, name in enumerate(names) if name != "FC" and not name.startswith("LFE")]


def _doubt(job: Job[Config], lines: list[Speech], united: list[Speech], voices: list[Speech]) -> None:
    """Tell people when the subtitles hardly meet the voices."""
    total = sum(line.end - line.start for line in lines)
    met = sum(span.end - span.start for span in united if span.source.startswith("subtitles+"))
    if voices and total > 10 and met < HEARD_SHARE * total:
        job.note(
            say(
                "Only {percent} % of the subtitles' time holds a voice; check that they belong to this cut.",
                percent=round(100 * met / total),
            )
        )
