"""The described film: every stream of the source copied bit for bit, and one more audio track.

What each container carries was measured with ffmpeg 9.0: MP4 and MPEG-TS read `visual_impaired` and `descriptions`
back, Matroska keeps `visual_impaired`; QuickTime and WebM lose both, so those films are delivered as Matroska.
"""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from data.errors import MediaError
from data.media import ffmpeg_path
from data.media.aac import LAYOUTS, bit_rate
from data.media.sound import layout_channels
from data.reasons import Message, say
from data.records import Episode
from data.text.iso639 import iso639_2

if TYPE_CHECKING:
    from av.container import InputContainer

SUFFIXES = {"mp4": ".mp4", "mkv": ".mkv", "ts": ".ts"}
MUXERS = {".mp4": "mp4", ".mkv": "matroska", ".ts": "mpegts"}
TITLES = {"ko": "화면해설", "en": "Audio description"}

FILE_TAGS = ("filename", "mimetype", "title")


@dataclass(frozen=True)
class Delivery:
    """How the described film is written."""

    suffix: str
    streams: tuple[int, ...]
    """Source streams that are mapped; attached files ride along by themselves."""
    rewritten: tuple[int, ...] = ()
    """Subtitle streams whose text goes over to SubRip, for Matroska knows no mov_text."""
    attachments: tuple[int, ...] = ()
    notes: tuple[Message, ...] = ()


@functools.lru_cache(maxsize=16)
def plan_delivery(episode: Episode) -> Delivery:
    """Which container, and which streams it can carry; asks ffmpeg's muxer where the answer is not plain."""
    import av
    from av.stream import Discard

    suffix = SUFFIXES.get(episode.container, ".mkv")
    with av.open(f"file:{episode.path}", metadata_errors="replace") as container:
        kinds = {s.index: _kind(s, suffix) for s in container.streams}
        # The demuxer reads chapters from a hidden text track; the muxer writes a new one from the chapters.
        chapter_tracks = {stream.index for stream in container.streams.data if stream.discard == Discard.all}
    rewritten = tuple(s.index for s in episode.subtitle_streams if suffix == ".mkv" and s.codec == "mov_text")
    attachments = tuple(index for index, kind in kinds.items() if kind == "attachment")
    wanted = tuple(index for index in kinds if index not in chapter_tracks and index not in attachments)
    optional = [index for index in wanted if kinds[index] not in ("video", "audio")]
    lost = _not_carried(episode, suffix, wanted, optional, rewritten)
    notes = _notes(episode, suffix, rewritten, {index: kinds[index] for index in lost})
    return Delivery(
        suffix=suffix,
        streams=tuple(index for index in wanted if index not in lost),
        rewritten=tuple(index for index in rewritten if index not in lost),
        attachments=attachments,
        notes=tuple(notes),
    )


def _kind(stream: Any, suffix: str) -> str:
    """ffmpeg's kind of stream, and `timecode`; a cover counts as an attached file where it is one, in Matroska."""
    from av.stream import Disposition

    if suffix == ".mkv" and stream.disposition & Disposition.attached_pic:
        return "attachment"  # copied as a stream it would become a second picture and shift all times
    return "timecode" if "timecode" in stream.metadata and stream.type == "data" else str(stream.type)


def _not_carried(
    episode: Episode, suffix: str, wanted: tuple[int, ...], optional: list[int], rewritten: tuple[int, ...]
) -> set[int]:
    """The optional streams that the muxer refuses, found by muxing a second of film."""
    if not optional or _muxes(episode, suffix, wanted, rewritten):
        return set()
    return {i for i in optional if not _muxes(episode, suffix, (episode.video.index, i), rewritten)}


