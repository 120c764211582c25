"""The mix: planned dips, samples exactly as planned, levels and peaks measured on what is written."""

from __future__ import annotations

import math
import shutil
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from data.media import aac, audio_blocks, probe
from data.media.loudness import Loudness, measure
from data.products import Levels
from data.records import AudioStream, Bed, Clip, Duck, Episode, Gap, Utterance, record_id
from stages import mix
from stages.mix import stretches
from stages.mix.ducking import Config, MixCue, Plan, Programme, depth_of, grouped, plan
from stages.mix.render import RATE, Residual, gain_curve, panning, rendered
from stages.sources import RunSettings
from stages.stage import Job
from tests.conftest import plain_episode

Samples = NDArray[np.float32]
ENCODE = aac.encoded
MakeJob = Callable[..., Job[Any]]


def noise(seconds: float, level: float, channels: int = 1, seed: int = 0) -> Samples:
    """(samples, channels) of noise at about `level` dBFS RMS, low as speech is."""
    white = np.random.default_rng(seed).normal(size=(round(seconds * RATE), channels)).cumsum(axis=0)
    white -= np.array([np.convolve(c, np.ones(400) / 400, "same") for c in white.T]).T
    return (white / np.sqrt(np.mean(white**2)) * 10 ** (level / 20)).astype(np.float32)


def voice(seconds: float, seed: int = 5) -> Samples:
    """A clip as the voice stage makes them: −23 LUFS, faded at the edges."""
    wave = noise(seconds, -23, seed=seed)
    loudness = measure([wave], RATE, "mono").integrated
    assert loudness is not None
    fade = np.minimum(1, np.minimum(np.arange(len(wave)), np.arange(len(wave))[::-1]) / 480)[:, None]
    return (wave * fade * 10 ** ((-23 - loudness) / 20)).astype(np.float32)


def a_clip(number: int, start: float, end: float) -> Clip:
    name = f"n{number:04d}"
    return Clip(
        id=name, narration=name, text="문이 열린다.", candidate="c", start=start, end=end, file=f"{name}.wav", voice="v"
    )


def an_utterance(number: int, start: float, end: float) -> Utterance:
    return Utterance(id=f"u{number:04d}", start=start, end=end, source="subtitles")


def a_gap(number: int, start: float, end: float, bed: Bed = "music") -> Gap:
    return Gap(
        id=f"g{number:04d}", start=start, end=end, lead_in=0.3, lead_out=0.3, bed=bed, loudness=-30.0, usable=True
    )


def a_duck(start: float, end: float, attack: float = 0.3, release: float = 0.3, depth: float = 8.0) -> Duck:
    return Duck(
        id="d0001", start=start, end=end, attack=attack, release=release, depth=depth, bed=-30, clips=("n0001",)
    )


def a_cue(
    clip: Clip, bed: float | None = -30.0, kind: Bed = "music", level: float = -23.0, peak: float = 0.3
) -> MixCue:
    cells = max(1, round((clip.end - clip.start) * 100))
    power = 10 ** ((level + 0.691) / 10)
    return MixCue(clip, kind, bed, Loudness(np.full(cells, power), np.full(cells, peak)))


def a_programme(
    duration: float, speech: Sequence[Utterance] = (), target: float = -23.0, peak: float = 0.1
) -> Programme:
    cells = math.ceil(duration * 100)
    return Programme(Loudness(np.full(cells, 1e-3), np.full(cells, peak)), duration, speech, target, 1.0)


# Planning


@pytest.mark.parametrize(
    ("kind", "bed", "level", "depth"),
    [
        ("music", -45.0, -23.0, 6.0),  # far below already: the least dip
        ("music", -25.0, -23.0, 8.0),  # 10 − (−23 + 25)
        ("music", -15.0, -23.0, 12.0),  # would take 18
        ("ambience", -29.0, -23.0, 9.0),  # 15 − 6
        ("ambience", -20.0, -23.0, 12.0),
        ("silence", -70.0, -23.0, 6.0),
        ("silence", None, -23.0, 6.0),
    ],
)
def test_depth(kind: Bed, bed: float | None, level: float, depth: float) -> None:
    assert depth_of(a_cue(a_clip(1, 1, 2), bed, kind), level, Config()) == pytest.approx(depth)


