"""Mix: the narration at the loudness of the dialogue, over a programme that dips under it.

Writes the described film, `narration.wav` (the narration alone, at its level in the mix) and `mix.json` (levels, and
what was measured on the samples handed to the encoder). Yields one `Duck` for every dip; a film without sound has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data.errors import MediaError
from data.files import write_atomically
from data.loudness import CELLS, Loudness, measure
from data.messages import tr
from data.mux import DescribedWriter
from data.records import Clip, Duck, Episode, Gap, Utterance
from data.sound import audio_blocks, native_layout
from stages.mix import known
from stages.mix.ducking import Config, Cue, Plan, Programme, kind_of, plan
from stages.mix.render import RATE, Block, Residual, Samples, panning, read_clip, rendered
from stages.stage import Job

if TYPE_CHECKING:
    from soundfile import SoundFile

VERSION = 2
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
            tr("No line was found for the pauses of the dialogue; nothing was added.")
            if usable
            else tr("No gap can take a line; nothing was added.")
        )
        return
    programme, made = planned(job, clips)
    if made.level < programme.target - TOLERANCE:
        too_quiet = round(programme.target - made.level, 1)
        job.note(tr("Narration lies {lu} LU below the dialogue: any louder it would be distorted.", lu=too_quiet))
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


def programme_blocks(job: Job[Config], share: int) -> Iterator[Samples]:
    """The programme's samples; the pass is the first or second half (`share` 0 or 1) of the stage's work."""
    done, length = 0, job.episode.duration
    for block in audio_blocks(job.episode, rate=RATE, layout=layout(job.episode)):
        yield block
        done += len(block)
        job.progress(share * length + done / RATE, 2 * length)


def measured(job: Job[Config]) -> Programme:
    """The programme with its loudness; a film without sound is silence, which needs no decoding."""
    speech = job.read(Utterance)
    if job.episode.audio:
        shape = layout(job.episode)
        sound = known.programme(
            job.cache, job.episode, shape, lambda: measure(programme_blocks(job, 0), RATE, shape, true_peak=True)
        )
    else:
        sound = Loudness(silence := np.zeros(round(job.episode.duration * CELLS)), silence)
    levels = [sound.dialogue([(u.start, u.end) for u in speech]), sound.dialogue([(0.0, job.episode.duration)])]
    target = next((level for level in levels if level is not None), job.config.loudness)
    return Programme(sound, job.episode.duration, speech, target, float(panning(layout(job.episode)).max()))


def cue_of(clip: Clip, gaps: Sequence[Gap], programme: Programme, folder: Path, cache: Path) -> Cue:
    """A clip with its bed and its own loudness."""
    assert clip.file is not None
    file = folder / clip.file
    voice = known.clip(cache, file, lambda: measure([read_clip(file)[:, None]], RATE, "mono", true_peak=True))
    return Cue(clip, kind_of(clip, gaps), programme.sound.between(clip.start, clip.end), voice)


def write(job: Job[Config], programme: Programme, made: Plan, clips: Sequence[Clip]) -> None:
    """Write the described film, the narration alone and what was measured on the way to the encoder."""
    import soundfile

    residual, shape = Residual(made.ducks), layout(job.episode)
    blocks = rendered(programme_blocks(job, 1), shape, made, clips, job.folder_of(Clip))
    described = DescribedWriter(job.episode, job.folder, layout=shape, language=job.settings.language, rate=RATE)
    if described.delivery.note:
        job.note(described.delivery.note)
    try:
        with soundfile.SoundFile(job.folder / "narration.wav", "w", RATE, 1, "PCM_24") as stem, described:
            mix = measure(handed_over(blocks, described, stem, residual), RATE, shape, true_peak=True)
    except soundfile.LibsndfileError as error:
        values = {"name": "narration.wav", "reason": str(error).rstrip(".")}
        raise MediaError(tr("{name} cannot be written: {reason}. Check the disk and the film.", **values)) from error
    peaks = [mix.true_peak_between(clip.start, clip.end) for clip in clips]
    levels = {
        "dialogue_loudness": programme.sound.dialogue([(u.start, u.end) for u in programme.speech]),
        "programme_loudness": programme.sound.integrated,
        "mix_loudness": mix.integrated,
        "narration_loudness": made.level,
        "true_peak_under_cues": max((peak for peak in peaks if peak is not None), default=None),
        "residual_outside_cues": residual.dbfs,
    }
    rows = {name: value if value is None else round(value, 2) for name, value in levels.items()}
    gains = {"gains": {clip: round(gain, 3) for clip, gain in made.gains.items()}}
    write_atomically(job.folder / "mix.json", json.dumps(rows | gains, indent=1).encode() + b"\n")


def handed_over(
    blocks: Iterable[Block], described: DescribedWriter, stem: SoundFile, residual: Residual
) -> Iterator[Samples]:
    """Pass every block of the mix on to the files, then to whoever measures it."""
    for block in blocks:
        described.write(block.mix)
        stem.write(block.narration)
        residual.feed(block)
        yield block.mix
