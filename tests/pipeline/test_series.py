"""A series in whole runs: renaming changes the lines that depend on a name; episodes know those before them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data import series as series_file
from data.errors import ConfigError
from data.records import Clip, Face, Keyframe, Narration
from data.series import strangers
from finetune.calling import as_told
from finetune.episodes import offered
from pipeline import config as settings
from pipeline import runner
from pipeline.results.episodes import open_episode
from pipeline.series import named
from tests.pipeline import series_backends as told

RED, BLUE = (200, 40, 40), (40, 40, 200)
SCENES = ((70, 70, 70), RED, BLUE, (130, 130, 130), RED, BLUE)
LENGTH = 5
SERIES = """\
# 우리 시리즈
cast:
  - {id: giju, name: 김기주, before: 회색 코트의 남자}
  - {id: mina, name: 박미나, before: 단발머리 여자}
"""
OWN = {"faces": "Faces", "candidates": "Captioner", "ranking": "Ranker", "voice": "Voice"}
BACKENDS = [
    *(f"{role}.backend=none" for role in ("dialogue", "objects", "text")),
    *(f"{role}.backend=tests.pipeline.series_backends:{name}" for role, name in OWN.items()),
]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, ffmpeg: Callable[..., None]) -> Path:
    """Six scenes of one colour each, faint noise, and a line of dialogue that names giju at 16 s."""
    folder = tmp_path_factory.mktemp("film")
    for number, colour in enumerate(SCENES):
        wave = np.linspace(-25, 25, 160)[None, :, None] * ((-1) ** (np.arange(90) // (3 + number)))[:, None, None]
        picture = np.clip(np.array(colour) + wave, 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.png")
    shown = ("-loop", 1, "-framerate", 10, "-t", LENGTH, "-i")
    stills = [part for n in range(len(SCENES)) for part in (*shown, folder / f"{n}.png")]
    noise = ("-f", "lavfi", "-t", LENGTH * len(SCENES), "-i", "anoisesrc=amplitude=0.003:seed=1:sample_rate=48000")
    streams = "".join(f"[{n}]" for n in range(len(SCENES)))
    made = folder / "film.mkv"
    ffmpeg(
        *stills, *noise, "-filter_complex", f"{streams}concat=n={len(SCENES)},format=yuv420p[v]", "-map", "[v]",
        "-map", f"{len(SCENES)}:a", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", made,
    )  # fmt: skip
    (folder / "film.ko.srt").write_text("1\n00:00:16,000 --> 00:00:17,000\n기주야!\n", encoding="utf-8")
    return made


@pytest.fixture
def series(tmp_path: Path) -> Path:
    folder = tmp_path / "series"
    folder.mkdir()
    (folder / "series.yaml").write_text(SERIES, encoding="utf-8")
    for name, colour in (("giju", RED), ("mina", BLUE)):
        Image.fromarray(np.full((60, 60, 3), colour, np.uint8)).save(folder / f"{name}.png")
    return folder


class Out:
    """Runs a film in a folder, and what lies there."""

    def __init__(self, film: Path, folder: Path, series: Path) -> None:
        self.film, self.folder, self.series = film, folder, series

    def run(self, *names: str) -> None:
        told.forget()
        config = settings.load("embedded", BACKENDS, cast=self.series)
        settings.check_cast(config)
        works = [open_episode(self.episode(name), self.folder, config, None) for name in names or ("ep01",)]
        runner.run(works, config, until="voice")
        assert [work.error for work in works] == [None] * len(works)
        self.works = {work.episode.id: work for work in works}

    def episode(self, name: str) -> Path:
        """The film under another name, its subtitles beside it in the first episode alone."""
        film = self.folder.parent / f"{name}.mkv"
        if not film.exists():
            film.symlink_to(self.film)
            words = self.film.with_name("film.ko.srt").read_text(encoding="utf-8")
            said = words if name == "ep01" else words.replace("기주야", "뭐야")
            film.with_name(f"{name}.ko.srt").write_text(said, encoding="utf-8")
        return film

    def lines(self, name: str = "ep01") -> list[Narration]:
        return self.works[name].workspace.read(Narration)

    def clips(self, name: str = "ep01") -> dict[float, tuple[str, bytes]]:
        """Start → text and sound."""
        space = self.works[name].workspace
        found = space.read(Clip)
        return {c.start: (c.text, (space.stage("voice") / str(c.file)).read_bytes()) for c in found}

    def persons(self, name: str) -> set[str | None]:
        """Who is seen."""
        return {face.person for face in self.works[name].workspace.read(Face)}

    def rename(self, old: str, new: str) -> None:
        file = self.series / "series.yaml"
        file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@pytest.fixture
def out(film: Path, tmp_path: Path, series: Path) -> Out:
    return Out(film, tmp_path / "out", series)


def seen_in_training(out: Out) -> set[str]:
    """The lines of the episode as a ranker would learn from them, each by what is told at its own keyframe."""
    rows = {row.time: row for row in offered(out.works["ep01"].folder)}
    times = {k.id: k.time for k in out.works["ep01"].workspace.read(Keyframe)}
    return {as_told(line.text, rows[times[str(line.keyframe)]].told) for line in out.lines()}


def test_renaming_changes_what_depends_on_it_and_nothing_else(out: Out) -> None:
    out.rename("before: 회색 코트의 남자}", "before: 회색 코트의 남자, named_from: 18}")
    out.run()
    looked, texts = told.Faces.looked, "\n".join(prompt.text for prompt in told.asked)
    assert "@giju" in texts
    assert not any(name in texts for name in ("김기주", "박미나", "회색 코트"))
    assert {text.split()[0] for some in told.ranked for text in some} == {"giju이", "mina이", "바람이"}
    ranked, seen = list(map(tuple, told.ranked)), seen_in_training(out)
    assert [row.captions for row in offered(out.works["ep01"].folder)] == ranked
    assert seen <= {text for some in ranked for text in some}
    for old, new, was, now in (
        ("김기주", "남궁민준", "김기주가", "남궁민준이"),
        ("name: 박미나", "name: 최유진", "박미나", "최유진"),  # no line says it yet, so none changes
        ("단발머리 여자", "키가 큰 사람", "단발머리 여자가", "키가 큰 사람이"),
    ):
        before = out.clips()
        out.rename(old, new)
        out.run()
        after = out.clips()
        assert (len(told.asked), len(told.ranked), told.Faces.looked) == (0, 0, looked)
        assert before.keys() == after.keys()
        for start, (text, sound) in before.items():
            assert after[start][0] == text.replace(was, now)
            assert (after[start][1] == sound) is (was not in text)
        assert bool(told.spoken) is any(was in text for text, _ in before.values())
        assert all(now in text for text in told.spoken)
        assert seen_in_training(out) == seen
        assert len(seen) == len(before)


def test_a_name_too_long_for_its_place_is_placed_anew(out: Out) -> None:
    out.run()
    out.rename("회색 코트의 남자", "회색 코트를 입고 검은 우산을 든 채 비를 맞으며 서 있는 키가 큰 남자")
    out.run()
    assert (len(told.asked), len(told.ranked)) == (0, 0)
    lines = out.lines()
    assert all(line.end <= line.until for line in lines)
    assert all(a.until <= b.start for a, b in pairwise(lines))
    assert any("우산" in line.text for line in lines)


def test_a_name_waits_until_it_is_spoken_and_later_episodes_know_it(out: Out) -> None:
    out.run("ep02", "ep01")
    said = [line.text for line in out.lines("ep01")]
    assert any(text.startswith("회색 코트의 남자가") for text in said[:3])
    assert any(text.startswith("김기주가") for text in said[3:])
    assert any(line.text.startswith("김기주가") and line.start < 16 for line in out.lines("ep02"))
    assert not any("박미나" in line.text or "회색" in line.text for line in out.lines("ep02"))
    memory = out.series / "memory.yaml"
    assert memory.read_text(encoding="utf-8").endswith("- {episode: ep01, introduces: [giju]}  # vdesc\n")
    assert (out.series / "series.yaml").read_text(encoding="utf-8") == SERIES
    memory.write_text("- {episode: ep01, introduces: [giju, mina]}\n", encoding="utf-8")
    out.run("ep02", "ep01")
    assert (len(told.asked), len(told.ranked)) == (0, 0)
    assert any(line.text.startswith("박미나가") for line in out.lines("ep02"))
    assert memory.read_text(encoding="utf-8") == "- {episode: ep01, introduces: [giju, mina]}\n"


def test_strangers_keep_their_label_until_somebody_knows_them(out: Out) -> None:
    out.rename("  - {id: mina, name: 박미나, before: 단발머리 여자}\n", "")
    out.run("ep01")
    out.run("ep02", "ep01")
    pictures = out.series / "strangers"
    assert out.persons("ep01") == out.persons("ep02") == {"giju", "unknown-1"}
    assert [p.name for p in pictures.iterdir()] == ["unknown-1 (ep01).jpg"]
    looked = told.Faces.looked
    out.run("ep01", "ep02")
    assert told.Faces.looked == looked
    (pictures / "unknown-1 (ep01).jpg").rename(out.series / "mina.jpg")
    with (out.series / "series.yaml").open("a", encoding="utf-8") as file:
        file.write("  - {id: mina, name: 박미나, named_from: 0, photos: [mina.jpg]}\n")
    out.run("ep01", "ep02")
    assert out.persons("ep01") == out.persons("ep02") == {"giju", "mina"}
    assert any(line.text.startswith("박미나가") for line in out.lines("ep02"))


def test_strangers_of_an_episode_that_runs_late_have_numbers_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "series.yaml").write_text("{}", encoding="utf-8")
    known = series_file.load(tmp_path)
    still = tmp_path / "still.png"
    Image.fromarray(np.full((90, 160, 3), RED, np.uint8)).save(still)
    face = (still, (0.8, 0.7, 0.2, 0.3))
    strangers.keep(known, "ep02", {"unknown-1": face, "unknown-2": face})
    strangers.keep(known, "ep01", {"unknown-1": face})
    assert list(strangers.before(known, "ep02")) == ["unknown-1"]
    strangers.keep(known, "ep02", {"unknown-1": face, "unknown-3": face})
    assert sorted(p.name for p in (tmp_path / "strangers").iterdir()) == [
        "unknown-1 (ep01).jpg",
        "unknown-3 (ep02).jpg",
    ]
    assert list(strangers.before(known, "ep10")) == ["unknown-1", "unknown-3"]


def test_the_series_chooses_the_voice_and_a_setting_stands_above_it(series: Path) -> None:
    (series / "series.yaml").write_text("voice: {backend: edge, rate: 4.2}\n", encoding="utf-8")
    config = settings.load("embedded", cast=series)
    assert (config.voice.backend, config.voice.rate) == ("edge", 4.2)  # type: ignore[attr-defined]
    config = settings.load("embedded", ["voice.backend=espeak", f"cast={series}"])
    assert (config.voice.backend, config.voice.rate) == ("espeak", 4.2)  # type: ignore[attr-defined]
    settings.check_cast(config)  # nobody to be known by a face, so any detector serves
    (series / "series.yaml").write_text("voice: {rat: 4.2}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"voice\.rat is not known; did you mean voice\.rate"):
        settings.load("embedded", cast=series)


def test_one_option_names_the_series() -> None:
    assert named(Path("a"), None) == named(None, Path("a")) == Path("a")
    with pytest.raises(ConfigError, match="give one of them"):
        named(Path("a"), Path("b"))