def _muxes(episode: Episode, suffix: str, streams: tuple[int, ...], rewritten: tuple[int, ...]) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        command = [ffmpeg_path(), "-nostdin", "-v", "error", "-y", "-t", "1", *_source(episode)]
        command += [*_copied(streams, rewritten), "-f", MUXERS[suffix], f"{folder}/trial"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return done.returncode == 0


def _notes(episode: Episode, suffix: str, rewritten: tuple[int, ...], lost: dict[int, str]) -> list[Message]:
    notes = []
    if episode.container not in SUFFIXES:
        notes.append(
            say(
                "The described film is {suffix}, not {container}: {container} cannot mark an audio description track.",
                suffix=suffix,
                container=episode.container,
            )
        )
    kept = [str(index) for index in rewritten if index not in lost]
    if kept:
        notes.append(say("Subtitle stream {streams} is rewritten as SubRip.", streams=", ".join(kept)))
    if lost:
        streams = ", ".join(f"{index} ({kind})" for index, kind in lost.items())
        notes.append(say("Stream {streams} is left out: {suffix} cannot carry it.", streams=streams, suffix=suffix))
    return notes


def _source(episode: Episode) -> list[str]:
    """The input as it is timed in the source; old containers without presentation times get them."""
    timed = episode.container in ("mp4", "mov", "mkv", "webm", "ts")
    return ["-copyts", *([] if timed else ["-fflags", "+genpts"]), "-i", f"file:{episode.path}"]


def _copied(streams: tuple[int, ...], rewritten: tuple[int, ...]) -> list[str]:
    options = [word for index in streams for word in ("-map", f"0:{index}")] + ["-c", "copy"]
    return options + [word for i in rewritten if i in streams for word in (f"-c:{streams.index(i)}", "srt")]


class DescribedWriter:
    """Writes the described film to `folder` while the broadcast mix is handed over block by block.

    A context manager around one ffmpeg process. `path` exists only after a clean exit; an exception or a failure
    of ffmpeg leaves nothing behind. The new track starts at the source's start time, so that sample 0 of the mix is
    episode time 0. With `track`, a file with the mix as AAC (`data.media.aac`), that is copied; nothing is handed over.
    Raises MediaError with ffmpeg's own reason (disk full, codec not allowed).
    """

    def __init__(
        self,
        episode: Episode,
        folder: Path,
        *,
        layout: str,
        language: str,
        rate: int = 48_000,
        track: Path | None = None,
    ) -> None:
        self.episode, self.language, self.rate, self.track = episode, language, rate, track
        self.layout = LAYOUTS.get(layout, layout)
        self.channels = layout_channels(layout)
        self.delivery = plan_delivery(episode)
        self.path = folder / f"described{self.delivery.suffix}"
        # A killed run's ffmpeg may still be writing its own file: never share one.
        self.partial = folder / f"{self.path.name}.{os.getpid()}.partial"

    def __enter__(self) -> Self:
        self.log = tempfile.TemporaryFile()
        self.attached = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            self._command(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self.log
        )
        return self

    def write(self, block: NDArray[np.float32]) -> None:
        """Hand over (samples, channels) of the broadcast mix, full scale ±1."""
        if block.ndim != 2 or block.shape[1] != self.channels:
            raise ValueError(f"block of shape {block.shape} for {self.channels} channels")
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(np.ascontiguousarray(block, "<f4").data)
        except BrokenPipeError as error:
            raise self._failure() from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._clean()

    def _finish(self) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
        except BrokenPipeError as error:
            raise self._failure() from error
        if self.process.wait() != 0:
            raise self._failure()
        self._verify()
        self.partial.replace(self.path)

    def _verify(self) -> None:
        """An ffmpeg that is too old loses the flag or the streams silently; nobody should find out on air."""
        import av
        from av.stream import Disposition

        with av.open(f"file:{self.partial}", metadata_errors="replace") as container:
            audio = container.streams.audio
            whole = len(audio) == len(self.episode.audio_streams) + 1
            if not whole or not audio[-1].disposition & Disposition.visual_impaired:
                raise MediaError(
                    "{ffmpeg} did not mark the described track in {name}; use a newer ffmpeg.",
                    ffmpeg=ffmpeg_path(),
                    name=self.path.name,
                )

    def _clean(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdin and not self.process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        self.log.close()
        self.attached.cleanup()
        self.partial.unlink(missing_ok=True)

    def _failure(self) -> MediaError:
        self.process.wait()
        self.log.seek(0)
        lines = self.log.read().decode("utf-8", "replace").strip().splitlines()
        reason = _cause(lines) or f"ffmpeg: {self.process.returncode}"
        return MediaError(
            "{name} cannot be written: {reason}. Check the disk and the film.", name=self.path.name, reason=reason
        )

    def _command(self) -> list[str]:
        command = [ffmpeg_path(), "-v", "error", "-y", *_source(self.episode)]
        if self.track:
            command += ["-itsoffset", repr(self.episode.start_time), "-i", f"file:{self.track}"]
        else:
            command += ["-f", "f32le", "-ar", str(self.rate), "-ch_layout", self.layout, "-i", "pipe:0"]
        command += ["-map_metadata", "0", "-map_chapters", "0"]
        command += [*_copied(self.delivery.streams, self.delivery.rewritten), "-map", "1:a", *self._attach()]
        command += [*self._track(), *self._container()]
        return [*command, "-f", MUXERS[self.delivery.suffix], f"file:{self.partial}"]

    def _track(self) -> list[str]:
        """Codec, name and flags of the new track."""
        new = f"a:{len(self.episode.audio_streams)}"
        title = TITLES[self.language]
        spoken = self.episode.audio and iso639_2(self.episode.audio.language)
        tags = {"language": spoken or iso639_2(self.language), "title": title, "handler_name": title}
        options = [f"-map_metadata:s:{new}", "-1"] if self.track else self._encoder(new)
        options += [f"-disposition:{new}", "visual_impaired+descriptions"]
        if self.delivery.suffix == ".ts" or (self.delivery.suffix == ".mp4" and self.episode.start_time > 0):
            # MPEG-TS, and MP4 whose time starts late, cannot say that the encoder's first frame is padding: it
            # would sound before the film starts.
            options += [f"-bsf:{new}", "noise=drop=not(n)"]
        return options + [word for key, value in tags.items() for word in (f"-metadata:s:{new}", f"{key}={value}")]

    def _encoder(self, new: str) -> list[str]:
        options = [f"-filter:{new}", f"asetpts=PTS+({self.episode.start_time!r})/TB"]
        options += [f"-c:{new}", "aac", f"-b:{new}", str(bit_rate(self.channels))]
        options += [f"-aac_coder:{new}", "fast"]  # a third faster, within 0.6 dB of the default's noise on music
        return [*options, f"-flags:{new}", "+bitexact"]

    def _container(self) -> list[str]:
        """What the muxer must be told so that the same input gives the same bytes and the source's own flags."""
        return {
            ".mp4": ["-movflags", "+faststart"],
            ".mkv": ["-fflags", "+bitexact", "-default_mode", "passthrough"],  # bitexact: no random segment UID
            ".ts": ["-mpegts_copyts", "1", "-muxdelay", "0", "-muxpreload", "0"],
        }[self.delivery.suffix]

    def _attach(self) -> list[str]:
        """Fonts and other attached files; ffmpeg 9 fails to copy them beside a track that it encodes."""
        import av

        if not self.delivery.attachments:
            return []
        options: list[str] = []
        with av.open(f"file:{self.episode.path}", metadata_errors="replace") as container:
            for number, index in enumerate(self.delivery.attachments):
                stream: Any = container.streams[index]
                file = Path(self.attached.name) / str(number)
                file.write_bytes(_attached(container, stream))
                options += ["-attach", os.fspath(file)]
                tags = _cover(stream) if stream.type == "video" else {}
                tags |= {key: value for key, value in stream.metadata.items() if key in FILE_TAGS}
                options += [w for k, v in tags.items() for w in (f"-metadata:s:t:{number}", f"{k}={v}")]
        return options


def _attached(container: InputContainer, stream: Any) -> bytes:
    """The content of an attached file; that of a cover is its stream's one packet."""
    if stream.type != "video":
        return bytes(stream.data)
    return next(bytes(packet) for packet in container.demux(stream) if packet.size)


def _cover(stream: Any) -> dict[str, str]:
    """Name and type of a cover from a container that keeps neither."""
    kind = {"mjpeg": "jpeg"}.get(stream.codec_context.name, stream.codec_context.name)
    return {"filename": f"cover.{kind.replace('jpeg', 'jpg')}", "mimetype": f"image/{kind}"}


def _cause(lines: list[str]) -> str:
    """The line of ffmpeg's log that tells the cause: the first, without the address of the object that says it."""
    known = [line for line in lines if "No space left" in line or "File too large" in line or "ermission" in line]
    line = next(iter(known or lines), "")
    return line.split("] ", 1)[-1].strip().rstrip(".")
