"""Sound of a film as blocks of samples in episode time."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.errors import MediaError
from data.media.demux import packets
from data.records import AudioStream, Episode

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer

# Timestamps may jitter this much (Matroska rounds to 1 ms) before they count as a hole or an overlap; s.
JITTER = 0.01
# A hole this long is told of even where no packet failed: demuxers skip what they cannot read; s.
HOLE = 0.1
# Holes closer than this are told of as one; s.
NEAR = 0.5
# Containers round a stream's length and count the encoder's padding; a shorter end is no damage; s.
TAIL = 0.25
Damaged = Callable[[float, float], None]
# Sound decoded before a stretch so that overlapping frames and bit reservoirs are as they would be; s.
WARM_UP = 1.0


class Mark(NamedTuple):
    """A frame of a stream: where decoding may begin again."""

    pts: int
    """As the container has it."""
    position: int
    """Samples of the decoded sound before it."""


Marked = Callable[[Mark], None]


def audio_blocks(
    episode: Episode,
    audio: AudioStream | None = None,
    *,
    rate: int = 48_000,
    layout: str | None = None,
    seconds: float = 10.0,
    damaged: Damaged | None = None,
    marked: Marked | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Decode one audio stream (the programme when `audio` is None) in episode time.

    Yields float32 blocks of shape (samples, channels), `seconds` long but for the last, together exactly
    round(duration × rate) samples. Sound lies where its presentation timestamps put it; where there is none (late
    start, holes, damaged packets) is silence. `layout` is a layout name of ffmpeg (`mono`, `stereo`, `5.1`) in
    ffmpeg's channel order; None keeps the stream's own. `damaged(start, end)` is told of every stretch
    inside the stream that holds no sound that can be decoded; `marked` of every frame from which `audio_span` may
    decode. Without any audio stream: silence, mono unless
    `layout` says otherwise. Raises MediaError when the file cannot be read any more.
    """
    audio = audio or episode.audio
    channels = layout_channels(layout or (native_layout(audio) if audio else "mono"))
    total = round(episode.duration * rate)
    pieces = _pieces(episode, audio, rate, layout or native_layout(audio), damaged, marked) if audio else iter(())
    return _blocks(_placed(pieces, total, channels, rate), round(seconds * rate), channels)


def audio_span(
    episode: Episode, marks: Sequence[Mark], first: int, last: int, *, rate: int = 48_000, layout: str | None = None
) -> NDArray[np.float32] | None:
    """Samples [first, last) of the programme as `audio_blocks` decodes them, without decoding what lies before.

    `marks` are those that `audio_blocks` told of, in order. Equal to the whole but for noise that a decoder makes up
    (AAC's perceptual noise substitution). None where no mark serves: decode the whole. Raises MediaError.
    """
    audio = episode.audio
    at = bisect.bisect_right(marks, first - round(WARM_UP * rate), key=lambda mark: mark.position) - 1
    if audio is None or (at < 0 and not marks) or (at < 0 and marks[0].position > first):
        return None
    mark = marks[max(at, 0)]
    layout = layout or native_layout(audio)
    near = takewhile(lambda piece: piece[0] < last, _pieces_from(episode, audio, rate, layout, mark))
    moved = ((position - mark.position, samples) for position, samples in near)
    wanted = _placed(moved, last - mark.position, layout_channels(layout), rate)
    try:
        sound = np.concatenate([*wanted])
    except _LostError:
        return None
    return sound[first - mark.position :]


class _LostError(Exception):
    """The frame of a mark was not found again."""


