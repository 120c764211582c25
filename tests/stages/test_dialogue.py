"""Dialogue: subtitles united with voices; measured on speech whose times are known."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from data.errors import ConfigError, MediaError
from data.media import audio_blocks, probe
from data.records import Utterance, record_id
from stages import dialogue
from stages.dialogue.silero import Silero, SileroOptions, spans
from stages.dialogue.speech import Speech, Transcriber, one_at_a_time, unite
from stages.sources import RunSettings

Span = tuple[float, float]
Samples = NDArray[np.float32]


def load(path: Path) -> Samples:
    import soundfile

    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == 16_000
    return np.asarray(samples, np.float32)


def voices(sound: Samples, block: int = 100_000) -> list[Span]:
    blocks = [sound[i : i + block] for i in range(0, len(sound), block)]
    return [(s.start, s.end) for s in Silero(SileroOptions()).transcribe(blocks, 16_000)]


def missing(wanted: Iterable[Span], found: Iterable[Span]) -> float:
    """Seconds of `wanted` outside `found`."""
    masks = np.zeros((2, 1_000_000), bool)
    for mask, rows in zip(masks, (wanted, found), strict=True):
        for start, end in rows:
            mask[round(start * 1000) : round(end * 1000)] = True
    return float((masks[0] & ~masks[1]).sum() / 1000)


class Hears(Transcriber):
    """A backend that has heard what it is told."""

    def __init__(self, *found: Span) -> None:
        self.found = found

    def transcribe(self, blocks: Iterable[Samples], rate: int, **_: Any) -> list[Speech]:
        assert rate == 16_000
        self.heard = sum(len(block) for block in blocks)
        return [Speech(a, b) for a, b in self.found]


# ---- uniting


def lines(*rows: tuple[float, float, str]) -> list[Speech]:
    return [Speech(a, b, t, source="subtitles") for a, b, t in rows]


def shown(found: Iterable[Speech]) -> list[tuple[float, float, str, str]]:
    return [(s.start, s.end, s.text, s.source) for s in found]


def test_a_line_grows_to_its_voice() -> None:
    found = unite(lines((10, 12, "가")), [Speech(9.5, 12.8)], 60)
    assert shown(found) == [(9.5, 12.8, "가", "subtitles+speech")]


def test_a_voice_without_line_is_its_own() -> None:
    found = unite(lines((10, 12, "가"), (20, 21, "나")), [Speech(1, 2), Speech(11, 18)], 60)
    assert shown(found) == [
        (1, 2, "", "speech"),
        (10, 12, "가", "subtitles+speech"),
        (12, 18, "", "speech"),
        (20, 21, "나", "subtitles"),
    ]


def test_a_voice_over_several_lines() -> None:
    found = unite(lines((10, 12, "가"), (12.4, 14, "나")), [Speech(10.5, 14.6)], 60)
    assert [(s.start, s.end, s.text) for s in found] == [(10, 12.4, "가"), (12.4, 14.6, "나")]


def test_overlapping_lines_take_turns() -> None:
    rows = lines((1, 3, "가"), (2.9, 5, "나"), (3.5, 4, "다"), (3.5, 4, "다"), (58, 70, "라"), (80, 81, "마"))
    assert [(s.start, s.end, s.text) for s in one_at_a_time(rows, 60)] == [
        (1, 3, "가"),
        (3, 5, "나 다"),
        (58, 60, "라"),
    ]


times = st.lists(st.tuples(st.integers(0, 600), st.integers(1, 80)), max_size=12)


@given(times, times)
def test_every_second_is_covered_once(cues: list[tuple[int, int]], voice: list[tuple[int, int]]) -> None:
    wanted = [[(a / 10, min(60, (a + n) / 10)) for a, n in rows if a < 600] for rows in (cues, voice)]
    rows = one_at_a_time([Speech(a, b, f"<{i}>") for i, (a, b) in enumerate(wanted[0])], 60)
    found = unite(rows, [Speech(a, b) for a, b in wanted[1]], 60)
    covered = [(s.start, s.end) for s in found]
    assert missing([*wanted[0], *wanted[1]], covered) == 0
    assert missing(covered, [*wanted[0], *wanted[1]]) == 0
    assert all(0 <= a < b <= 60 for a, b in covered)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(covered))
    assert all(f"<{i}>" in " ".join(s.text for s in found) for i in range(len(wanted[0])))


# ---- Silero


def test_hysteresis() -> None:
    frame = 0.032
    options = SileroOptions(threshold=0.5, exit_below=0.15, min_speech=0.1, min_silence=0.1, pad=0.0)
    heard = [0.0] * 5 + [0.6] * 5 + [0.4] * 5 + [0.1] * 2 + [0.6] * 3 + [0.1] * 10 + [0.9] + [0.0] * 9
    assert spans(np.array(heard, np.float32), options) == [pytest.approx((5 * frame, 20 * frame))]
    padded = spans(np.array(heard, np.float32), options.model_copy(update={"pad": 0.03, "min_speech": 0.0}))
    assert padded[1] == pytest.approx((30 * frame - 0.03, 31 * frame + 0.03))


def test_blocks_do_not_matter_and_any_channel_counts(media: Path) -> None:
    sound = load(media / "nld-film-audio" / "10s_im_taking_the_girl_with_me.wav")
    whole = voices(sound, len(sound))
    assert voices(sound, 1_000) == whole
    apart = np.stack([np.zeros_like(sound), sound], axis=1)
    assert [(s.start, s.end) for s in Silero(SileroOptions()).transcribe([apart], 16_000)] == whole
    assert voices(np.zeros(0, np.float32)) == []


def test_other_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="16000 Hz"):
        Silero(SileroOptions()).transcribe([], 48_000)


def test_weights_are_found_without_their_package() -> None:
    code = (
        "import sys; from stages.dialogue.silero import Silero, SileroOptions, weights; weights();"
        "print([m for m in ('faster_whisper', 'onnxruntime', 'ctranslate2', 'av') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_missing_weights_name_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install"):
        Silero(SileroOptions()).transcribe([np.zeros(512, np.float32)], 16_000)


def test_telephone_talk(media: Path) -> None:
    rows = [line.split() for line in (media / "pyannote-sample" / "sample.rttm").read_text().splitlines()]
    truth = [(float(row[3]), float(row[3]) + float(row[4])) for row in rows]
    found = voices(load(media / "pyannote-sample" / "sample.wav"))
    assert missing(truth, found) < 0.15
    assert missing(found, truth) < 0.5
    assert min(start for start, _ in found) > 6.4


@pytest.mark.parametrize(("language", "file"), [("ko", "test_ko.wav"), ("en", "test_en.wav")])
def test_every_word_is_covered(media: Path, language: str, file: str) -> None:
    rows = json.loads((media / "ko-speech" / "test_data_ko_en.json").read_text())
    words = next(row["words"] for row in rows if row["language"] == language)
    found = voices(load(media / "ko-speech" / file))
    assert missing([(w["start_sec"], w["end_sec"]) for w in words], found) < 0.02


def test_film_pauses_stay_free(media: Path) -> None:
    found = voices(load(media / "nld-film-audio" / "45s_dont_be_afraid_of_me.wav"))
    assert missing([(14.2, 16.8), (24.0, 32.1)], found) == pytest.approx(10.7)
    assert missing([(19.4, 20.0), (21.7, 22.4), (33.2, 33.7), (36.0, 37.4)], found) == 0


@pytest.mark.parametrize("film", ["bbb-30s/big_buck_bunny_0_30.webm"])
def test_music_is_no_speech(media: Path, film: str) -> None:
    blocks = audio_blocks(probe(media / film), rate=16_000, layout="mono")
    assert Silero(SileroOptions()).transcribe(blocks, 16_000) == []


def test_a_pause_in_a_narration(media: Path) -> None:
    blocks = audio_blocks(probe(media / "wai-perspective" / "perspective-video.mp4"), rate=16_000, layout="mono")
    found = [(s.start, s.end) for s in Silero(SileroOptions()).transcribe(blocks, 16_000)]
    assert missing([(9.4, 10.1)], found) == pytest.approx(0.7)


def test_the_first_words_after_long_music_are_heard(media: Path) -> None:
    blocks = audio_blocks(probe(media / "bbb-30s" / "big_buck_bunny_0_30.webm"), rate=16_000, layout="mono")
    music = np.tile(np.concatenate(list(blocks)).ravel(), 2)[: 16_000 * 52] * np.float32(0.25)
    line = load(media / "nld-film-audio" / "10s_im_taking_the_girl_with_me.wav")
    start, _ = voices(np.concatenate([music, line]))[0]
    assert 51.9 < start < 52.15


# ---- the stage


@pytest.fixture
def film(tmp_path: Path, ffmpeg: Callable[..., None]) -> Path:
    path = tmp_path / "film.mkv"
    sources = ["-f", "lavfi", "-i", "color=s=64x64:r=25:d=20", "-f", "lavfi", "-i", "sine=d=20:r=48000"]
    ffmpeg(*sources, "-c:a", "flac", path)
    return path


def srt(path: Path, *rows: tuple[int, int, str]) -> Path:
    blocks = [f"00:00:{a:02d},000 --> 00:00:{b:02d},000\n{text}\n" for a, b, text in rows]
    path.write_text("\n".join(blocks), encoding="utf-8")
    return path


def run(job: Any) -> list[Utterance]:
    return list(dialogue.run(job))


def test_subtitles_and_voices_are_united(film: Path, tmp_path: Path, make_job: Callable[..., Any]) -> None:
    side = srt(tmp_path / "film.srt", (2, 4, "철수: 가."), (6, 7, "[음악]"), (9, 11, "♪ 나나나 ♪"))
    backend = Hears((3.5, 4.5), (15.0, 16.0))
    job = make_job(dialogue.Config(), episode=probe(film, subtitles=side), backend=backend)
    assert [(u.id, u.start, u.end, u.text, u.source) for u in run(job)] == [
        (record_id("u", 1), 2.0, 4.5, "가.", "subtitles+speech"),
        (record_id("u", 2), 15.0, 16.0, "", "speech"),
    ]
    assert json.loads((job.folder / "songs.json").read_text()) == [{"start": 9.0, "end": 11.0, "text": "나나나"}]
    assert backend.heard == 20 * 16_000


def test_sources_alone(film: Path, tmp_path: Path, make_job: Callable[..., Any]) -> None:
    episode = probe(film, subtitles=srt(tmp_path / "film.srt", (2, 4, "가.")))
    backend = Hears((8.0, 9.0))
    alone = run(make_job(dialogue.Config(sources="speech"), episode=episode, backend=backend))
    assert [(u.start, u.source) for u in alone] == [(8.0, "speech")]
    alone = run(make_job(dialogue.Config(sources="subtitles"), episode=episode, backend=backend))
    assert [(u.start, u.source) for u in alone] == [(2.0, "subtitles")]


def test_what_is_demanded_and_missing(film: Path, make_job: Callable[..., Any], ffmpeg: Callable[..., None]) -> None:
    with pytest.raises(MediaError, match="no subtitles"):
        run(make_job(dialogue.Config(sources="subtitles"), episode=probe(film), backend=Hears()))
    with pytest.raises(ConfigError, match="needs a backend"):
        run(make_job(dialogue.Config(sources="speech"), episode=probe(film)))
    silent = film.with_name("silent.mkv")
    ffmpeg("-i", film, "-an", "-c:v", "copy", silent)
    episode = probe(silent, silent_ok=True)
    with pytest.raises(MediaError, match="no sound"):
        run(make_job(dialogue.Config(), episode=episode, backend=Hears()))
    settings = RunSettings(silent_ok=True)
    assert run(make_job(dialogue.Config(), episode=episode, backend=Hears((1.0, 2.0)), settings=settings)) == []


def test_damaged_sound_may_be_speech(film: Path, make_job: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def blocks(*_: Any, damaged: Callable[[float, float], None], **__: Any) -> Iterable[Samples]:
        damaged(5.0, 7.0)
        return iter([np.zeros((16_000, 1), np.float32)])

    class Listens(Hears):
        def transcribe(self, blocks: Iterable[Samples], rate: int, **_: Any) -> list[Speech]:
            super().transcribe(blocks, rate)
            return [Speech(4.0, 5.5)]

    monkeypatch.setattr(dialogue, "audio_blocks", blocks)
    job = make_job(dialogue.Config(), episode=probe(film), backend=Listens())
    assert [(u.start, u.end, u.source) for u in run(job)] == [(4.0, 5.5, "speech+damaged"), (5.5, 7.0, "damaged")]
    assert [(n.start, n.end) for n in job.notes] == [(5.0, 7.0)]


def test_subtitles_of_another_cut_are_doubted(film: Path, tmp_path: Path, make_job: Callable[..., Any]) -> None:
    side = srt(tmp_path / "film.srt", (0, 8, "가"), (9, 15, "나"))
    job = make_job(dialogue.Config(), episode=probe(film, subtitles=side), backend=Hears((16.0, 19.0)))
    run(job)
    assert "Only 0 %" in job.notes[0].text


def test_surround_centre_is_heard_by_itself(
    media: Path, tmp_path: Path, ffmpeg: Callable[..., None], make_job: Callable[..., Any]
) -> None:
    """Korean speech in the centre under music twenty decibels louder on all other sides."""
    voice = media / "ko-speech" / "test_ko.wav"
    music = media / "bbb-30s" / "big_buck_bunny_0_30.webm"
    mix = (
        "[1:a]aresample=48000,aformat=channel_layouts=mono,volume=-20dB[c];"
        "[2:a]aresample=48000,atrim=8:11.9,asetpts=PTS-STARTPTS,volume=12dB,asplit[a][b];"
        "[a]pan=stereo|c0=c0|c1=c1[f];[b]pan=stereo|c0=c1|c1=c0[s];[f][c][s]amerge=inputs=3,"
        "pan=5.1|FL=c0|FR=c1|FC=c2|BL=c3|BR=c4[o]"
    )
    film = tmp_path / "film.mkv"
    sources = ["-f", "lavfi", "-i", "color=s=64x64:r=25:d=3.88", "-i", voice, "-i", music]
    ffmpeg(*sources, "-filter_complex", mix, "-map", "0:v", "-map", "[o]", "-c:a", "flac", "-t", "3.88", film)
    episode = probe(film)
    assert episode.audio is not None
    assert episode.audio.channels == 6
    found = run(make_job(dialogue.Config(), episode=episode, backend=Silero(SileroOptions())))
    assert missing([(0.75, 3.2)], [(u.start, u.end) for u in found]) < 0.1
    mixed = Silero(SileroOptions()).transcribe(audio_blocks(episode, rate=16_000, layout="mono"), 16_000)
    assert missing([(0.75, 3.2)], [(s.start, s.end) for s in mixed]) > 1  # what a downmix would have cost
