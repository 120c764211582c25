"""The voice: its rate, its clips, what happens to a line that does not fit, the cache."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from data import messages
from data.errors import ConfigError, StageError
from data.media import espeak
from data.media.loudness import measure
from data.records import Alternative, Line
from data.text.language import syllables
from stages import voice
from stages.sources import RunSettings
from stages.stage import Job
from stages.voice import clip, sound
from stages.voice.backend import Voice
from stages.voice.espeak import Espeak
from tests.stages.speech_services import encoded

LINES = {
    "ko": (
        "한 남자가 빈 교실 문을 연다.",
        "두 사람이 벤치에 나란히 앉는다.",
        "밤, 아까 그 다리 위다.",
        "간판에 적힌 글, 행복약국.",
        "할머니가 마루 끝에서 빨래를 갠다.",
        "버스가 떠나고 정류장에 소녀만 남는다.",
    ),
    "en": (
        "A man opens the door of an empty classroom.",
        "Two people sit side by side on a bench.",
        "Night, on the same bridge.",
        "An old woman folds the washing on the porch.",
        "The bus leaves and only the girl stays behind.",
    ),
}


class Counting(Voice):
    """A voice that hums for as long as the text asks, and remembers what it was asked."""

    def __init__(self, level: float = 0.1, coarse: float = 0.0) -> None:
        self.asked: list[tuple[str, float]] = []
        self.level, self.coarse = level, coarse

    def voice(self, language: str) -> str:
        return f"hum {language}"

    def speak(self, text: str, language: str, rate: float) -> tuple[NDArray[np.float32], int]:
        self.asked.append((text, rate))
        seconds = syllables(text, language) / rate + self.coarse * (rate > 4.5)
        clock = np.arange(round(seconds * 16_000)) / 16_000
        quiet = np.zeros(8000)
        hum = self.level * np.sin(2 * np.pi * 200 * clock)
        return np.concatenate([quiet, hum, quiet]).astype(np.float32), 16_000


def narration(until: float, text: str = "문이 천천히 열린다.", *shorter: str, number: int = 1) -> Line:
    others = tuple(
        Alternative(candidate=f"a{n:04d}", text=other, score=0.5 - n / 10) for n, other in enumerate(shorter, 1)
    )
    return Line(
        id=f"n{number:04d}",
        start=10.0,
        end=12.0,
        until=until,
        text=text,
        kind="visual",
        gap="g0001",
        keyframe="k0001",
        candidate="a0000",
        score=0.7,
        alternatives=others,
    )


@pytest.mark.parametrize("rate", [3.7, 4.5, 5.2, 6.0])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_rate_is_the_rate_asked_for(language: str, rate: float) -> None:
    backend = Espeak(Espeak.Options())
    length = sum(len(clip.shaped(*backend.speak(text, language, rate))) / clip.RATE for text in LINES[language])
    said = sum(syllables(text, language) for text in LINES[language])
    assert said / length == pytest.approx(rate, rel=0.08)


def test_the_same_text_gives_the_same_samples_whatever_was_said_before() -> None:
    backend = Espeak(Espeak.Options(variant="f2"))
    first, _ = backend.speak("문이 열린다.", "ko", 4.5)
    backend.speak("한 여자가 창가에 앉는다.", "ko", 4.5)
    time.sleep(1.1)  # the seed of its breath must not be the clock, which counts seconds
    again, rate = backend.speak("문이 열린다.", "ko", 4.5)
    assert rate == 22_050
    assert len(first) > 0.5 * rate
    np.testing.assert_array_equal(first, again)


def test_options_change_the_voice() -> None:
    plain, other = Espeak(Espeak.Options()), Espeak(Espeak.Options(variant="m3", pitch=20))
    assert plain.voice("ko") != other.voice("ko")
    assert plain.voice("ko") != plain.voice("en")
    spoken = [backend.speak("문이 열린다.", "ko", 4.5)[0] for backend in (plain, other)]
    assert len(spoken[0]) != len(spoken[1]) or not np.array_equal(*spoken)


def test_an_unknown_voice_says_so() -> None:
    with pytest.raises(StageError, match=r"문이 열린다.*no voice xx\+zz"):
        espeak.speak("문이 열린다.", "xx+zz", 170)


def test_a_killed_voice_names_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = tmp_path / "worker.py"
    killed.write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    monkeypatch.setattr(espeak, "WORKER", killed)
    with pytest.raises(StageError, match=r"“문이 열린다\.” \(exit code -9\); run again"):
        espeak.speak("문이 열린다.", "ko", 170)


def test_a_hanging_voice_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = tmp_path / "worker.py"
    hanging.write_text("import time; time.sleep(600)")
    monkeypatch.setattr(espeak, "WORKER", hanging)
    monkeypatch.setattr(espeak, "PATIENCE", 0.2)
    with pytest.raises(StageError, match="문이 열린다"):
        espeak.speak("문이 열린다.", "ko", 170)


def test_a_clip_is_trimmed_levelled_faded_and_without_dead_air() -> None:
    tone = 0.02 * np.sin(2 * np.pi * 300 * np.arange(16_000) / 16_000)
    speech = np.concatenate([np.zeros(9_000), tone, np.zeros(24_000), tone, np.zeros(9_000)]).astype(np.float32)
    wave = clip.shaped(speech, 16_000)
    assert len(wave) / clip.RATE == pytest.approx(1 + 0.4 + 1 + 0.06, abs=0.01)
    assert measure([wave[:, None]], clip.RATE, "mono").integrated == pytest.approx(-23, abs=0.3)
    loud = np.flatnonzero(np.abs(wave) > clip.SILENCE)
    assert 0.02 <= loud[0] / clip.RATE <= 0.05
    assert 0.02 <= (len(wave) - loud[-1]) / clip.RATE <= 0.05
    assert np.diff(loud).max() <= 0.5 * clip.RATE
    assert wave[0] == wave[-1] == 0


def test_a_peak_is_lowered_and_nothing_else() -> None:
    time = np.arange(clip.RATE) / clip.RATE
    wave = (0.06 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)
    wave[24_000:24_020] = 0.9
    limited = clip.limited(wave)
    assert np.abs(limited).max() <= 10 ** ((clip.LOUDNESS + clip.CREST) / 20) + 1e-6
    assert np.array_equal(limited[:23_000], wave[:23_000])
    assert np.array_equal(limited[25_000:], wave[25_000:])


def test_speech_up_to_the_very_edge_is_faded_in() -> None:
    wave = clip.faded(np.ones(4800, np.float32))
    assert wave[0] == 0
    assert np.all(np.diff(wave[: clip.FADE]) > 0)
    assert np.all(wave[clip.FADE : -clip.FADE] == 1)


def test_a_line_that_fits_is_spoken_as_it_is(make_job: Callable[..., Job[Any]]) -> None:
    backend = Counting()
    job = make_job(voice.Config(), {Line: [narration(14.0)]}, backend=backend)
    (made,) = voice.run(job)
    assert (made.text, made.candidate, made.speed, made.dropped) == ("문이 천천히 열린다.", "a0000", 1.0, None)
    assert made.voice == "hum ko"
    wave, rate = soundfile.read(job.folder / made.file)
    assert rate == 48_000
    assert soundfile.info(job.folder / made.file).subtype == "PCM_24"
    assert made.end == pytest.approx(10 + len(wave) / rate, abs=0.001)
    assert backend.asked == [("문이 천천히 열린다.", 4.5)]
    assert not job.notes


def _length(backend: Counting, text: str, rate: float = 4.5) -> float:
    return len(clip.shaped(*backend.speak(text, "ko", rate))) / clip.RATE


@pytest.mark.parametrize(("overrun", "notes"), [(1.06, 0), (1.13, 1)])
def test_a_line_that_overruns_is_spoken_faster(make_job: Callable[..., Job[Any]], overrun: float, notes: int) -> None:
    room = _length(Counting(), "문이 천천히 열린다.") / overrun
    job = make_job(voice.Config(), {Line: [narration(10 + room)]}, backend=Counting())
    (made,) = voice.run(job)
    assert made.end <= 10 + room
    assert overrun <= made.speed <= overrun + 0.04
    assert len(job.notes) == notes
    assert all("times as fast" in note.text and note.start == 10 for note in job.notes)


def test_a_voice_that_misses_is_asked_for_more(make_job: Callable[..., Job[Any]]) -> None:
    room = _length(Counting(), "문이 천천히 열린다.") / 1.03
    backend = Counting(coarse=0.05)
    (made,) = voice.run(make_job(voice.Config(), {Line: [narration(10 + room)]}, backend=backend))
    assert made.end <= 10 + room
    assert 1.04 < made.speed <= 1.10
    assert len(backend.asked) > 2


def test_what_a_plan_had_spoken_is_not_spoken_again(make_job: Callable[..., Job[Any]]) -> None:
    backend = Counting()
    text = "문이 천천히 열린다."
    job = make_job(voice.Config(), {Line: [narration(14.0), narration(10 + 1.6, number=2)]}, backend=backend)
    speaker = voice.speaker(job)
    assert speaker.speeds == (1.05, 1.10, 1.15)
    lengths = [speaker.seconds(text, speed) for speed in (1.0, 1.15)]
    assert lengths[0] == pytest.approx(1.15 * lengths[1], rel=0.05)
    (made, faster) = voice.run(
        make_job(voice.Config(), {Line: [narration(14.0), narration(10 + lengths[1], number=2)]}, backend=backend)
    )
    assert made.end - made.start == pytest.approx(lengths[0])
    assert faster.speed == pytest.approx(1.15, abs=0.02)
    assert [asked for asked in backend.asked if asked[1] in (4.5, 5.175)] == [(text, 4.5), (text, 5.175)]
    assert speaker.seconds("<b>문이 열린다.</b>", 1.0) == float("inf"), "what must not be spoken never fits"


def test_a_far_too_long_line_gives_way_to_the_next_shorter_one(make_job: Callable[..., Job[Any]]) -> None:
    backend = Counting()
    lines = [narration(11.2, "한 남자가 문을 열고 천천히 들어온다.", "남자가 문을 열고 들어온다.", "문이 열린다.")]
    job = make_job(voice.Config(), {Line: lines}, backend=backend)
    (made,) = voice.run(job)
    assert (made.text, made.candidate) == ("문이 열린다.", "a0002")
    assert made.end <= 11.2
    # No faster try for a line that no speed would fit.
    assert [text for text, _ in backend.asked] == [lines[0].text, "남자가 문을 열고 들어온다.", "문이 열린다."]


def test_a_line_without_a_fitting_text_is_dropped_with_its_reason(make_job: Callable[..., Job[Any]]) -> None:
    job = make_job(voice.Config(), {Line: [narration(10.5, "문이 천천히 열린다.", "문이 열린다.")]}, backend=Counting())
    (made,) = voice.run(job)
    assert made.file is None
    assert made.end == made.start == 10.0
    assert str(made.dropped) == "it takes 1.8 s and has 0.5 s"
    assert [note.text for note in job.notes] == ["“문이 천천히 열린다.” is not spoken: it takes 1.8 s and has 0.5 s"]
    assert not list(job.folder.iterdir())


def test_the_gate_stands_before_every_text(make_job: Callable[..., Job[Any]]) -> None:
    backend = Counting()
    lines = [narration(15.0, '{"caption": "문이 열린다"}', "<b>문이 열린다.</b>", "문이 열린다.")]
    (made,) = voice.run(make_job(voice.Config(), {Line: lines}, backend=backend))
    assert (made.text, made.candidate) == ("문이 열린다.", "a0002")
    assert [text for text, _ in backend.asked] == ["문이 열린다."]


def test_a_refused_line_is_dropped_unspoken(make_job: Callable[..., Job[Any]]) -> None:
    backend = Counting()
    (made,) = voice.run(make_job(voice.Config(), {Line: [narration(15.0, " ")]}, backend=backend))
    assert made.dropped
    assert backend.asked == []


def test_digits_are_read_out_and_the_record_keeps_the_text(make_job: Callable[..., Job[Any]]) -> None:
    backend = Counting()
    (made,) = voice.run(make_job(voice.Config(), {Line: [narration(15.0, "자막, 3년 후.")]}, backend=backend))
    assert made.text == "자막, 3년 후."
    assert backend.asked[0][0] == "자막, 삼 년 후."


def test_what_was_spoken_once_comes_from_the_cache(make_job: Callable[..., Job[Any]]) -> None:
    lines = [narration(15.0, text, number=n) for n, text in enumerate(("문이 열린다.", "남자가 앉는다."), 1)]
    first = Counting()
    made = list(voice.run(make_job(voice.Config(), {Line: lines}, backend=first)))
    again = Counting()
    job = make_job(voice.Config(), {Line: lines}, backend=again)
    content = {clip.file: (job.folder / clip.file).read_bytes() for clip in made}
    assert list(voice.run(job)) == made
    assert again.asked == []
    assert {name: (job.folder / name).read_bytes() for name in content} == content
    changed = [lines[0], narration(15.0, "남자가 일어선다.", number=2)]
    list(voice.run(make_job(voice.Config(), {Line: changed}, backend=again)))
    assert [text for text, _ in again.asked] == ["남자가 일어선다."]


def test_another_rate_is_spoken_anew(make_job: Callable[..., Job[Any]]) -> None:
    backend = Counting()
    for rate in (None, 4.5, 5.0):
        list(voice.run(make_job(voice.Config(rate=rate), {Line: [narration(15.0)]}, backend=backend)))
    assert [rate for _, rate in backend.asked] == [4.5, 5.0]


def test_english_has_a_rate_of_its_own(make_job: Callable[..., Job[Any]]) -> None:
    backend = Counting()
    settings = RunSettings(language="en")
    lines = [narration(15.0, "The door opens.")]
    list(voice.run(make_job(voice.Config(), {Line: lines}, backend=backend, settings=settings)))
    assert backend.asked == [("The door opens.", 3.75)]


def test_a_silent_voice_is_an_error_that_names_the_line(make_job: Callable[..., Job[Any]]) -> None:
    job = make_job(voice.Config(), {Line: [narration(15.0)]}, backend=Counting(level=0))
    with pytest.raises(StageError, match=r"said nothing for “문이 천천히 열린다\.”; choose"):
        list(voice.run(job))
    assert not list(job.cache.iterdir())


def test_progress_is_told_for_every_line(make_job: Callable[..., Job[Any]]) -> None:
    told: list[tuple[float, float]] = []
    lines = [narration(15.0, number=n) for n in (1, 2)]
    job = make_job(voice.Config(), {Line: lines}, backend=Counting())
    object.__setattr__(job, "report_progress", lambda done, total: told.append((done, total)))
    list(voice.run(job))
    assert told == [(1, 2), (2, 2)]


def test_messages_speak_korean(make_job: Callable[..., Job[Any]]) -> None:
    messages.use("ko")
    job = make_job(voice.Config(), {Line: [narration(10.5)]}, backend=Counting())
    (made,) = voice.run(job)
    assert str(made.dropped) == "길이 1.8초, 쓸 수 있는 시간 0.5초"


def test_espeak_speaks_a_whole_episode(make_job: Callable[..., Job[Any]]) -> None:
    lines = [narration(16.0, text, number=n) for n, text in enumerate(LINES["ko"], 1)]
    job = make_job(voice.Config(), {Line: lines}, backend=Espeak(Espeak.Options()))
    for made in voice.run(job):
        wave, rate = soundfile.read(job.folder / str(made.file), dtype="float32")
        assert made.end <= 16.0
        assert measure([wave[:, None]], rate, "mono").integrated == pytest.approx(-23, abs=0.3)


def test_readings_of_the_series_are_spoken_and_the_record_keeps_the_text(
    make_job: Callable[..., Job[Any]], tmp_path: Path
) -> None:
    file = tmp_path / "읽기.csv"
    file.write_text("word,reading\nSHIELD,쉴드\n3호,셋째 호\n", encoding="utf-8")
    backend = Counting()
    lines = [narration(18.0, "남자가 3호에서 SHIELD를 든다.")]
    (made,) = voice.run(make_job(voice.Config(pronunciations=file), {Line: lines}, backend=backend))
    assert made.text == "남자가 3호에서 SHIELD를 든다."
    assert [text for text, _ in backend.asked] == ["남자가 셋째 호에서 쉴드를 든다."]
    file.write_text("SHIELD,실드\n3호,셋째 호\n", encoding="utf-8")
    list(voice.run(make_job(voice.Config(pronunciations=file), {Line: lines}, backend=backend)))
    assert [text for text, _ in backend.asked][1:] == ["남자가 셋째 호에서 실드를 든다."], (
        "another reading, another clip"
    )


def test_the_cast_is_read_as_its_folder_says_and_the_series_counts_more(
    make_job: Callable[..., Job[Any]], tmp_path: Path
) -> None:
    people = tmp_path / "출연"
    people.mkdir()
    (people / "cast.yaml").write_text(
        "- {id: a, name: 이안, pronunciation: 이 안, photos: []}\n"
        "- {id: b, name: {ko: 한별, en: Han-byeol}, pronunciation: 한 별, photos: []}\n"
        "- {id: c, name: 수진, photos: []}\n",
        encoding="utf-8",
    )
    file = tmp_path / "읽기.yaml"
    file.write_text("한별: 한뼐\n", encoding="utf-8")
    backend = Counting()
    job = make_job(
        voice.Config(pronunciations=file),
        {Line: [narration(18.0, "이안이 한별과 수진을 본다.")]},
        backend=backend,
        settings=RunSettings(cast=people),
    )
    list(voice.run(job))
    assert [text for text, _ in backend.asked] == ["이 안이 한뼐과 수진을 본다."]


def test_the_content_of_the_readings_is_in_the_key_and_not_their_place(tmp_path: Path) -> None:
    one, other = tmp_path / "a.csv", tmp_path / "b.yaml"
    one.write_text("SHIELD,쉴드\n", encoding="utf-8")
    other.write_text("SHIELD: 쉴드\n", encoding="utf-8")
    assert voice.Config(pronunciations=one).files() == voice.Config(pronunciations=other).files()
    before = voice.Config(pronunciations=one).files()
    one.write_text("SHIELD,실드\n", encoding="utf-8")
    assert voice.Config(pronunciations=one).files() != before
    assert voice.Config().files() == {}
    with pytest.raises(ConfigError, match=r"none\.csv cannot be read"):
        voice.Config(pronunciations=tmp_path / "none.csv").files()


@pytest.mark.parametrize(("container", "codec"), [("mp3", "libmp3lame"), ("wav", "pcm_s16le"), ("flac", "flac")])
def test_answers_in_any_format_are_decoded(container: str, codec: str) -> None:
    speech, rate = espeak.speak("문이 열린다.", "ko", 170)
    decoded, found = sound.decoded(encoded(speech, rate, container, codec))
    assert found == rate
    assert decoded.dtype == np.float32
    assert len(decoded) == pytest.approx(len(speech), abs=0.1 * rate)


@pytest.mark.parametrize(
    "content", [b"", b"no sound", b'{"error": "busy"}', b"<html></html>", b"RIFF\x00\x00\x00\x00WAVE"]
)
def test_an_answer_that_is_no_sound_is_told_apart(content: bytes) -> None:
    with pytest.raises(sound.NoSpeechError):
        sound.decoded(content)


def test_stretching_keeps_the_pitch() -> None:
    clock = np.arange(2 * 24_000) / 24_000
    tone = (0.3 * np.sin(2 * np.pi * 440 * clock)).astype(np.float32)
    for tempo in (0.95, 1.15):
        stretched, rate = sound.stretched((tone, 24_000), tempo)
        assert rate == 24_000
        assert len(stretched) / len(tone) == pytest.approx(1 / tempo, abs=0.02)
        spectrum = np.abs(np.fft.rfft(stretched[4800:-4800]))
        assert spectrum.argmax() * 24_000 / len(stretched[4800:-4800]) == pytest.approx(440, abs=2)
    assert sound.stretched((tone, 24_000), 1.0)[0] is tone
    assert len(sound.stretched(sound.NOTHING, 1.1)[0]) == 0
