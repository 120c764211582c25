"""Rows 22 and 23, and the proof that the original streams are untouched."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data import media
from data.errors import UserError
from data.formats import FORMATS
from data.formats.cue import Cue
from data.media import demux
from data.reasons import Message, say
from data.records import Episode, Extended, Written
from data.scripts.script import load, one_line
from data.text.iso639 import iso639_2, same_language
from stages.check.findings import Result, moment, or_pass
from stages.check.lines import Spoken

if TYPE_CHECKING:
    from hashlib import _Hash

TIMES = 0.015  # s; row 23
SHIFT = 0.015  # s an original stream may move against the film; EBU R37 asks the same of sound and picture


@dataclass(frozen=True)
class Packets:
    """What one stream of a file holds. Times are the container's, in seconds."""

    kind: str
    codec: str
    number: int
    start: float
    end: float
    sha256: bytes


def packets(path: Path) -> dict[int, Packets]:
    """Stream index → its packets; streams without any are left out."""
    import av

    counts: dict[int, _Count] = {}
    with av.open(f"file:{path}", metadata_errors="replace") as container:
        for packet in demux.packets(container):
            if packet.size:
                counts.setdefault(packet.stream_index, _Count()).add(packet)
        return {index: count.of(container.streams[index]) for index, count in sorted(counts.items())}


@dataclass
class _Count:
    """The packets of one stream so far; times in the stream's time base."""

    content: _Hash = field(default_factory=hashlib.sha256)
    number: int = 0
    start: int | None = None
    end: int | None = None

    def add(self, packet: Any) -> None:
        self.content.update(packet)
        self.number += 1
        if (time := packet.pts) is not None:
            self.start = time if self.start is None else min(self.start, time)
            self.end = max(self.end or time, time + (packet.duration or 0))

    def of(self, stream: Any) -> Packets:
        codec = stream.codec_context.name if stream.codec_context else ""
        start, end = (float(time * stream.time_base) if time is not None else 0.0 for time in (self.start, self.end))
        return Packets(stream.type, codec, self.number, start, end, self.content.digest())


def streams(
    before: dict[int, Packets], after: dict[int, Packets], episode: Episode, described: Episode
) -> list[Result]:
    """Row 22: every stream of the source is in the described file, packet for packet and at its time."""
    same_container = described.container == episode.container
    problems = []
    for index, source in before.items():
        twin = _twin(index, source, after)
        if twin is None:
            text = say("Stream {number} ({kind}) of the source is not in the described file bit for bit",
                       number=index, kind=say(source.kind))  # fmt: skip
            heard_or_seen = source.kind in ("video", "audio")
            rewrapped = not same_container and _rewrapped(source, after)
            problems.append(Result(22, "copied", "info" if rewrapped or not heard_or_seen else "error", text))
            continue
        shift = (twin.start - described.start_time) - (source.start - episode.start_time)
        if abs(shift) > SHIFT:
            text = say(
                "Stream {number} ({kind}) is moved by {shift:+.3f} s",
                number=index,
                kind=say(source.kind),
                shift=shift,
            )
            problems.append(Result(22, "copied", "error", text, value=round(shift, 3), limit=SHIFT))
    text = say("All {number} original streams are copied bit for bit", number=len(before))
    return or_pass(22, "copied", problems, text)


def _twin(index: int, source: Packets, after: dict[int, Packets]) -> Packets | None:
    """The stream with the same packets; that of the same index where several have them."""
    same = {i: stream for i, stream in after.items() if stream.sha256 == source.sha256}
    return same.get(index) or next(iter(same.values()), None)


def _rewrapped(source: Packets, after: dict[int, Packets]) -> bool:
    """Whether another container holds the stream in its own form of the same packets."""
    return any((s.kind, s.codec, s.number) == (source.kind, source.codec, source.number) for s in after.values())


def track(described: Path, episode: Episode, language: str) -> list[Result]:
    """Row 22: language, name and flags of the new track, and that two decoders open it."""
    problems = [Result(22, "track", "error", text) for text in _track_problems(described, episode, language)]
    return or_pass(22, "track", problems, say("Language, name and accessibility flags are in place"))


