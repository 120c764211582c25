"""The sample episode: a minute and a quarter of film with its exact truth, made from what packages carry.

    python -m data.sample FOLDER

Photographs of scikit-image glide by in hard cuts, signs and titles are drawn over them, espeak-ng speaks the
dialogue, and air and chords are synthesised. The same call makes the same bytes.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from data.sample import sounds
from data.sample.pictures import frames
from data.sample.story import DURATION, FADE_IN, FPS, HEIGHT, SHOTS, WIDTH, WORDS

if TYPE_CHECKING:
    from numpy.typing import NDArray


def make(folder: Path, language: Literal["ko", "en"] = "ko") -> Path:
    """Write `sample.mp4` and `sample.truth.json` into `folder` (made when absent) and return the film's path.

    H.264 1280×720 25 fps, AAC stereo 48 kHz, 75 s. `language` is the dialogue's. The truth holds, in seconds,
    `shots`, `cuts`, `utterances`, `gaps` with their beds and `texts` on screen. Raises StageError when the voice fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = sounds.dialogue(language)
    truth = json.dumps(_truth(lines, language), ensure_ascii=False, indent=1)
    (folder / "sample.truth.json").write_text(truth + "\n", encoding="utf-8")
    film = folder / "sample.mp4"
    partial = film.with_suffix(".partial.mp4")
    _encode(partial, sounds.programme(lines), language)
    partial.replace(film)
    return film


def _truth(lines: list[sounds.Spoken], language: str) -> dict[str, Any]:
    ends = [*(shot.start for shot in SHOTS[1:]), DURATION]
    return {
        "fps": FPS,
        "width": WIDTH,
        "height": HEIGHT,
        "duration": DURATION,
        "language": language,
        "fade_in": {"start": 0.0, "end": FADE_IN},
        "shots": [{"start": s.start, "end": end, "picture": s.picture} for s, end in zip(SHOTS, ends, strict=True)],
        "cuts": [shot.start for shot in SHOTS[1:]],
        "utterances": [{"start": s.start, "end": s.end, "text": s.text} for s in lines],
        "gaps": [{"start": start, "end": end, "bed": bed} for start, end, bed in sounds.gaps(lines)],
        "texts": [words._asdict() for words in WORDS],
    }


def _encode(path: Path, sound: NDArray[Any], language: str) -> None:
    """Mux pictures and sound second by second, so that they lie beside each other in the file."""
    import av
    import cv2

    with av.open(str(path), "w", options={"fflags": "+bitexact", "movflags": "+faststart"}) as film:
        video = film.add_stream("libx264", rate=FPS, options={"preset": "superfast", "crf": "26", "threads": "2"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.time_base = Fraction(1, FPS)
        audio = film.add_stream("aac", rate=sounds.RATE, layout="stereo", bit_rate=160_000)
        audio.metadata["language"] = {"ko": "kor", "en": "eng"}[language]
        for number, picture in enumerate(frames()):
            planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420), np.uint8)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            film.mux(video.encode(frame))
            step = sounds.RATE // FPS
            film.mux(audio.encode(_audio_frame(sound[number * step : (number + 1) * step], number * step)))
        film.mux(video.encode(None))
        film.mux(audio.encode(None))


def _audio_frame(samples: NDArray[Any], position: int) -> Any:
    import av

    frame = av.AudioFrame.from_ndarray(samples.T.copy(), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = sounds.RATE, position, Fraction(1, sounds.RATE)
    return frame
