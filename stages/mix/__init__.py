"""Mix: the narration at the loudness of the dialogue, over a programme that dips under it.

Leaves the described film, the narration alone at its level in the mix, and the levels measured on the samples handed
to the encoder. Yields one `Duck` for every dip; a film without sound has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from data.errors import MediaError
from data.media import aac
from data.media.loudness import CELLS, Loudness, measure, panning
from data.media.mux import DescribedWriter
from data.media.sound import Marked, audio_blocks, native_layout
from data.products import Levels, Stem
from data.reasons import say
from data.records import Clip, Duck, Episode, Gap, Utterance
from stages.mix import known
from stages.mix.ducking import Config, MixCue, Plan, Programme, kind_of, plan
from stages.mix.render import RATE, Samples, read_clip, spoken
from stages.mix.stretches import Mixing, Stretch, loudness, residual, sounds
from stages.sources import Language
from stages.stage import Job

VERSION = 3
TOLERANCE = 2.0
"""LU between narration and dialogue that nobody minds."""
SILENT_LAYOUT = "mono"
"""Of the track of a film without sound, which holds the narration alone."""


def run(job: Job[Config]) -> Iterable[Duck]:
    """Mix and write; without a single spoken line nothing is written. Raises MediaError as the film's reader does."""
    clips = [clip for clip in job.read(Clip) if clip.file is not None]
    if not clips:
        usable = any(gap.usable for gap in job.read(Gap))
        job.note(
            say("No line was found for the pauses of the dialogue; nothing was added.")
            if usable
            else say("No gap can take a line; nothing was added.")
        )
        return
    programme, made = planned(job, clips)
    if made.level < programme.target - TOLERANCE:
        too_quiet = round(programme.target - made.level, 1)
        job.note(say("Narration lies {lu} LU below the dialogue: any louder it would be distorted.", lu=too_quiet))
    write(job, programme, made, clips)
    yield from made.ducks if job.episode.audio else ()


def planned(job: Job[Config], clips: Sequence[Clip]) -> tuple[Programme, Plan]:
    """What the clips, one at least, are fitted into, and how: no sample is mixed for it."""
    programme = measured(job)
    gaps, folder = job.read(Gap), job.folder_of(Clip)
    cues = [cue_of(clip, gaps, programme, folder, job.cache) for clip in clips]
    return programme, plan(cues, programme, job.config)


def layout(episode: Episode) -> str:
    """FFmpeg's name of the layout of the mix: that of the programme."""
    return native_layout(episode.audio) if episode.audio else SILENT_LAYOUT


def programme_blocks(job: Job[Config], marked: Marked) -> Iterator[Samples]:
    """The programme's samples, to be measured; the first half of the stage's work."""
    done, length = 0, job.episode.duration
    for block in audio_blocks(job.episode, rate=RATE, layout=layout(job.episode), marked=marked):
        yield block
        done += len(block)
        job.progress(done / RATE, 2 * length)


def measured(job: Job[Config]) -> Programme:
    """The programme with its loudness; a film without sound is silence, which needs no decoding."""
    speech = job.read(Utterance)
    if job.episode.audio:
        shape = layout(job.episode)
        sound = known.programme(
            job.cache,
            job.episode,
            shape,
            lambda marked: measure(programme_blocks(job, marked), RATE, shape, true_peak=True),
        )
    else:
        sound = Loudness(silence := np.zeros(round(job.episode.duration * CELLS)), silence)
    levels = [sound.dialogue([(u.start, u.end) for u in speech]), sound.dialogue([(0.0, job.episode.duration)])]
    target = next((level for level in levels if level is not None), job.config.loudness)
    return Programme(sound, job.episode.duration, speech, target, float(panning(layout(job.episode)).max()))


def cue_of(clip: Clip, gaps: Sequence[Gap], programme: Programme, folder: Path, cache: Path) -> MixCue:
    """A clip with its bed and its own loudness."""
    assert clip.file is not None
    file = folder / clip.file
    voice = known.clip(cache, file, lambda: measure([read_clip(file)[:, None]], RATE, "mono", true_peak=True))
    return MixCue(clip, kind_of(clip, gaps), programme.sound.between(clip.start, clip.end), voice)


def write(job: Job[Config], programme: Programme, made: Plan, clips: Sequence[Clip]) -> None:
    """Write the described film, the narration alone and what was measured on the way to the encoder."""
    shape = layout(job.episode)
    mixing = Mixing(job.episode, shape, made, clips, job.folder_of(Clip), job.cache)
    missing, length = mixing.missing, job.episode.duration

    def told(done: int) -> None:
        job.progress(length * (1 + done / len(missing)), 2 * length)

    marks = known.marks(job.cache, job.episode, shape) if job.episode.audio else ()
    whole = partial(audio_blocks, job.episode, rate=RATE, layout=shape)
    mixing.make(sounds(job.episode, shape, missing, marks, whole), told)
    stretches: list[Stretch] = []
    track = job.folder / "track.mp4"
    try:
        aac.write_track(track, packets_of(mixing.stretches(), stretches), shape, mixing.samples)
        described = DescribedWriter(
            job.episode, job.folder, layout=shape, language=job.open(Language).language, rate=RATE, track=track
        )
        for note in described.delivery.notes:
            job.note(note)
        with described:
            write_stem(job, made, clips, mixing.samples)
    finally:
        track.unlink(missing_ok=True)
    mix = loudness(stretches)
    peaks = [mix.true_peak_between(clip.start, clip.end) for clip in clips]
    levels = {
        "dialogue_loudness": programme.sound.dialogue([(u.start, u.end) for u in programme.speech]),
        "programme_loudness": programme.sound.integrated,
        "mix_loudness": mix.integrated,
        "narration_loudness": made.level,
        "true_peak_under_cues": max((peak for peak in peaks if peak is not None), default=None),
        "residual_outside_cues": residual(stretches, made.ducks),
    }
    rounded = {name: value if value is None else round(value, 2) for name, value in levels.items()}
    Levels(**rounded, gains={clip: round(gain, 3) for clip, gain in made.gains.items()}).leave(job.folder)


def packets_of(made: Iterable[Stretch], known: list[Stretch]) -> Iterator[list[bytes]]:
    """The packets of every stretch as it streams by; what else is in it is added to `known`."""
    for stretch in made:
        known.append(replace(stretch, packets=[]))
        yield stretch.packets


def write_stem(job: Job[Config], made: Plan, clips: Sequence[Clip], samples: int) -> None:
    """Write the narration alone, at the level it has in the mix."""
    import soundfile

    try:
        with soundfile.SoundFile(Stem.place(job.folder), "w", RATE, 1, "PCM_24") as stem:
            for first in range(0, samples, 10 * RATE):
                stem.write(spoken(clips, job.folder_of(Clip), made.gains, first, min(10 * RATE, samples - first)))
    except soundfile.LibsndfileError as error:
        values = {"name": Stem.pattern, "reason": str(error).rstrip(".")}
        raise MediaError("{name} cannot be written: {reason}. Check the disk and the film.", **values) from error
