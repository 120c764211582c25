"""Films put together from real clips, so that every cut, every spoken word and every text in the picture is known.

Pictures of several films are scaled to one size and joined in hard cuts; recorded speech lies at known times over a
bed; Korean subtitles cover it. The ends of all scenes are known to the frame, and of the speech to 10 ms.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 48_000
FPS = 24
SIZE = (640, 360)

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """`frames` frames of a film from `start` seconds on, or of a still; `cuts` are those of the film itself."""

    source: str
    start: float
    frames: int
    cuts: tuple[float, ...] = ()
    """Seconds in the film, as its notes of cuts give them."""

    @property
    def still(self) -> bool:
        return Path(self.source).suffix in (".jpg", ".png")


@dataclass(frozen=True)
class Line:
    """Recorded speech: `source` from `start` to `end` seconds is heard from `at` on; `words` is when it is spoken."""

    source: str
    start: float
    end: float
    at: float
    words: tuple[tuple[float, float], ...]
    """Seconds in the recording, all inside [start, end]."""
    korean: str

    def spoken(self) -> list[tuple[float, float]]:
        """When it is spoken, in the composite."""
        return [(self.at + a - self.start, self.at + b - self.start) for a, b in self.words]


SCENES = (
    Scene("bbb-30s/big_buck_bunny_0_30.webm", 10.0, 480, (11.795, 15.67, 22.961)),
    Scene("wai-perspective/perspective-video.mp4", 6.75, 216, (10.25, 14.917)),
    Scene("ko-ocr/easyocr_korean.png", 0.0, 120),
    Scene("faces/two_people.jpg", 0.0, 120),
    Scene("ae-timecode/example.mp4", 2.0, 96),
    Scene("rabbit-ad/video.mp4", 4.0, 216, (8.4,)),
    Scene("friday-film/friday.mp4", 0.0, 144),
    Scene("wai-perspective/perspective-video.mp4", 0.0, 144),
)
LINES = (
    Line("ko-speech/test_ko.wav", 0.2, 3.6, 8.5, ((0.67, 3.23),), "그는 이리저리 피하면서 길 한 옆으로 걸어갔다."),
    # "If anything should try to break in here …": −15 dB; in the pause between the sentences the room alone, −42 dB.
    Line(
        "nld-film-audio/12s_if_anything_should_try_to_break_in.wav",
        0.0,
        11.4,
        20.5,
        ((0.0, 3.55), (6.55, 10.75)),
        "누가 들어오려고 하면 소리가 들릴 거요.",
    ),
    Line("pyannote-sample/sample.wav", 8.2, 14.75, 40.0, ((8.32, 14.7),), "여보세요? 네, 잘 지냅니다."),
    Line(
        "nld-film-audio/10s_im_taking_the_girl_with_me.wav", 0.0, 9.8, 52.5, ((0.0, 9.8),), "저 여자는 내가 데려가겠소."
    ),
)


@dataclass(frozen=True)
class Composite:
    """A film with its truth, in seconds."""

    film: Path
    duration: float
    cuts: tuple[float, ...]
    spoken: tuple[tuple[float, float], ...]

    @property
    def pauses(self) -> list[tuple[float, float]]:
        """Where nobody speaks, the film's edges included."""
        edges = [0.0, *(t for span in self.spoken for t in span), self.duration]
        return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


def compose(
    folder: Path,
    media: Path,
    ffmpeg: Callable[..., None],
    *,
    name: str = "film.mp4",
    scenes: Sequence[Scene] = SCENES,
    lines: Sequence[Line] = LINES,
    output: Sequence[object] = (),
) -> Composite:
    """Write the film, two audio tracks (Korean programme, English music alone), and return it with its truth.

    `output` are further options of ffmpeg for the file.
    """
    duration = sum(s.frames for s in scenes) / FPS
    bed = bed_of(media / "bbb-30s/big_buck_bunny_0_30.webm", duration, folder, ffmpeg)
    soundfile.write(folder / "music.wav", bed, RATE)
    soundfile.write(folder / "programme.wav", with_speech(bed, lines, media, folder, ffmpeg), RATE)
    inputs = [argument for scene in scenes for argument in _input(scene, media)]
    graph = ";".join(_filter(number, scene) for number, scene in enumerate(scenes))
    joined = "".join(f"[v{n}]" for n in range(len(scenes)))
    sound = len(scenes)
    ffmpeg(
        *inputs, "-i", folder / "programme.wav", "-i", folder / "music.wav",
        "-filter_complex", f"{graph};{joined}concat=n={sound}:v=1:a=0[v]",
        "-map", "[v]", "-map", f"{sound}:a", "-map", f"{sound + 1}:a",
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "160k",
        "-metadata:s:a:0", "language=kor", "-metadata:s:a:1", "language=eng", *output, folder / name,
    )  # fmt: skip
    spoken = sorted(span for line in lines for span in line.spoken())
    return Composite(folder / name, duration, _cuts(scenes), tuple(spoken))


