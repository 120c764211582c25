"""The voice stage on lines that people decided on: their speed, voice and readings, their own recordings."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from data.errors import ConfigError, UserError
from data.media import espeak
from data.media.loudness import measure
from data.records import Line
from stages import voice
from stages.stage import Job
from stages.voice import clip, recording
from stages.voice.espeak import Espeak
from tests.stages.test_voice import Counting, narration

MakeJob = Callable[..., Job[Any]]


def line(until: float, **changes: Any) -> Line:
    return narration(until).model_copy(update={"person": True, "alternatives": ()} | changes)


def speak(make_job: MakeJob, one: Line, backend: Any = None, **more: Any) -> tuple[Job[Any], Any]:
    job = make_job(voice.Config(), {Line: [one]}, backend=backend or Counting(), **more)
    (made,) = voice.run(job)
    return job, made


def recorded(seconds: float = 1.0, before: float = 1.5, room: float = 0.003, level: float = 0.1) -> bytes:
    """A microphone's WAV at 44.1 kHz: a room that is heard, speech, the room again."""
    samples = np.random.default_rng(7).normal(0, room, round((before + seconds + 1.0) * 44_100))
    said = np.arange(round(seconds * 44_100)) / 44_100
    first = round(before * 44_100)
    samples[first : first + len(said)] += level * np.sin(2 * np.pi * 220 * said)
    file = io.BytesIO()
    soundfile.write(file, samples, 44_100, format="WAV", subtype="PCM_16")
    return file.getvalue()


def test_a_line_of_a_person_is_spoken_even_where_it_does_not_fit(make_job: MakeJob) -> None:
    job, made = speak(make_job, line(10.5))
    assert made.file
    assert made.end > 10.5
    assert made.speed == voice.Config().hard_speed, "as short as the policy allows"
    assert any("longer than its place" in note.text for note in job.notes)
    assert speak(make_job, line(10.5, person=False))[1].dropped, "a line of the machine is not"


@pytest.mark.parametrize("speed", [0.8, 1.3])
def test_the_speed_that_a_person_asks_for_is_the_speed(make_job: MakeJob, speed: float) -> None:
    backend = Counting()
    _, made = speak(make_job, line(10.5, speed=speed), backend)
    assert made.speed == speed
    assert [rate for _, rate in backend.asked] == [pytest.approx(4.5 * speed)]


def test_espeak_is_never_asked_for_more_than_was_measured() -> None:
    speaker = Espeak(Espeak.Options())
    assert len(speaker.speak("문이 열린다.", "ko", 2.25)[0]) == len(speaker.speak("문이 열린다.", "ko", 2.99)[0])


def test_a_line_has_a_voice_of_its_own(make_job: MakeJob) -> None:
    backend = Espeak(Espeak.Options(pitch=40))
    _, made = speak(make_job, line(15, voice="f3"), backend)
    _, usual = speak(make_job, line(15), backend)
    assert made.voice == f"{espeak.version()} ko+f3 pitch 40", "all else is as configured"
    assert made.end != usual.end


def test_a_voice_without_others_says_so(make_job: MakeJob) -> None:
    with pytest.raises(ConfigError, match="no other voices"):
        speak(make_job, line(15, voice="f3"), Counting())


def test_a_reading_holds_for_its_line_alone(make_job: MakeJob) -> None:
    backend = Counting()
    lines = [line(15, readings={"문": "무우운"}), narration(15, number=2)]
    list(voice.run(make_job(voice.Config(), {Line: lines}, backend=backend)))
    assert [text for text, _ in backend.asked] == ["무우운이 천천히 열린다.", "문이 천천히 열린다."]


def test_only_a_changed_line_is_spoken_again(make_job: MakeJob) -> None:
    backend = Counting()
    for changed in ("문이 열린다.", "문이 닫힌다."):
        lines = [narration(15.0), line(15, text=changed, id="n0002")]
        list(voice.run(make_job(voice.Config(), {Line: lines}, backend=backend)))
    assert [text for text, _ in backend.asked] == ["문이 천천히 열린다.", "문이 열린다.", "문이 닫힌다."]


def test_a_recording_is_trimmed_and_levelled_like_the_voice(make_job: MakeJob, tmp_path: Path) -> None:
    (tmp_path / "me.wav").write_bytes(recorded())
    backend = Counting()
    job, made = speak(make_job, line(15, recording="me.wav"), backend, folders={Line: tmp_path})
    wave, rate = soundfile.read(job.folder / made.file, dtype="float32")
    assert (made.voice, made.speed, backend.asked) == ("recording", 1.0, [])
    assert made.end - made.start == pytest.approx(1.0 + 4 * clip.PAD / rate, abs=0.03), "the room around it is cut"
    assert measure([wave[:, None]], rate, "mono").integrated == pytest.approx(clip.LOUDNESS, abs=0.5)
    assert wave[0] == wave[-1] == 0


@pytest.mark.parametrize("content", [b"no sound", recorded(level=0, room=0), b""])
def test_a_recording_without_speech_names_the_line(content: bytes) -> None:
    with pytest.raises(UserError, match=r"“문이 열린다\.” holds no speech .*; record the line again"):
        recording.shaped(content, "문이 열린다.")