@pytest.mark.parametrize(("bed", "raised"), [(-30.0, 0.0), (-21.0, 0.0), (-20.0, 1.0), (-10.0, 1.5)])
def test_narration_is_raised_only_where_the_deepest_dip_is_not_enough(bed: float, raised: float) -> None:
    cues = [a_cue(a_clip(1, 2, 4), bed), a_cue(a_clip(2, 12, 14), -40.0)]
    made = plan(cues, a_programme(20), Config())
    assert made.level == pytest.approx(-23 + raised)
    assert [made.gains[c.clip.id] for c in cues] == pytest.approx([raised, raised], abs=0.01), "one level for all"


def test_close_cues_share_a_dip_unless_somebody_speaks_between() -> None:
    cues = [a_cue(a_clip(n, s, s + 2)) for n, s in enumerate((1, 4.4, 7.9, 12), 1)]
    assert [len(g) for g in grouped(cues, [], 1.5)] == [2, 1, 1]
    assert [len(g) for g in grouped(cues, [an_utterance(1, 3.3, 4.1)], 1.5)] == [1, 1, 1, 1]


def test_a_dip_is_as_deep_as_its_most_needy_cue() -> None:
    cues = [a_cue(a_clip(1, 1, 3), -26.0), a_cue(a_clip(2, 4, 6), -23.0)]
    (duck,) = plan(cues, a_programme(20), Config()).ducks
    assert (duck.depth, duck.start, duck.end, duck.clips) == (10.0, 1, 6, ("n0001", "n0002"))


def test_ramps_stay_off_the_dialogue_and_inside_the_film() -> None:
    speech = [an_utterance(1, 4.0, 9.75), an_utterance(2, 12.21, 15.0), an_utterance(3, 17.02, 18)]
    cues = [a_cue(a_clip(n, a, b)) for n, (a, b) in enumerate([(0.1, 3), (10, 12), (15.3, 17), (18.3, 20)], 1)]
    ducks = plan(cues, a_programme(20, speech), Config()).ducks
    assert [(d.attack, d.release) for d in ducks] == [(0.1, 0.3), (0.25, 0.21), (0.3, 0.05), (0.3, 0.0)]
    assert [d.id for d in ducks] == [record_id("d", number) for number in (1, 2, 3, 4)]


def test_peaks_deepen_the_dip_before_they_lower_the_voice() -> None:
    cues = [a_cue(a_clip(1, 2, 4), -35.0, peak=0.55), a_cue(a_clip(2, 12, 14), -35.0, peak=0.1)]
    made = plan(cues, a_programme(20, peak=0.9), Config())
    assert made.gains == {"n0001": 0.0, "n0002": 0.0}
    assert made.ducks[0].depth == pytest.approx(-20 * math.log10((10 ** (-1.5 / 20) - 0.55) / 0.9), abs=0.011)
    assert made.ducks[1].depth == 6


def test_a_voice_that_is_too_high_is_lowered_with_all_others_but_for_one_decibel() -> None:
    cues = [a_cue(a_clip(1, 2, 4), -35.0, peak=0.9), a_cue(a_clip(2, 12, 14), -35.0, peak=0.1)]
    made = plan(cues, a_programme(20, peak=0.8), Config())
    need = -20 * math.log10((10 ** (-1.5 / 20) - 0.8 * 10 ** (-12 / 20)) / 0.9)
    assert made.ducks[0].depth == 12
    assert made.gains["n0001"] == pytest.approx(-need, abs=0.01)
    assert made.gains["n0002"] == pytest.approx(-need + 1, abs=0.01)
    assert made.level == pytest.approx(-23 - need + 1, abs=0.01)


@st.composite
def films(draw: st.DrawFn) -> tuple[list[Clip], list[Utterance], float]:
    """Clips in order that do not overlap, speech anywhere between them, a film that holds them."""
    clips, speech, now = [], [], 0.0
    for number in range(1, draw(st.integers(1, 12)) + 1):
        now = round(now + draw(st.integers(0, 4000)) / 1000, 3)
        if draw(st.booleans()):
            end = round(now + draw(st.integers(1, 2000)) / 1000, 3)
            speech.append(an_utterance(number, now, end))
            now = round(end + draw(st.integers(0, 600)) / 1000, 3)
        clips.append(a_clip(number, now, now := round(now + draw(st.integers(100, 5000)) / 1000, 3)))
    return clips, speech, round(now + draw(st.integers(0, 2000)) / 1000, 3)


