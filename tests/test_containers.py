"""Every kind of film described by the command a user types: nothing original is touched, the new track is right."""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.container import InputContainer
from av.stream import Disposition
from short_film import LENGTH, X264, Ffmpeg, ingredients, vdesc

from data.media import audio_blocks, probe
from data.records import Episode

pytestmark = pytest.mark.slow

AAC = ["-c:a", "aac"]
VP9 = ["-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "-row-mt", "1"]
TEN_BIT = ["-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=error"]
AV1 = ["-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=2"]
KOREAN, ENGLISH = ["-metadata:s:a:0", "language=kor"], ["-metadata:s:a:1", "language=eng"]
Film = Callable[[Ffmpeg, Path, Path], None]
"""Writes a film from the ingredients in a folder: `film(ffmpeg, folder, path)`."""


def put_together(*options: object) -> Film:
    """A film of picture and sound with these options of ffmpeg; `@` stands for the folder of the ingredients."""

    def film(ffmpeg: Ffmpeg, parts: Path, path: Path) -> None:
        inputs = ["-i", parts / "picture.mkv", "-i", parts / "sound.wav", "-i", parts / "lines.srt"]
        ffmpeg(*inputs, *(str(option).replace("@", f"{parts}/") for option in options), path)

    return film


def turned(ffmpeg: Ffmpeg, parts: Path, path: Path) -> None:
    upright = parts / "upright.mp4"
    put_together("-vf", "transpose=1", *X264, *AAC)(ffmpeg, parts, upright)
    ffmpeg("-display_rotation", 90, "-i", upright, "-c:v", "copy", "-c:a", "pcm_s16le", path)


def korean_tags(ffmpeg: Ffmpeg, parts: Path, path: Path) -> None:
    """Tags in CP949, as older Korean tools write them."""
    put_together(*X264, *AAC, "-metadata", "title=TITLE", "-metadata:s:a:0", "title=SOUND")(ffmpeg, parts, path)
    title, sound = ("가나!".encode("cp949"), "소리!".encode("cp949"))
    path.write_bytes(path.read_bytes().replace(b"TITLE", title).replace(b"SOUND", sound))


def branded(ffmpeg: Ffmpeg, parts: Path, path: Path) -> None:
    """QuickTime with a cover, which only the MP4 muxer writes."""
    quicktime = ["-f", "mp4", "-brand", "qt  "]
    put_together("-i", "@0.png", *COVER, *X264, *AAC, "-c:v:1", "copy", *quicktime)(ffmpeg, parts, path)


COVER = ["-map", "0", "-map", "1", "-map", "3", "-disposition:v:1", "attached_pic"]
TWO_SOUNDS = ["-map", "0:v", "-map", "1:a", "-map", "1:a", "-map", "2"]
SECOND_IS_DEFAULT = ["-disposition:a:0", "0", "-disposition:a:1", "default"]
VARIABLE = ["-vf", "select='not(eq(mod(n,7),3))*not(between(n,120,128))'", "-fps_mode", "vfr"]
FILMS: dict[str, Film] = {
    "b frames, two sounds and subtitles.mp4": put_together(
        *TWO_SOUNDS, *X264, *AAC, "-ac", 2, "-c:s", "mov_text", *KOREAN, *ENGLISH, *SECOND_IS_DEFAULT
    ),
    "vp9 opus.mkv": put_together(*VP9, "-c:a", "libopus", *KOREAN),
    "cover.mp4": put_together("-i", "@0.png", *COVER, *X264, *AAC, "-c:v:1", "copy"),
    "hevc ten bit.mkv": put_together(*TEN_BIT, "-c:a", "flac"),
    "two languages.mkv": put_together(
        *TWO_SOUNDS, *X264, "-c:a:0", "ac3", "-c:a:1", "aac", "-c:s", "srt", *KOREAN, *ENGLISH, *SECOND_IS_DEFAULT,
        "-attach", "@0.png", "-metadata:s:t", "mimetype=image/png", "-metadata:s:t", "filename=0.png",
    ),
    "web.webm": put_together(*VP9, "-c:a", "libopus"),
    "turned.mov": turned,
    "cover.mov": branded,
    "late.ts": put_together(*X264, *AAC, "-output_ts_offset", 37.5, *KOREAN),
    "broadcast.ts": put_together("-r", 50, *X264, "-c:a", "mp2", "-ac", 2, *KOREAN),
    "surround.mkv": put_together(*X264, "-af", "pan=5.1|FC=c0|FL=0.2*c0|FR=0.2*c0", "-c:a", "ac3"),
    "surround.mp4": put_together(*X264, "-af", "pan=5.1|FC=c0|FL=0.2*c0|FR=0.2*c0", "-c:a", "aac"),
    "mono 44100.mp4": put_together(*X264, *AAC, "-ar", 44_100, "-ac", 1),
    "cinema rate.mp4": put_together("-r", "24000/1001", *X264, *AAC),
    "variable rate.mkv": put_together(*VARIABLE, *X264, *AAC),
    "variable rate.mp4": put_together(*VARIABLE, *X264, *AAC),
    "tags in CP949.mkv": korean_tags,
    "av1.mp4": put_together(*AV1, *AAC),
    "old.avi": put_together("-c:v", "mpeg4", "-bf", 2, "-c:a", "mp3"),
    '이것은 "영화" it\'s.mp4': put_together(*X264, *AAC, *KOREAN),
}  # fmt: skip


@dataclass(frozen=True)
class Described:
    """A film, its results and what the command said."""

    film: Path
    out: Path
    said: str

    @property
    def file(self) -> Path:
        (file,) = self.out.glob("described.*")
        return file

    @functools.cached_property
    def report(self) -> Any:
        return json.loads((self.out / "report.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, ffmpeg: Ffmpeg) -> Path:
    return ingredients(tmp_path_factory.mktemp("parts"), ffmpeg)


@pytest.fixture(scope="module", params=FILMS)
def described(
    request: pytest.FixtureRequest, parts: Path, ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory
) -> Described:
    """Each film, described once."""
    film = tmp_path_factory.mktemp("film") / request.param
    FILMS[request.param](ffmpeg, parts, film)
    done = vdesc("run", "--config", "embedded", film.name, "--language", "en", cwd=film.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    (out,) = (film.parent / "out").glob("[!.]*")
    return Described(film, out, done.stdout)


def opened(film: Path) -> InputContainer:
    return av.open(str(film), metadata_errors="replace")


def test_the_check_finds_nothing_wrong(described: Described) -> None:
    found = [f["text"] for f in described.report["findings"] if f["severity"] in ("warning", "error")]
    assert (described.report["verdict"], found) == ("pass", [])
    assert described.report["spoken"] >= 1


def test_every_original_stream_is_the_same_packet_for_packet(described: Described) -> None:
    before, after = packets(described.film), packets(described.file)
    assert before.items() <= after.items()


def packets(film: Path) -> dict[tuple[object, ...], str]:
    """Kind, number among its kind and whether it is played by default, of pictures and sounds → digest of packets."""
    seen: Counter[object] = Counter()
    hashes: dict[int, tuple[tuple[object, ...], Any]] = {}
    with opened(film) as container:
        for stream in container.streams:
            if stream.type in ("video", "audio"):
                kind = "cover" if stream.disposition & Disposition.attached_pic else stream.type
                default = bool(stream.disposition & Disposition.default)
                hashes[stream.index] = (kind, seen[kind], default), hashlib.sha256()
                seen[kind] += 1
        for packet in container.demux([container.streams[index] for index in hashes]):
            hashes[packet.stream.index][1].update(bytes(packet))
    return {name: digest.hexdigest() for name, digest in hashes.values()}


def test_the_new_track_says_what_it_is(described: Described) -> None:
    with opened(described.film) as before, opened(described.file) as after:
        assert len(after.streams.audio) == len(before.streams.audio) + 1
        new = after.streams.audio[-1]
        assert new.disposition & Disposition.visual_impaired
        assert not new.disposition & Disposition.default
        programme = probe(described.film, content="", language="en").audio
        assert programme is not None
        assert new.language == (programme.language if programme.language not in (None, "und") else "eng")
        named = [new.metadata.get(key) for key in ("title", "handler_name")]
        assert "Audio description" in named or after.format.name == "mpegts"


def test_the_new_track_is_in_step_with_the_programme_beside_it(described: Described) -> None:
    """The spoken line at the start of the film lies at the same time in both tracks of the described file."""
    source = probe(described.film, content="", language="en")
    episode = probe(described.file, content="")
    assert source.audio is not None
    programme, new = (heard(episode, n) for n in (source.audio.number, -1))
    correlation = np.correlate(new, programme[1600:-1600], "valid")
    assert abs(int(np.argmax(correlation)) - 1600) / 16_000 < 0.005


def heard(episode: Episode, number: int) -> Any:
    """The first 1.7 seconds of one sound of a film, 16 kHz; nothing is narrated there."""
    track = episode.audio_streams[number]
    blocks = audio_blocks(episode, track, rate=16_000, layout="mono")
    return np.concatenate(list(blocks))[: round(1.7 * 16_000), 0]


def test_length_and_picture_stay_as_they_were(described: Described) -> None:
    before, after = (probe(path, content="") for path in (described.film, described.file))
    assert abs(after.duration - before.duration) < 0.05
    assert abs(after.duration - LENGTH) < 0.2
    same = ("width", "height", "rotation", "codec")
    assert [getattr(before.video, key) for key in same] == [getattr(after.video, key) for key in same]
    assert (after.video.rotation != 0) == (described.film.stem == "turned")


def test_the_container_follows_the_source_or_the_reason_is_told(described: Described) -> None:
    if described.film.suffix in (".mp4", ".mkv", ".ts"):
        assert described.file.suffix == described.film.suffix
    else:
        assert described.file.suffix == ".mkv"
        assert "The described film is .mkv, not" in described.said


def test_subtitles_and_attached_files_stay(described: Described) -> None:
    with opened(described.film) as before, opened(described.file) as after:
        assert [s.codec_context.name for s in after.streams.subtitles] == [
            s.codec_context.name for s in before.streams.subtitles
        ]
        kinds = ("attachment", "data")
        assert [s.type for s in after.streams if s.type in kinds] == [s.type for s in before.streams if s.type in kinds]
