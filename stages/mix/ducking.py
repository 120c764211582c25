"""Where the programme dips under narration, how deep, and how loud the narration is. Pure planning, no samples.

Depth: the bed is lowered until the narration is 10 LU above music and 15 LU above ambience (Torcoli et al.,
"Preferred Levels for Background Ducking to Produce Esthetically Pleasing Audio for TV with Clear Speech", JAES 2019),
by 6 dB at least and 12 dB at most, as broadcasters ask for. Ramps are linear in gain, as the `tta:gain` of DAPT is.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from data.media.loudness import CELLS, Loudness
from data.records import Bed, Clip, Duck, Gap, Utterance, record_id
from stages.stage import StageConfig

SHORTEST_RAMP = 0.05
"""Seconds. Steeper is heard as a click; kept even where speech is nearer than that."""
UNEVEN = 1.0
"""dB one clip may be quieter than the others, so that all stay within the ±1.5 LU of a constant level."""

GRAIN = 0.1
"""dB to which the gain of the narration is rounded: a line more or less leaves that of all the others as it was."""


class Config(StageConfig):
    """How programme and narration are mixed."""

    ramp: float = Field(0.3, ge=0.05, le=5, description="Seconds the programme takes to go down, and to come back")
    hold: float = Field(1.5, ge=0, description="The programme stays down between lines closer than this (s)")
    min_depth: float = Field(6.0, ge=0, description="The programme goes down by this much at least (dB)")
    max_depth: float = Field(12.0, le=40, description="… and by this much at most (dB)")
    over_music: float = Field(10.0, description="How far narration should lie above lowered music (LU)")
    over_ambience: float = Field(15.0, description="How far narration should lie above lowered ambience (LU)")
    max_raise: float = Field(
        1.5,
        ge=0,
        le=2,
        description="Narration may be this much louder than the dialogue where lowering alone is not enough (LU)",
    )
    loudness: float = Field(
        -23.0, description="Level of the narration where the programme is too quiet to go by (LUFS)"
    )
    true_peak: float = Field(-1.0, le=0, description="No peak under narration is higher (dBTP)")
    codec_margin: float = Field(0.5, ge=0, description="Kept free below it for what the lossy codec adds (dB)")


@dataclass(frozen=True)
class MixCue:
    """A clip with what it is mixed with. Loudness of the clip is that of its file, before any gain."""

    clip: Clip
    kind: Bed
    bed: float | None
    """Programme LUFS under it; None: digital silence."""
    voice: Loudness = field(repr=False)


@dataclass(frozen=True)
class Programme:
    """What the narration is fitted into."""

    sound: Loudness
    """With its peaks."""
    duration: float
    speech: Sequence[Utterance]
    target: float
    """LUFS the narration is brought to: the loudness of the dialogue."""
    pan: float
    """Largest gain of the narration in any one channel."""


@dataclass(frozen=True)
class Plan:
    """What is rendered: the dips, and the gain in dB of every clip by id."""

    ducks: tuple[Duck, ...]
    gains: dict[str, float]
    level: float
    """LUFS of the narration that comes of it."""


def plan(cues: Sequence[MixCue], programme: Programme, config: Config) -> Plan:
    """Dips and gains for cues in order of time."""
    voice = Loudness(np.concatenate([cue.voice.energy for cue in cues])).integrated
    level = programme.target + raised(cues, programme.target, config)
    gain = 0.0 if voice is None else round((level - voice) / GRAIN) * GRAIN
    level = level if voice is None else voice + gain
    ducks = [duck_of(group, level, programme.sound, config) for group in grouped(cues, programme.speech, config.hold)]
    ducks = with_ramps(ducks, programme, config.ramp)
    return under_ceiling(Plan(tuple(ducks), {cue.clip.id: gain for cue in cues}, level), cues, programme, config)


def wanted(cue: MixCue, config: Config) -> float:
    """LU the narration should lie above the lowered bed."""
    return config.over_music if cue.kind == "music" else config.over_ambience


def raised(cues: Sequence[MixCue], level: float, config: Config) -> float:
    """How much louder than `level` all narration is, for the cue where the deepest dip is least enough."""
    beds = [(cue, cue.bed) for cue in cues if cue.bed is not None]
    short = [wanted(cue, config) - (level - (bed - config.max_depth)) for cue, bed in beds]
    return min(max([0.0, *short]), config.max_raise)


def depth_of(cue: MixCue, level: float, config: Config) -> float:
    """dB the bed goes down under a cue at `level` LUFS."""
    if cue.bed is None:
        return config.min_depth
    return min(max(wanted(cue, config) - (level - cue.bed), config.min_depth), config.max_depth)


def grouped(cues: Sequence[MixCue], utterances: Sequence[Utterance], hold: float) -> list[list[MixCue]]:
    """Cues under one dip: closer than `hold`, and nobody speaks between them."""
    groups: list[list[MixCue]] = []
    for cue in cues:
        end = max((c.clip.end for c in groups[-1]), default=0.0) if groups else 0.0
        if groups and cue.clip.start - end < hold and not speech_between(utterances, end, cue.clip.start):
            groups[-1].append(cue)
        else:
            groups.append([cue])
    return groups


def speech_between(utterances: Sequence[Utterance], start: float, end: float) -> bool:
    """Whether any of the time between two clips is spoken; clips that touch have none between."""
    return any(u.end > start and u.start < end for u in utterances) if end > start else False


def duck_of(group: Sequence[MixCue], level: float, programme: Loudness, config: Config) -> Duck:
    """The dip under a group, as deep as the cue that needs it most; without its ramps yet."""
    start, end = group[0].clip.start, max(cue.clip.end for cue in group)
    depth = max(depth_of(cue, level, config) for cue in group)
    bed = programme.between(start, end)
    return Duck(
        id="", start=start, end=end, attack=0, release=0, bed=None if bed is None else round(bed, 2),
        depth=round_up(depth), clips=tuple(cue.clip.id for cue in group),
    )  # fmt: skip


def with_ramps(ducks: Sequence[Duck], programme: Programme, ramp: float) -> list[Duck]:
    """Every dip with its ramps: as long as `ramp`, shorter where speech, another dip or the film's edge is near."""
    starts, ends = sorted(u.start for u in programme.speech), sorted(u.end for u in programme.speech)
    done = []
    for number, duck in enumerate(ducks, 1):
        spoken_until = ends[i - 1] if (i := bisect.bisect_right(ends, duck.start)) else -math.inf
        spoken_from = starts[i] if (i := bisect.bisect_left(starts, duck.end)) < len(starts) else math.inf
        before = (duck.start - ducks[number - 2].end) / 2 if number > 1 else duck.start
        after = (ducks[number].start - duck.end) / 2 if number < len(ducks) else programme.duration - duck.end
        attack, release = _ramp(ramp, duck.start - spoken_until, before), _ramp(ramp, spoken_from - duck.end, after)
        done.append(duck.model_copy(update={"id": record_id("d", number), "attack": attack, "release": release}))
    return done


