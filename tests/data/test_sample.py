"""The sample episode: what its truth says is what its file holds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from data.sample import make, sounds
from data.sample.story import BEDS, FPS, LINES, SHOTS, WORDS
from data.text.language import syllables

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def film(sample_film: Path) -> Path:
    return sample_film


@pytest.fixture(scope="module")
def truth(film: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((film.parent / "sample.truth.json").read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="module")
def small(film: Path) -> tuple[list[float], NDArray[np.float64]]:
    """Times of all frames, and the frames in small (frames, 36, 64)."""
    with av.open(str(film)) as container:
        frames = [(frame.time, frame.reformat(64, 36, "gray").to_ndarray()) for frame in container.decode(video=0)]
    return [float(time or 0) for time, _ in frames], np.stack([picture for _, picture in frames]).astype(float)


@pytest.fixture(scope="module")
def sound(film: Path) -> NDArray[np.float32]:
    """The programme as decoded, mono at 48 kHz."""
    with av.open(str(film)) as container:
        frames = list(container.decode(audio=0))
    assert frames[0].pts == 0
    return np.concatenate([frame.to_ndarray().mean(axis=0) for frame in frames])


def test_the_file_is_what_it_says(film: Path, truth: dict[str, Any]) -> None:
    with av.open(str(film)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.width, video.height, video.average_rate) == ("h264", 1280, 720, FPS)
        assert (audio.codec_context.name, audio.rate, audio.layout.name) == ("aac", 48_000, "stereo")
        assert audio.metadata["language"] == "kor"
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(truth["duration"], abs=0.03)


def test_the_cuts_are_where_the_truth_has_them(
    small: tuple[list[float], NDArray[np.float64]], truth: dict[str, Any]
) -> None:
    times, pictures = small
    assert times == pytest.approx([n / FPS for n in range(round(truth["duration"] * FPS))], abs=1e-4)
    jumps = np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2))
    assert [round(times[n + 1], 3) for n in np.flatnonzero(jumps > 12)] == truth["cuts"]
    assert [shot["start"] for shot in truth["shots"]] == [0.0, *truth["cuts"]]


def test_it_rises_from_black(small: tuple[list[float], NDArray[np.float64]]) -> None:
    _, pictures = small
    light = pictures.mean(axis=(1, 2))
    assert light[0] < 18
    assert light[:FPS].argmax() > FPS - 5


def test_it_comes_back_to_the_same_place(small: tuple[list[float], NDArray[np.float64]], truth: dict[str, Any]) -> None:
    _, pictures = small
    there = [s for s in truth["shots"] if s["picture"] == "astronaut.png"]
    first, again = (pictures[round(s["start"] * FPS) + 5] for s in there)
    assert np.abs(first - again).mean() < 3


def test_speech_sounds_where_the_truth_has_it(sound: NDArray[np.float32], truth: dict[str, Any]) -> None:
    for line in truth["utterances"]:
        part = sound[round(line["start"] * 48_000) : round(line["end"] * 48_000)]
        assert _db(part) > -28, line
        assert _db(part[:2400]) > -45, line
        assert _db(part[-2400:]) > -45, line


def test_every_gap_has_its_bed(sound: NDArray[np.float32], truth: dict[str, Any]) -> None:
    levels = {"silence": (-201, -75), "ambience": (-52, -44), "music": (-36, -27)}
    for gap in truth["gaps"]:
        # 50 ms at the edges are left out: AAC smears a little.
        part = sound[round((gap["start"] + 0.05) * 48_000) : round((gap["end"] - 0.05) * 48_000)]
        low, high = levels[gap["bed"]]
        assert low < _db(part) < high, (gap, _db(part))


def test_gaps_are_the_time_between_the_lines(truth: dict[str, Any]) -> None:
    assert [gap["end"] for gap in truth["gaps"][:-1]] == [line["start"] for line in truth["utterances"]]
    assert [gap["start"] for gap in truth["gaps"][1:]] == [line["end"] for line in truth["utterances"]]
    assert all(1.3 <= gap["end"] - gap["start"] <= 9 for gap in truth["gaps"])
    assert {gap["bed"] for gap in truth["gaps"]} == {"silence", "ambience", "music"}


def test_english_words_can_be_read(film: Path, truth: dict[str, Any]) -> None:
    from rapidocr import RapidOCR

    words = [(t["start"] + 1, t["text"]) for t in truth["texts"] if t["language"] == "en"]
    reader = RapidOCR()
    with av.open(str(film)) as container:
        for frame in container.decode(video=0):
            if words and float(frame.time or 0) >= words[0][0]:
                read: Any = reader(frame.to_ndarray(format="bgr24"))
                assert words.pop(0)[1] in read.txts
    assert not words


def test_the_same_call_makes_the_same_bytes(film: Path, tmp_path: Path) -> None:
    again = make(tmp_path)
    for name in ("sample.mp4", "sample.truth.json"):
        one, other = (hashlib.sha256((p.parent / name).read_bytes()).digest() for p in (film, again))
        assert one == other, name
    assert {path.name for path in tmp_path.iterdir()} == {"sample.mp4", "sample.truth.json"}


def test_the_story_holds_together() -> None:
    starts = [shot.start for shot in SHOTS]
    assert starts == sorted(starts)
    assert all(abs(start * FPS - round(start * FPS)) < 1e-6 for start in starts)
    assert len(BEDS) == len(LINES) + 1
    assert all(word.start in starts for word in WORDS if word.role == "sign")


def test_english_dialogue_fits_the_same_times() -> None:
    lines = sounds.dialogue("en")
    assert all(end - start >= 1.3 for start, end, _ in sounds.gaps(lines))
    assert all(syllables(line.text, "en") > 2 for line in lines)


def _db(part: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(np.square(part, dtype=np.float64)) + 1e-20))
