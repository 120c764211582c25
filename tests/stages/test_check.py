"""The check: silent on a finished result that is right; rows 1 to 12 on where narration lies and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.media import probe
from data.products import Pacing
from data.reasons import Protected
from data.records import Clip, Duck, Gap, Line, Utterance
from stages import check
from tests.stages.described import (
    LENGTH,
    LINES,
    RATE,
    Described,
    cells,
    describe,
    music,
    noise,
    programme,
    said,
    voice,
)

Ffmpeg = Callable[..., None]


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


GOOD: dict[str, Callable[[], dict[str, Any]]] = {
    "mono": lambda: {"sound": programme(1)},
    "5.1": lambda: {"sound": programme(6)},
    "mkv": lambda: {"sound": programme(), "suffix": ".mkv"},
    "ts": lambda: {"sound": programme(), "suffix": ".ts"},
    "mov": lambda: {"sound": programme(), "suffix": ".mov"},
    "avi": lambda: {"sound": programme(), "suffix": ".avi"},
    "silent bed": lambda: {"sound": programme(ambience=-130, scored=-130)},
    "music under all of it": lambda: {"sound": programme(scored=-27) + music(LENGTH, -36, 2)},
    "peaks at full scale": lambda: {"sound": loud_programme()},
    "white noise": lambda: {"sound": np.random.default_rng(2).normal(0, 0.02, (cells(LENGTH), 2)).astype(np.float32)},
    "opposed channels": lambda: {"sound": opposed()},
    "no dialogue": lambda: {"sound": music(LENGTH, -30, 2), "speech": []},
    "very short lines": lambda: {"sound": programme(), "lines": ((2.3, "문."), (4.0, "밤."), (9.0, "비."))},
    "a line at the start": lambda: {"sound": programme(), "lines": ((0.0, "밤이다."), *LINES), "speech": said()[1:]},
    "a line at the end": lambda: {
        "sound": programme(),
        "lines": ((2.3, "밤."), (LENGTH - len(voice(LINES[1][1])) / RATE, LINES[1][1])),
    },
    "no sound": lambda: {"sound": None},
    "quiet programme": lambda: {"sound": programme(ambience=-70, scored=-58) * np.float32(0.1)},
}


@pytest.mark.parametrize("case", GOOD)
def test_no_wolf_is_cried(case: str, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    made = describe(tmp_path / "film", ffmpeg, **GOOD[case]())
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


def test_a_scripts_line_over_a_voice_that_nothing_confirms_is_for_people_to_hear(film: Described) -> None:
    voiced = np.flatnonzero(np.abs(film.stem()[: cells(6.2)]) > 1.5e-3)[-1] / RATE
    film.change(Utterance, 1, start=voiced - 0.4, text="")
    assert [f.severity for f in film.found(1)] == ["error"], "a line that was found here"
    last = max((line for line in film.records[Line] if line.start < voiced), key=lambda line: line.start)
    film.change(Line, film.records[Line].index(last), given=True)
    (finding,) = film.found(1)
    assert (finding.severity, finding.value) == ("warning", pytest.approx(0.4, abs=0.03))
    assert "listen there" in finding.text
    assert film.found(2) == film.found(3) == film.found(12) == []
    film.change(Utterance, 1, text="대사")
    assert [f.severity for f in film.found(1)] == ["error"], "a caption confirms it"


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


def test_hints_on_style_are_for_whoever_writes_and_not_for_the_report(film: Described) -> None:
    film.change(Clip, 0, text="3번 문이 열리고 있다.")
    assert [f.severity for f in film.check() if f.row == 7] == ["pass"]


def test_the_report_says_where_only_letters_were_looked_at(film: Described, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.style.morphology_installed", lambda: False)
    (told,) = [f for f in film.check() if f.row == 7 and f.severity == "info"]
    assert "videodescription[korean]" in told.text


def test_a_gap_that_must_stay_free(film: Described) -> None:
    film.change(Gap, 2, usable=False, why=Protected())
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
        assert replace(film, pacing=Pacing(fill=1.0)).found(12) == [], "who asks for full gaps is not blamed for them"
        assert replace(film, pacing=Pacing(long_gap=7.0)).found(12) == []


@pytest.mark.parametrize(("share", "warned"), [(0.78, False), (0.83, True)])
def test_pauses_between_lines_leave_room_for_the_programme(
    ffmpeg: Ffmpeg, tmp_path: Path, share: float, warned: bool
) -> None:
    text, start = LINES[1][1], 8.0
    length = len(voice(text)) / RATE
    lines = tuple((start + number * (length + 0.2), text) for number in range(4))
    film = describe(tmp_path / "film", ffmpeg, programme(), lines=lines)
    film.change(Gap, 2, start=start, end=start + 4 * length / share, lead_in=0.0, lead_out=0.0)
    assert bool(film.found(12)) == warned


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
    job = film.job(check.Config(), "check")
    object.__setattr__(job, "report_progress", lambda done, total: told.append(done / total))
    list(check.run(job))
    assert told == sorted(told)
    assert 0 < told[0] <= told[-1] <= 1


def test_the_track_is_the_film_it_claims_to_be(finished: Described) -> None:
    """The hand-made film is what these tests think it is."""
    described = probe(finished.film)
    assert [s.layout for s in described.audio_streams] == ["stereo", "stereo"]
    assert described.duration == pytest.approx(LENGTH, abs=0.05)
    assert [d.clips for d in finished.records[Duck]] == [("n1", "n2"), ("n3",)]
