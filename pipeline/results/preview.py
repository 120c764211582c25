"""A preview of the described film with its lines shown on the picture: for people who cannot hear it, or not now."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import MediaError, UserError
from data.formats.streaming import examine
from data.media import ffmpeg_path
from data.products import ScriptFile
from data.scripts.script import Script, ScriptNarration, load
from pipeline.results.delivery import described_film

if TYPE_CHECKING:
    from moviepy import VideoClip

WIDTHS = {".mp4": 640, ".gif": 400}
"""Pixels across, at most; a preview is passed around."""
GIF_RATE = 8
LETTERS = 1 / 18
"""Height of the letters as a share of the picture's."""
FONTS = (
    "/usr/share/fonts/truetype/nanum/NanumGothic.ttf",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/opentype/noto/NotoSerifCJK-Bold.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/System/Library/Fonts/AppleSDGothicNeo.ttc",
    "C:/Windows/Fonts/malgun.ttf",
)
"""Where systems keep a font with Hangul; tried in turn."""


def preview(folder: Path, target: Path, scene: int | None = None, font: Path | None = None) -> None:
    """Write an MP4 with the described sound, or a GIF, of the whole film or of one shot (from 1).

    Raises UserError where there is no such film, shot or font, MediaError where the film cannot be read or written.
    """
    if target.suffix.lower() not in WIDTHS:
        raise UserError("{file}: a preview is .mp4 or .gif; name it so", file=target)
    script, film = load(ScriptFile.place(folder)), described_film(folder)
    start, end = span(script, scene)
    lines = [line for line in script.narrations if line.start < end and line.end > start]
    face = font_for("".join(line.text for line in lines), font)
    with tempfile.TemporaryDirectory() as scratch:
        partial = Path(scratch) / f"preview{target.suffix.lower()}"
        _render(film, (start, end), list(_moved(lines, start, end)), face, partial)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(partial.read_bytes())


def span(script: Script, scene: int | None) -> tuple[float, float]:
    """From when to when the preview goes. Raises UserError for a shot that the film does not have."""
    if scene is None:
        return 0.0, script.episode.duration
    if not 1 <= scene <= len(script.shots):
        raise UserError("there is no scene {number}; the film has {count}", number=scene, count=len(script.shots))
    shot = script.shots[scene - 1]
    return shot.start, min(shot.end, script.episode.duration)


def font_for(text: str, given: Path | None) -> str:
    """A font file that has every letter of `text`. Raises UserError where there is none."""
    for path in [str(given)] if given else [path for path in FONTS if Path(path).is_file()]:
        if _has(path, text):
            return path
    if given:
        raise UserError("{font} is no font with all letters of the script; name another with --font", font=given)
    raise UserError("no font here has all letters of the script; name one with --font, e.g. NanumGothic.ttf")


def _has(path: str, text: str) -> bool:
    """Whether no letter is drawn as the box that stands for a missing one."""
    from PIL import ImageFont

    try:
        font = ImageFont.truetype(path, 24)
    except OSError:
        return False
    missing = bytes(font.getmask("\U0010fffe"))
    return all(bytes(font.getmask(char)) != missing for char in set(text) if not char.isspace())


def _moved(lines: Sequence[ScriptNarration], start: float, end: float) -> Iterator[tuple[float, float, str]]:
    """The lines as the preview counts time."""
    for line in lines:
        yield max(line.start - start, 0.0), min(line.end, end) - start, line.text


def _render(
    film: Path, times: tuple[float, float], lines: Sequence[tuple[float, float, str]], font: str, target: Path
) -> None:
    from moviepy import AudioFileClip, CompositeVideoClip, VideoFileClip

    sound = target.with_suffix(".wav")
    try:
        with VideoFileClip(str(film), audio=False) as whole:
            picture = whole.subclipped(times[0], min(times[1], whole.duration))
            if picture.w > (width := WIDTHS[target.suffix]):
                picture = picture.resized(width=width)
            picture = picture.cropped(width=picture.w // 2 * 2, height=picture.h // 2 * 2)  # as H.264 asks for
            shown: Any = CompositeVideoClip([picture, *_captions(lines, font, picture)])
            if target.suffix == ".gif":
                shown.write_gif(str(target), fps=GIF_RATE, logger=None)
                return
            _sound(film, times, sound)
            with AudioFileClip(str(sound)) as heard:
                length = min(heard.duration, shown.duration)
                shown.with_audio(heard.subclipped(0, length)).write_videofile(
                    str(target), codec="libx264", audio_codec="aac", logger=None,
                    temp_audiofile=str(target.with_suffix(".m4a")), pixel_format="yuv420p",
                )  # fmt: skip
    except OSError as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise MediaError(
            "{name} cannot be written: {reason}. Check the disk and the film.", name=target.name, reason=reason
        ) from error


def _captions(lines: Sequence[tuple[float, float, str]], font: str, picture: VideoClip) -> Iterator[VideoClip]:
    """Every line while it is spoken: white on a dark band at the foot of the picture."""
    from moviepy import TextClip

    size = max(round(picture.h * LETTERS), 10)
    for start, end, text in lines:
        caption = TextClip(
            font=font, text=text, font_size=size, color="white", bg_color=(0, 0, 0, 176), method="caption",
            size=(picture.w, None), text_align="center", margin=(size // 2, size // 3), duration=end - start,
        )  # fmt: skip
        yield caption.with_start(start).with_position(("center", picture.h - caption.h))


def _sound(film: Path, times: tuple[float, float], target: Path) -> None:
    """The described track of the stretch: moviepy itself would read the first one."""
    track = examine(film, "ko").tracks[-1]
    command = [ffmpeg_path(), "-nostdin", "-v", "error", "-y", "-ss", str(times[0]), "-to", str(times[1])]
    command += ["-i", f"file:{film}", "-map", f"0:{track.index}", "-ac", "2", str(target)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise MediaError("{path} cannot be read ({reason}); check its rights.", path=film, reason=reason)