def _track_problems(described: Path, episode: Episode, language: str) -> Iterator[Message]:
    import av
    from av.stream import Disposition

    with av.open(f"file:{described}", metadata_errors="replace") as container:
        streams = container.streams.audio
        new, name = streams[-1], "화면해설" if language == "ko" else "Audio description"
        if len(streams) != len(episode.audio_streams) + 1:
            yield say("The described file has {number} audio tracks", number=len(streams))
        wanted = (episode.audio and iso639_2(episode.audio.language)) or language
        if not same_language(new.metadata.get("language"), wanted):
            yield say("The track's language is {language}", language=new.metadata.get("language"))
        named = [new.metadata.get(key) for key in ("title", "name", "handler_name")]
        if name not in named and container.format.name != "mpegts":  # MPEG-TS has no place for a name
            yield say("The track is not named {name}", name=name)
        if not new.disposition & Disposition.visual_impaired:
            yield say("The track is not flagged for the visually impaired")
        if new.disposition & Disposition.default and len(streams) > 1:  # alone, a container makes it the default
            yield say("The described track is the default")
        number = len(streams) - 1
    yield from _player_problems(described, number)


def _player_problems(described: Path, number: int) -> Iterator[Message]:
    """What ffmpeg's own program says to a second of the new track; PyAV has decoded all of it."""
    command = [media.ffmpeg_path(), "-nostdin", "-v", "error", "-xerror", "-t", "1", "-i", f"file:{described}"]
    command += ["-map", f"0:a:{number}", "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:  # what it says besides is of the picture, which may be damaged in the source
        yield say("ffmpeg cannot play it: {cause}", cause=" ".join(done.stderr.split())[:200])


def scripts(
    folder: Path, written: Sequence[Written], lines: Sequence[Spoken], extended: Sequence[Extended] = ()
) -> list[Result]:
    """Row 23: the scripts parse, name the clips that are spoken, and their times are those of the sound."""
    found = _script_problems(folder, written, lines, extended)
    problems = [Result(23, "scripts", "error", text) for text in found]
    return or_pass(23, "scripts", problems, say("The scripts are valid and agree with the sound"))


def _script_problems(
    folder: Path, written: Sequence[Written], lines: Sequence[Spoken], extended: Sequence[Extended]
) -> Iterator[Message]:
    pauses = {line.id: line for line in extended}
    for file in written:
        try:
            content = (folder / file.name).read_bytes()
            broken = FORMATS[file.role].breaches(content) if file.role in FORMATS else []
            yield from (say("{name}: {cause}", name=file.name, cause=problem) for problem in broken)
            if not broken:
                cues = _cues(file, folder / file.name, content)
                yield from _disagreements(file.name, [cue for cue in cues if cue.id not in pauses], lines)
                yield from _pauses(file, [cue for cue in cues if cue.id in pauses], pauses)
        except UserError as error:
            yield say("{name}: {cause}", name=file.name, cause=error)
        except OSError as error:
            yield say("{name} cannot be read ({cause})", name=file.name, cause=error.strerror)


def _cues(file: Written, path: Path, content: bytes) -> list[Cue]:
    """The lines of a script file. Raises UserError where it is none."""
    if file.role in FORMATS:
        return FORMATS[file.role].cues_of(content)
    script = load(path)
    spoken = [Cue(n.id, n.start, n.end, n.text) for n in script.narrations]
    return spoken + [Cue(n.id, n.time, n.until, n.text) for n in script.extended]


def _pauses(file: Written, cues: Sequence[Cue], pauses: Mapping[str, Extended]) -> Iterator[Message]:
    """Where a script differs from the lines for which the film stands still; not every format holds them."""
    wanted = set(pauses) if file.role not in FORMATS or FORMATS[file.role].extended else set()
    if {cue.id for cue in cues} != wanted:
        yield say("{name}: its lines are not the ones that are spoken", name=file.name)
    for cue in cues:
        line = pauses[cue.id]
        if cue.text != one_line(line.text):
            yield say("{name}: another text than is spoken at {start}", name=file.name, start=moment(cue.start))
        if abs(cue.start - line.time) > TIMES:
            yield say("{name}: the picture stands still at {start}, not at {time}", name=file.name,
                      start=moment(line.time), time=moment(cue.start))  # fmt: skip


def _disagreements(name: str, cues: Sequence[Cue], lines: Sequence[Spoken]) -> Iterator[Message]:
    """Where a script differs from the clips, and from where they were found in the stem."""
    if [c.id for c in cues] != [line.clip.id for line in lines]:
        yield say("{name}: its lines are not the ones that are spoken", name=name)
        return
    for cue, line in zip(cues, lines, strict=True):
        if cue.text != one_line(line.clip.text):
            yield say("{name}: another text than is spoken at {start}", name=name, start=moment(cue.start))
        if line.place is None:
            continue
        if abs(cue.start - line.place[0]) > TIMES or abs(cue.end - line.place[1]) > TIMES:
            yield say("{name}: the line of {start}–{end} is heard at {heard}–{until}", name=name,
                      start=moment(cue.start), end=moment(cue.end), heard=moment(line.place[0]),
                      until=moment(line.place[1]))  # fmt: skip
