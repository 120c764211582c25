"""The check, rows 13 to 19: loudness, ducking, peaks, length and clicks of finished results that are wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data.products import Levels
from data.records import Clip, Duck
from stages.check.measure import delay
from tests.stages.described import LENGTH, RATE, Described, cells, describe, noise, programme, remux

Ffmpeg = Callable[..., None]


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


@pytest.mark.parametrize(
    ("ramp", "depth"), [(0.05, 7.0), (0.05, 11.0), (0.22, 9.0), (0.5, 9.0), (0.9, 7.0), (0.9, 11.0)]
)
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
    Levels.open(film.mix).model_copy(update={"residual_outside_cues": -40.0}).leave(film.mix)
    assert [f.value for f in film.found(17)] == [-40.0]


# Rows 16, 18 and 19


@pytest.mark.parametrize("place", [3.0, 12.5])
def test_true_peak(film: Described, place: float) -> None:
    """A burst above full scale: under a line, and where nothing is spoken."""
    sound = programme() + film.stem()[: cells(LENGTH), None] * np.float32(0.5**0.5)
    sound[cells(place) : cells(place + 0.2)] += 1.3 * np.sin(np.arange(9600) * 0.2)[:, None]
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