@settings(max_examples=200, deadline=None)
@given(films(), st.floats(-60, -10), st.floats(0.01, 1.2), st.sampled_from(["music", "ambience", "silence"]))
def test_dips_cover_their_clips_and_never_meet(
    film: tuple[list[Clip], list[Utterance], float], bed: float, peak: float, kind: Bed
) -> None:
    clips, speech, duration = film
    made = plan([a_cue(c, bed, kind) for c in clips], a_programme(duration, speech, peak=peak), Config())
    by_id = {clip.id: clip for clip in clips}
    assert [i for duck in made.ducks for i in duck.clips] == list(by_id), "every clip in one dip, in order"
    for duck in made.ducks:
        assert all(duck.start <= by_id[i].start and by_id[i].end <= duck.end for i in duck.clips)
        assert 6 <= duck.depth <= 12
        assert duck.start - duck.attack >= -1e-9
        assert duck.end + duck.release <= duration + 1e-9
        assert max(duck.attack, duck.release) <= 0.3
        for said in speech:
            touched = min(said.end, duck.end + duck.release) - max(said.start, duck.start - duck.attack)
            assert touched <= 0.05 + 1e-9, "at most the shortest ramp reaches into speech"
    for one, two in zip(made.ducks, made.ducks[1:], strict=False):
        assert one.end + one.release <= two.start - two.attack + 1e-9


# Rendering


def test_gain_is_linear_between_one_and_the_depth() -> None:
    duck = a_duck(2.0, 3.0, attack=0.3, release=0.2, depth=9.0)
    low = 10 ** (-9 / 20)
    expected = {0: 1, 1.7: 1, 1.85: (1 + low) / 2, 2: low, 2.5: low, 3: low, 3.05: low + (1 - low) / 4, 3.2: 1, 4: 1}
    gain = gain_curve(duck, np.array(list(expected)))
    assert gain == pytest.approx(list(expected.values()), abs=1e-12)
    assert (gain[[0, 1, -1]] == 1.0).all()
    assert gain_curve(a_duck(0, 1, attack=0), np.array([0.0, 0.5])) == pytest.approx(10 ** (-8 / 20))


def render(
    programme: Samples, layout: str, plan: Plan, clips: Sequence[Clip], folder: Path, block: int = 17_000
) -> tuple[Samples, Samples]:
    """Mix and narration of a whole programme, rendered in blocks."""
    blocks = [programme[i : i + block] for i in range(0, len(programme), block)]
    done = list(rendered(blocks, layout, plan, clips, folder))
    return np.concatenate([b.mix for b in done]), np.concatenate([b.narration for b in done])


def test_every_sample_is_as_planned(tmp_path: Path) -> None:
    programme, spoken = noise(6, -20, 2), voice(1.2)
    soundfile.write(tmp_path / "n0001.wav", spoken, RATE, subtype="FLOAT")
    duck, clip = a_duck(2.0, 3.2), a_clip(1, 2.0, 3.2)
    out, narration = render(programme, "stereo", Plan((duck,), {"n0001": -3.0}, -26), [clip], tmp_path)
    alone = np.zeros(len(programme))
    alone[2 * RATE : 2 * RATE + len(spoken)] = spoken[:, 0] * 10 ** (-3 / 20)
    gain = gain_curve(duck, np.arange(len(programme)) / RATE)
    np.testing.assert_allclose(narration, alone, atol=1e-7)
    np.testing.assert_allclose(out, programme * gain[:, None] + alone[:, None] * math.sqrt(0.5), atol=1e-6)
    untouched = np.ones(len(out), bool)
    untouched[round(1.7 * RATE) : round(3.5 * RATE)] = False
    assert (out[untouched] == programme[untouched]).all(), "outside the dip not one bit differs"
    again, _ = render(programme, "stereo", Plan((duck,), {"n0001": -3.0}, -26), [clip], tmp_path, block=RATE)
    assert (again == out).all(), "where blocks end makes no difference"


@pytest.mark.parametrize(
    ("layout", "gains"),
    [
        ("mono", [1]),
        ("stereo", [0.7071, 0.7071]),
        ("5.1", [0, 0, 1, 0, 0, 0]),
        ("5.1(side)", [0, 0, 1, 0, 0, 0]),
        ("quad", [0.7071, 0.7071, 0, 0]),
        ("7.1", [0, 0, 1, 0, 0, 0, 0, 0]),
        ("downmix", [0.7071, 0.7071]),
    ],
)
def test_narration_is_in_the_centre(layout: str, gains: list[float]) -> None:
    assert panning(layout).tolist() == pytest.approx(gains, abs=1e-4)


