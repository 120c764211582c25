"""The pictures of the sample episode: photographs under a gliding window, with signs and titles."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.sample.story import DURATION, FADE_IN, FPS, HEIGHT, SHOTS, WIDTH, WORDS, StoryShot, View, Words

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

Picture = NDArray[np.uint8]
FONT = Path(__file__).with_name("hangul.ttf")
ENLARGED = 2560  # width of the photographs before the window glides over them; the movement is smoother so


def frames() -> Iterator[Picture]:
    """Every frame in order, RGB of shape (720, 1280, 3)."""
    ends = [*(shot.start for shot in SHOTS[1:]), DURATION]
    for shot, end in zip(SHOTS, ends, strict=True):
        picture = _photograph(shot)
        titles = [(t, *_title(t)) for t in WORDS if t.role == "title" and shot.start <= t.start < end]
        first, last = round(shot.start * FPS), round(end * FPS)
        for number in range(first, last):
            frame = _window(picture, shot.first, shot.last, (number - first) / (last - first - 1))
            for words, strip, (left, top) in titles:
                if round(words.start * FPS) <= number < round(words.end * FPS):
                    frame[top : top + strip.shape[0], left : left + strip.shape[1]] = strip
            yield _risen(frame, number)


def _photograph(shot: StoryShot) -> Picture:
    """The photograph of a shot, enlarged, with its sign; a plain dusk sky where there is none."""
    from PIL import Image

    if not shot.picture:
        rise = np.linspace(0, 1, HEIGHT)[:, None, None]
        sky = np.array([28, 44, 96]) * (1 - rise) + np.array([96, 72, 110]) * rise
        return np.broadcast_to(np.round(sky), (HEIGHT, WIDTH, 3)).astype(np.uint8)
    # The files are taken without importing scikit-image, which would load SciPy.
    with resources.as_file(resources.files("skimage") / "data" / shot.picture) as path, Image.open(path) as file:
        image = file.convert("RGB")
    image = image.resize((ENLARGED, round(image.height * ENLARGED / image.width)), Image.Resampling.BICUBIC)
    for words in WORDS:
        if words.role == "sign" and words.start == shot.start:
            _hang(image, words)
    return np.asarray(image)


def _hang(image: Image, words: Words) -> None:
    """Draw a sign in the middle of a photograph: white on green, framed."""
    from PIL import ImageDraw

    draw, font = ImageDraw.Draw(image), _font(words, 190)
    middle = (image.width // 2, image.height // 2)
    left, top, right, bottom = draw.textbbox(middle, words.text, font=font, anchor="mm")
    board = (left - 90, top - 70, right + 90, bottom + 70)
    draw.rectangle(board, fill=(16, 92, 60), outline=(240, 240, 240), width=14)
    draw.text(middle, words.text, font=font, anchor="mm", fill=(255, 255, 255))


def _title(words: Words) -> tuple[Picture, tuple[int, int]]:
    """A title, white on a dark strip, and where its left top corner lies on the screen."""
    from PIL import Image, ImageDraw

    font = _font(words, 84)
    left, top, right, bottom = font.getbbox(words.text, anchor="mm")
    strip = Image.new("RGB", (round(right - left) + 80, round(bottom - top) + 60), (20, 20, 32))
    draw = ImageDraw.Draw(strip)
    draw.text((strip.width / 2, strip.height / 2), words.text, font=font, anchor="mm", fill=(250, 250, 250))
    return np.asarray(strip), ((WIDTH - strip.width) // 2, (HEIGHT - strip.height) // 2)


def _font(words: Words, size: int) -> FreeTypeFont:
    """Hangul: the glyphs beside this file; Latin: Aileron, which Pillow carries."""
    from PIL import ImageFont

    font = ImageFont.truetype(FONT, size) if words.language == "ko" else ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _window(picture: Picture, first: View, last: View, share: float) -> Picture:
    """The screen at `share` (0–1) of the way from the first view to the last."""
    import cv2

    x, y, width = (a + (b - a) * share for a, b in zip(first, last, strict=True))
    high, wide = picture.shape[:2]
    scale = WIDTH / (width * wide)
    shift = [[scale, 0, WIDTH / 2 - scale * x * wide], [0, scale, HEIGHT / 2 - scale * y * high]]
    return np.asarray(
        cv2.warpAffine(
            picture, np.array(shift), (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        ),
        np.uint8,
    )


def _risen(frame: Picture, number: int) -> Picture:
    """The frame as the fade from black shows it."""
    share = min(1.0, number / (FADE_IN * FPS))
    return frame if share == 1 else np.round(frame * share).astype(np.uint8)
