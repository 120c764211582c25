"""Ten minutes of film with long stretches without dialogue, put together from real pictures and recorded speech.

More than 150 shots in hard cuts every 1.5 to 6 s: excerpts of films and photographs under a gliding window, mirrored,
darker or lighter, so that no two pictures are the same. Talk lies over a bed of music at known times, with Korean
subtitles; between the talks nobody speaks for up to two and a half minutes. The same call makes the same film.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import av
import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.composite import RATE, Composite, Line, bed_of, subtitles, with_speech

Picture = NDArray[np.uint8]
Ffmpeg = Callable[..., None]

FPS = 8
SIZE = (320, 180)
SEED = 7
SHORTEST, LONGEST = 1.5, 6.0
"""Seconds of a shot."""
FILMS = (
    "bbb-30s/big_buck_bunny_0_30.webm",
    "wai-perspective/perspective-video.mp4",
    "rabbit-ad/video.mp4",
    "friday-film/friday.mp4",
)
MUSIC = 18.0
"""Seconds of the first film's music in which nothing is taken for a voice."""
STILLS = ("faces/obama.jpg", "faces/biden.jpg", "faces/two_people.jpg", "ko-ocr/easyocr_korean.png")
PHOTOGRAPHS = (
    *("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "camera.png", "motorcycle_left.png"),
    *("hubble_deep_field.jpg", "retina.jpg", "coins.png"),
)
"""Of scikit-image, whose wheel carries them."""

_GO = Line("ko-speech/test_ko.wav", 0.2, 3.6, 0, ((0.67, 3.23),), "그는 이리저리 피하면서 길 한 옆으로 걸어갔다.")
_QUILTER = Line(
    "ko-speech/test_en.wav", 0.3, 5.8, 0, ((0.54, 5.72),), "퀼터 씨는 중산층의 사도이고, 우리는 그 복음을 반긴다."
)
_BREAK_IN = Line(
    *("nld-film-audio/12s_if_anything_should_try_to_break_in.wav", 0.0, 11.4, 0, ((0.0, 3.55), (6.55, 10.75))),
    "누가 들어오려고 하면 소리가 들릴 거요.",
)
_GIRL = Line(
    "nld-film-audio/10s_im_taking_the_girl_with_me.wav", 0.0, 9.8, 0, ((0.0, 9.8),), "저 여자는 내가 데려가겠소."
)
_WRONG = Line(
    "nld-film-audio/31s_hes_wrong_you_know.wav", 0.0, 30.7, 0, ((0.0, 30.7),), "그 사람 말은 틀렸소. 여기가 안전해요."
)
_AFRAID = Line(
    *("nld-film-audio/45s_dont_be_afraid_of_me.wav", 0.0, 45.0, 0, ((0.0, 14.1), (16.9, 23.8), (32.2, 45.0))),
    "무서워하지 말아요. 나는 헬렌이에요.",
)
_HELLO = Line("pyannote-sample/sample.wav", 8.2, 14.75, 0, ((8.32, 14.7),), "여보세요? 네, 잘 지냅니다.")
_CALL = Line("pyannote-sample/sample.wav", 14.4, 29.9, 0, ((14.49, 29.9),), "그럼 내일 다시 전화하지요.")
_ASK = Line("jfk/jfk.wav", 0.0, 11.0, 0, ((0.0, 11.0),), "나라가 무엇을 해 줄지 묻지 말고, 무엇을 할지 물으십시오.")

TALK: tuple[tuple[float, Line], ...] = (
    *((12.0, _GO), (4.0, _BREAK_IN), (5.0, _HELLO)),
    *((70.0, _WRONG), (3.5, _GO), (6.0, _GIRL)),
    *((150.0, _ASK), (4.5, _AFRAID)),
    *((40.0, _CALL), (3.0, _QUILTER), (12.0, _GIRL), (5.5, _HELLO)),
    *((8.0, _CALL), (4.2, _BREAK_IN), (90.0, _GO)),
)
"""Seconds without talk, and what is said then."""
CODA = 30.0
"""Seconds after the last word."""


@dataclass(frozen=True)
class Shot:
    """`frames` pictures of a source from its number `start` on, under a window that glides: x, y and width, 0–1."""

    source: str
    start: int
    frames: int
    window: tuple[float, float, float]
    glide: tuple[float, float]
    mirrored: bool
    light: float


def talk() -> tuple[Line, ...]:
    """What is said, with its times."""
    said: list[Line] = []
    for pause, line in TALK:
        before = said[-1].spoken()[-1][1] if said else 0.0
        said.append(replace(line, at=round(before + pause - (line.words[0][0] - line.start), 3)))
    return tuple(said)


def compose(folder: Path, media: Path, ffmpeg: Ffmpeg) -> Composite:
    """Write `folder/film.mkv` and `film.srt`; the film with its truth."""
    said = talk()
    spoken = sorted(span for line in said for span in line.spoken())
    sources = dict(_sources(media))
    shots = list(_shots(round((spoken[-1][1] + CODA) * FPS), {name: len(rows) for name, rows in sources.items()}))
    duration = sum(shot.frames for shot in shots) / FPS
    _encode(folder / "picture.mkv", (p for shot in shots for p in _pictures(shot, sources[shot.source])))
    bed = np.resize(bed_of(media / FILMS[0], MUSIC, folder, ffmpeg).mean(axis=1), (round(duration * RATE), 1))
    soundfile.write(folder / "programme.flac", with_speech(bed, said, media, folder, ffmpeg), RATE)
    ffmpeg("-i", folder / "picture.mkv", "-i", folder / "programme.flac", "-c", "copy",
           "-metadata:s:a:0", "language=kor", folder / "film.mkv")  # fmt: skip
    subtitles(said, folder / "film.srt")
    ends = np.cumsum([shot.frames for shot in shots]) / FPS
    return Composite(folder / "film.mkv", duration, tuple(ends[:-1].tolist()), tuple(spoken))


def _sources(media: Path) -> Iterator[tuple[str, list[Picture]]]:
    """The pictures of every source by its name, films at `FPS`, all of one size."""
    for name in FILMS:
        yield name, list(_decoded(media / name))
    for name in STILLS:
        yield name, [_fitted(_read(media / name))]
    for name in PHOTOGRAPHS:
        with resources.as_file(resources.files("skimage") / "data" / name) as path:
            yield name, [_fitted(_read(path))]


def _read(path: Path) -> Picture:
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None, path
    return np.asarray(image, np.uint8)


def _decoded(path: Path) -> Iterator[Picture]:
    with av.open(str(path)) as container:
        due = 0.0
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= due:
                due += 1 / FPS
                small = frame.reformat(round(frame.width * SIZE[1] / frame.height), SIZE[1], "bgr24")
                yield _fitted(np.asarray(small.to_ndarray(), np.uint8))


def _fitted(image: Picture) -> Picture:
    """The middle of a picture, in the size of the film."""
    height, width = image.shape[:2]
    scale = max(SIZE[0] / width, SIZE[1] / height)
    scaled = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    top, left = (scaled.shape[0] - SIZE[1]) // 2, (scaled.shape[1] - SIZE[0]) // 2
    return np.asarray(scaled[top : top + SIZE[1], left : left + SIZE[0]], np.uint8)


def _shots(frames: int, lengths: dict[str, int]) -> Iterator[Shot]:
    """Shots of `frames` pictures together; none is of a source of the two before it."""
    draw, recent = random.Random(SEED), ["", ""]
    while frames:
        length = min(draw.randint(round(SHORTEST * FPS), round(LONGEST * FPS)), frames)
        if frames - length < SHORTEST * FPS:
            length = frames
        source = draw.choice([name for name in lengths if name not in recent])
        recent, frames = [recent[1], source], frames - length
        width = draw.uniform(0.45, 0.85)
        corner = draw.uniform(0, 1 - width), draw.uniform(0, 1 - width)
        glide = draw.uniform(0, 1 - width) - corner[0], draw.uniform(0, 1 - width) - corner[1]
        still = lengths[source] == 1
        yield Shot(
            source, 0 if still else draw.randrange(max(lengths[source] - length, 1)), length, (*corner, width),
            glide if still else (0.0, 0.0), draw.random() < 0.5, draw.uniform(0.6, 1.4),
        )  # fmt: skip


def _pictures(shot: Shot, source: list[Picture]) -> Iterator[Picture]:
    for number in range(shot.frames):
        image = source[min(shot.start + number, len(source) - 1)]
        done = number / max(shot.frames - 1, 1)
        left, top = (round((shot.window[axis] + shot.glide[axis] * done) * SIZE[axis]) for axis in (0, 1))
        width, height = round(shot.window[2] * SIZE[0]), round(shot.window[2] * SIZE[1])
        part = cv2.resize(image[top : top + height, left : left + width], SIZE, interpolation=cv2.INTER_LINEAR)
        part = part[:, ::-1] if shot.mirrored else part
        yield np.asarray(cv2.convertScaleAbs(part, alpha=shot.light), np.uint8)


def _encode(path: Path, pictures: Iterator[Picture]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "24"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")))
        container.mux(stream.encode())