def test_surround_keeps_its_channels_and_all_go_down(tmp_path: Path) -> None:
    programme, spoken = noise(4, -20, 6), voice(1.0)
    soundfile.write(tmp_path / "n0001.wav", spoken, RATE, subtype="FLOAT")
    out, _ = render(programme, "5.1", Plan((a_duck(1, 2, depth=6),), {"n0001": 0.0}, -23), [a_clip(1, 1, 2)], tmp_path)
    inside = slice(RATE, 2 * RATE)
    low = np.float32(10 ** (-6 / 20))
    for channel in (0, 1, 3, 4, 5):
        np.testing.assert_allclose(out[inside, channel], programme[inside, channel] * low, rtol=1e-6)
    np.testing.assert_allclose(out[inside, 2], programme[inside, 2] * low + spoken[:, 0], atol=1e-6)


def test_residual_finds_a_changed_sample() -> None:
    class Changed:
        first, programme = RATE, np.zeros((RATE, 1), np.float32)
        mix = np.zeros((RATE, 1), np.float32)

    Changed.mix[[100, 24000]] = [[0.001], [0.5]]
    residual = Residual([a_duck(1.5, 1.6)])
    residual.feed(Changed)  # type: ignore[arg-type]
    assert residual.dbfs == pytest.approx(-60)
    assert Residual([]).dbfs is None


# The stage


class Recorder:
    """Stands where the muxer is, and keeps what the encoder is handed of every stretch."""

    encoded: dict[int, Samples]

    class delivery:  # noqa: N801
        notes = ()

    def __init__(self, *_: object, **options: Any) -> None:
        Recorder.options = options

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    @staticmethod
    def keep(sound: Samples, number: int, layout: str, samples: int) -> list[bytes]:
        first = number * stretches.OWN - aac.reach(number, samples)[0]
        Recorder.encoded[number] = sound[first : first + stretches.OWN].copy()
        return ENCODE(sound, number, layout, samples)

    @staticmethod
    def handed() -> list[Samples]:
        return [Recorder.encoded[number] for number in sorted(Recorder.encoded)]


def as_blocks(samples: Samples) -> Callable[..., Iterator[Samples]]:
    return lambda *_, **__: (samples[i : i + 480_000] for i in range(0, len(samples), 480_000))


@pytest.fixture
def drama(make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Job[Any]]:
    """The job of a 40 s programme: dialogue at −20 LUFS at 2–8 and 20–26 s, a bed under all of it, three clips."""

    def build(programme: Samples | None = None, layout: str = "stereo", bed: float = -38) -> Job[Any]:
        if programme is None:
            programme = noise(40, bed, 2, seed=1)
            for start in (2, 20):
                said = noise(6, -20, 1, seed=start)
                programme[start * RATE : (start + 6) * RATE] += said
        channels = programme.shape[1]
        audio = AudioStream(index=1, number=0, codec="pcm_s16le", rate=RATE, channels=channels, layout=layout)
        monkeypatch.setattr(mix, "audio_blocks", as_blocks(programme))
        monkeypatch.setattr(mix, "DescribedWriter", Recorder)
        monkeypatch.setattr(aac, "encoded", Recorder.keep)
        Recorder.encoded = {}
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)  # this film is another one with the same name
        clips = [a_clip(1, 9, 11), a_clip(2, 12, 15), a_clip(3, 30, 33)]
        for clip in clips:
            assert clip.file
            wave = voice(clip.end - clip.start, seed=int(clip.start))
            soundfile.write(tmp_path / clip.file, wave, RATE, subtype="PCM_24")
        records = {
            Clip: [*clips, clips[0].model_copy(update={"id": "n0009", "file": None, "dropped": "too long"})],
            Gap: [a_gap(1, 8, 20, "ambience"), a_gap(2, 26, 40, "ambience")],
            Utterance: [an_utterance(1, 2, 8), an_utterance(2, 20, 26)],
        }
        episode = plain_episode(tmp_path / "film.mp4", len(programme) / RATE, audio=audio)
        return make_job(Config(), records, episode=episode)

    return build


