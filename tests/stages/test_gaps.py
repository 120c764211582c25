"""Gaps: the complement of speech, guarded; their beds, measured on real and synthesised sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from data.media import audio_blocks, probe
from data.products import LoudnessCurve
from data.reasons import Protected, TooShort
from data.records import Bed, Episode, Gap, Song, Utterance, record_id
from data.subtitles import read
from stages import dialogue, gaps
from stages.dialogue.silero import Silero, SileroOptions
from stages.gaps.bed import Notes, bed_of

Span = tuple[float, float]
RATE = 48_000


@pytest.fixture
def find(make_job: Callable[..., Any], tmp_path: Path) -> Callable[..., list[Gap]]:
    """Gaps of an episode with utterances and songs at the given times."""

    def run(
        speech: Sequence[Span], episode: Episode, songs: Sequence[Span] = (), config: gaps.Config | None = None
    ) -> list[Gap]:
        rows = [Utterance(id=record_id("u", i), start=a, end=b, source="speech") for i, (a, b) in enumerate(speech, 1)]
        folder = tmp_path / "dialogue"
        folder.mkdir(exist_ok=True)
        Song.leave([Song(start=a, end=b, text="나나나") for a, b in songs], folder)
        job = make_job(config or gaps.Config(), {Utterance: rows}, episode=episode, folders={Utterance: folder})
        return list(gaps.run(job))

    return run


@pytest.fixture
def silent(tmp_path: Path, ffmpeg: Callable[..., None]) -> Episode:
    """Twenty seconds of picture without sound."""
    ffmpeg("-f", "lavfi", "-i", "color=s=64x64:r=25:d=20", tmp_path / "film.mkv")
    return probe(tmp_path / "film.mkv", silent_ok=True)


def test_every_stretch_is_listed_with_its_guards(find: Callable[..., list[Gap]], silent: Episode) -> None:
    found = find([(2.0, 4.0), (4.29, 6.0), (7.4, 9.0), (10.5, 12.0)], silent)
    assert [(g.start, g.end, g.lead_in, g.lead_out, g.usable) for g in found] == [
        (0.0, 2.0, 0.0, 0.3, True),
        (6.0, 7.4, 0.3, 0.3, False),
        (9.0, 10.5, 0.3, 0.3, True),
        (12.0, 20.0, 0.3, 0.0, True),
    ]
    assert [g.why for g in found] == [None, TooShort(room=1.4, needed=1.5), None, None]
    assert found[3].window == (12.3, 20.0)
    assert all((g.bed, g.loudness) == ("silence", None) for g in found)


def test_songs_stay_heard(find: Callable[..., list[Gap]], silent: Episode) -> None:
    found = find([(0.0, 5.0)], silent, songs=[(4.0, 6.0), (10.0, 12.0)])
    assert [(g.start, g.end, g.why, g.lead_in, g.lead_out) for g in found] == [
        (5.0, 6.0, Protected(), 0.3, 0.3),
        (6.0, 10.0, None, 0.3, 0.3),
        (10.0, 12.0, Protected(), 0.3, 0.3),
        (12.0, 20.0, None, 0.3, 0.0),
    ]


def test_films_of_one_kind(find: Callable[..., list[Gap]], silent: Episode) -> None:
    assert find([(0.0, 20.0)], silent) == []
    (whole,) = find([], silent)
    assert (whole.window, whole.usable) == ((0.0, 20.0), True)


def test_settings_that_leave_no_room() -> None:
    with pytest.raises(ValidationError, match=r"equal to 1\.2"):
        gaps.Config(min_gap=1.0)
    with pytest.raises(ValidationError, match="lead_in"):
        gaps.Config(lead_in=1.0, lead_out=0.5)


spans = st.lists(st.tuples(st.integers(0, 600), st.integers(1, 60)), max_size=12)


@given(spans, spans)
def test_speech_and_gaps_fill_the_film(said: list[tuple[int, int]], sung: list[tuple[int, int]]) -> None:
    speech = gaps.union([(a / 10, (a + n) / 10) for a, n in said], 0.3)
    songs = gaps.union([(a / 10, (a + n) / 10) for a, n in sung], 0.0)
    found = list(gaps.without_speech(speech, songs, 60.0))
    for tenth in range(600):
        time = tenth / 10 + 0.05
        inside = [s for s in found if s.start < time < s.end]
        spoken = any(a < time < b for a, b in speech)
        assert len(inside) == (0 if spoken else 1)
        assert not inside or inside[0].song == any(a < time < b for a, b in songs)


# ---- beds


def notes_of(sound: NDArray[np.float64], block: int = RATE * 10) -> NDArray[np.int32]:
    notes = Notes(RATE)
    for i in range(0, len(sound), block):
        notes.feed(sound[i : i + block, None].astype(np.float32))
    return notes.all()


def bed(sound: NDArray[np.float64]) -> Bed:
    return bed_of(-30.0, notes_of(sound), 0.0, len(sound) / RATE)


TIME = np.arange(20 * RATE) / RATE


def pink() -> NDArray[np.float64]:
    """Pink noise of unit power."""
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(len(TIME)))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    noise = np.fft.irfft(spectrum)
    return np.asarray(noise / noise.std())


def piano() -> NDArray[np.float64]:
    """A chord a second, of unit power."""
    chords = [(262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294)]
    second = TIME[:RATE]
    sound = [sum(np.sin(2 * np.pi * f * h * second) / h for f in c for h in (1, 2, 3)) for c in chords]
    notes = np.concatenate([s * np.exp(-1.5 * second) for s in sound] * 5)
    return np.asarray(notes / notes.std())


def hum() -> NDArray[np.float64]:
    return np.asarray(sum(np.sin(2 * np.pi * 60 * i * TIME) / i for i in range(1, 8)))


def siren() -> NDArray[np.float64]:
    return np.sin(2 * np.pi * np.cumsum(800 + 200 * np.sin(np.pi * TIME)) / RATE)


@pytest.mark.parametrize(
    ("sound", "expected"),
    [
        (0.05 * pink(), "ambience"),
        (0.05 * np.random.default_rng(2).standard_normal(len(TIME)), "ambience"),
        (0.05 * hum(), "ambience"),
        (0.05 * hum() + 0.02 * pink(), "ambience"),
        (0.1 * siren() + 0.01 * pink(), "ambience"),
        (0.05 * piano(), "music"),
        (0.03 * piano() + 0.03 * pink(), "music"),
        (0.03 * piano() + 0.06 * pink(), "music"),
    ],
    ids=["pink", "white", "hum", "hum in noise", "siren", "piano", "piano 0 dB", "piano -6 dB"],
)
def test_synthesised_beds(sound: NDArray[np.float64], expected: Bed) -> None:
    assert bed(sound) == expected


def test_blocks_do_not_matter() -> None:
    sound = 0.03 * piano() + 0.03 * pink()
    assert np.array_equal(notes_of(sound), notes_of(sound, 7_001))


def test_silence_is_a_matter_of_loudness() -> None:
    notes = np.full(100, 5, np.int32)
    assert bed_of(None, notes, 0, 10) == "silence"
    assert bed_of(-50.1, notes, 0, 10) == "silence"
    assert bed_of(-49.9, notes, 0, 10) == "music"


def test_film_pauses_are_ambience(media: Path) -> None:
    import soundfile

    sound, rate = soundfile.read(media / "nld-film-audio" / "45s_dont_be_afraid_of_me.wav", dtype="float32")
    notes = Notes(rate)
    notes.feed(sound[:, None])
    counts = notes.all()
    assert {bed_of(-40.0, counts, a, b) for a, b in [(0.3, 13.9), (14.5, 16.5), (24.2, 31.8)]} == {"ambience"}


# ---- real films through both stages


@pytest.fixture
def describe(make_job: Callable[..., Any], find: Callable[..., list[Gap]]) -> Callable[[Path], list[Gap]]:
    def run(film: Path) -> list[Gap]:
        episode = probe(film)
        job = make_job(dialogue.Config(), episode=episode, backend=Silero(SileroOptions()))
        return find([(u.start, u.end) for u in dialogue.run(job)], episode)

    return run


def test_music_film_is_one_gap(media: Path, describe: Callable[[Path], list[Gap]], tmp_path: Path) -> None:
    (gap,) = describe(media / "bbb-30s" / "big_buck_bunny_0_30.webm")
    assert gap.usable
    assert gap.bed == "music"
    assert gap.window == (0.0, pytest.approx(30.0, abs=0.01))
    assert gap.loudness is not None
    assert -40 < gap.loudness < -10
    curve = LoudnessCurve.open(tmp_path / "stage").values
    assert len(curve) == pytest.approx(300, abs=5)


def test_dense_dialogue_has_no_usable_gap(media: Path, describe: Callable[[Path], list[Gap]]) -> None:
    found = describe(media / "friday-film" / "friday.mp4")
    assert [g for g in found if g.usable] == []
    assert all(g.why for g in found)


def test_narrated_film_keeps_its_pause(media: Path, describe: Callable[[Path], list[Gap]]) -> None:
    found = describe(media / "wai-perspective" / "perspective-video.mp4")
    (pause,) = [g for g in found if g.start < 9.75 < g.end]
    assert pause.start == pytest.approx(9.25, abs=0.15)
    assert pause.end == pytest.approx(10.25, abs=0.15)
    assert not pause.usable


def test_long_silences_are_gaps(media: Path, describe: Callable[[Path], list[Gap]]) -> None:
    found = [g for g in describe(media / "ae-timecode" / "example.mp4") if g.usable]
    (long,) = [g for g in found if g.end - g.start > 15]
    assert long.start == pytest.approx(17.3, abs=0.3)
    assert long.end == pytest.approx(40.0, abs=0.3)
    assert long.bed == "silence"


def test_human_descriptions_lie_in_the_gaps(media: Path) -> None:
    """Of the human descriptions of a film that keep off its captions, most lie in gaps that we would use."""
    folder = media / "elephantsdream-text"
    speech = gaps.union([(c.start, c.end) for c in read(folder / "captions.en.vtt")], 0.3)
    usable = [s for s in gaps.without_speech(speech, [], 653.0) if s.end - s.start >= 1.5]
    cues = [(c.start, c.end) for c in read(folder / "descriptions.en.vtt")]
    inside = [any(s.start - 0.05 <= a and b <= s.end + 0.05 for s in usable) for a, b in cues]
    assert len(cues) == 63
    assert sum(inside) >= 50


def test_surround_film_is_measured_in_its_own_layout(media: Path, find: Callable[..., list[Gap]]) -> None:
    episode = probe(media / "rabbit-ad" / "video.mp4")
    (gap,) = find([], episode)
    assert next(iter(audio_blocks(episode))).shape[1] == 6
    assert gap.bed == "music"
