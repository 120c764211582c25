"""The described film: what was in the source is still there, bit for bit, and the new track lies in time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from data.errors import MediaError
from data.media import audio_blocks, probe
from data.media.mux import DescribedWriter, plan_delivery
from data.records import Episode

Ffmpeg = Callable[..., None]
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2"]
PICTURE = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=4"]
CLICK = "if(between(t,2,2.002),0.8*sin(2*PI*2000*t),0)"
STEREO = ["-f", "lavfi", "-i", f"aevalsrc='{CLICK}|{CLICK}':s=48000:d=4"]
SURROUND = ["-f", "lavfi", "-i", f"aevalsrc='{'|'.join([CLICK] * 6)}':s=48000:d=4:c=5.1"]
CHAPTERS = ";FFMETADATA1\ntitle=우리 집\n" + "".join(
    f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={start + 2000}\ntitle={title}\n"
    for start, title in ((0, "첫 장"), (2000, "둘째 장"))
)
SUBTITLES = "1\n00:00:01,000 --> 00:00:02,000\n안녕\n\n2\n00:00:03,000 --> 00:00:03,500\n그래\n"


@pytest.fixture(scope="module")
def parts(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Chapters, subtitles and a plain film to build others from."""
    folder = tmp_path_factory.mktemp("parts")
    (folder / "chapters.txt").write_text(CHAPTERS)
    (folder / "subtitles.srt").write_text(SUBTITLES)
    ffmpeg(*PICTURE, *STEREO, *X264, "-c:a", "aac", "-metadata:s:a:0", "language=eng", folder / "plain.mp4")
    return folder