def subtitles(lines: Sequence[Line], path: Path) -> Path:
    """Korean subtitles of `lines`, one cue over each run of words, as SRT or SAMI by the name of `path`."""
    cues = [(start, end, line.korean) for line in lines for start, end in line.spoken()]
    path.write_text(_sami(cues) if path.suffix == ".smi" else _srt(cues), encoding="utf-8")
    return path


def narrated(stem: Path, spans: Sequence[tuple[float, float]]) -> float:
    """Seconds of `spans` in which the narration stem sounds above −60 dBFS, to 10 ms."""
    sound, rate = soundfile.read(stem, dtype="float32")
    cell = rate // 100
    loud = np.abs(sound[: len(sound) // cell * cell]).reshape(-1, cell).max(axis=1) > 1e-3
    return sum(int(loud[round(a * 100) : round(b * 100)].sum()) for a, b in spans) / 100


def sounding(stem: Path) -> list[tuple[float, float]]:
    """Stretches of the stem above −60 dBFS, seconds to 10 ms; pauses under 0.3 s belong to a stretch."""
    sound, rate = soundfile.read(stem, dtype="float32")
    cell = rate // 100
    loud = np.flatnonzero(np.abs(sound[: len(sound) // cell * cell]).reshape(-1, cell).max(axis=1) > 1e-3)
    if not len(loud):
        return []
    breaks = np.flatnonzero(np.diff(loud) > 30)
    starts, ends = [loud[0], *loud[breaks + 1]], [*loud[breaks], loud[-1]]
    return [(a / 100, (b + 1) / 100) for a, b in zip(starts, ends, strict=True)]


def told(results: Path) -> Any:
    """What `script.json` and `report.json` of a results folder say."""
    script, report = (json.loads((results / name).read_text("utf-8")) for name in ("script.json", "report.json"))
    return script | {"report": report}


def _input(scene: Scene, media: Path) -> list[object]:
    if scene.still:
        return ["-loop", 1, "-framerate", FPS, "-i", media / scene.source]
    return ["-i", media / scene.source]


def _filter(number: int, scene: Scene) -> str:
    width, height = SIZE
    fit = f"scale={width}:{height}:force_original_aspect_ratio=decrease,pad={width}:{height}:-1:-1,setsar=1"
    cut = f"trim=start={scene.start},setpts=PTS-STARTPTS,fps={FPS}:start_time=0,trim=end_frame={scene.frames}"
    return f"[{number}:v]{cut},{fit},format=yuv420p[v{number}]"


def _cuts(scenes: Sequence[Scene]) -> tuple[float, ...]:
    cuts, first = [], 0
    for scene in scenes:
        cuts += [first / FPS, *(first / FPS + cut - scene.start for cut in scene.cuts)]
        first += scene.frames
    return tuple(cuts[1:])


def bed_of(music: Path, duration: float, folder: Path, ffmpeg: Callable[..., None]) -> Samples:
    """The music of a film, again and again, far below speech; stereo."""
    ffmpeg("-i", music, "-vn", "-ar", RATE, "-ac", 2, "-t", 30, folder / "bed.wav")
    sound, _ = soundfile.read(folder / "bed.wav", dtype="float32")
    samples = round(duration * RATE)
    return np.resize(sound, (samples, 2)) * np.float32(0.25)


def with_speech(bed: Samples, lines: Sequence[Line], media: Path, folder: Path, ffmpeg: Callable[..., None]) -> Samples:
    mix = bed.copy()
    for line in lines:
        ffmpeg("-i", media / line.source, "-ar", RATE, "-ac", 1, folder / "line.wav")
        voice, _ = soundfile.read(folder / "line.wav", dtype="float32")
        voice = voice[round(line.start * RATE) : round(line.end * RATE)]
        voice = voice * np.float32(0.5 / np.abs(voice).max())
        first = round(line.at * RATE)
        mix[first : first + len(voice)] += voice[:, None]
    return mix


def _srt(cues: Sequence[tuple[float, float, str]]) -> str:
    def clock(seconds: float) -> str:
        whole, ms = divmod(round(seconds * 1000), 1000)
        return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{ms:03}"

    return "\n".join(f"{n}\n{clock(a)} --> {clock(b)}\n{text}\n" for n, (a, b, text) in enumerate(cues, 1))


def _sami(cues: Sequence[tuple[float, float, str]]) -> str:
    def sync(seconds: float, text: str) -> str:
        return f"<SYNC Start={round(seconds * 1000)}><P Class=KRCC>{text}\n"

    head = '<STYLE TYPE="text/css"><!--\n.KRCC {Name:Korean; lang:ko-KR; SAMIType:CC;}\n--></STYLE>'
    body = "".join(sync(a, text) + sync(b, "&nbsp;") for a, b, text in cues)
    return f"<SAMI><HEAD>{head}</HEAD>\n<BODY>\n{body}</BODY></SAMI>\n"
