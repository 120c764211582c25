"""Real films described by the command a user types; human captions and known truth are the judges."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from data.media import audio_blocks, probe
from data.records import Context, Draft
from data.subtitles import read
from stages.candidates.judging import Judge
from tests.composite import FPS, LINES, Composite, compose, narrated, sounding, subtitles, told

pytestmark = pytest.mark.slow

VDESC = Path(sys.executable).parent / "vdesc"
FILMS = {
    "bunny": "bbb-30s/big_buck_bunny_0_30.webm",
    "rabbit": "rabbit-ad/video.mp4",
    "timecode": "ae-timecode/example.mp4",
    "perspective": "wai-perspective/perspective-video.mp4",
    "friday": "friday-film/friday.mp4",
}
CAPTIONS = {
    "perspective": "wai-perspective/perspective-caption.vtt",
    "friday": "friday-film/friday.vtt",
}
GUARD = 0.25
"""Seconds narration keeps from words."""


def vdesc(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the installed command in English."""
    done = subprocess.run([VDESC, *map(str, arguments), "--lang", "en"], capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    return done


# ---- Single films


@pytest.fixture(scope="module")
def singles(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of all films, and of those with human captions a second time with their captions (`<film>.captioned`)."""
    folder = tmp_path_factory.mktemp("films")
    for name, source in FILMS.items():
        film = folder / f"{name}{Path(source).suffix}"
        shutil.copy(media / source, film)
        if name in CAPTIONS:
            shutil.copy(film, folder / f"{name}_captioned{film.suffix}")
            shutil.copy(media / CAPTIONS[name], folder / f"{name}_captioned.vtt")
    films = [path for path in sorted(folder.iterdir()) if path.suffix != ".vtt"]
    done = vdesc("run", "--config", "embedded", *films, "--out", folder / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out"


def human_captions(media: Path, name: str) -> list[tuple[float, float]]:
    return [(cue.start, cue.end) for cue in read(media / CAPTIONS[name]) if cue.spoken]


def uncovered(spans: Sequence[tuple[float, float]], by: Sequence[dict[str, Any]]) -> float:
    """Seconds of `spans` that no utterance covers."""
    return sum(b - a - sum(max(0.0, min(u["end"], b) - max(u["start"], a)) for u in by) for a, b in spans)


@pytest.mark.parametrize("name", ["bunny", "rabbit", "timecode", "perspective", "friday"])
def test_the_verdict_is_no_error(singles: Path, name: str) -> None:
    assert told(singles / name)["report"]["verdict"] in ("pass", "warning")


@pytest.mark.parametrize(("name", "notes"), [("bunny", None), ("rabbit", "video.mp4 (15 fps)"), ("perspective", None)])
def test_cuts_are_those_seen_by_eye(singles: Path, media: Path, name: str, notes: str | None) -> None:
    truth = json.loads((media / FILMS[name]).with_name("cuts_annotated_by_eye.json").read_text("utf-8"))
    cuts = truth["hard_cuts_s"][notes] if notes else truth["hard_cuts_s"]
    found = [shot["start"] for shot in told(singles / name)["shots"][1:]]
    frame = 1 / probe(media / FILMS[name]).video.fps
    assert found == [pytest.approx(cut, abs=frame + 1e-3) for cut in cuts]


@pytest.mark.parametrize("name", ["timecode", "friday"])
def test_a_single_shot_stays_whole(singles: Path, name: str) -> None:
    assert len(told(singles / name)["shots"]) == 1


@pytest.mark.parametrize("name", ["perspective", "perspective_captioned", "friday", "friday_captioned"])
def test_nothing_is_spoken_over_human_captions(singles: Path, media: Path, name: str) -> None:
    """Both films are talked through: nothing fits, with the captions given and with voices alone."""
    captions = human_captions(media, name.partition("_")[0])
    stem = singles / name / "narration.wav"
    assert (narrated(stem, captions) if stem.exists() else 0.0) == 0.0
    assert told(singles / name)["narrations"] == []
    assert not list((singles / name).glob("described.*"))


def test_captions_are_covered_and_voices_miss_little(singles: Path, media: Path) -> None:
    """Without captions the first shout of the 1940 film is missed (0.9 s of 6 s); a pause in the talk is no miss."""
    for name, most in (("perspective", 1.0), ("friday", 1.0)):
        captions = [(a, min(b, told(singles / name)["episode"]["duration"])) for a, b in human_captions(media, name)]
        assert uncovered(captions, told(singles / f"{name}_captioned")["utterances"]) < 0.01
        voices = told(singles / name)["utterances"]
        quiet = [(a, b) for a, b in captions if not any(u["start"] < b and u["end"] > a for u in voices)]
        assert sum(b - a for a, b in quiet) <= most


def test_text_on_screen_is_read_once_and_a_timecode_never(singles: Path) -> None:
    spoken = [line["text"] for line in told(singles / "bunny")["narrations"]]
    assert sum("THE PEACH OPEN MOVIE PROJECT PRESENTS" in text for text in spoken) == 1
    assert sum("PEACH" in text for text in spoken) == 1
    script = told(singles / "timecode")
    assert not any("01:00" in c["text"] for line in script["narrations"] for c in line["candidates"])
    assert script["narrations"] == []


def test_long_gaps_left_empty_say_why(singles: Path) -> None:
    gaps = [gap for name in FILMS for gap in told(singles / name)["gaps"] if not gap["used"]]
    assert gaps
    assert all(gap["why"] for gap in gaps)


def test_a_film_of_animals_has_no_people(singles: Path) -> None:
    for name in ("bunny", "rabbit"):
        evidence = [e for n in told(singles / name)["narrations"] for c in n["candidates"] for e in c["evidence"]]
        assert not any(e["kind"] == "face" for e in evidence)


def records(singles: Path, name: str, stage: str, kind: type[Any]) -> list[Any]:
    """What a stage of a run wrote."""
    lines = (singles / name / "workspace" / stage / "records.jsonl").read_text("utf-8").splitlines()
    return [kind.model_validate_json(line) for line in lines]


def test_a_look_that_returns_makes_one_place(singles: Path) -> None:
    """A man at a desk, his mouse on the floor, the man again; then a woman elsewhere."""
    place = {c.shot: c.place for c in records(singles, "perspective", "context", Context)}
    assert list(place.values()) == ["s00001", "s00001", "s00001", "s00004"]
    assert all(
        shot == place for shot, place in ((c.shot, c.place) for c in records(singles, "bunny", "context", Context))
    )


def test_what_was_never_on_screen_is_marked_and_what_was_is_not(singles: Path) -> None:
    contexts = records(singles, "bunny", "context", Context)
    still = next(c.keyframe for c in contexts if any("PROJECT PRESENTS" in t.text for t in c.texts))
    judge = Judge(contexts, "en")
    true, false = (f"A caption reads, “{text}”." for text in ("The Peach Open Movie Project presents", "Chapter one"))
    assert judge.judged(true, still).unsupported == ()
    assert judge.judged(true, still).evidence[0].kind == "text"
    assert judge.judged(false, still).unsupported == ("Chapter one",)
    assert judge.judged("Peter looks at the meadow.", still).unsupported == ("Peter",)
    for name in FILMS:
        assert not any(draft.unsupported for draft in records(singles, name, "candidates", Draft))


# ---- Composites


def packets(path: Path) -> list[bytes]:
    """The bytes of each stream's packets."""
    with av.open(str(path)) as container:
        content = [bytearray() for _ in container.streams]
        for packet in container.demux():
            content[packet.stream.index] += bytes(packet)
    return [bytes(stream) for stream in content]


@pytest.fixture(scope="module", params=["subtitles", "voices"])
def described(
    request: pytest.FixtureRequest, media: Path, ffmpeg: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Composite, Path]:
    """A composite and its results: as Matroska with Korean SAMI subtitles beside it, and as MP4 with voices alone."""
    folder = tmp_path_factory.mktemp("composite")
    with_subtitles = request.param == "subtitles"
    film = compose(folder, media, ffmpeg, name="드라마 1화.mkv" if with_subtitles else "film.mp4")
    if with_subtitles:
        subtitles(LINES, film.film.with_suffix(".smi"))
    done = vdesc("run", "--config", "embedded", film.film, "--out", folder / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    return film, folder / "out" / film.film.stem


def test_every_cut_is_found_to_the_frame(described: tuple[Composite, Path]) -> None:
    film, out = described
    found = [shot["start"] for shot in told(out)["shots"][1:]]
    assert found == [pytest.approx(cut, abs=1 / FPS + 1e-3) for cut in film.cuts]


def test_nothing_is_spoken_over_words_nor_near_them(described: tuple[Composite, Path]) -> None:
    film, out = described
    assert narrated(out / "narration.wav", [(a - GUARD, b + GUARD) for a, b in film.spoken]) == 0.0


def test_narration_lies_in_the_pauses_and_is_all_there(described: tuple[Composite, Path]) -> None:
    film, out = described
    heard = sounding(out / "narration.wav")
    assert all(any(a <= start and end <= b for a, b in film.pauses) for start, end in heard)
    lines = told(out)["narrations"]
    assert len(lines) >= 3
    assert all(narrated(out / "narration.wav", [(n["start"], n["end"])]) > 0.2 for n in lines)


def test_every_word_is_covered_by_an_utterance(described: tuple[Composite, Path]) -> None:
    film, out = described
    assert uncovered(film.spoken, told(out)["utterances"]) < 0.6, "0.4 s of it is a pause between two sentences"


def test_signs_cards_and_people_are_told_right(described: tuple[Composite, Path]) -> None:
    _, out = described
    lines = [line["text"] for line in told(out)["narrations"]]
    assert sum("THE PEACH OPEN MOVIE PROJECT PRESENTS" in text for text in lines) == 1
    assert any("Pyeongyang" in text or "Seoul" in text for text in lines)
    assert any("두 사람" in text for text in lines), "two people stand side by side"
    assert not any(more in text for text in lines for more in ("세 사람", "네 사람", "여러 사람"))
    assert not any(number in text for text in lines for number in ("01:00", "156")), "a timecode, a misread arrow"


def test_the_mix_outside_cues_is_the_programme(described: tuple[Composite, Path]) -> None:
    """Second for second, away from narration and its ramps: the level within 0.5 dB through the codec."""
    film, out = described
    mixed = next(out.glob("described.*"))
    before, after = probe(film.film), probe(mixed)
    one = np.concatenate(list(audio_blocks(before, rate=48_000, layout="mono"))).ravel()
    other = np.concatenate(list(audio_blocks(after, after.audio_streams[-1], rate=48_000, layout="mono"))).ravel()
    cues = [(n["start"] - 0.5, n["end"] + 0.5) for n in told(out)["narrations"]]
    compared = 0
    for second in range(int(film.duration) - 1):
        a, b = (x[second * 48_000 : (second + 1) * 48_000] for x in (one, other))
        level = float(np.sqrt(np.mean(a**2)))
        if level > 1e-3 and not any(start < second + 1 and end > second for start, end in cues):
            assert 20 * np.log10(float(np.sqrt(np.mean(b**2))) / level) == pytest.approx(0, abs=0.5), second
            compared += 1
    assert compared > 30


def test_every_stream_is_copied_and_one_is_added(described: tuple[Composite, Path]) -> None:
    film, out = described
    mixed = next(out.glob("described.*"))
    assert mixed.suffix == film.film.suffix
    before, after = packets(film.film), packets(mixed)
    assert len(after) == len(before) + 1 == 4
    assert after[:3] == before
    with av.open(str(mixed)) as container:
        assert container.streams.audio[2].disposition & Disposition.visual_impaired


def test_the_check_finds_no_fault(described: tuple[Composite, Path]) -> None:
    _, out = described
    report = told(out)["report"]
    assert report["verdict"] == "pass", [f["text"] for f in report["findings"] if f["severity"] in ("warning", "error")]
