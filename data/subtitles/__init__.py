"""Subtitles of an episode: found beside the film or inside it, read as cues that tell speech from sounds.

SRT, WebVTT, ASS, SSA, SMI (SAMI) and TTML; in UTF-8, UTF-16 or CP949.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import MediaError
from data.formats import SUBTITLES
from data.media.demux import packets
from data.messages import tr
from data.subtitles.formats import MalformedError, SubtitleLine, parse, vtt_payload
from data.subtitles.meaning import Subtitle, subtitle_of
from data.text.iso639 import iso639_2, same_language

if TYPE_CHECKING:
    from av.container import InputContainer

    from data.records import Episode

__all__ = ["Subtitle", "decode", "find_side_file", "read", "read_descriptions", "read_embedded"]

# Words between a film's name and the ending, besides languages: `film.ko.sdh.srt`.
SUFFIXES = {"sdh", "cc", "hi", "default", "full", "subs", "subtitles", "captions", "자막"}


def find_side_file(film: Path, given: Path | None, language: str) -> Path | None:
    """The subtitle file of `film`: `given` itself, or one in the folder `given`, or one beside the film; or None.

    A file in a folder belongs to the film when it has its name, with or without a language (`film.ko.srt`,
    `film_kor.sdh.smi`). Of several, one in `language` (ISO 639) is taken, then one without a language, then the
    order of SUBTITLES and of names decides. Files with forced lines alone or with descriptions are passed over.
    Raises MediaError when `given` is or holds no such file.
    """
    if given is not None and given.is_file():
        if given.suffix.lower() not in SUBTITLES:
            kinds = ", ".join(SUBTITLES)
            raise MediaError("{path} is no subtitle file; give one of: {kinds}.", path=given, kinds=kinds)
        return given
    if given is not None and not given.is_dir():
        raise MediaError("{path} does not exist; give a subtitle file or a folder of them.", path=given)
    folder = given or film.parent
    ranked = [(rank, path) for path in folder.iterdir() if (rank := _rank(film, path, language)) is not None]
    if given is not None and not ranked:
        raise MediaError(
            "{folder} holds no subtitles named {stem}.*; rename them like the film.", folder=folder, stem=film.stem
        )
    return min(ranked)[1] if ranked else None


def _rank(film: Path, path: Path, language: str) -> tuple[int, int, str] | None:
    """How well `path` fits, smaller is better; None when it is not the film's."""
    stem, name = (unicodedata.normalize("NFC", text).casefold() for text in (film.stem, path.stem))
    if path.suffix.lower() not in SUBTITLES or not name.startswith(stem) or not path.is_file():
        return None
    rest = name[len(stem) :]
    words = [word for word in re.split(r"[._\s()\[\]]+", rest) if word]
    languages = [word for word in words if iso639_2(word) and len(word.split("-")[0]) <= 3]
    if (rest and rest[0].isalnum()) or set(words) - set(languages) - SUFFIXES:
        return None
    spoken = [word for word in languages if word not in SUFFIXES]
    fit = 1 if not spoken else 0 if any(same_language(word, language) for word in spoken) else 2
    return fit, SUBTITLES.index(path.suffix.lower()), name


def read(path: Path, language: str = "ko") -> list[Subtitle]:
    """The cues of a subtitle file in order of time; `language` chooses among those of a SAMI file.

    Raises MediaError with the line when the file cannot be read, is malformed, or holds audio description.
    """
    return _cues(_lines(path, language))


def read_descriptions(path: Path, language: str = "ko") -> list[SubtitleLine]:
    """The lines of an audio description in a subtitle format, as they stand and in the order of the file.

    Raises MediaError with the line when the file cannot be read or is malformed.
    """
    return _lines(path, language, descriptions=True)


def _lines(path: Path, language: str, *, descriptions: bool = False) -> list[SubtitleLine]:
    try:
        return parse(decode(path), language, descriptions=descriptions)
    except OSError as error:
        raise MediaError(
            "{path} cannot be read ({reason}); check its rights.", path=path, reason=error.strerror
        ) from error
    except MalformedError as error:
        raise MediaError(
            "{path}, line {line}: {what}; correct the file or leave it out.", path=path, line=error.line, what=error
        ) from error
    except MediaError as error:
        raise MediaError(f"{path}: {error}") from error


