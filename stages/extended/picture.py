"""The picture of the extended film: the source's frames at a constant rate, held while a line is spoken."""

from __future__ import annotations

import importlib.util
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from data.errors import ConfigError, MediaError
from data.media import ffmpeg_path, probe
from data.media.extended import frame_rate, freezes
from data.records import Episode, Extended
from data.text.iso639 import iso639_2

if TYPE_CHECKING:
    from moviepy import VideoClip

TITLES = {"ko": "확장 화면해설", "en": "Extended audio description"}
QUALITY = ("-crf", "19")
"""x264's constant quality: above 18 trained eyes begin to see a difference (x264's own advice)."""
PRESET = "veryfast"
SOUND = "256k"
"""Bit rate of the sound, more than the described track's: it is encoded for the second time."""
HD = 720
"""Lines from which video without a label has the colours of BT.709, not those of BT.601."""
SHORT = 0.5
"""Seconds that may be missing of a film that was written whole: the last packets of sound."""
Frame = NDArray[np.uint8]


def check_installed() -> None:
    """Raises ConfigError where moviepy is missing."""
    if importlib.util.find_spec("moviepy") is None:
        raise ConfigError("The extended film needs moviepy; pip install 'videodescription[models]'")


def write(
    episode: Episode, lines: Sequence[Extended], sound: Path, target: Path, language: str,
    progress: Callable[[float], None],
) -> None:  # fmt: skip
    """Render the film with `sound` through moviepy, H.264 and AAC. `progress` is told the share that is done.

    Raises MediaError where the film cannot be read or written.
    """
    rate = frame_rate(episode.video.fps)
    held = _Held(lines, rate, episode.duration)
    try:
        with Frames(episode, rate) as frames:
            clip = _clip(frames, held, progress)
            clip.write_videofile(
                str(target), fps=float(rate), codec="libx264", preset=PRESET, audio=str(sound), audio_codec="aac",
                ffmpeg_params=_options(rate, episode, language), logger=None,
            )  # fmt: skip
        _verify(target, held.total / float(rate))
    except OSError as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise _unwritten(target, reason) from error


def _verify(target: Path, seconds: float) -> None:
    """moviepy does not look at how its encoder ended."""
    length = probe(target, content="-", silent_ok=True).duration
    if abs(length - seconds) > SHORT:
        raise _unwritten(target, f"{length:.1f} s, {seconds:.1f} s")


def _unwritten(target: Path, reason: str) -> MediaError:
    return MediaError(
        "{name} cannot be written: {reason}. Check the disk and the film.", name=target.name, reason=reason
    )


def _clip(frames: Frames, held: _Held, progress: Callable[[float], None]) -> VideoClip:
    from moviepy import VideoClip

    def picture(time: float) -> Frame:
        number = round(time * float(held.rate))
        if number % 25 == 0:
            progress(number / held.total)
        return frames.at(held.source(number))

    # half a frame more: moviepy counts the whole frames of the duration, and rounds down
    return VideoClip(picture, duration=(held.total + 0.5) / float(held.rate))


class _Held:
    """Which frame of the source each frame of the extended film shows."""

    def __init__(self, lines: Sequence[Extended], rate: Fraction, duration: float) -> None:
        self.rate = rate
        self._stops = [(round(stop.time * rate), round(stop.seconds * rate)) for stop in freezes(lines)]
        self.total = round(duration * rate) + sum(length for _, length in self._stops)

    def source(self, number: int) -> int:
        """The frame at which the programme pauses is shown once more when it goes on."""
        for at, length in self._stops:
            if number <= at:
                break
            number = max(number - length, at)
        return number


class Frames:
    """The film's frames at a constant rate, upright, with square pixels, read once from front to back."""

    def __init__(self, episode: Episode, rate: Fraction) -> None:
        self.episode, self.rate = episode, rate
        self.frame: Frame | None = None

    def __enter__(self) -> Self:
        self.log = tempfile.TemporaryFile()
        matrix = ":in_color_matrix=bt709" if self.episode.video.height >= HD and not _labelled(self.episode) else ""
        filters = (
            f"setpts=PTS-({self.episode.start_time!r})/TB,fps={self.rate}:start_time=0,"
            f"scale=trunc(iw*sar/2+0.5)*2:trunc(ih/2)*2{matrix},setsar=1"
        )
        command = [ffmpeg_path(), "-nostdin", "-v", "error", "-copyts", "-i", f"file:{self.episode.path}"]
        command += ["-map", f"0:{self.episode.video.index}", "-vf", filters, "-fps_mode", "passthrough"]
        command += ["-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "pipe:1"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log)
        self.number = -1
        return self

    def at(self, number: int) -> Frame:
        """Frame `number`, never one before the last asked for; behind the film's end its last frame."""
        while self.number < number:
            coming = self._next()
            if coming is None:
                if self.frame is None:
                    raise MediaError(
                        "No picture of {file} can be decoded; check that the file plays.", file=self.episode.path.name
                    )
                break
            self.number, self.frame = self.number + 1, coming
        assert self.frame is not None
        return self.frame

    def _next(self) -> Frame | None:
        out: Any = self.process.stdout
        if out.readline() != b"P6\n":
            return None
        width, height = map(int, out.readline().split())
        out.readline()
        content = out.read(width * height * 3)
        whole = len(content) == width * height * 3
        return np.frombuffer(content, np.uint8).reshape(height, width, 3) if whole else None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        assert self.process.stdout
        self.process.stdout.close()
        self.process.wait()
        self.log.close()


def _labelled(episode: Episode) -> bool:
    """Whether the film says how its colours are to be read."""
    import av

    with av.open(f"file:{episode.path}", metadata_errors="replace") as container:
        stream: Any = container.streams[episode.video.index]
        return stream.codec_context.colorspace not in (0, 2)  # 2: unspecified; 0: the same, where nothing was read


def _options(rate: Fraction, episode: Episode, language: str) -> list[str]:
    """What moviepy does not set: exact times (it rounds rates to two digits), colours, sound, names of the track."""
    title = TITLES[language]
    spoken = (episode.audio and iso639_2(episode.audio.language)) or iso639_2(language) or language
    matrix, label = ("bt709", "bt709") if episode.video.height >= HD else ("bt601", "smpte170m")
    colours = [word for name in ("colorspace", "color_primaries", "color_trc") for word in (f"-{name}", label)]
    filters = (
        f"settb=AVTB,setpts=N*{rate.denominator}/({rate.numerator}*TB),scale=out_color_matrix={matrix}:out_range=tv"
    )
    tags = {"language": spoken, "title": title, "handler_name": title}
    return [
        *QUALITY, "-vf", f"{filters},format=yuv420p", *colours, "-color_range", "tv", "-r", str(rate),
        "-b:a", SOUND, "-disposition:a:0", "default+visual_impaired+descriptions", "-movflags", "+faststart",
        "-map_metadata", "-1", "-flags", "+bitexact", "-fflags", "+bitexact",
        *(word for key, value in tags.items() for word in ("-metadata:s:a:0", f"{key}={value}")),
    ]  # fmt: skip
