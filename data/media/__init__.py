"""Films: what lies in them (`probe`) and their sound in episode time (`audio_blocks`).

Episode time 0 is the container time `Episode.start_time`; every time comes from presentation timestamps.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import stat
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import MediaError
from data.media.demux import packets
from data.media.sound import audio_blocks
from data.records import AudioStream, Episode, SubtitleStream, VideoStream
from data.text.iso639 import same_language

if TYPE_CHECKING:
    from av.container import InputContainer

__all__ = ["audio_blocks", "content_hash", "ffmpeg_path", "probe"]

PICTURE_SUBTITLES = {"hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "xsub", "dvb_teletext"}
# Names under which description and commentary tracks are delivered where a container loses the flags.
OTHER_SOUND = re.compile(r"화면\s*해설|audio descri|descriptive|described video|commentary|코멘터리", re.IGNORECASE)
# Demuxers that take pictures and plain text for films.
NOT_FILMS = re.compile(r"_pipe$|^(tty|image2|gif|apng|webp_anim|bin|xbin|adf|idf)$")


@functools.cache
def ffmpeg_path() -> str:
    """The ffmpeg on PATH, else the one that imageio-ffmpeg carries."""
    if installed := shutil.which("ffmpeg"):
        return installed
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def content_hash(path: Path) -> str:
    """SHA-256 of all bytes of a file, in constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def probe(
    path: Path,
    *,
    audio_track: str | None = None,
    language: str | None = None,
    silent_ok: bool = False,
    content: str | None = None,
    subtitles: Path | None = None,
) -> Episode:
    """What lies in the film at `path`, and which sound is its programme.

    `audio_track` is a language (`ko`, `kor`) or a number from 1; without it the container's default track is
    taken, one in `language` first, an existing description or commentary last. `content` is the hash if it is
    already known. Raises MediaError when the file is no film that can be described.
    """
    for file in filter(None, (path, subtitles)):
        _check_file(file)
    import av

    try:
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            episode = _read(path, container, content or content_hash(path), subtitles)
            others = {number for number, stream in enumerate(container.streams.audio) if _not_programme(stream)}
    except (av.error.FFmpegError, OSError) as error:
        raise _unreadable(path, error) from error
    return episode.model_copy(update={"audio": _programme(episode, others, audio_track, language, silent_ok)})


def _check_file(path: Path) -> None:
    """Raise MediaError unless `path` is a file with something in it that may be read."""
    try:
        status = path.stat()
    except PermissionError as error:
        raise _forbidden(path) from error
    except OSError as error:
        raise MediaError("{path} does not exist; check the name and the folder.", path=path) from error
    if not stat.S_ISREG(status.st_mode):
        raise MediaError("{path} is a folder or device; name the file itself.", path=path)
    if not os.access(path, os.R_OK):
        raise _forbidden(path)
    if status.st_size == 0:
        raise MediaError("{path} is empty; copy the file again.", path=path)


def _forbidden(path: Path) -> MediaError:
    return MediaError("{path} may not be read; ask for the right to read it (chmod +r).", path=path)


def _unreadable(path: Path, error: Exception) -> MediaError:
    """The error for a file that no demuxer opens: cut off, or no film at all."""
    if _family(path, "") in ("mp4", "mov"):
        return MediaError("{path} is cut off: its index (moov) is missing; copy or export the film again.", path=path)
    reason = getattr(error, "strerror", None) or str(error)
    return MediaError("{path} is not a film that can be read ({reason}); give a video file.", path=path, reason=reason)


def _read(path: Path, container: InputContainer, content: str, subtitles: Path | None) -> Episode:
    """The episode as the container tells it; the programme sound is not chosen yet."""
    video = _video(path, container)
    start, duration = _extent(path, container)
    return Episode(
        id=safe_name(path.stem),
        path=path,
        content=content,
        container=_family(path, container.format.name),
        start_time=start,
        duration=duration,
        video=video,
        audio=None,
        audio_streams=tuple(_audio(number, stream) for number, stream in enumerate(container.streams.audio)),
        subtitle_streams=tuple(_subtitle(stream) for stream in container.streams.subtitles),
        subtitles=subtitles,
        subtitles_content=content_hash(subtitles) if subtitles else None,
    )