def _pieces_from(
    episode: Episode, audio: AudioStream, rate: int, layout: str, mark: Mark
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Like `_pieces`, from a mark on."""
    import av

    run: _Run | None = None
    try:
        with av.open(f"file:{episode.path}", metadata_errors="replace") as container:
            stream: Any = container.streams[audio.index]
            before = round(WARM_UP / 2 / stream.time_base)
            container.seek(max(mark.pts - before, stream.start_time or 0), stream=stream, backward=True)
            damage = _Damage(None)
            for packet in _packets(container, stream):
                for frame in damage.decoded(packet):
                    if run is None and (frame.pts is None or frame.pts < mark.pts):
                        continue
                    if run is None and frame.pts != mark.pts:
                        raise _LostError
                    time = (frame.time or 0.0) - episode.start_time
                    if run is None:
                        run = _Run(time, frame, rate, layout)
                        run.position = mark.position
                    elif not run.continues(time, frame):
                        yield from run.flush()
                        run = _Run(time, frame, rate, layout)
                    yield from run.add(frame)
            if run is None:
                raise _LostError
            yield from run.flush()
    except (av.error.FFmpegError, OSError) as error:
        raise _unreadable(episode, error) from error


def native_layout(audio: AudioStream) -> str:
    """The stream's layout; where it only counts channels, ffmpeg's usual layout for that count."""
    usual = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
    return usual.get(audio.channels, audio.layout) if audio.layout.split(" ")[0].isdigit() else audio.layout


def layout_channels(layout: str) -> int:
    """How many channels a layout has."""
    from av.audio.layout import AudioLayout

    return AudioLayout(layout).nb_channels


def _blocks(pieces: Iterator[NDArray[np.float32]], size: int, channels: int) -> Iterator[NDArray[np.float32]]:
    """Cut a stream of pieces to blocks of `size` samples."""
    block = np.zeros((size, channels), np.float32)
    filled = 0
    for piece in pieces:
        while len(piece):
            taken = piece[: size - filled]
            block[filled : filled + len(taken)] = taken
            filled += len(taken)
            piece = piece[len(taken) :]
            if filled == size:
                yield block
                block, filled = np.zeros((size, channels), np.float32), 0
    if filled:
        yield block[:filled]


def _placed(
    pieces: Iterator[tuple[int, NDArray[np.float32]]], total: int, channels: int, rate: int
) -> Iterator[NDArray[np.float32]]:
    """Lay (position, samples) one after the other: silence in holes, overlaps trimmed, `total` samples in all."""
    cursor = 0
    for position, samples in pieces:
        yield from _silence(min(position, total) - cursor, channels, rate)
        cursor = max(cursor, min(position, total))
        kept = samples[cursor - position : total - position] if total > position else samples[:0]
        yield kept
        cursor += len(kept)
    yield from _silence(total - cursor, channels, rate)


def _silence(samples: int, channels: int, rate: int) -> Iterator[NDArray[np.float32]]:
    """Silence in pieces of at most a second, so that a hole of an hour needs no memory."""
    while samples > 0:
        yield np.zeros((min(samples, rate), channels), np.float32)
        samples -= rate


def _pieces(
    episode: Episode, audio: AudioStream, rate: int, layout: str, damaged: Damaged | None, marked: Marked | None
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(position in output samples, samples) of every stretch of the stream."""
    run: _Run | None = None
    for time, frame in _frames(episode, audio, damaged):
        if run is None or not run.continues(time, frame):
            if run:
                yield from run.flush()
            run = _Run(time, frame, rate, layout)
        if marked and frame.pts is not None and run.taken * rate % frame.sample_rate == 0:  # in step with resampling
            marked(Mark(frame.pts, run.first + run.taken * rate // frame.sample_rate))
        yield from run.add(frame)
    if run:
        yield from run.flush()


class _Run:
    """Frames that follow each other without a hole, resampled as one."""

    def __init__(self, time: float, first: AudioFrame, rate: int, layout: str) -> None:
        from av.audio.resampler import AudioResampler

        self.kind = _kind(first)
        self.start, self.taken = time, 0
        self.position = self.first = round(time * rate)
        self.resampler = AudioResampler(format="flt", layout=layout, rate=rate)

    def continues(self, time: float, frame: AudioFrame) -> bool:
        expected = self.start + self.taken / frame.sample_rate
        return self.kind == _kind(frame) and abs(time - expected) < JITTER

    def add(self, frame: AudioFrame) -> Iterator[tuple[int, NDArray[np.float32]]]:
        self.taken += frame.samples
        frame.pts = None
        yield from self._out(self.resampler.resample(frame))

    def flush(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        yield from self._out(self.resampler.resample(None))

    def _out(self, frames: list[AudioFrame]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        for frame in frames:
            samples: Any = frame.to_ndarray().reshape(-1, frame.layout.nb_channels)
            yield self.position, samples
            self.position += len(samples)


def _kind(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _frames(episode: Episode, audio: AudioStream, damaged: Damaged | None) -> Iterator[tuple[float, AudioFrame]]:
    """(episode time, frame) of every frame that decodes; stretches without sound inside the stream are reported."""
    import av

    damage = _Damage(damaged)
    try:
        with av.open(f"file:{episode.path}", metadata_errors="replace") as container:
            stream: Any = container.streams[audio.index]
            end: float | None = None
            for packet in _packets(container, stream):
                for frame in damage.decoded(packet):
                    time = (end or 0.0) if frame.time is None else frame.time - episode.start_time
                    damage.hole(end, time)
                    end = time + frame.samples / frame.sample_rate
                    yield time, frame
            damage.tail(end, _promised_end(stream, episode))
    except (av.error.FFmpegError, OSError) as error:
        raise _unreadable(episode, error) from error


def _unreadable(episode: Episode, error: Exception) -> MediaError:
    return MediaError(
        "The sound of {path} cannot be read: {reason}; copy the film again.", path=episode.path, reason=error
    )


def _packets(container: InputContainer, stream: Any) -> Iterator[Any]:
    """The stream's packets, without the bytes of the others."""
    from av.stream import Discard

    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all  # lets the demuxer skip the picture's bytes
    return packets(container, stream)


def _promised_end(stream: Any, episode: Episode) -> float | None:
    """Episode time at which the container says the stream ends; None where it does not say."""
    if stream.duration:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base) - episode.start_time
    written = re.match(r"(\d+):(\d+):(\d+\.\d+)", stream.metadata.get("DURATION", ""))
    if written is None:
        return None
    hours, minutes, seconds = written.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds) - episode.start_time


class _Damage:
    """Tells of stretches inside a stream where no sound was decoded, near ones as one."""

    def __init__(self, tell: Damaged | None) -> None:
        self.tell = tell or (lambda start, end: None)
        self.open: tuple[float, float] | None = None
        self.failed = False

    def decoded(self, packet: Any) -> list[AudioFrame]:
        """The packet's frames; none where it is damaged, which leaves a hole in time."""
        import av

        try:
            return list(packet.decode())
        except av.error.FFmpegError:  # decoders name a damaged packet by many errors, "not permitted" among them
            self.failed = True
            return []

    def hole(self, end: float | None, time: float) -> None:
        """Note that sound ended at `end` and goes on at `time`."""
        smallest, self.failed = (JITTER if self.failed else HOLE), False
        if end is None or time - end < smallest:
            return
        if self.open and end - self.open[1] < NEAR:
            end = self.open[0]
        else:
            self.report()
        self.open = end, time

    def tail(self, end: float | None, promised: float | None) -> None:
        """Note that the last sound ended at `end`; the container promised it until `promised`."""
        if end is not None and promised is not None and promised - end > TAIL:
            self.hole(end, promised)
        self.report()

    def report(self) -> None:
        if self.open:
            self.tell(*self.open)
        self.open = None