def _cues(lines: list[SubtitleLine]) -> list[Subtitle]:
    cues = [cue for line in lines if line.end > line.start and (cue := subtitle_of(line)) is not None]
    return sorted(cues, key=lambda cue: (cue.start, cue.end))


def decode(path: Path) -> str:
    """The text of `path`: by its byte order mark, else UTF-8, else UTF-16 or CP949 (old Korean files).

    Raises MalformedError where it is none of them, OSError.
    """
    content = path.read_bytes()
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    marked = [codec for mark, codec in marks.items() if content.startswith(mark)]
    zeros = [content[parity:1000:2].count(0) for parity in (0, 1)]
    bare = ["utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"] if max(zeros) > len(content[:1000]) / 8 else []
    for codec in [*marked, *bare, "utf-8", "cp949"]:
        try:
            text = content.decode(codec)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return re.sub(r"^(<\?xml[^>]*?)\s+encoding=[\"'][^\"']*[\"']", r"\1", text)
    raise MalformedError(1, tr("the encoding is neither UTF-8, UTF-16 nor CP949 (save it as UTF-8)"))


def read_embedded(episode: Episode, language: str = "ko") -> list[Subtitle]:
    """The cues of the film's own text subtitles; no cues when it has none that fit.

    Taken is the first text stream in `language`, else the first of any; streams of forced lines alone, of
    descriptions and of commentary are passed over. Raises MediaError when the film cannot be opened.
    """
    if not any(stream.text and not stream.forced for stream in episode.subtitle_streams):
        return []
    import av

    try:
        with av.open(str(episode.path), metadata_errors="replace") as container:
            number = _stream(episode, container, language)
            return [] if number is None else _cues(_embedded_lines(container, number, episode.start_time))
    except (av.error.FFmpegError, OSError) as error:
        reason = error.strerror or str(error)
        raise MediaError(
            "The subtitles inside {path} cannot be read ({reason}); give a side file (--subtitles).",
            path=episode.path,
            reason=reason,
        ) from error


def _stream(episode: Episode, container: InputContainer, language: str) -> int | None:
    """Index in the container of the stream to read."""
    from av.stream import Disposition

    no_dialogue = Disposition.forced | Disposition.descriptions | Disposition.comment | Disposition.lyrics
    fitting = [
        stream
        for stream in episode.subtitle_streams
        if stream.text and not stream.forced and not container.streams[stream.index].disposition & no_dialogue
    ]
    best = min(fitting, key=lambda s: (not same_language(s.language, language), s.index), default=None)
    return best.index if best else None


# How long a line stands whose packet tells no length; s.
NO_LENGTH = 5.0


def _embedded_lines(container: InputContainer, index: int, start_time: float) -> list[SubtitleLine]:
    import av
    from av.stream import Discard

    for stream in container.streams:
        stream.discard = Discard.default if stream.index == index else Discard.all
    lines = []
    for packet in packets(container, container.streams[index]):
        if packet.pts is None or not packet.size:
            continue
        start = float(packet.pts * packet.time_base) - start_time
        end = start + (float(packet.duration * packet.time_base) if packet.duration else NO_LENGTH)
        if container.streams[index].codec_context.name == "webvtt":
            lines.append(vtt_payload(start, end, bytes(packet).decode(errors="replace")))
            continue
        try:
            events = packet.decode()
        except av.error.InvalidDataError:  # one damaged line; the others still stand
            continue
        lines += [_ass_line(start, end, ass) for event in events if (ass := getattr(event, "ass", b""))]
    return lines


def _ass_line(start: float, end: float, event: bytes) -> SubtitleLine:
    """A line of libavcodec's form: read order, layer, style, name, margins (3), effect, text."""
    import pysubs2

    fields = event.decode(errors="replace").split(",", 8)
    text = pysubs2.SSAEvent(text=fields[-1]).plaintext
    return SubtitleLine(start, end, text, fields[3].strip() or None, fields[2])
