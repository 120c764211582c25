"""The described film for streaming: HLS and DASH with the description as a second audio rendition, marked as such.

HLS: RFC 8216bis and Apple's authoring specification: `CHARACTERISTICS="public.accessibility.describes-video"`.
DASH: ISO/IEC 23009-1 and DASH-IF IOP 4.3: Role `description`, and Accessibility with value 1, "for the visually
impaired", of `urn:tva:metadata:cs:AudioPurposeCS:2007`. What players of both can play is copied, the rest becomes
H.264 and AAC.
"""

from __future__ import annotations

import math
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data.errors import MediaError, UserError
from data.media import ffmpeg_path
from data.scripts.script import Script
from data.text.iso639 import iso639_1

NAMES = {"ko": "한국어 화면해설", "en": "English audio description"}
ORIGINAL = {"ko": "원음", "en": "Original"}
COPIED = {"video": ("h264", "hevc"), "audio": ("aac",)}
SEGMENT = 6
"""Seconds of a segment, as Apple asks for; pictures are cut at keyframes, so that it may be longer."""
MASTER, MANIFEST = "master.m3u8", "manifest.mpd"
DESCRIBES = "public.accessibility.describes-video"
ROLE, PURPOSE = "urn:mpeg:dash:role:2011", "urn:tva:metadata:cs:AudioPurposeCS:2007"


@dataclass(frozen=True)
class Track:
    """One audio track of the described film that becomes a rendition."""

    index: int
    codec: str
    language: str | None
    channels: int
    described: bool


@dataclass(frozen=True)
class Renditions:
    """The described film and what is taken of it: the picture, the programme sound if it has any, the description."""

    path: Path
    video: int
    codec: str
    tracks: tuple[Track, ...]


def hls(described: Path, script: Script, folder: Path) -> Path:
    """Write segments and playlists into `folder`, new or empty; the path of the main one.

    Raises UserError where the folder is in use, MediaError with ffmpeg's reason.
    """
    return _package(described, _hls, MASTER, folder, script.episode.language)


def dash(described: Path, script: Script, folder: Path) -> Path:
    """The same for DASH; the path of the manifest."""
    return _package(described, _dash, MANIFEST, folder, script.episode.language)


def _package(
    described: Path, write: Callable[[Renditions, Path, str], None], main: str, folder: Path, language: str
) -> Path:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError("{folder} is not an empty folder; name a new one with --output", folder=folder)
    source = examine(described, language)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".packaging-", dir=folder.parent) as partial:
        write(source, Path(partial), language)
        if folder.exists():
            folder.rmdir()
        folder.mkdir()
        for file in sorted(Path(partial).iterdir()):
            file.rename(folder / file.name)
    return folder / main


def for_browsers(described: Path, target: Path, language: str) -> None:
    """Write an MP4 whose only sound is the description, ready to be played while it loads.

    A browser plays the default track of a film and offers no other, which in the described film is the original one.
    Picture and sound are copied where browsers know them. Raises MediaError.
    """
    source = examine(described, language)
    options = ["-disposition:a:0", "default", "-movflags", "+faststart", "-f", "mp4"]
    partial = target.with_name(f".{target.name}.partial")
    try:
        _ffmpeg(replace(source, tracks=source.tracks[-1:]), [*options, partial.name], target.parent)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def examine(path: Path, language: str) -> Renditions:
    """The tracks to take of a described film. The description is its last audio track."""
    import av
    from av.stream import Disposition

    try:
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
            audio = list(container.streams.audio)
            if not pictures or not audio:
                raise MediaError("{path} has no picture or no sound; run vdesc run again", path=path)
            *others, description = audio
            programme = [s for s in others if s.disposition & Disposition.default] or others
            tracks = [_track(s, s.language, described=False) for s in programme[:1]]
            tracks.append(_track(description, language, described=True))
            return Renditions(path, pictures[0].index, pictures[0].codec_context.name, tuple(tracks))
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(
            "{path} cannot be read ({reason}); check its rights.", path=path, reason=error.strerror
        ) from error


def _track(stream: Any, language: str | None, *, described: bool) -> Track:
    return Track(stream.index, stream.codec_context.name, iso639_1(language), stream.channels, described)


def _mapped(source: Renditions) -> list[str]:
    """Maps and codecs of the picture and every track, in this order."""
    options = ["-map", f"0:{source.video}"]
    for track in source.tracks:
        options += ["-map", f"0:{track.index}"]
    options += ["-c", "copy"]
    if source.codec not in COPIED["video"]:
        options += ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-force_key_frames", f"expr:gte(t,n_forced*{SEGMENT})"]
    if source.codec == "hevc":
        options += ["-tag:v", "hvc1"]
    for number, track in enumerate(source.tracks):
        if track.codec not in COPIED["audio"]:
            options += [f"-c:a:{number}", "aac", f"-b:a:{number}", f"{64 * max(track.channels, 2)}k"]
        options += [f"-metadata:s:a:{number}", f"language={track.language or 'und'}"]
    return options