def _family(path: Path, demuxer: str) -> str:
    """Container family from the first bytes, then from the demuxer's name."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head[4:8] == b"ftyp":
        return "mov" if head[8:12] == b"qt  " else "mp4"
    if head[4:8] in (b"moov", b"mdat", b"wide", b"skip", b"free", b"pnot") or demuxer.startswith("mov"):
        return "mov"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "webm" if b"\x42\x82\x84webm" in head else "mkv"
    return {"mpegts": "ts"}.get(demuxer, demuxer.split(",")[0])


def _video(path: Path, container: InputContainer) -> VideoStream:
    """The picture stream: not a cover, and its first frame can be decoded."""
    from av.stream import Disposition

    covers = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    streams = [s for s in container.streams.video if not s.disposition & covers and s.codec_context]
    if not streams or NOT_FILMS.search(container.format.name):
        raise MediaError("{path} holds no moving picture; audio description needs a film.", path=path)
    stream = max(streams, key=lambda s: (bool(s.disposition & Disposition.default), s.width * s.height, -s.index))
    frame = _first_frame(container, stream)
    if frame is None:
        raise MediaError(
            "No picture of {path} can be decoded; the film is damaged or its codec is unknown; "
            "copy it again or convert it to H.264.",
            path=path,
        )
    rotation = round(-frame.rotation / 90) * 90 % 360
    width, height = (frame.height, frame.width) if rotation % 180 else (frame.width, frame.height)
    return VideoStream(
        index=stream.index,
        codec=stream.codec_context.name,
        width=width,
        height=height,
        fps=round(float(stream.average_rate or stream.guessed_rate or 0), 3),
        rotation=rotation,
    )


def _first_frame(container: InputContainer, stream: Any) -> Any:
    """The first frame that decodes, past damaged packets; None when the film holds none."""
    import av

    for packet in packets(container, stream):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        if frames:
            return frames[0]
    return None


def _extent(path: Path, container: InputContainer) -> tuple[float, float]:
    """Start and length in seconds; measured from the packets where the container does not say."""
    start = (container.start_time or 0) / 1e6
    family = _family(path, container.format.name)
    # Matroska tells the length from 0 or from its first packet, as the muxer likes.
    known = family in ("mp4", "mov", "ts", "avi", "mxf") or (family in ("mkv", "webm") and start < 0.1)
    length = container.duration / 1e6 if container.duration and known else _measure(path, start)
    if length < 0.001:
        raise MediaError("{path} has no length; export the film again.", path=path)
    return start, length


def _measure(path: Path, start: float) -> float:
    """Length in seconds by reading every packet."""
    import av

    end = start
    with av.open(f"file:{path}", metadata_errors="replace") as container:
        streams = [*container.streams.video, *container.streams.audio]
        for packet in packets(container, *streams):
            if packet.pts is not None:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return end - start


def _audio(number: int, stream: Any) -> AudioStream:
    from av.stream import Disposition

    context = stream.codec_context  # None: ffmpeg has no decoder for it
    return AudioStream(
        index=stream.index,
        number=number,
        codec=context.name if context else "unknown",
        rate=context.sample_rate if context else 0,
        channels=context.layout.nb_channels if context else 0,
        layout=context.layout.name if context else "",
        language=stream.language,
        title=stream.metadata.get("title") or stream.metadata.get("name"),
        default=bool(stream.disposition & Disposition.default),
    )


def _not_programme(stream: Any) -> bool:
    """Whether an audio stream says of itself that it is a description, a commentary or for the hard of hearing."""
    from av.stream import Disposition

    flags = Disposition.visual_impaired | Disposition.descriptions | Disposition.comment | Disposition.hearing_impaired
    names = " ".join(stream.metadata.get(key, "") for key in ("title", "name", "handler_name"))
    return bool(stream.disposition & flags) or bool(OTHER_SOUND.search(names))


def _subtitle(stream: Any) -> SubtitleStream:
    from av.stream import Disposition

    codec = stream.codec_context.name if stream.codec_context else "unknown"
    return SubtitleStream(
        index=stream.index,
        codec=codec,
        text=codec not in PICTURE_SUBTITLES,
        language=stream.language,
        forced=bool(stream.disposition & Disposition.forced),
    )


def _programme(
    episode: Episode, others: set[int], track: str | None, language: str | None, silent_ok: bool
) -> AudioStream | None:
    """The sound that is described; `others` are the numbers of streams that say they are not the programme."""
    streams = episode.audio_streams
    if not streams:
        if silent_ok:
            return None
        raise MediaError("{path} has no sound; --silent-ok describes it all the same.", path=episode.path)
    if track is not None:
        streams = tuple(s for s in streams if track.strip() == str(s.number + 1) or same_language(track, s.language))
        if not streams:
            raise _no_such_track(episode, track)
    best = max(
        streams,
        key=lambda s: (s.rate > 0, s.number not in others, same_language(language, s.language), s.default, -s.number),
    )
    if not best.rate or not best.channels:
        raise MediaError(
            "The sound of {path} has a codec that cannot be decoded; convert it to AAC first.", path=episode.path
        )
    return best


def _no_such_track(episode: Episode, track: str) -> MediaError:
    there = ", ".join(
        f"{s.number + 1} ({s.language or '?'}, {s.layout}{', ' + s.title if s.title else ''})"
        for s in episode.audio_streams
    )
    return MediaError(
        "{path} has no audio track {track}; it has: {there}.", path=episode.path, track=track, there=there
    )


def safe_name(stem: str) -> str:
    """`stem` as the name of a folder on any system: Hangul and spaces stay, hostile characters become `_`."""
    name = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]', "_", unicodedata.normalize("NFC", stem)).strip().rstrip(".")
    name = re.sub(r"^(\.+|-)", "_", name)
    while len(name.encode()) > 200:  # file systems allow 255 bytes; a suffix such as .partial must fit
        name = name[:-1].rstrip()
    return name or "episode"
