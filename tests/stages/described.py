"""A short film with dialogue, ambience and music, described by the real mix and script stages from hand-made lines."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image

from data.media import espeak, probe
from data.media.mux import DescribedWriter
from data.media.sound import audio_blocks, native_layout
from data.products import Pacing
from data.reasons import TooShort
from data.records import (
    Candidate,
    Clip,
    Context,
    Duck,
    Episode,
    Extended,
    Finding,
    Gap,
    Keyframe,
    Line,
    Ranked,
    Record,
    Shot,
    Utterance,
    Written,
)
from stages import check, mix, script
from stages.mix.render import lowered, panning
from stages.sources import RunSettings, Surroundings
from stages.stage import Job, StageConfig
from stages.voice import clip as shaping
from tests.conftest import beside

RATE = 48_000
LENGTH = 15.0
DIALOGUE = ((0.5, "어디 갔었어?"), (6.6, "나도 몰라."))
LINES = ((2.3, "문이 천천히 열린다."), (4.4, "남자가 들어온다."), (8.6, "노을이 강물 위로 붉게 번진다."))
Samples = NDArray[np.float32]
Ffmpeg = Callable[..., None]


@cache
def voice(text: str, pitch: int = 50, rate: int = 160) -> Samples:
    """A clip as the voice stage makes it: 48 kHz, −23 LUFS, trimmed and faded."""
    made = shaping.shaped(*espeak.speak(text, "ko", rate, pitch))
    made.flags.writeable = False
    return made


def cells(seconds: float) -> int:
    """Samples of a length."""
    return round(seconds * RATE)


@cache
def noise(seconds: float, level: float, channels: int, seed: int = 1) -> Samples:
    """Brownish noise of `level` dBFS, (samples, channels), the same in no two channels."""
    white = np.random.default_rng(seed).normal(size=(round(seconds * RATE), channels)).astype(np.float32)
    brown = white.copy()
    for k in range(1, 16):
        brown[k:] += white[:-k]
    made = np.asarray(brown * (10 ** (level / 20) / np.sqrt(np.mean(brown**2))), np.float32)
    made.flags.writeable = False  # shared between tests
    return made


@cache
def music(seconds: float, level: float, channels: int) -> Samples:
    """A new chord every half second, (samples, channels), with a little noise as of strings."""
    time = np.arange(round(seconds * RATE)) / RATE
    step = (time * 2).astype(int)
    tone = sum(np.sin(2 * np.pi * time * 220 * ratio * (1 + step % 4 * 0.125)) for ratio in (1, 1.25, 1.5, 2.0))
    wave = (tone * (0.6 + 0.4 * np.exp(-4 * (time * 2 % 1))))[:, None] + noise(seconds, -20, channels, 7)
    return np.asarray(wave * (10 ** (level / 20) / np.sqrt(np.mean(wave**2))), np.float32)


def programme(channels: int = 2, ambience: float = -48.0, scored: float = -34.0) -> Samples:
    """Dialogue where `DIALOGUE` says, ambience under all of it, music from the end of the dialogue on."""
    sound = noise(LENGTH, ambience, channels).copy()
    last = said()[-1][1]
    sound[round(last * RATE) :] += music(LENGTH - last, scored, channels)[: len(sound) - round(last * RATE)]
    for start, text in DIALOGUE:
        wave = voice(text, 20)
        heard = panning({1: "mono", 2: "stereo", 6: "5.1"}[channels])
        sound[round(start * RATE) : round(start * RATE) + len(wave)] += wave[:, None] * heard
    return sound


def said() -> list[tuple[float, float]]:
    """When the dialogue is spoken."""
    return [(start, round(start + len(voice(text, 20)) / RATE, 3)) for start, text in DIALOGUE]


@dataclass(frozen=True)
class Described:
    """A finished result: where its files lie, and its records."""

    episode: Episode
    records: dict[type[Record], list[Any]]
    folder: Path
    language: str = "ko"
    pacing: Pacing = Pacing()  # noqa: RUF009 – frozen

    @property
    def mix(self) -> Path:
        """The folder of the described film and the stem."""
        return self.folder / "mix"

    @property
    def film(self) -> Path:
        """The described film."""
        return next(self.mix.glob("described.*"))

    def stem(self) -> Samples:
        """narration.wav, (samples,)."""
        return np.asarray(soundfile.read(self.mix / "narration.wav", dtype="float32")[0])

    def copy(self, folder: Path) -> Described:
        """The same result in another folder, to be spoilt there."""
        shutil.copytree(self.folder, folder / "copy", copy_function=shutil.copyfile)
        return dataclasses.replace(self, folder=folder / "copy", records=dict(self.records))

    def change(self, kind: type[Record], number: int, **values: Any) -> None:
        """Another value in one record."""
        rows = list(self.records[kind])
        rows[number] = rows[number].model_copy(update=values)
        self.records[kind] = rows

    def job(self, config: StageConfig, stage: str) -> Job[Any]:
        """The job of one stage on these records."""
        folders = {Clip: "voice", Duck: "mix", Written: "script", Keyframe: "keys", Extended: "extended"}
        (self.folder / stage).mkdir(exist_ok=True)
        return Job(
            episode=self.episode,
            config=config,
            folder=self.folder / stage,
            cache=self.folder,
            backend=None,
            upstream=beside(
                {
                    kind: (self.folder / folders.get(kind, ""), lambda rows=rows: rows)  # type: ignore[misc]
                    for kind, rows in self.records.items()
                }
                | {Pacing: (self.folder, lambda: self.pacing)}
            ),
            around=Surroundings(
                self.episode, RunSettings(language="en" if self.language == "en" else "ko", silent_ok=True)
            ),
        )

    def remix(self, **settings: Any) -> None:
        """Mix and write the scripts by the real stages."""
        for old in self.mix.glob("described.*"):
            old.unlink()
        self.records[Duck] = list(mix.run(self.job(mix.Config(**settings), "mix")))
        self.records[Written] = list(script.run(self.job(script.Config(), "script")))

    def render(self, ducks: Sequence[Duck], narration: Samples | None = None) -> None:
        """Another described track: the programme with these dips, and narration of (samples,)."""
        layout = native_layout(self.episode.audio) if self.episode.audio else "mono"
        sound = np.concatenate(list(audio_blocks(self.episode, layout=layout)))
        said = self.stem() if narration is None else narration
        sound = lowered(sound, ducks, 0) + said[: len(sound), None] * panning(layout)
        self.deliver(sound, layout)

    def deliver(self, sound: Samples, layout: str, rate: int = RATE) -> None:
        """Another described track, as it stands."""
        with DescribedWriter(self.episode, self.mix, layout=layout, language=self.language, rate=rate) as writer:
            writer.write(sound)

    def speak(self, stem: Samples, subtype: str = "PCM_24") -> None:
        """Another narration.wav."""
        soundfile.write(self.mix / "narration.wav", stem, RATE, subtype)

    def check(self) -> list[Finding]:
        """What the check finds."""
        return list(check.run(self.job(check.Config(), "check")))

    def found(self, row: int, name: str | None = None) -> list[Finding]:
        """What one row of the check finds that is wrong."""
        bad = [f for f in self.check() if f.severity in ("warning", "error")]
        return [f for f in bad if f.row == row and name in (None, f.check)]


def describe(
    folder: Path, ffmpeg: Ffmpeg, sound: Samples | None, lines: Sequence[tuple[float, str]] = LINES,
    speech: Sequence[tuple[float, float]] | None = None, suffix: str = ".mp4", **settings: Any,
) -> Described:  # fmt: skip
    """A film of `LENGTH` seconds with this sound (samples, channels), described with lines at given seconds."""
    for name in ("mix", "voice", "keys", "script"):
        (folder / name).mkdir(parents=True)
    film = _film(folder, ffmpeg, sound, suffix)
    for number, (_, text) in enumerate(lines, 1):
        soundfile.write(folder / "voice" / f"n{number}.wav", voice(text), RATE, "PCM_24")
    Image.new("RGB", (64, 36), (90, 60, 20)).save(folder / "keys" / "1.jpg")
    speech = (said() if sound is not None else []) if speech is None else speech
    made = Described(film, _records(lines, speech), folder)
    made.remix(**settings)
    return made


def _film(folder: Path, ffmpeg: Ffmpeg, sound: Samples | None, suffix: str) -> Episode:
    picture = ["-f", "lavfi", "-i", f"testsrc2=s=128x72:r=25:d={LENGTH}"]
    heard: list[object] = []
    if sound is not None:
        soundfile.write(folder / "sound.wav", sound, RATE, "FLOAT")
        heard = ["-i", folder / "sound.wav", "-c:a", "aac", "-b:a", f"{96 * sound.shape[1]}k"]
        heard += ["-metadata:s:a:0", "language=kor"]
    ffmpeg(*picture, *heard, "-c:v", "libx264", "-preset", "ultrafast", "-t", LENGTH, folder / f"film{suffix}")
    (folder / "sound.wav").unlink(missing_ok=True)
    return probe(folder / f"film{suffix}", silent_ok=True)


def _records(
    lines: Sequence[tuple[float, str]], speech: Sequence[tuple[float, float]]
) -> dict[type[Record], list[Any]]:
    gaps = _gaps(speech)
    clips = [_clip(number, start, text) for number, (start, text) in enumerate(lines, 1)]
    return {
        Shot: [Shot(id="s1", start=0, end=7), Shot(id="s2", start=7, end=LENGTH)],
        Keyframe: [Keyframe(id="k1", shot="s1", time=1, image="1.jpg", sharpness=1, luma=90, look=())],
        Utterance: [
            Utterance(id=f"u{n}", start=a, end=b, text="대사", source="speech") for n, (a, b) in enumerate(speech)
        ],
        Gap: gaps,
        Context: [],
        Candidate: [
            Candidate(
                id=f"x{n}", keyframe="k1", text=text, kind="visual", style="basic", length="short", model="facts"
            )
            for n, (_, text) in enumerate(lines, 1)
        ],
        Ranked: [],
        Line: [
            Line(
                id=c.id, start=c.start, end=c.end, until=c.end, text=c.text, kind="visual", keyframe="k1",
                gap=next(g.id for g in gaps if g.start <= c.start < g.end), candidate=c.candidate, score=0.5,
            )
            for c in clips
        ],
        Clip: clips,
        Extended: [],
    }  # fmt: skip


def _clip(number: int, start: float, text: str) -> Clip:
    length = np.ceil(len(voice(text)) * 1000 / RATE) / 1000
    return Clip(
        id=f"n{number}", narration=f"n{number}", text=text, candidate=f"x{number}", start=start,
        end=float(start + length), file=f"n{number}.wav", voice="espeak-ng ko",
    )  # fmt: skip


def _gaps(speech: Sequence[tuple[float, float]]) -> list[Gap]:
    edges = [0.0, *(t for span in speech for t in span), LENGTH]
    return [
        Gap(
            id=f"g{n}", start=a, end=b, lead_in=0.3 if a else 0.0, lead_out=0.3 if b < LENGTH else 0.0,
            bed="music" if b == LENGTH else "ambience", loudness=-40.0, usable=b - a >= 1.5,
            why=None if b - a >= 1.5 else TooShort(room=round(b - a, 3), needed=1.5),
        )
        for n, (a, b) in enumerate(zip(edges[::2], edges[1::2], strict=True))
    ]  # fmt: skip


def remux(film: Described, ffmpeg: Ffmpeg, inputs: list[Any], maps: str, changes: str = "", tags: Any = ()) -> None:
    """The described film again, streams copied but for `changes`."""
    other = film.mix / "other.mp4"
    flags = "-disposition:a:1 visual_impaired+descriptions" if "-disposition" not in changes else ""
    ffmpeg("-i", film.film, *inputs, *maps.split(), "-c", "copy", *flags.split(), *changes.split(), *tags, other)
    other.replace(film.film)
