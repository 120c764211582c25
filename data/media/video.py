"""One decode pass over the picture: every frame small, for measuring, and on demand large, for showing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from data.errors import MediaError
from data.media.demux import packets
from data.media.scale import Image, Large, fit, measured, shrunk
from data.records import Episode

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

Damaged = Callable[[float, float], None]

SKIPPING_CODECS = frozenset({"h264", "hevc"})
"""Codecs whose non-reference frames are left undecoded, a third of the work. Cuts are then placed by `closely`.

The loop filter stays on: without it errors pile up between intra frames, and each intra frame looks like a cut.
"""
THREADS = 2
AHEAD = 6
"""Pictures decoded and scaled while the caller measures the one before them."""
MENDED = 1.0
"""Seconds of good picture after which a damaged stretch is over."""


@dataclass(frozen=True)
class Picture:
    """One frame."""

    time: float
    """Seconds of episode time."""
    small: Image
    """Height × width × BGR, upright, at the width asked for."""
    skipped: int
    """Frames between this and the picture before that were not decoded."""
    frame: VideoFrame = field(repr=False)
    turn: int = field(repr=False)
    pixel: Fraction = field(repr=False)

    def large(self, width: int) -> Large:
        """The frame scaled to at most `width` upright pixels; holds no reference to the decoder's memory."""
        size = fit(self.frame, self.turn, self.pixel, width)
        return shrunk(self.frame, size, self.turn)


def frames(episode: Episode, *, width: int, damaged: Damaged | None = None) -> Iterator[Picture]:
    """Decode the film once, in order of presentation, in constant memory.

    Yields pictures with strictly rising times, `small` being `width` pixels wide. Frames that decode only in part
    are left out; `damaged(start, end)` is told each such stretch, from the last good picture to the next good one.
    Raises MediaError where the film cannot be opened or not one frame decodes.
    """
    with _open(episode) as container:
        stream = _stream(container, episode)
        if episode.video.codec in SKIPPING_CODECS:
            stream.codec_context.skip_frame = "NONREF"
        wounds = _Wounds(damaged or (lambda start, end: None))
        yield from _ahead(_pictures(container, stream, episode, width, wounds))
        if wounds.good is None:
            raise MediaError("No picture of {file} can be decoded; check that the file plays.", file=episode.path.name)
        wounds.close(_end(stream, episode))


def closely(episode: Episode, start: float, end: float, *, width: int) -> list[Picture]:
    """Every frame of [start, end] (seconds, at most a few frames apart), non-reference frames too.

    Decodes from the intra frame before `start`. Empty where the film cannot be entered there.
    """
    import av

    pictures: list[Picture] = []
    with _open(episode) as container:
        stream = _stream(container, episode)
        target = Fraction(start + episode.start_time) / _rational(stream.time_base)
        try:
            container.seek(int(target), stream=stream)
        except av.error.FFmpegError:
            return []
        for picture in _pictures(container, stream, episode, width, _Wounds(lambda start, end: None)):
            if picture.time > end + 0.0005:
                break
            if picture.time >= start - 0.0005:
                pictures.append(picture)
    return pictures


@dataclass
class _Wounds:
    """Joins bad frames and packets to damaged stretches."""

    damaged: Damaged
    good: float | None = None
    """Time of the last good picture."""
    start: float | None = None
    end: float | None = None

    def bad(self) -> None:
        if self.start is None:
            self.start = self.good or 0.0
        self.end = None

    def mended(self, time: float) -> None:
        jump = self.good is not None and time - self.good >= MENDED
        self.good = time
        if self.start is not None and (self.end is None or jump):
            self.end = time
        elif self.start is not None and self.end is not None and time - self.end >= MENDED:
            self._report(self.end)

    def close(self, end: float) -> None:
        """`end`: where the picture should end. A picture that stops long before is damaged too."""
        if self.good is not None and end - self.good > MENDED and self.start is None:
            self.start = self.good
        if self.start is not None:
            self._report(self.end or max(end, self.start))

    def _report(self, end: float) -> None:
        if self.start is not None:
            self.damaged(self.start, end)
        self.start = self.end = None


def _ahead(pictures: Iterator[Picture]) -> Iterator[Picture]:
    """The same pictures, made in a thread of their own: decoding goes on while the caller works."""
    with ThreadPoolExecutor(1, "decode") as pool:
        coming = deque(pool.submit(next, pictures, None) for _ in range(AHEAD))
        while picture := coming.popleft().result():
            coming.append(pool.submit(next, pictures, None))
            yield picture


def _open(episode: Episode) -> InputContainer:
    import av

    try:
        return av.open(f"file:{episode.path}", metadata_errors="replace")
    except av.error.FFmpegError as error:
        reason = error.strerror or str(error)
        raise MediaError(
            "{file} cannot be opened ({reason}); check that the file plays.", file=episode.path.name, reason=reason
        ) from error


def _stream(container: InputContainer, episode: Episode) -> VideoStream:
    stream: Any = container.streams[episode.video.index]
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = THREADS
    return stream  # type: ignore[no-any-return]


def _end(stream: VideoStream, episode: Episode) -> float:
    """Where the picture should end, as the container says; the episode's end where it says nothing."""
    if stream.duration is None:
        return episode.duration
    end = (stream.start_time or 0) + stream.duration
    return min(episode.duration, float(end * _rational(stream.time_base)) - episode.start_time)


def _pictures(
    container: InputContainer, stream: VideoStream, episode: Episode, width: int, wounds: _Wounds
) -> Iterator[Picture]:
    waiting: set[int] = set()
    last, size = -0.0005, (0, 0)
    pixel = _rational(stream.sample_aspect_ratio) or Fraction(1)
    for frame in _decoded(container, stream, wounds, waiting):
        if frame.pts is None:
            continue
        time = float(frame.pts * _rational(frame.time_base)) - episode.start_time
        skipped = _passed(waiting, frame.pts)
        if frame.is_corrupt:
            wounds.bad()
        if frame.is_corrupt or time <= last:
            continue
        wounds.mended(max(time, 0.0))
        last = time
        size = size if all(size) else fit(frame, episode.video.rotation, pixel, width)
        small = measured(frame, size, episode.video.rotation)
        yield Picture(max(time, 0.0), small, skipped, frame, episode.video.rotation, pixel)


def _decoded(
    container: InputContainer, stream: VideoStream, wounds: _Wounds, waiting: set[int]
) -> Iterator[VideoFrame]:
    """The decoded frames. `waiting` gathers the times of the packets sent to the decoder."""
    import av

    for packet in _packets(container, stream, wounds):
        if packet.pts is not None:
            waiting.add(packet.pts)
        if packet.is_corrupt:
            wounds.bad()
        try:
            yield from packet.decode()
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            wounds.bad()


def _packets(container: InputContainer, stream: VideoStream, wounds: _Wounds) -> Iterator[Packet[VideoStream]]:
    """The packets of the picture; where the file cannot be read any more, the damage reaches to its end."""
    import av

    try:
        yield from packets(container, stream, damaged=wounds.bad)
    except av.error.FFmpegError:
        wounds.bad()


def _passed(waiting: set[int], pts: int) -> int:
    """How many packets before `pts` gave no picture; forgets them."""
    gone = {p for p in waiting if p <= pts}
    waiting -= gone
    return max(len(gone) - 1, 0)


def _rational(value: Any) -> Fraction:
    return Fraction(value.numerator, value.denominator) if value else Fraction(0)
