"""HLS and DASH of a described film: playlists parsed, segments decoded, the description told apart by its tone."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from lxml import etree

from data.errors import MediaError, UserError
from data.formats import streaming
from tests.data.sample_script import script

SECONDS = 14
TONES = {"programme": 440, "described": 880}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, ffmpeg: Callable[..., None]) -> Path:
    """A described film: a picture, the programme at 440 Hz, the description at 880 Hz."""
    path = tmp_path_factory.mktemp("film") / "described.mp4"
    inputs = ["-f", "lavfi", "-i", f"testsrc2=size=160x90:rate=10:duration={SECONDS}"]
    for tone in TONES.values():
        inputs += ["-f", "lavfi", "-i", f"sine=frequency={tone}:duration={SECONDS}:sample_rate=48000"]
    maps = ["-map", "0", "-map", "1", "-map", "2", "-c:v", "libx264", "-g", "20", "-c:a", "aac"]
    flags = ["-metadata:s:a:0", "language=kor", "-disposition:a:1", "visual_impaired+descriptions"]
    ffmpeg(*inputs, *maps, *flags, path)
    return path


def segments(folder: Path, playlist: str) -> io.BytesIO:
    """The initialisation and all segments of one HLS playlist, joined."""
    text = (folder / playlist).read_text("utf-8")
    names = re.findall(r'#EXT-X-MAP:URI="(.+)"', text) + re.findall(r"#EXTINF:[\d.]+,\n(.+)", text)
    return io.BytesIO(b"".join((folder / name).read_bytes() for name in names))


def heard(content: io.BytesIO) -> tuple[float, float]:
    """Seconds of sound, and the frequency of its strongest tone."""
    with av.open(content) as container:
        rate = container.streams.audio[0].rate
        wave = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    spectrum = np.abs(np.fft.rfft(wave))
    return len(wave) / rate, float(np.argmax(spectrum)) * rate / len(wave)


def attributes(line: str) -> dict[str, str]:
    return {key: value.strip('"') for key, value in re.findall(r'([A-Z-]+)=("[^"]*"|[^,]*)', line)}


@pytest.fixture(scope="module")
def hls(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return streaming.hls(film, script(), tmp_path_factory.mktemp("out") / "화면해설 hls")


def test_the_master_marks_the_description(hls: Path) -> None:
    lines = hls.read_text("utf-8").splitlines()
    assert lines[0] == "#EXTM3U"
    programme, described = (attributes(line) for line in lines if line.startswith("#EXT-X-MEDIA:"))
    assert described == {
        "TYPE": "AUDIO", "GROUP-ID": "sound", "NAME": "한국어 화면해설", "LANGUAGE": "ko", "DEFAULT": "NO",
        "AUTOSELECT": "YES", "CHARACTERISTICS": "public.accessibility.describes-video", "CHANNELS": "1",
        "URI": "described.m3u8",
    }  # fmt: skip
    assert (programme["DEFAULT"], programme["LANGUAGE"], programme["URI"]) == ("YES", "ko", "programme.m3u8")
    assert "CHARACTERISTICS" not in programme
    stream = attributes(next(line for line in lines if line.startswith("#EXT-X-STREAM-INF:")))
    assert stream["AUDIO"] == "sound"
    assert stream["RESOLUTION"] == "160x90"
    assert re.fullmatch(r"avc1\.[0-9a-f]{6},mp4a\.40\.2", stream["CODECS"])
    size = sum(file.stat().st_size for file in hls.parent.glob("*.m4s") if "programme" not in file.name)
    assert int(stream["BANDWIDTH"]) >= int(stream["AVERAGE-BANDWIDTH"]) == pytest.approx(size * 8 / SECONDS, rel=0.05)


@pytest.mark.parametrize("name", ["programme", "described"])
def test_the_segments_hold_the_sound_they_say(hls: Path, name: str) -> None:
    seconds, tone = heard(segments(hls.parent, f"{name}.m3u8"))
    assert seconds == pytest.approx(SECONDS, abs=0.05)
    assert tone == pytest.approx(TONES[name], abs=2)


def test_the_picture_is_whole_and_segments_are_no_longer_than_told(hls: Path) -> None:
    with av.open(segments(hls.parent, "picture.m3u8")) as container:
        assert sum(1 for _ in container.decode(video=0)) == SECONDS * 10
    for name in ("picture", "programme", "described"):
        text = (hls.parent / f"{name}.m3u8").read_text("utf-8")
        lengths = [float(length) for length in re.findall(r"#EXTINF:([\d.]+)", text)]
        target = int(re.findall(r"#EXT-X-TARGETDURATION:(\d+)", text)[0])
        assert len(lengths) > 1
        assert all(round(length) <= target for length in lengths)
        assert sum(lengths) == pytest.approx(SECONDS, abs=0.1)
        assert "#EXT-X-ENDLIST" in text


def test_dash(film: Path, tmp_path: Path) -> None:
    manifest = streaming.dash(film, script(), tmp_path / "dash")
    root = etree.parse(manifest).getroot()
    space = {"m": "urn:mpeg:dash:schema:mpd:2011"}
    picture, programme, described = root.findall(".//m:AdaptationSet", space)
    assert picture.get("contentType") == "video"
    assert [(e.tag.rpartition("}")[2], e.get("schemeIdUri"), e.get("value")) for e in described[:2]] == [
        ("Accessibility", "urn:tva:metadata:cs:AudioPurposeCS:2007", "1"),
        ("Role", "urn:mpeg:dash:role:2011", "description"),
    ]
    assert described.get("lang") == "ko"
    assert [e.get("value") for e in programme.findall("m:Role", space)] == ["main"]
    assert programme.find("m:Accessibility", space) is None
    for adaptation, tone in ((programme, 440), (described, 880)):
        number = adaptation.find("m:Representation", space).get("id")
        files = [manifest.parent / f"{number}.init.mp4", *sorted(manifest.parent.glob(f"{number}.0*.m4s"))]
        seconds, found = heard(io.BytesIO(b"".join(file.read_bytes() for file in files)))
        assert seconds == pytest.approx(SECONDS, abs=0.05)
        assert found == pytest.approx(tone, abs=2)


def test_what_players_cannot_play_is_encoded(film: Path, tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    other = tmp_path / "described.mkv"
    ffmpeg("-i", film, "-t", 3, "-map", "0:v", "-map", "0:a:1", "-c:v", "libvpx", "-c:a", "ac3", other)
    master = streaming.hls(other, script(language="en"), tmp_path / "hls")
    (described,) = (attributes(line) for line in master.read_text("utf-8").splitlines() if "EXT-X-MEDIA:" in line)
    assert (described["NAME"], described["DEFAULT"]) == ("English audio description", "YES")
    with av.open(segments(master.parent, "picture.m3u8")) as container:
        assert container.streams.video[0].codec_context.name == "h264"
    assert heard(segments(master.parent, "described.m3u8"))[1] == pytest.approx(880, abs=2)


def test_a_folder_in_use_is_left_alone(film: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="not an empty folder"):
        streaming.hls(film, script(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_no_film(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be read"):
        streaming.examine(tmp_path / "none.mp4", "ko")
    (tmp_path / "cut.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    with pytest.raises(MediaError):
        streaming.hls(tmp_path / "cut.mp4", script(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".packaging-*"))
