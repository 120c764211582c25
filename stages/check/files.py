"""Rows 22 and 23, and the proof that the original streams are untouched."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from data import media
from data.errors import UserError
from data.formats import dapt, dapt_rules, vtt
from data.formats.cue import Cue
from data.iso639 import iso639_2, same_language
from data.messages import tr
from data.records import Episode, Written
from data.script import load
from stages.check.findings import Result, moment, or_pass
from stages.check.measure import Measured
from stages.check.timing import Spoken

TIMES = 0.015  # s; row 23
EDGE = 0.08  # s: silence kept before and after the voice in a clip, and the grain of the measurement


def track(described: Path, episode: Episode, language: str) -> list[Result]:
    """Row 22: language, name and flags of the new track, and that two decoders open it."""
    problems = [Result(22, "track", "error", text) for text in _track_problems(described, episode, language)]
    return or_pass(22, "track", problems, tr("Language, name and accessibility flags are in place"))


def _track_problems(described: Path, episode: Episode, language: str) -> Iterator[str]:
    import av
    from av.stream import Disposition

    with av.open(str(described)) as container:
        streams = container.streams.audio
        new, name = streams[-1], "화면해설" if language == "ko" else "Audio description"
        if len(streams) != len(episode.audio_streams) + 1:
            yield tr("The described file has {number} audio tracks", number=len(streams))
        wanted = (episode.audio and iso639_2(episode.audio.language)) or language
        if not same_language(new.metadata.get("language"), wanted):
            yield tr("The track's language is {language}", language=new.metadata.get("language"))
        named = [new.metadata.get(key) for key in ("title", "name", "handler_name")]
        if name not in named and container.format.name != "mpegts":  # MPEG-TS has no place for a name
            yield tr("The track is not named {name}", name=name)
        if not new.disposition & Disposition.visual_impaired:
            yield tr("The track is not flagged for the visually impaired")
        if new.disposition & Disposition.default:
            yield tr("The described track is the default")
    command = [media.ffmpeg_path(), "-v", "error", "-t", "1", "-i", str(described), "-map", "0:a", "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or done.stderr.strip():
        yield tr("ffmpeg cannot play it: {cause}", cause=" ".join(done.stderr.split())[:200])


def streams(source: Path, described: Path, same_container: bool) -> list[Result]:
    """Row 22: every stream of the source is in the described file, packet for packet."""
    before, after = _packets(source), _packets(described)
    missing = [index for index, content in before.items() if content not in after.values()]
    if not missing:
        return [Result(22, "copied", "pass", tr("Every original stream is copied bit for bit"))]
    text = tr("Streams {numbers} of the source are not in the described file bit for bit", numbers=missing)
    return [Result(22, "copied", "error" if same_container else "info", text)]


def _packets(path: Path) -> dict[int, str]:
    """Stream index → SHA-256 over its packets; streams without packets are left out."""
    import av

    hashes: dict[int, hashlib._Hash] = {}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.size:
                hashes.setdefault(packet.stream.index, hashlib.sha256()).update(bytes(packet))
    return {index: value.hexdigest() for index, value in hashes.items()}


def scripts(folder: Path, written: Sequence[Written], lines: Sequence[Spoken], measured: Measured) -> list[Result]:
    """Row 23: the scripts parse, name the clips that are spoken, and their times are those of the sound."""
    problems = [Result(23, "scripts", "error", text) for text in _script_problems(folder, written, lines, measured)]
    return or_pass(23, "scripts", problems, tr("The scripts are valid and agree with the sound"))


def _script_problems(
    folder: Path, written: Sequence[Written], lines: Sequence[Spoken], measured: Measured
) -> Iterator[str]:
    for file in written:
        content = (folder / file.name).read_bytes()
        try:
            if file.role == "dapt":
                yield from (f"{file.name}: {problem}" for problem in dapt_rules.validate(content))
                yield from _disagreements(file.name, dapt.read(content), lines, measured)
            elif file.role == "vtt":
                yield from _disagreements(file.name, vtt.read(content), lines, measured)
            elif file.role == "script":
                narrations = load(folder / file.name).narrations
                cues = [Cue(n.id, n.start, n.end, n.text) for n in narrations]
                yield from _disagreements(file.name, cues, lines, measured)
        except UserError as error:
            yield f"{file.name}: {error}"


def _disagreements(name: str, cues: Sequence[Cue], lines: Sequence[Spoken], measured: Measured) -> Iterator[str]:
    if [c.id for c in cues] != [line.clip.id for line in lines]:
        yield tr("{name}: its lines are not the ones that are spoken", name=name)
        return
    ends = [0.0, *(cue.end for cue in cues)]  # the line before may end close by
    for cue, line, earliest in zip(cues, lines, ends, strict=False):
        voice = measured.voiced_within(max(cue.start - 0.5, earliest), cue.end) if line.voice else None
        if cue.text != line.clip.text:
            yield tr("{name}: another text than is spoken at {start}", name=name, start=moment(cue.start))
        if voice and not cue.start - TIMES <= voice[0] <= cue.start + TIMES + EDGE:
            yield tr("{name}: the voice starts at {voice}, the cue at {start}", name=name, voice=moment(voice[0]),
                     start=moment(cue.start))  # fmt: skip