def test_narration_has_the_loudness_of_the_dialogue(drama: Callable[..., Job[Any]]) -> None:
    job = drama()
    ducks = list(mix.run(job))
    out, meter = np.concatenate(Recorder.handed()).astype(np.float64), pyloudnorm.Meter(RATE)
    dialogue = meter.integrated_loudness(np.concatenate([out[2 * RATE : 8 * RATE], out[20 * RATE : 26 * RATE]]))
    stem, rate = soundfile.read(job.folder / "narration.wav")
    info = soundfile.info(job.folder / "narration.wav")
    assert (rate, info.channels, info.subtype, len(stem)) == (RATE, 1, "PCM_24", 40 * RATE)
    for start, end in ((9, 11), (12, 15), (30, 33)):
        inside = slice(start * RATE, end * RATE)
        assert meter.integrated_loudness(out[inside]) == pytest.approx(dialogue, abs=1)
        assert meter.integrated_loudness(stem[inside]) == pytest.approx(dialogue, abs=1)
    assert [d.clips for d in ducks] == [("n0001", "n0002"), ("n0003",)]
    levels = Levels.open(job.folder).model_dump()
    assert levels["dialogue_loudness"] == pytest.approx(dialogue, abs=0.2)
    assert levels["residual_outside_cues"] is None
    assert set(levels["gains"]) == {"n0001", "n0002", "n0003"}
    given = {"layout": "stereo", "language": "ko", "rate": RATE, "track": job.folder / "track.mp4"}
    assert Recorder.options == given
    assert not (job.folder / "track.mp4").exists()


def test_stem_and_dips_rebuild_the_mix(drama: Callable[..., Job[Any]]) -> None:
    """What the script tells a player to do with the clips is what was done: mix = programme × gain + stem."""
    job = drama(bed=-30)
    programme = np.concatenate(list(mix.audio_blocks(job.episode)))
    ducks = list(mix.run(job))
    stem, _ = soundfile.read(job.folder / "narration.wav", always_2d=True)
    time = np.arange(len(programme)) / RATE
    gain = np.prod([gain_curve(duck, time) for duck in ducks], axis=0)
    rebuilt = programme * gain[:, None] + stem * math.sqrt(0.5)
    assert np.abs(np.concatenate(Recorder.handed()) - rebuilt).max() < 2**-23


@pytest.mark.parametrize("level", [-6.0, -3.0])
def test_no_peak_under_narration_passes_the_ceiling(drama: Callable[..., Job[Any]], level: float) -> None:
    loud = noise(40, level - 6, 2, seed=9).clip(-1, 1)
    job = drama(loud)
    list(mix.run(job))
    out = measure(Recorder.handed(), RATE, "stereo", true_peak=True)
    assert out.true_peak is not None
    assert out.true_peak > -1, "the programme itself is left as it is"
    for start, end in ((9, 11), (12, 15), (30, 33)):
        peak = out.true_peak_between(start + 0.01, end - 0.01)
        assert peak is not None
        assert peak <= -1.4
    levels = Levels.open(job.folder).model_dump()
    assert levels["true_peak_under_cues"] <= -1
    stem, _ = soundfile.read(job.folder / "narration.wav")
    assert 0.1 < np.abs(stem).max() <= 10 ** (-1 / 20)
    assert max(levels["gains"].values()) - min(levels["gains"].values()) <= 1.001


def test_two_runs_give_the_same_bytes(drama: Callable[..., Job[Any]]) -> None:
    results = []
    for _ in range(2):
        job = drama()
        ducks = list(mix.run(job))
        files = [(job.folder / name).read_bytes() for name in ("narration.wav", "mix.json")]
        results.append((ducks, files, [block.tobytes() for block in Recorder.handed()]))
    assert results[0] == results[1]


def test_progress_ends_where_it_should(drama: Callable[..., Job[Any]]) -> None:
    told: list[tuple[float, float]] = []
    job = drama()
    object.__setattr__(job, "report_progress", lambda done, total: told.append((done, total)))
    list(mix.run(job))
    assert told == sorted(told)
    assert told[-1] == (80, 80)