def _ramp(ramp: float, guard: float, room: float) -> float:
    """Seconds, whole ms: inside the guard to the speech if that is long enough, always inside the room there is."""
    return math.floor(max(0.0, min(max(SHORTEST_RAMP, min(ramp, guard)), room)) * 1000 + 1e-6) / 1000


def under_ceiling(plan: Plan, cues: Sequence[MixCue], programme: Programme, config: Config) -> Plan:
    """Deepen dips, then lower narration, until no true peak under narration, nor of it alone, passes the ceiling.

    The peak of a sum is at most the sum of the peaks, so the peaks of every 10 ms of programme and clips bound it.
    Narration is lowered as a whole; a single clip by `UNEVEN` more at most.
    """
    ceiling = 10 ** ((config.true_peak - config.codec_margin) / 20)
    by_id = {cue.clip.id: cue for cue in cues}
    ducks: list[Duck] = []
    excess: dict[str, float] = {}
    for duck in plan.ducks:
        peaks = [bed_and_voice(by_id[i], programme, plan.gains[i]) for i in duck.clips]
        depth = max(duck.depth, min(config.max_depth, max(depth_needed(bed, voice, ceiling) for bed, voice in peaks)))
        ducks.append(duck.model_copy(update={"depth": round_up(depth)}))
        bed_gain = 10 ** (-depth / 20)
        for i, (bed, voice) in zip(duck.clips, peaks, strict=True):
            stem = 20 * math.log10(max(float(voice.max(initial=0.0)) / programme.pan / ceiling, 1e-9))
            excess[i] = max(reduction_needed(bed * bed_gain, voice, ceiling), stem)
    shared = max(0.0, max(excess.values(), default=0.0) - UNEVEN)
    gains = {i: gain - max(shared, excess[i]) for i, gain in plan.gains.items()}
    return Plan(tuple(ducks), gains, plan.level - shared)


Peaks = NDArray[np.float64]


def bed_and_voice(cue: MixCue, programme: Programme, gain: float) -> tuple[Peaks, Peaks]:
    """Peaks per 10 ms of the programme under a cue, undipped, and of its narration in one channel."""
    assert programme.sound.peaks is not None
    assert cue.voice.peaks is not None
    voice = cue.voice.peaks * (10 ** (gain / 20) * programme.pan)
    first = math.floor(cue.clip.start * CELLS)
    bed = np.pad(programme.sound.peaks[first : first + len(voice) + 2], (0, len(voice) + 2))
    # The clip's cells lie across two or three of the programme's.
    return np.lib.stride_tricks.sliding_window_view(bed, 3)[: len(voice)].max(axis=1), voice


def depth_needed(bed: Peaks, voice: Peaks, ceiling: float) -> float:
    """dB the bed must go down so that it fits beside the voice below the ceiling; inf where the voice fills it."""
    room = (ceiling - voice)[bed > 0] / bed[bed > 0]
    least = float(room.min(initial=1.0))
    return -20 * math.log10(least) if least > 0 else math.inf


def reduction_needed(bed: Peaks, voice: Peaks, ceiling: float) -> float:
    """dB the voice must go down to fit beside the lowered bed; 20 at most, for a bed that is too high by itself."""
    room = (ceiling - bed)[voice > 0] / voice[voice > 0]
    return -20 * math.log10(max(float(room.min(initial=1.0)), 0.1))


def round_up(depth: float) -> float:
    """To 0.01 dB, never less."""
    return math.ceil(depth * 100 - 1e-6) / 100


def kind_of(clip: Clip, gaps: Sequence[Gap]) -> Bed:
    """The bed of the gap in which a clip starts; ambience, which asks for more, where no gap is known."""
    return next((gap.bed for gap in gaps if gap.start <= clip.start < gap.end), "ambience")