def mp4(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:
    inputs = ["-i", parts / "plain.mp4", "-i", parts / "subtitles.srt", "-i", parts / "chapters.txt"]
    second = ["-map", "0:a", "-metadata:s:a:1", "language=kor", "-disposition:a:0", "0", "-disposition:a:1", "default"]
    tags = ["-map_metadata", "2", "-metadata", "creation_time=2020-01-02T03:04:05Z", "-metadata:s:s:0", "language=kor"]
    ffmpeg(*inputs, "-map", "0", *second, "-map", "1", *tags, "-c", "copy", "-c:s", "mov_text", film)


def mkv(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:
    inputs = [*PICTURE, *STEREO, *SURROUND, "-i", parts / "subtitles.srt", "-i", parts / "chapters.txt"]
    maps = ["-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map", "3", "-map_metadata", "4"]
    codecs = [*X264, "-c:a:0", "flac", "-c:a:1", "ac3", "-c:s:0", "srt", "-c:s:1", "ass"]
    attached = ["-attach", parts / "chapters.txt", "-metadata:s:t", "mimetype=application/x-truetype-font"]
    languages = ["-metadata:s:a:0", "language=kor", "-metadata:s:a:1", "language=kor", "-disposition:a:1", "default"]
    ffmpeg(*inputs, *maps, *codecs, *languages, *attached, film)


def hevc(ffmpeg: Ffmpeg, _parts: Path, film: Path) -> None:
    codecs = ["-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=error"]
    ffmpeg(*PICTURE, *STEREO, *codecs, "-c:a", "libopus", film)


def vp9(ffmpeg: Ffmpeg, _parts: Path, film: Path) -> None:
    ffmpeg(*PICTURE, *STEREO, "-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "-c:a", "libopus", film)


def copied(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:
    ffmpeg("-i", parts / "plain.mp4", "-c", "copy", film)


def late_start(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:
    ffmpeg("-itsoffset", "1.5", "-i", parts / "plain.mp4", "-c", "copy", film)


def edited(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:
    ffmpeg("-ss", "1.3", "-i", parts / "plain.mp4", "-c", "copy", film)


def turned(ffmpeg: Ffmpeg, parts: Path, film: Path) -> None:
    ffmpeg("-display_rotation", "90", "-i", parts / "plain.mp4", "-c", "copy", "-timecode", "01:00:00:00", film)


FILMS: dict[str, tuple[Callable[[Ffmpeg, Path, Path], None], str]] = {
    "subtitled.mp4": (mp4, ".mp4"),
    "surround.mkv": (mkv, ".mkv"),
    "hevc.mkv": (hevc, ".mkv"),
    "hevc.mp4": (hevc, ".mp4"),
    "vp9.mkv": (vp9, ".mkv"),
    "film.webm": (vp9, ".mkv"),
    "film.ts": (copied, ".ts"),
    "film.mov": (turned, ".mkv"),
    "late.mp4": (late_start, ".mp4"),
    "late.mkv": (late_start, ".mkv"),
    "edited.mp4": (edited, ".mp4"),
}


def described(episode: Episode, folder: Path, layout: str = "stereo", language: str = "ko") -> Path:
    with DescribedWriter(episode, folder, layout=layout, language=language) as writer:
        for block in audio_blocks(episode, layout=layout):
            writer.write(block)
    return writer.path


def streams(film: Path) -> list[dict[str, Any]]:
    """What each stream is and the MD5 of its packets' bytes; a file's bytes for attachments."""
    import av

    with av.open(str(film)) as container:
        found: list[dict[str, Any]] = []
        stream: Any
        for stream in container.streams:
            codec = stream.codec_context.name if stream.codec_context else stream.name
            found.append({"type": stream.type, "codec": codec, "language": stream.language, "md5": hashlib.md5()})
            found[-1] |= {"flags": stream.disposition, "tags": {k.lower(): v for k, v in stream.metadata.items()}}
            if stream.type == "attachment":
                found[-1]["md5"].update(stream.data)
        for packet in container.demux():
            if packet.size:
                found[packet.stream_index]["md5"].update(hashlib.md5(bytes(packet)).digest())
    return [stream | {"md5": stream["md5"].hexdigest()} for stream in found]


def onset(samples: NDArray[np.float32]) -> float:
    loud = np.abs(samples[:, 0])
    assert loud.max() > 0.05, "there is no click"
    return int(np.argmax(loud > 0.25 * loud.max())) / 48_000


@pytest.mark.parametrize("name", FILMS)
def test_source_is_copied_and_the_new_track_is_in_time(ffmpeg: Ffmpeg, parts: Path, tmp_path: Path, name: str) -> None:
    from av.stream import Disposition

    make, suffix = FILMS[name]
    film = tmp_path / name
    make(ffmpeg, parts, film)
    episode = probe(film)
    result = described(episode, tmp_path)
    assert result.name == f"described{suffix}"

    before = [stream for stream in streams(film) if stream["type"] != "data"]  # hidden chapter track, timecode
    after = [stream for stream in streams(result) if stream["type"] != "data"]
    new = next(s for s in after if s["type"] == "audio" and s["flags"] & Disposition.visual_impaired)
    kept = [stream for stream in after if stream is not new]
    for key in ("type", "codec", "language", "md5", "flags"):
        assert [stream[key] for stream in kept] == [stream[key] for stream in before], key
    assert after.index(new) == len([s for s in before if s["type"] != "attachment"])

    source_language = episode.audio.language if episode.audio else None
    assert new["language"] == (source_language if source_language not in (None, "und") else "kor")
    assert not new["flags"] & Disposition.default
    assert new["codec"] == "aac"
    if suffix != ".ts":  # MPEG-TS has no names for tracks
        assert "화면해설" in (new["tags"].get("title"), new["tags"].get("name"))
        assert new["tags"]["handler_name"] == "화면해설"

    delivered = probe(result)
    assert delivered.audio is not None
    assert delivered.audio.number == (episode.audio.number if episode.audio else None)
    assert delivered.start_time == pytest.approx(episode.start_time, abs=0.001)
    assert delivered.video == episode.video.model_copy(update={"fps": delivered.video.fps})
    clicks = [
        onset(np.concatenate(list(audio_blocks(delivered, delivered.audio_streams[number]))))
        for number in (delivered.audio.number, -1)
    ]
    assert clicks[0] == pytest.approx(clicks[1], abs=0.002)
    assert clicks[1] == pytest.approx(onset(np.concatenate(list(audio_blocks(episode)))), abs=0.002)


@pytest.mark.parametrize("name", ["subtitled.mp4", "surround.mkv", "film.ts"])
def test_same_input_gives_the_same_bytes(ffmpeg: Ffmpeg, parts: Path, tmp_path: Path, name: str) -> None:
    FILMS[name][0](ffmpeg, parts, tmp_path / name)
    contents = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        contents.append(described(probe(tmp_path / name), folder).read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize("name", ["subtitled.mp4", "surround.mkv"])
def test_chapters_and_tags_stay(ffmpeg: Ffmpeg, parts: Path, tmp_path: Path, name: str) -> None:
    import av

    film = tmp_path / name
    FILMS[name][0](ffmpeg, parts, film)
    with av.open(str(film)) as before, av.open(str(described(probe(film), tmp_path))) as after:
        assert len(before.chapters()) == 2
        assert [c["metadata"] for c in after.chapters()] == [c["metadata"] for c in before.chapters()]
        assert after.metadata["title"] == "우리 집"
        assert after.metadata.get("creation_time") == before.metadata.get("creation_time")


def test_faststart(parts: Path, tmp_path: Path) -> None:
    data = described(probe(parts / "plain.mp4"), tmp_path).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(("layout", "channels"), [("mono", 1), ("5.1", 6), ("5.1(side)", 6)])
def test_layouts(ffmpeg: Ffmpeg, tmp_path: Path, layout: str, channels: int) -> None:
    film = tmp_path / "surround.mkv"
    centre = f"aevalsrc='0|0|{CLICK}|0|0|0':s=48000:d=4:c=5.1"
    ffmpeg(*PICTURE, "-f", "lavfi", "-i", centre, *X264, "-c:a", "ac3", film)
    track = probe(described(probe(film), tmp_path, layout)).audio_streams[-1]
    assert track.channels == channels
    if channels == 6:
        samples = np.concatenate(list(audio_blocks(probe(tmp_path / "described.mkv"), track)))
        assert int(np.abs(samples).max(axis=0).argmax()) == 2


def test_english_name(parts: Path, tmp_path: Path) -> None:
    new = streams(described(probe(parts / "plain.mp4"), tmp_path, language="en"))[-1]
    assert new["tags"]["handler_name"] == "Audio description"


def test_film_without_sound_gets_narration_alone(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "silent.mp4"
    ffmpeg(*PICTURE, *X264, film)
    result = streams(described(probe(film, silent_ok=True), tmp_path, "mono"))
    assert [stream["type"] for stream in result] == ["video", "audio"]
    assert result[1]["language"] == "kor"


def test_what_changes_is_told(ffmpeg: Ffmpeg, parts: Path, tmp_path: Path) -> None:
    for name, (make, _) in FILMS.items():
        if name.startswith(("film.", "subtitled.")):
            make(ffmpeg, parts, tmp_path / name)
    subtitled = tmp_path / "subtitled.mov"
    ffmpeg("-i", tmp_path / "subtitled.mp4", "-map", "0:v", "-map", "0:a", "-map", "0:s", "-c", "copy", subtitled)
    plans = {name: plan_delivery(probe(tmp_path / name)) for name in ("subtitled.mp4", "film.ts", "film.webm")}
    assert {name: plan.suffix for name, plan in plans.items()} == {
        "subtitled.mp4": ".mp4", "film.ts": ".ts", "film.webm": ".mkv",
    }  # fmt: skip
    (webm,) = plans.pop("film.webm").notes
    assert str(webm) == "The described film is .mkv, not webm: webm cannot mark an audio description track."
    assert [plan.notes for plan in plans.values()] == [(), ()]
    mov = " ".join(map(str, plan_delivery(probe(tmp_path / "film.mov")).notes))
    assert "Stream 2 (timecode) is left out" in mov
    assert "rewritten as SubRip" in " ".join(map(str, plan_delivery(probe(subtitled)).notes))
    text = [s for s in streams(described(probe(subtitled), tmp_path)) if s["type"] == "subtitle"]
    assert [s["codec"] for s in text] == ["srt"]


def write_silence(
    writer: DescribedWriter, seconds: int, channels: int = 2, then: type[Exception] | None = None
) -> None:
    with writer:
        for _ in range(seconds):
            writer.write(np.zeros((48_000, channels), np.float32))
        if then:
            raise then


def test_an_exception_leaves_nothing_behind(parts: Path, tmp_path: Path) -> None:
    writer = DescribedWriter(probe(parts / "plain.mp4"), tmp_path, layout="stereo", language="ko")
    with pytest.raises(KeyError):
        write_silence(writer, 1, then=KeyError)
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_one_clear_line(parts: Path, tmp_path: Path) -> None:
    writer = DescribedWriter(probe(parts / "plain.mp4"), tmp_path, layout="stereo", language="ko")
    writer.partial.symlink_to("/dev/full")
    with pytest.raises(MediaError, match=r"described\.mp4 cannot be written: .*No space left on device") as caught:
        write_silence(writer, 4)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_dying_ffmpeg_is_an_error_and_not_a_hang(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\nyes 'the muxer is unwell' | head -c 300000 >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr("data.media.mux.ffmpeg_path", lambda: os.fspath(fake))
    writer = DescribedWriter(probe(parts / "plain.mp4"), tmp_path, layout="stereo", language="ko")
    with pytest.raises(MediaError, match="the muxer is unwell"):
        write_silence(writer, 100)
    assert list(tmp_path.iterdir()) == [fake]


def test_wrong_number_of_channels_is_refused(parts: Path, tmp_path: Path) -> None:
    writer = DescribedWriter(probe(parts / "plain.mp4"), tmp_path, layout="5.1", language="ko")
    with pytest.raises(ValueError, match="6 channels"):
        write_silence(writer, 1)
    assert list(tmp_path.iterdir()) == []