def test_memory_does_not_grow_with_the_film(drama: Callable[..., Job[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    def peak(minutes: int) -> int:
        job = drama()
        object.__setattr__(job, "episode", job.episode.model_copy(update={"duration": 60.0 * minutes}))
        block = noise(10, -30, 2)
        monkeypatch.setattr(mix, "audio_blocks", lambda *_, **__: (block for _ in range(6 * minutes)))
        monkeypatch.setattr(aac, "encoded", ENCODE)
        monkeypatch.setattr(stretches, "WORKERS", 1)  # how many are made at the same time is a matter of chance
        tracemalloc.start()
        list(mix.run(job))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(1)
    assert peak(4) - peak(1) < 3 * 60 * RATE * 2 * 4 / 4, "three minutes more are 69 MB of samples"


def test_without_a_line_nothing_is_written(drama: Callable[..., Job[Any]]) -> None:
    job = drama()
    job.upstream[Clip] = (job.folder, lambda: [])
    assert list(mix.run(job)) == []
    assert list(job.folder.iterdir()) == []
    assert [note.text for note in job.notes] == ["No line was found for the pauses of the dialogue; nothing was added."]


def test_without_a_pause_the_note_says_so(drama: Callable[..., Job[Any]]) -> None:
    job = drama()
    job.upstream[Clip] = job.upstream[Gap] = (job.folder, lambda: [])
    assert list(mix.run(job)) == []
    assert [note.text for note in job.notes] == ["No gap can take a line; nothing was added."]


# With the real reader and the real muxer


def film(ffmpeg: Callable[..., None], path: Path, *sound: str) -> Episode:
    picture = ["-f", "lavfi", "-i", "testsrc2=s=128x72:r=25:d=12"]
    ffmpeg(*picture, *sound, "-c:v", "mpeg4", "-shortest", path)
    return probe(path, silent_ok=True)


def described_job(make_job: MakeJob, episode: Episode, folder: Path) -> Job[Any]:
    clips = [a_clip(1, 4, 6)]
    soundfile.write(folder / "n0001.wav", voice(2.0), RATE, subtype="PCM_24")
    said = [an_utterance(1, 0.5, 3.5), an_utterance(2, 7, 9)] if episode.audio else []
    gap = a_gap(1, said[0].end, said[1].start) if said else a_gap(1, 0, 12, "silence")
    records = {Clip: clips, Gap: [gap], Utterance: said}
    settings = RunSettings(language="ko", silent_ok=True)
    return make_job(Config(), records, episode=episode, folders={Clip: folder}, settings=settings)


@pytest.mark.parametrize(("layout", "rate"), [("stereo", 44100), ("5.1", 48000), ("mono", 48000)])
def test_described_film(ffmpeg: Callable[..., None], make_job: MakeJob, tmp_path: Path, layout: str, rate: int) -> None:
    channels = {"stereo": 2, "5.1": 6, "mono": 1}[layout]
    tones = "|".join(f"0.1*sin(2*PI*t*{300 + 50 * n})" for n in range(channels))
    sound = ("-f", "lavfi", "-i", f"aevalsrc='{tones}':c={layout}:s={rate}:d=12", "-c:a", "flac")
    episode = film(ffmpeg, tmp_path / "film.mkv", *sound)
    job = described_job(make_job, episode, tmp_path)
    (duck,) = mix.run(job)
    described = probe(job.folder / "described.mkv")
    assert [(s.layout, s.rate) for s in described.audio_streams] == [(layout, rate), (layout, 48000)]
    mixed = np.concatenate(list(audio_blocks(described, described.audio_streams[1])))
    source = np.concatenate(list(audio_blocks(episode)))
    assert len(mixed) == pytest.approx(round(episode.duration * RATE), abs=2000)
    low = [0, 1, 4, 5] if layout == "5.1" else [0]  # without the narration's centre, and the LFE that AAC cuts off
    for start, end, gain in ((1, 3, 1.0), (7, 9, 1.0), (4.2, 5.8, 10 ** (-duck.depth / 20))):
        part = slice(round(start * RATE), round(end * RATE))
        heard = np.sqrt(np.mean(mixed[part, low] ** 2) / np.mean(source[part, low] ** 2))
        assert heard > gain * 1.1 if gain < 1 and layout != "5.1" else heard == pytest.approx(gain, rel=0.05)
    assert soundfile.info(job.folder / "narration.wav").frames == round(episode.duration * RATE)


def test_film_without_sound_gets_the_narration_alone(
    ffmpeg: Callable[..., None], make_job: MakeJob, tmp_path: Path
) -> None:
    episode = film(ffmpeg, tmp_path / "film.mp4")
    assert episode.audio is None
    job = described_job(make_job, episode, tmp_path)
    assert list(mix.run(job)) == []
    described = probe(job.folder / "described.mp4")
    (track,) = described.audio_streams
    measured = measure(audio_blocks(described, track), RATE, track.layout)
    assert measured.between(4, 6) == pytest.approx(-23, abs=1)
    assert measured.between(7, 11) is None