def _hls(source: Renditions, folder: Path, language: str) -> None:
    groups = [f"a:{number},agroup:sound,name:{_name(track)}" for number, track in enumerate(source.tracks)]
    streams = " ".join(["v:0,agroup:sound,name:picture", *groups])
    options = ["-f", "hls", "-hls_time", str(SEGMENT), "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4"]
    options += ["-hls_fmp4_init_filename", "%v.init.mp4", "-hls_segment_filename", "%v.%05d.m4s"]
    options += ["-master_pl_name", "ffmpeg.m3u8", "-var_stream_map", streams, "%v.m3u8"]
    _ffmpeg(source, options, folder)
    told = folder / "ffmpeg.m3u8"
    rates = [_rates(folder, name) for name in ("picture", *map(_name, source.tracks))]
    (folder / MASTER).write_text(_master(source, told.read_text(encoding="utf-8"), rates, language), encoding="utf-8")
    told.unlink()


def _name(track: Track) -> str:
    return "described" if track.described else "programme"


def _rates(folder: Path, name: str) -> tuple[int, int]:
    """Peak and average bits a second of one playlist's segments."""
    listed = re.findall(r"#EXTINF:([\d.]+),\n(.+)", (folder / f"{name}.m3u8").read_text(encoding="utf-8"))
    sizes = [((folder / file).stat().st_size * 8, float(length)) for length, file in listed]
    average = sum(bits for bits, _ in sizes) / max(sum(length for _, length in sizes), 0.001)
    peak = max((bits / length for bits, length in sizes if length >= SEGMENT / 2), default=average)
    return math.ceil(max(peak, average)), math.ceil(average)


def _master(source: Renditions, told: str, rates: list[tuple[int, int]], language: str) -> str:
    """The multivariant playlist: size and codecs as ffmpeg told them; rates of the picture with the largest sound."""
    stream = re.search(r"#EXT-X-STREAM-INF:(.*)\npicture\.m3u8", told)
    if stream is None:
        raise MediaError("{ffmpeg} wrote no playlist of the picture; use a newer ffmpeg.", ffmpeg=ffmpeg_path())
    kept = re.sub(r'(?:AVERAGE-)?BANDWIDTH=\d+,?|,?AUDIO="[^"]*"', "", stream[1])
    peak, average = (rates[0][n] + max(rate[n] for rate in rates[1:]) for n in (0, 1))
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines += [_rendition(track, language, alone=len(source.tracks) == 1) for track in source.tracks]
    lines += [f'#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},{kept},AUDIO="sound"', "picture.m3u8"]
    return "\n".join(lines) + "\n"


def _rendition(track: Track, language: str, *, alone: bool) -> str:
    name = NAMES[language] if track.described else ORIGINAL[language]
    values = ["TYPE=AUDIO", 'GROUP-ID="sound"', f'NAME="{name}"']
    values += [f'LANGUAGE="{track.language}"'] if track.language else []
    values += [f"DEFAULT={'NO' if track.described and not alone else 'YES'}", "AUTOSELECT=YES"]
    values += [f'CHARACTERISTICS="{DESCRIBES}"'] if track.described else []
    values += [f'CHANNELS="{track.channels}"', f'URI="{_name(track)}.m3u8"']
    return "#EXT-X-MEDIA:" + ",".join(values)


def _dash(source: Renditions, folder: Path, language: str) -> None:  # noqa: ARG001 – the tracks hold it
    sets = " ".join(f"id={number},streams={number}" for number in range(len(source.tracks) + 1))
    options = ["-f", "dash", "-seg_duration", str(SEGMENT), "-use_template", "1", "-use_timeline", "1"]
    options += [
        "-init_seg_name",
        "$RepresentationID$.init.mp4",
        "-media_seg_name",
        "$RepresentationID$.$Number%05d$.m4s",
    ]
    options += ["-adaptation_sets", sets, MANIFEST]
    _ffmpeg(source, options, folder)
    (folder / MANIFEST).write_bytes(_described_set((folder / MANIFEST).read_bytes(), source))


def _described_set(manifest: bytes, source: Renditions) -> bytes:
    """The manifest with the roles of the sounds; in the order that the schema wants: Accessibility, then Role."""
    from lxml import etree

    root = etree.fromstring(manifest)
    space = f"{{{etree.QName(root).namespace}}}"
    for picture in root.iter(f"{space}AdaptationSet"):
        if picture.get("lang") == "und":
            del picture.attrib["lang"]
    sets = [s for s in root.iter(f"{space}AdaptationSet") if s.get("contentType") == "audio"]
    for track, adaptation in zip(source.tracks, sets, strict=True):
        for old in adaptation.findall(f"{space}Role") + adaptation.findall(f"{space}Accessibility"):
            adaptation.remove(old)
        marks = [("Role", ROLE, "description" if track.described else "main")]
        marks += [("Accessibility", PURPOSE, "1")] if track.described else []
        for tag, scheme, value in marks:
            mark = etree.Element(f"{space}{tag}", schemeIdUri=scheme, value=value)
            mark.tail = "\n\t\t\t"
            adaptation.insert(0, mark)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def _ffmpeg(source: Renditions, options: list[str], folder: Path) -> None:
    """Run it inside `folder`, so that playlists hold bare file names."""
    command = [ffmpeg_path(), "-nostdin", "-v", "error", "-y", "-i", f"file:{source.path.resolve()}"]
    command += [*_mapped(source), *options]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"ffmpeg: {done.returncode}"])[0]
        raise MediaError(
            "{name} cannot be written: {reason}. Check the disk and the film.",
            name=folder.name,
            reason=reason.split("] ", 1)[-1].rstrip("."),
        )
