"""A film of eight seconds for tests of the whole run: two pictures with words on them, one spoken line at the start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from data.media import espeak

Ffmpeg = Callable[..., None]
VDESC = Path(sys.executable).parent / "vdesc"
LENGTH, CUT = 8.0, 3.6
"""Seconds of the film, and where its picture changes."""
SPOKEN = 0.4
"""Seconds at which the line begins; it lasts about 1.5."""
RATE = 48_000
CARDS = (("THREE YEARS LATER", (24, 40, 90)), ("SEOUL STATION", (150, 110, 60)))
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2")
SUBTITLES = "1\n00:00:00,400 --> 00:00:02,000\nWhere have you been?\n"


def vdesc(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the installed command in English."""
    command = [VDESC, *map(str, arguments), "--lang", "en"]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def ingredients(folder: Path, ffmpeg: Ffmpeg) -> Path:
    """Write `picture.mkv`, `sound.wav` (mono, 48 kHz) and `lines.srt`, from which the films are put together."""
    for number, card in enumerate(CARDS):
        _draw(*card, folder / f"{number}.png")
    soundfile.write(folder / "sound.wav", sound(), RATE)
    (folder / "lines.srt").write_text(SUBTITLES, encoding="utf-8")
    lengths = (CUT, LENGTH - CUT)
    stills = [["-loop", 1, "-framerate", 25, "-t", t, "-i", folder / f"{n}.png"] for n, t in enumerate(lengths)]
    join = ["-filter_complex", "[0][1]concat,format=yuv420p"]
    ffmpeg(*stills[0], *stills[1], *join, *X264, "-crf", 12, folder / "picture.mkv")
    return folder


def sound(lines: tuple[float, ...] = (SPOKEN,), length: float = LENGTH) -> NDArray[np.float32]:
    """A line spoken at each of the given seconds, over faint noise."""
    noise = np.random.default_rng(1).normal(0, 0.003, round(length * RATE)).astype(np.float32)
    voice, rate = espeak.speak("Where have you been?", "en-us", 165)
    times = np.arange(round(len(voice) * RATE / rate)) * rate / RATE
    voice = np.interp(times, np.arange(len(voice)), voice).astype(np.float32)
    for start in lines:
        first = round(start * RATE)
        noise[first : first + len(voice)] += voice[: len(noise) - first]
    return noise


def _draw(words: str, ground: tuple[int, int, int], path: Path) -> None:
    """Words in white on a plain ground with a few shapes, 640×360."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (640, 360), ground)
    draw = ImageDraw.Draw(image)
    for x in range(20, 640, 90):
        draw.ellipse((x, 270 + x % 40, x + 50, 320 + x % 40), fill=(x % 255, 200 - x // 4, ground[0]))
    draw.text((320, 150), words, font=ImageFont.load_default(56), anchor="mm", fill=(255, 255, 255))
    image.save(path)
