"""The check: silent on a finished result that is right, and every row loud on one that is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from data.media import probe
from data.records import Clip, Duck, Gap, Utterance, Written
from data.script import load, save
from stages.check.measure import delay
from tests.stages.described import LENGTH, LINES, RATE, Described, describe, music, noise, programme, said, voice

Ffmpeg = Callable[..., None]
Spoil = Callable[[Described], None]


@pytest.fixture(scope="module")
def finished(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Described:
    """The result that is right."""
    return describe(tmp_path_factory.mktemp("finished") / "film", ffmpeg, programme())


@pytest.fixture
def film(finished: Described, tmp_path: Path) -> Described:
    """A copy of it, to be spoilt."""
    return finished.copy(tmp_path)


def cells(seconds: float) -> int:
    return round(seconds * RATE)


# Right


def test_a_result_that_is_right_passes_every_row(finished: Described) -> None:
    found = finished.check()
    assert [(f.row, f.text) for f in found if f.severity != "pass"] == []
    assert [f.row for f in found] == [1, 2, 3, 4, 7, 12, 13, 14, 15, 16, 16, 17, 18, 19, 22, 22, 23]
    values = {f.check: f.value for f in found}
    assert values["guard"] == pytest.approx(2.3 - said()[0][1], abs=0.05)
    assert values["fit"] == 3
    assert values["loudness"] == pytest.approx(-23, abs=0.3)
    assert values["ducking"] == pytest.approx(6, abs=0.5)
    assert values["length"] == pytest.approx(0, abs=1e-4)


def loud_programme() -> np.ndarray[Any, np.dtype[np.float32]]:
    """Dialogue at −17 LUFS, effects flat at full scale between and under the lines."""
    sound = programme(scored=-30) * 2
    for start in np.arange(0.1, LENGTH, 0.93):
        sound[cells(start) : cells(start + 0.004)] += 3 * np.sin(np.arange(cells(0.004)) * 0.2)[:, None]
    return np.asarray(np.clip(sound, -1, 1), np.float32)


def opposed() -> np.ndarray[Any, np.dtype[np.float32]]:
    """Channels that cancel each other in a mono sum."""
    return programme() * np.array([1, -1], np.float32)


GOOD: dict[str, dict[str, Any]] = {
    "mono": {"sound": programme(1)},
    "5.1": {"sound": programme(6)},
    "mkv": {"sound": programme(), "suffix": ".mkv"},
    "ts": {"sound": programme(), "suffix": ".ts"},
    "mov": {"sound": programme(), "suffix": ".mov"},
    "avi": {"sound": programme(), "suffix": ".avi"},
    "silent bed": {"sound": programme(ambience=-130, scored=-130)},
    "music under all of it": {"sound": programme(scored=-27) + music(LENGTH, -36, 2)},
    "peaks at full scale": {"sound": loud_programme()},
    "white noise": {"sound": np.random.default_rng(2).normal(0, 0.02, (cells(LENGTH), 2)).astype(np.float32)},
    "opposed channels": {"sound": opposed()},
    "no dialogue": {"sound": music(LENGTH, -30, 2), "speech": []},
    "very short lines": {"sound": programme(), "lines": ((2.3, "문."), (4.0, "밤."), (9.0, "비."))},
    "a line at the start": {"sound": programme(), "lines": ((0.0, "밤이다."), *LINES), "speech": said()[1:]},
    "a line at the end": {
        "sound": programme(),
        "lines": ((2.3, "밤."), (LENGTH - len(voice(LINES[1][1])) / RATE, LINES[1][1])),
    },
    "no sound": {"sound": None},
    "quiet programme": {"sound": programme(ambience=-70, scored=-58) * np.float32(0.1)},
}


@pytest.mark.parametrize("case", GOOD)
def test_no_wolf_is_cried(case: str, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    made = describe(tmp_path / "film", ffmpeg, **GOOD[case])
    assert [(f.row, f.text) for f in made.check() if f.severity in ("warning", "error")] == []


def test_a_word_between_two_lines_is_no_pumping(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    first = voice(LINES[1][1])
    after = 9.0 + len(first) / RATE
    speech = [*said(), (after + 0.35, after + 0.75)]
    lines = ((9.0, LINES[1][1]), (after + 1.1, LINES[0][1]))
    made = describe(tmp_path / "film", ffmpeg, programme(scored=-28), lines=lines, speech=speech)
    assert len(made.records[Duck]) == 2
    assert made.found(15) == []


# Rows 1–4, 7 and 12: where narration lies, how fast and in what words


def test_narration_over_dialogue_is_told_to_the_hundredth(film: Described) -> None:
    stem = film.stem()
    speech = film.records[Utterance][1]
    length = 0.42
    stem[cells(speech.start + 0.2) : cells(speech.start + 0.2 + length)] = 0.1
    film.speak(stem)
    (finding,) = film.found(1)
    assert finding.severity == "error"
    assert finding.start == pytest.approx(speech.start + 0.2, abs=0.011)
    assert finding.value == pytest.approx(length, abs=0.021)


def test_a_whole_line_shifted_over_dialogue(film: Described) -> None:
    speech = film.records[Utterance][1]
    stem = np.roll(film.stem(), cells(speech.start - 4.6))
    film.speak(stem)
    (finding,) = film.found(1)
    wave = np.flatnonzero(np.abs(stem[cells(speech.start) : cells(speech.end)]) > 1e-3)
    assert finding.value == pytest.approx((wave[-1] - wave[0]) / RATE, abs=0.03)
    assert {"A line is not heard", "Voice that belongs to no line"} <= {f.text.split(" at ")[0].split(" from ")[0]
                                                                          for f in film.found(3)}  # fmt: skip


@pytest.mark.parametrize(("guard", "severity"), [(0.1, "error"), (0.22, "error"), (0.27, "warning"), (0.32, None)])
def test_guard(film: Described, guard: float, severity: str | None) -> None:
    voiced = np.flatnonzero(np.abs(film.stem()[: cells(6.2)]) > 1.5e-3)[-1] / RATE
    film.change(Utterance, 1, start=voiced + guard)
    found = film.found(2)
    assert [f.severity for f in found] == ([severity] if severity else [])
    if found:
        assert found[0].value == pytest.approx(guard, abs=0.02)
        assert found[0].start == pytest.approx(voiced, abs=0.02)


def test_a_line_missing_from_the_stem(film: Described) -> None:
    stem = film.stem()
    clip = film.records[Clip][1]
    stem[cells(clip.start) : cells(clip.end)] = 0
    film.speak(stem)
    (finding,) = film.found(3)
    assert finding.text == f"A line is not heard at 0:04.40: {clip.text}"


@pytest.mark.parametrize("kept", [0.4, 0.7, 0.92])
def test_a_line_that_is_cut(film: Described, kept: float) -> None:
    stem, clip = film.stem(), film.records[Clip][0]
    stem[cells(clip.start + kept * (clip.end - clip.start)) : cells(clip.end)] = 0
    film.speak(stem)
    (finding,) = film.found(3)
    assert finding.text.startswith("A line is cut")
    assert finding.value is not None
    assert 0 < finding.value <= (1 - kept) * (clip.end - clip.start)


def test_a_line_outside_its_gap(film: Described) -> None:
    film.change(Gap, 1, end=film.records[Clip][1].end - 0.2, lead_out=0.0)
    (finding,) = film.found(3)
    assert finding.text.startswith("A line leaves its gap by 0.1")


def test_voice_that_no_script_holds(film: Described) -> None:
    stem = film.stem()
    stem[cells(13) : cells(13.5)] += 0.05 * noise(0.5, 0, 1)[:, 0]
    film.speak(stem)
    (finding,) = film.found(3)
    assert (finding.start, finding.end) == (13.0, 13.5)


@pytest.mark.parametrize(("text", "severity"), [("가" * 8, "warning"), ("가" * 12, "error")])
def test_pace(film: Described, text: str, severity: str) -> None:
    film.change(Clip, 1, text=text)  # 1.35 s
    (finding,) = film.found(4)
    assert finding.severity == severity
    assert finding.value == pytest.approx(len(text) / 1.29, rel=0.03)


def test_pace_in_english_words(film: Described) -> None:
    object.__setattr__(film, "language", "en")
    film.change(Clip, 1, text="he and she go in")
    assert [f.text[:20] for f in film.found(4)] == ["3.9 words a second a"]


@pytest.mark.parametrize(("speed", "severity"), [(1.1, None), (1.14, "warning"), (1.2, "error")])
def test_a_line_that_was_sped_up(film: Described, speed: float, severity: str | None) -> None:
    film.change(Clip, 0, speed=speed)
    assert [f.severity for f in film.found(4)] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("text", "row"),
    [("문이 천천히 열렸다.", 7), ("문이 열립니다.", 7), ("화면에 문이 보인다.", 7), ("슬픈 것 같다.", 8)],
)
def test_style(film: Described, text: str, row: int) -> None:
    film.change(Clip, 0, text=text)
    assert [(f.row, f.start) for f in film.found(row)][:1] == [(row, 2.3)]


def test_a_gap_that_must_stay_free(film: Described) -> None:
    film.change(Gap, 2, usable=False, why="a song that must stay heard")
    (finding,) = film.found(12)
    assert finding.severity == "error"
    assert finding.value == pytest.approx(film.records[Clip][2].end - 8.6, abs=0.1)


@pytest.mark.parametrize("length", [6.2, 5.5])
def test_a_long_gap_that_is_full(ffmpeg: Ffmpeg, tmp_path: Path, length: float) -> None:
    wave = voice(LINES[2][1])
    start = 8.0
    lines = ((8.0, LINES[2][1]), (8.0 + len(wave) / RATE + 0.2, LINES[2][1]))
    film = describe(tmp_path / "film", ffmpeg, programme(), lines=lines)
    film.change(Gap, 2, start=start, end=start + length, lead_in=0.0, lead_out=0.0)
    found = film.found(12)
    assert [f.limit for f in found] == ([0.8] if length > 6 else [])
    if found:
        assert found[0].value == pytest.approx(2 * len(wave) / RATE / length, abs=0.05)


# Rows 13 and 14: loudness


def louder(film: Described, number: int, decibels: float) -> None:
    """The stem with one line louder, and the described track rendered with it."""
    stem, clip = film.stem(), film.records[Clip][number]
    stem[cells(clip.start) : cells(clip.end)] *= 10 ** (decibels / 20)
    film.speak(stem)
    film.render(film.records[Duck])


def test_one_line_louder_than_the_others(film: Described) -> None:
    louder(film, 1, 4)
    found = film.found(13)
    assert [f.start for f in found if f.value and f.value > 0] == [pytest.approx(4.43, abs=0.05)]


def test_narration_below_the_dialogue(film: Described) -> None:
    film.speak(film.stem() / 2)
    film.render(film.records[Duck])
    (finding,) = film.found(13)
    assert finding.value == pytest.approx(-6, abs=0.3)


def test_a_described_track_without_its_narration(film: Described) -> None:
    film.render(film.records[Duck], narration=np.zeros_like(film.stem()))
    found = film.found(13)
    assert [f.severity for f in found] == ["error"] * 3
    assert all("from narration.wav" in f.text for f in found)


def test_a_bed_that_is_too_loud(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = describe(tmp_path / "film", ffmpeg, programme(scored=-17))
    film.render([d.model_copy(update={"depth": 0.0}) for d in film.records[Duck]])
    (finding,) = film.found(14)
    assert finding.start == pytest.approx(8.63, abs=0.03)
    assert finding.value is not None
    assert finding.value < 6


# Rows 15 and 17: the programme under and outside narration


def test_depth_and_ramps(film: Described) -> None:
    for depth in (3.0, 20.0):
        film.render([d.model_copy(update={"depth": depth}) for d in film.records[Duck]])
        found = film.found(15)
        assert [f.value for f in found] == [pytest.approx(depth, abs=1.5)] * 2
        assert [f.limit for f in found] == [6.0 if depth < 6 else 12.0] * 2


@pytest.mark.parametrize("depth", [7.0, 11.0])
@pytest.mark.parametrize("ramp", [0.05, 0.22, 0.5, 0.9])
def test_ramps(film: Described, ramp: float, depth: float) -> None:
    film.render([d.model_copy(update={"attack": ramp, "release": ramp, "depth": depth}) for d in film.records[Duck]])
    found = film.found(15)
    if 0.2 <= ramp <= 0.6:
        assert found == []
    else:
        assert found
        assert all(f.value == pytest.approx(ramp, abs=0.08) for f in found)


def test_pumping(film: Described) -> None:
    first, second = film.records[Clip][2], film.records[Clip][1]
    stem = film.stem()
    wave = stem[cells(second.start) : cells(second.end)]
    start = first.end + 0.5
    stem[cells(start) : cells(start) + len(wave)] = wave
    duck = film.records[Duck][1].model_copy(update={"attack": 0.24, "release": 0.24})
    ducks = [duck.model_copy(update={"start": start, "end": start + len(wave) / RATE, "clips": ("n2",)})]
    film.change(Clip, 1, start=start, end=start + len(wave) / RATE)
    stem[cells(4.4) : cells(6.0)] = 0
    film.speak(stem)
    before = film.records[Duck][0].model_copy(update={"end": film.records[Clip][0].end, "clips": ("n1",)})
    film.records[Duck] = [before, duck, *ducks]
    film.render(film.records[Duck])
    assert [f.text[:26] for f in film.found(15)] == ["The programme comes up for"]
    film.render([before, duck.model_copy(update={"end": ducks[0].end})])
    assert film.found(15) == []


def test_a_line_under_which_nothing_is_lowered(film: Described) -> None:
    film.render(film.records[Duck][:1])
    film.records[Duck] = film.records[Duck][:1]
    assert [(f.value, f.limit) for f in film.found(15)] == [(pytest.approx(0, abs=0.6), 6.0)]


def test_a_programme_that_is_quieter_outside_cues(film: Described) -> None:
    sound = programme()
    sound[cells(12) :] *= 10 ** (-3 / 20)
    film.deliver(sound + film.stem()[: len(sound), None] * np.float32(0.5**0.5), "stereo")
    found = film.found(17)
    assert [(f.start, f.end, f.severity) for f in found] == [(12.0, 15.0, "error")]
    assert found[0].value == pytest.approx(-3, abs=0.3)


def test_channels_that_changed_places(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    sound = programme()
    sound[cells(11.5) :, 1] *= 0.1
    film = describe(tmp_path / "film", ffmpeg, sound)
    film.deliver(sound[:, ::-1] + film.stem()[: len(sound), None] * np.float32(0.5**0.5), "stereo")
    assert [(f.start, f.end, f.text[:39]) for f in film.found(17)] == [
        (12, 15, "The described track holds another sound")
    ]


def test_a_residual_before_the_encoder(film: Described) -> None:
    levels = json.loads((film.mix / "mix.json").read_text())
    (film.mix / "mix.json").write_text(json.dumps(levels | {"residual_outside_cues": -40.0}))
    assert [f.value for f in film.found(17)] == [-40.0]


# Rows 16, 18 and 19


@pytest.mark.parametrize("place", [3.0, 12.5])
def test_true_peak(film: Described, place: float) -> None:
    """A burst above full scale: under a line, and where nothing is spoken."""
    sound = programme() + film.stem()[: cells(LENGTH), None] * np.float32(0.5**0.5)
    sound[cells(place) : cells(place + 0.05)] += 1.15 * np.sin(np.arange(2400) * 0.2)[:, None]
    film.deliver(sound, "stereo")
    found = film.found(16, "true peak")
    assert [f.severity for f in found] == ["error"]
    assert found[0].value is not None
    assert found[0].value > 0.5


@pytest.mark.parametrize("late", [0.02, 0.2])
def test_a_late_track(film: Described, late: float) -> None:
    sound = np.concatenate(
        [np.zeros((cells(late), 2), np.float32), programme() + film.stem()[: cells(LENGTH), None] * 0.7]
    )
    film.deliver(sound[: cells(LENGTH)].astype(np.float32), "stereo")
    (finding,) = film.found(18)
    assert finding.value == pytest.approx(late, abs=0.001)
    assert film.found(15) == [], "gains are not measured out of step"


def test_delay_of_sounds() -> None:
    one, other = noise(2, -20, 1, 3)[:, 0], noise(2, -20, 1, 4)[:, 0]
    assert delay(one, np.roll(one, 96)) == pytest.approx(0.002)
    assert delay(one, np.roll(one, -4800)) == pytest.approx(-0.1)
    assert delay(one, other) is None


def test_a_short_track(film: Described) -> None:
    sound = programme() + film.stem()[: cells(LENGTH), None] * np.float32(0.5**0.5)
    film.deliver(sound[: cells(LENGTH - 0.5)], "stereo")
    (finding,) = film.found(18)
    assert finding.value == pytest.approx(LENGTH - 0.5, abs=0.03)


def test_a_track_that_starts_late(film: Described, ffmpeg: Ffmpeg) -> None:
    remux(film, ffmpeg, ["-itsoffset", "0.3", "-i", film.film], "-map 0:0 -map 0:1 -map 1:2")
    assert any("starts 0.2" in f.text for f in film.found(18))


def test_a_short_stem(film: Described) -> None:
    film.speak(film.stem()[: cells(14)])
    (finding,) = film.found(18)
    assert finding.text == "The narration stem lasts 14.000 s, the programme 15.000 s"


def test_another_sampling_rate(film: Described, ffmpeg: Ffmpeg) -> None:
    remux(film, ffmpeg, [], "-map 0", "-c:a:1 aac -ar:a:1 44100")
    (finding,) = film.found(18)
    assert finding.text == "The described track has 44100 Hz and 2 channels"


def test_mono_instead_of_surround(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = describe(tmp_path / "film", ffmpeg, programme(6))
    film.deliver(programme(1) + film.stem()[: cells(LENGTH), None], "mono")
    assert "The described track has 48000 Hz and 1 channels" in [f.text for f in film.found(18)]


def test_a_stem_of_16_bits(film: Described) -> None:
    film.speak(film.stem(), "PCM_16")
    assert [f.text for f in film.found(18)] == ["The stem is 48000 Hz, 1 ch, PCM_16"]


def test_a_clipped_stem(film: Described) -> None:
    film.speak(np.clip(film.stem() * 8, 0, 1))  # above zero alone, where 24 bits end a hair below 1
    assert [f.severity for f in film.found(19)] == ["error"]


def test_hard_edges(film: Described) -> None:
    path = film.folder / "voice" / "n2.wav"
    wave = soundfile.read(path, dtype="float32")[0]
    loud = np.flatnonzero(np.abs(wave) > 0.2)
    soundfile.write(path, wave[loud[0] : loud[-1]], RATE, "PCM_24")
    film.change(Clip, 1, end=4.4 + (loud[-1] - loud[0]) / RATE)
    film.remix()
    assert [f.text for f in film.found(19)] == ["The line at 0:04.40 has a hard edge"]


def test_a_hole_in_a_line(film: Described) -> None:
    path = film.folder / "voice" / "n3.wav"
    wave = soundfile.read(path, dtype="float32")[0]
    wave[cells(0.8) : cells(1.6)] = 0
    soundfile.write(path, wave, RATE, "PCM_24")
    film.remix()
    (finding,) = film.found(19)
    assert finding.value == pytest.approx(0.8, abs=0.1)


# Row 22: the new track and the original streams


def remux(film: Described, ffmpeg: Ffmpeg, inputs: list[Any], maps: str, changes: str = "", tags: Any = ()) -> None:
    """The described film again, streams copied but for `changes`."""
    other = film.mix / "other.mp4"
    flags = "-disposition:a:1 visual_impaired+descriptions" if "-disposition" not in changes else ""
    ffmpeg("-i", film.film, *inputs, *maps.split(), "-c", "copy", *flags.split(), *changes.split(), *tags, other)
    other.replace(film.film)


TITLE = "-metadata:s:a:1 handler_name={0} -metadata:s:a:1 title={0}"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ("-metadata:s:a:1 language=fra", "The track's language is fra"),
        (TITLE.format("Stereo"), "The track is not named 화면해설"),
        ("-disposition:a:1 0", "The track is not flagged for the visually impaired"),
        ("-disposition:a:0 0 -disposition:a:1 default+visual_impaired", "The described track is the default"),
    ],
)
def test_labels_of_the_track(film: Described, ffmpeg: Ffmpeg, changes: str, text: str) -> None:
    remux(film, ffmpeg, [], "-map 0", changes)
    assert [f.text for f in film.found(22, "track")] == [text]


def test_a_track_that_is_missing(film: Described, ffmpeg: Ffmpeg) -> None:
    remux(film, ffmpeg, [], "-map 0:0 -map 0:2", "-disposition:a:0 visual_impaired")
    assert "The described file has 1 audio tracks" in [f.text for f in film.found(22, "track")]
    assert [f.severity for f in film.found(22, "copied")] == ["error"]


@pytest.mark.parametrize(("codec", "number"), [("-c:v libx264 -preset ultrafast -crf 40", 0), ("-c:a:0 aac", 1)])
def test_a_stream_that_was_encoded_again(film: Described, ffmpeg: Ffmpeg, codec: str, number: int) -> None:
    remux(film, ffmpeg, [], "-map 0", codec)
    (finding,) = film.found(22, "copied")
    assert finding.text.startswith(f"Stream {number} (")
    assert finding.severity == "error"


def test_an_avi_whose_picture_was_encoded_again(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = describe(tmp_path / "film", ffmpeg, programme(), suffix=".avi")
    remux_to_mkv = film.mix / "other.mkv"
    ffmpeg("-i", film.film, "-map", 0, "-c", "copy", "-c:v", "mpeg4", remux_to_mkv)
    remux_to_mkv.replace(film.film)
    assert [f.text[:16] for f in film.found(22, "copied")] == ["Stream 0 (video)"]


def test_a_picture_that_was_moved(film: Described, ffmpeg: Ffmpeg) -> None:
    remux(film, ffmpeg, ["-itsoffset", "0.2", "-i", film.film], "-map 1:0 -map 0:1 -map 0:2")
    (finding,) = film.found(22, "copied")
    assert finding.value == pytest.approx(0.2, abs=0.01)


# Row 23: the scripts


def scripted(film: Described, role: str) -> Path:
    return film.folder / "script" / next(w.name for w in film.records[Written] if w.role == role)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8-sig")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


@pytest.mark.parametrize(
    ("role", "old", "new", "text"),
    [
        ("dapt", 'daptm:represents="visual.nonText"', 'daptm:represents="smell"', "smell"),
        ("dapt", "</tt>", "", "not well-formed"),
        ("dapt", "문이 천천히", "창이 천천히", "another text than is spoken at 0:02.30"),
        ("vtt", "00:00:02.300", "00:00:02.400", "is heard at 0:02.30"),
        ("vtt", "00:00:02.300", "00:00:02.270", "is heard at 0:02.30"),
        ("vtt", "WEBVTT", "WEB", "it does not begin with WEBVTT"),
        ("vtt", "n2\n", "n9\n", "its lines are not the ones that are spoken"),
        ("csv", "문이 천천히", "창이 천천히", "another text than is spoken"),
        ("csv", ",2.300,", ",2.500,", "is heard at 0:02.30"),
        ("csv", "id,", "name,", "not a table of the script"),
    ],
)
def test_a_script_that_differs(film: Described, role: str, old: str, new: str, text: str) -> None:
    replace(scripted(film, role), old, new)
    found = film.found(23)
    assert len(found) == 1
    assert text in found[0].text
    assert scripted(film, role).name in found[0].text


def test_script_json_with_another_text(film: Described) -> None:
    path = scripted(film, "script")
    script = load(path)
    first = script.narrations[0].model_copy(update={"text": "창이 열린다."})
    save(script.model_copy(update={"narrations": (first, *script.narrations[1:])}), path)
    (finding,) = film.found(23)
    assert finding.text == "script.json: another text than is spoken at 0:02.30"


def test_a_script_that_is_not_there(film: Described) -> None:
    scripted(film, "vtt").unlink()
    assert [f.text[:37] for f in film.found(23)] == ["descriptions.ko.vtt cannot be read (N"]


def test_a_line_that_lies_elsewhere_than_its_scripts_say(film: Described) -> None:
    stem = np.roll(film.stem(), cells(0.1))
    film.speak(stem)
    film.render(film.records[Duck])
    assert len(film.found(23)) == 12, "three lines in four files"


# Nothing spoken


def test_nothing_is_spoken(film: Described) -> None:
    film.film.unlink()
    film.records[Clip] = [c.model_copy(update={"dropped": "too long", "file": None}) for c in film.records[Clip]]
    (finding,) = film.check()
    assert (finding.severity, finding.text) == ("warning", "Nothing is spoken; no track was added")


def test_lines_without_a_described_film(film: Described) -> None:
    film.film.unlink()
    (finding,) = film.check()
    assert (finding.row, finding.severity) == (3, "error")


def test_progress_goes_up(film: Described) -> None:
    told: list[float] = []
    job = film.job(__import__("stages.check", fromlist=["Config"]).Config(), "check")
    object.__setattr__(job, "report_progress", lambda done, total: told.append(done / total))
    from stages import check

    list(check.run(job))
    assert told == sorted(told)
    assert 0 < told[0] <= told[-1] <= 1


def test_the_track_is_the_film_it_claims_to_be(finished: Described) -> None:
    """The hand-made film is what these tests think it is."""
    described = probe(finished.film)
    assert [s.layout for s in described.audio_streams] == ["stereo", "stereo"]
    assert described.duration == pytest.approx(LENGTH, abs=0.05)
    assert [d.clips for d in finished.records[Duck]] == [("n1", "n2"), ("n3",)]
