"""What a user sees when the film, the machine or the command is at fault: one line, an exit code, nothing half done."""

from __future__ import annotations

import ctypes
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from short_film import LENGTH, VDESC, X264, Ffmpeg, ingredients, vdesc

pytestmark = pytest.mark.slow

RESULTS = {
    "described.mp4", "narration.wav", "descriptions.en.vtt", "script.dapt.xml", "script.csv", "script.json",
    "report.json", "report.html",
}  # fmt: skip
GOP = ("-g", 12)
"""An intra picture every half second, so that damage does not run on to the end."""


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, ffmpeg: Ffmpeg) -> Path:
    """The ingredients, and `good.mp4`, put together from them."""
    folder = ingredients(tmp_path_factory.mktemp("parts"), ffmpeg)
    inputs = ["-i", folder / "picture.mkv", "-i", folder / "sound.wav"]
    ffmpeg(*inputs, *X264, *GOP, "-c:a", "aac", "-ac", 2, folder / "good.mp4")
    return folder


@pytest.fixture
def good(parts: Path, tmp_path: Path) -> Path:
    """A sound film, alone in a folder."""
    return Path(shutil.copy(parts / "good.mp4", tmp_path))


def describe(*arguments: object, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """`vdesc run` in a folder; whatever happens, nobody sees a traceback and nothing half done is left to be seen."""
    done = vdesc("run", "--config", "embedded", *arguments, "--language", "en", cwd=cwd, **options)
    assert "Traceback" not in done.stdout + done.stderr
    for results in (p for out in cwd.glob("out*") if out.is_dir() for p in out.glob("[!.]*")):
        files = {p.name for p in results.iterdir()} - {"workspace"}
        assert files <= RESULTS | {"described.mkv", "described.ts"}
        assert done.returncode == 0 or not files
    return done


def one_line(done: subprocess.CompletedProcess[str], code: int = 2) -> str:
    """The one line on stderr of a run that ended with this code."""
    lines = done.stderr.splitlines()
    assert (done.returncode, len(lines)) == (code, 1), done.stdout + done.stderr
    return lines[0]


def damage(results: Path) -> list[tuple[float, float]]:
    """Start and end of the damaged stretches that the report names."""
    report = json.loads((results / "report.json").read_text(encoding="utf-8"))
    return [(n["start"], n["end"]) for n in report["notes"] if "is damaged or missing" in n["text"]]


def cut_off(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:  # noqa: ARG001
    content = (parts / "good.mp4").read_bytes()
    film.write_bytes(content[: len(content) // 2])


def empty(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:  # noqa: ARG001
    film.touch()


def text(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:  # noqa: ARG001
    film.write_text("This is a letter, not a film.\n" * 500)


def noise(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:  # noqa: ARG001
    film.write_bytes(random.Random(1).randbytes(100_000))


def folder(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:  # noqa: ARG001
    film.mkdir()


def missing(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:
    pass


def audio_only(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:
    ffmpeg("-i", parts / "sound.wav", "-c:a", "aac", film)


def audio_with_cover(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:
    cover = ["-c:v", "mjpeg", "-disposition:v", "attached_pic"]
    ffmpeg("-i", parts / "sound.wav", "-i", parts / "0.png", "-map", 0, "-map", 1, "-c:a", "aac", *cover, film)


def still(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:  # noqa: ARG001
    shutil.copy(parts / "0.png", film)


def no_frames(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:
    ffmpeg("-i", parts / "good.mp4", "-c", "copy", "-bsf:v", "noise=drop=1", film)


def no_length(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:  # noqa: ARG001
    ffmpeg("-f", "lavfi", "-i", "testsrc2", "-t", 0, film)


def silent(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:
    ffmpeg("-i", parts / "good.mp4", "-an", "-c", "copy", film)


@pytest.mark.parametrize(
    ("make", "name", "says"),
    [
        (cut_off, "cut.mp4", "cut off"),
        (empty, "empty.mp4", "empty"),
        (text, "text.mp4", "not a film"),
        (noise, "noise.mkv", "not a film"),
        (folder, "folder.mp4", "folder"),
        (missing, "missing.mp4", "does not exist"),
        (audio_only, "audio.m4a", "no moving picture"),
        (audio_with_cover, "cover.m4a", "no moving picture"),
        (still, "still.png", "no moving picture"),
        (no_frames, "frames.mp4", "no moving picture"),
        (no_length, "length.mp4", "no moving picture"),
        (silent, "silent.mp4", "--silent-ok"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_no_film_is_refused(
    make: Callable[[Ffmpeg, Path, Path], None], name: str, says: str, ffmpeg: Ffmpeg, parts: Path, tmp_path: Path
) -> None:
    make(ffmpeg, parts, tmp_path / name)
    line = one_line(describe(name, cwd=tmp_path))
    assert name in line
    assert says in line
    assert not (tmp_path / "out").exists()


def without_override() -> None:
    """In the child: as root, give up the capabilities that let root read and write everything (capabilities(7))."""
    if os.geteuid() == 0:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None, use_errno=True).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.fixture
def bound(good: Path) -> Path:
    """The good film, made unreadable; skips where rights bind nobody."""
    good.chmod(0)
    if subprocess.run(["cat", good], preexec_fn=without_override, capture_output=True, check=False).returncode == 0:
        pytest.skip("this user may read everything and cannot give it up")
    return good


def test_what_may_not_be_read_or_written_is_named(bound: Path) -> None:
    line = one_line(describe(bound.name, cwd=bound.parent, preexec_fn=without_override))
    assert "good.mp4 may not be read" in line
    bound.chmod(0o600)
    (bound.parent / "out").mkdir(mode=0o500)
    line = one_line(describe(bound.name, cwd=bound.parent, preexec_fn=without_override))
    assert line == "No results can be put in out (Permission denied); choose another folder with --out"


def test_a_file_in_place_of_the_results_folder_is_named(good: Path) -> None:
    (good.parent / "out").touch()
    assert "choose another folder with --out" in one_line(describe(good.name, cwd=good.parent))


@pytest.mark.parametrize(("limit", "where"), [(10, "shots"), (200, "schedule"), (1000, "mix: narration.wav")])
def test_a_full_disk_is_one_line_and_the_next_run_goes_on(good: Path, limit: int, where: str) -> None:
    """No file may be larger than `limit` KiB, which meets another stage each time."""
    line = one_line(describe(good.name, cwd=good.parent, preexec_fn=lambda: no_file_over(limit)))
    assert line.startswith(f"good, {where}")
    assert describe(good.name, cwd=good.parent).returncode == 0
    assert {p.name for p in (good.parent / "out" / "good").iterdir()} >= RESULTS


def no_file_over(kibibytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (kibibytes * 1024, kibibytes * 1024))


def test_a_disk_that_fills_under_ffmpeg_is_one_line(ffmpeg: Ffmpeg, good: Path) -> None:
    film = good.with_name("large.mkv")
    ffmpeg("-i", good, "-map", 0, "-map", "0:a", "-c", "copy", "-c:a:1", "pcm_s24le", "-ac:a:1", 6, film)
    line = one_line(describe(film.name, cwd=good.parent, preexec_fn=lambda: no_file_over(2048)))
    assert line.startswith("large, mix: described.mkv cannot be written")


def shaken(source: Path, target: Path, first: float, last: float, number: int) -> None:
    """A copy with `number` bytes changed between two shares of its length."""
    content, chance = bytearray(source.read_bytes()), random.Random(3)
    for _ in range(number):
        content[chance.randrange(int(len(content) * first), int(len(content) * last))] = chance.randrange(256)
    target.write_bytes(content)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(("first", "last"), [(0.05, 0.1), (0.4, 0.5)])
@pytest.mark.parametrize("number", [40, 20_000])
def test_damage_inside_a_film_is_told_with_its_seconds_and_the_rest_is_described(
    ffmpeg: Ffmpeg, good: Path, suffix: str, first: float, last: float, number: int
) -> None:
    whole, film = good.with_name(f"whole{suffix}"), good.with_name(f"shaken{suffix}")
    ffmpeg("-i", good, "-c", "copy", whole)
    shaken(whole, film, first, last, number)
    done = describe(film.name, cwd=good.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"The (picture|sound) is damaged or missing from \d\.\d s to \d\.\d s", done.stdout)
    damaged = damage(good.parent / "out" / "shaken")
    assert damaged
    assert all((first - 0.1) * LENGTH < start <= end < (last + 0.1) * LENGTH for start, end in damaged)
    assert RESULTS - {"described.mp4"} <= {p.name for p in (good.parent / "out" / "shaken").iterdir()}


def test_the_front_of_a_film_that_is_cut_off_is_described(ffmpeg: Ffmpeg, good: Path) -> None:
    whole, film = good.with_name("whole.mkv"), good.with_name("front.mkv")
    ffmpeg("-i", good, "-c", "copy", whole)
    content = whole.read_bytes()
    film.write_bytes(content[: len(content) * 7 // 10])
    done = describe(film.name, cwd=good.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The picture is damaged or missing" in done.stdout
    damaged = damage(good.parent / "out" / "front")
    assert max(end for _, end in damaged) == pytest.approx(LENGTH, abs=0.3)
    script = json.loads((good.parent / "out" / "front" / "script.json").read_text(encoding="utf-8"))
    assert script["narrations"]
    assert all(n["end"] <= min(start for start, _ in damaged) + 0.05 for n in script["narrations"])


@pytest.mark.parametrize("sound", [True, False])
def test_a_film_of_one_picture_ends_well(ffmpeg: Ffmpeg, good: Path, sound: bool) -> None:
    film = good.with_name("one.mp4")
    ffmpeg("-i", good, "-frames:v", 1, *(["-t", 0.04] if sound else ["-an"]), film)
    done = describe(film.name, "--silent-ok", cwd=good.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "one: 0 lines of narration" in done.stdout


def test_a_film_full_of_dialogue_gets_no_track_and_is_told_so(good: Path) -> None:
    good.with_suffix(".srt").write_text(f"1\n00:00:00,000 --> 00:00:{LENGTH + 1:02.0f},000\nAnd so on.\n")
    done = describe(good.name, cwd=good.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing was added" in done.stdout
    files = {p.name for p in (good.parent / "out" / "good").iterdir()} - {"workspace"}
    assert files == RESULTS - {"described.mp4", "narration.wav"}


def test_digital_silence_is_described(ffmpeg: Ffmpeg, parts: Path, tmp_path: Path) -> None:
    hush = ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo"]
    ffmpeg("-i", parts / "picture.mkv", *hush, "-c:v", "copy", "-c:a", "aac", "-shortest", tmp_path / "hush.mp4")
    done = describe("hush.mp4", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Error" not in done.stdout
    assert {p.name for p in (tmp_path / "out" / "hush").iterdir()} >= RESULTS


def test_a_film_without_sound_gets_narration_alone_where_that_is_wanted(
    ffmpeg: Ffmpeg, parts: Path, tmp_path: Path
) -> None:
    silent(ffmpeg, parts, tmp_path / "silent.mp4")
    done = describe("silent.mp4", "--silent-ok", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Error" not in done.stdout
    with av.open(str(tmp_path / "out" / "silent" / "described.mp4")) as described:
        assert [s.type for s in described.streams] == ["video", "audio"]


def test_subtitles_that_are_none_are_named_with_their_line(good: Path) -> None:
    good.with_suffix(".srt").write_text("This is a letter.\n\nIt has no times.\n")
    line = one_line(describe(good.name, cwd=good.parent))
    assert "good.srt, line 1" in line
    assert "correct the file or leave it out" in line


def test_a_bad_film_among_good_ones_keeps_none_of_them_back(ffmpeg: Ffmpeg, parts: Path, good: Path) -> None:
    cut_off(ffmpeg, parts, good.with_name("cut.mp4"))
    done = vdesc("run", "--config", "embedded", "cut.mp4", good.name, "--language", "en", cwd=good.parent)
    assert "cut.mp4 is cut off" in one_line(done)
    assert {p.name for p in (good.parent / "out" / "good").iterdir()} >= RESULTS
    assert not (good.parent / "out" / "cut").exists()


def test_two_films_of_one_name_are_not_mixed_up_and_one_given_twice_is_described_once(good: Path) -> None:
    other = good.parent / "season" / good.name
    other.parent.mkdir()
    shutil.copy(good, other)
    line = one_line(describe(good, other, cwd=good.parent))
    assert "have the same name" in line
    assert "--out" in line
    done = describe(good.name, f"season/../{good.name}", "--until", "shots", cwd=good.parent)
    assert done.returncode == 0
    assert done.stdout.count("shots done") == 1


def test_a_run_that_is_stopped_says_how_to_go_on_and_goes_on(good: Path) -> None:
    command = [VDESC, "run", "--config", "embedded", good.name, "--language", "en", "--lang", "en"]
    run = subprocess.Popen(
        command,
        cwd=good.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored where tests run in the background
    )
    assert run.stdout is not None
    assert "shots done" in run.stdout.readline()
    run.send_signal(signal.SIGINT)
    _, said = run.communicate()
    assert run.returncode in (130, -signal.SIGINT)  # a shell shows both as 130
    assert said.splitlines() == ["Stopped. Run the same command again to go on where it was"]
    results = good.parent / "out" / "good"
    assert [p.name for p in results.iterdir()] == ["workspace"]
    done = describe(good.name, cwd=good.parent)
    assert done.returncode == 0
    assert "shots done" not in done.stdout
    assert {p.name for p in results.iterdir()} >= RESULTS


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--set", "voice.rat=4"], "did you mean voice.rate?"),
        (["--set", "voice.rate=fast"], "voice.rate"),
        (["--set", "voice"], "section.key=value"),
        (["--set", "voice=3"], "voice is a section"),
        (["--set", "gaps.min_gap=-3"], "gaps.min_gap"),
        (["--config", "embeded"], "There is no profile embeded; did you mean embedded?"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
        (["--until", "mixx"], "choose one of shots"),
        (["--subtitles", "nowhere.srt"], "nowhere.srt does not exist"),
        (["--audio-track", "7"], "it has: 1"),
        (["--no-such-option"], "vdesc run --help"),
    ],
)
def test_a_wrong_command_is_one_line(good: Path, arguments: list[str], says: str) -> None:
    done = vdesc("run", "--config", "embedded", good.name, *arguments, cwd=good.parent)
    assert says in one_line(done)
    assert not (good.parent / "out").exists()
