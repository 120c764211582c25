"""Probe and sound, on films made with ffmpeg: what is in them is known exactly."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from data import messages
from data.errors import MediaError
from data.media import audio_blocks, content_hash, ffmpeg_path, probe, safe_name
from data.text.iso639 import iso639_2

Ffmpeg = Callable[..., None]
PICTURE = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=4"]
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2"]


def clicking(at: float = 2.0, rate: int = 48_000, channels: str = "mono") -> list[str]:
    """ffmpeg input: 4 s of silence with a 2 ms click."""
    tone = f"if(between(t,{at},{at + 0.002}),0.8*sin(2*PI*2000*t),0)"
    count = {"mono": 1, "stereo": 2, "5.1": 6}[channels]
    return ["-f", "lavfi", "-i", f"aevalsrc='{'|'.join([tone] * count)}':s={rate}:d=4:c={channels}"]


def sound(path: Path, **options: object) -> NDArray[np.float32]:
    episode = probe(path)
    return np.concatenate(list(audio_blocks(episode, **options)))  # type: ignore[arg-type]


def onset(samples: NDArray[np.float32], rate: int = 48_000) -> float:
    """Second of the first sample that is a quarter as loud as the loudest."""
    loud = np.abs(samples if samples.ndim == 1 else samples[:, 0])
    assert loud.max() > 0.05, "there is no click"
    return int(np.argmax(loud > 0.25 * loud.max())) / rate


def ffmpeg_onset(path: Path, stream: int = 0) -> float:
    """Where ffmpeg's own decode hears the click, by timestamps."""
    command: list[str | Path] = [
        ffmpeg_path(),
        "-v",
        "error",
        "-i",
        path,
        "-map",
        f"0:a:{stream}",
        "-ac",
        "1",
        "-ar",
        "48000",
    ]
    command += ["-af", "aresample=async=1:first_pts=0:min_hard_comp=0.01", "-f", "f32le", "-"]
    return onset(np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32))


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.mp4", "aac", 48_000),
        ("a44.mp4", "aac", 44_100),
        ("o.mp4", "libopus", 48_000),
        ("a.mkv", "aac", 48_000),
        ("m.mkv", "libmp3lame", 44_100),
        ("v.mkv", "libvorbis", 48_000),
        ("a.mov", "aac", 48_000),
        ("p.mov", "pcm_s16le", 44_100),
        ("a.ts", "aac", 48_000),
        ("c.ts", "ac3", 48_000),
        ("m.avi", "libmp3lame", 48_000),
    ],
)
def test_sound_lies_where_ffmpeg_puts_it(ffmpeg: Ffmpeg, tmp_path: Path, name: str, codec: str, rate: int) -> None:
    film = tmp_path / name
    ffmpeg(*PICTURE, *clicking(rate=rate), *X264, "-c:a", codec, film)
    episode = probe(film)
    samples = sound(film)
    assert len(samples) == round(episode.duration * 48_000)
    assert onset(samples) == pytest.approx(ffmpeg_onset(film), abs=0.002)
    first_picture = {".ts": episode_first_picture(film)}.get(film.suffix, 0.0)
    encoder_padding = 0.0235 if film.suffix == ".avi" else 0.0  # AVI cannot say that the first frame is padding
    assert onset(samples) == pytest.approx(2.0 + first_picture + encoder_padding, abs=0.002)


def episode_first_picture(film: Path) -> float:
    import av

    with av.open(str(film)) as container:
        frame = next(container.decode(video=0))
        assert frame.time is not None
        return frame.time - probe(film).start_time


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_late_sound_is_preceded_by_silence(ffmpeg: Ffmpeg, tmp_path: Path, suffix: str) -> None:
    film = tmp_path / f"late.{suffix}"
    whole = tmp_path / "whole.mp4"
    ffmpeg(*PICTURE, *clicking(), *X264, "-c:a", "aac", whole)
    ffmpeg("-i", whole, "-itsoffset", "1.5", "-i", whole, "-map", "0:v", "-map", "1:a", "-c", "copy", film)
    assert onset(sound(film)) == pytest.approx(3.5, abs=0.002)


def test_start_time_is_episode_time_zero(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "hour.ts"
    ffmpeg(*PICTURE, *clicking(), *X264, "-c:a", "ac3", "-output_ts_offset", "3600", film)
    episode = probe(film)
    assert episode.start_time > 3600
    assert episode.container == "ts"
    assert onset(sound(film)) == pytest.approx(2.0 + episode_first_picture(film), abs=0.002)


def test_length_of_a_matroska_film_that_starts_late(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "late.mkv"
    ffmpeg(*PICTURE, *clicking(), *X264, "-c:a", "ac3", "-output_ts_offset", "10", film)
    assert probe(film).start_time == pytest.approx(10, abs=0.1)
    assert probe(film).duration == pytest.approx(4.0, abs=0.1)


def test_edit_list_cuts_sound_and_picture_alike(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    whole, film = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    ffmpeg(*PICTURE, *clicking(), *X264, "-g", "100", "-c:a", "aac", whole)
    ffmpeg("-ss", "1.3", "-i", whole, "-c", "copy", film)
    assert probe(film).duration == pytest.approx(2.7, abs=0.05)
    assert onset(sound(film)) == pytest.approx(0.7, abs=0.002)


def test_hole_in_time_becomes_silence_and_is_told(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "hole.mkv"
    drop = "noise=drop='between(pts*tb,1,1.8)'"
    ffmpeg(*PICTURE, *clicking(3.0), *X264, "-c:a", "ac3", "-bsf:a", drop, film)
    told: list[tuple[float, float]] = []
    samples = sound(film, damaged=lambda start, end: told.append((start, end)))
    assert onset(samples) == pytest.approx(3.0, abs=0.002)
    assert len(told) == 1
    assert told[0] == pytest.approx((1.0, 1.8), abs=0.05)


def test_51_keeps_channel_order_and_downmixes(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "surround.mkv"
    only_centre = ["-f", "lavfi", "-i", "aevalsrc='0|0|0.5*sin(880*t)|0|0|0':s=48000:d=4:c=5.1"]
    ffmpeg(*PICTURE, *only_centre, *X264, "-c:a", "flac", film)
    episode = probe(film)
    assert episode.audio is not None
    assert (episode.audio.layout, episode.audio.channels) == ("5.1", 6)
    level = np.abs(sound(film)).max(axis=0)
    assert level[2] == pytest.approx(0.5, abs=0.01)
    assert np.delete(level, 2).max() == 0
    assert sound(film, layout="stereo").shape[1] == 2
    assert sound(film, layout="mono", rate=16_000).shape == (64_000, 1)


def test_blocks_have_the_asked_length_and_end_with_the_film(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    ffmpeg(*PICTURE, *clicking(), *X264, "-c:a", "aac", film)
    lengths = [len(block) for block in audio_blocks(probe(film), seconds=1.5, rate=16_000)]
    assert lengths == [24_000, 24_000, 16_000]


def test_film_without_sound(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "silent.mp4"
    ffmpeg(*PICTURE, *X264, film)
    with pytest.raises(MediaError, match="--silent-ok"):
        probe(film)
    episode = probe(film, silent_ok=True)
    assert episode.audio is None
    silence = np.concatenate(list(audio_blocks(episode)))
    assert silence.shape == (192_000, 1)
    assert not silence.any()


@pytest.fixture(scope="module")
def many_tracks(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tracks: 1 description (first, default), 2 English, 3 Korean, 4 a Korean commentary by its title."""
    film = tmp_path_factory.mktemp("tracks") / "tracks.mkv"
    maps = ["-map", "0:v", *["-map", "1:a"] * 4]
    tags = [("language", "kor"), ("language", "eng"), ("language", "kor"), ("language", "kor")]
    metadata = [w for i, (k, v) in enumerate(tags) for w in (f"-metadata:s:a:{i}", f"{k}={v}")]
    flags = ["-disposition:a:0", "default+visual_impaired", "-disposition:a:1", "default", "-disposition:a:2", "0"]
    title = ["-metadata:s:a:3", "title=감독 코멘터리", "-disposition:a:3", "default"]
    ffmpeg(*PICTURE, *clicking(), *maps, *X264, "-c:a", "aac", *metadata, *flags, *title, film)
    return film


@pytest.mark.parametrize(
    ("track", "language", "number"),
    [
        (None, None, 1),
        (None, "ko", 2),
        (None, "en", 1),
        ("ko", None, 2),
        ("kor", None, 2),
        ("1", None, 0),
        ("4", "ko", 3),
    ],
)
def test_programme_track(many_tracks: Path, track: str | None, language: str | None, number: int) -> None:
    audio = probe(many_tracks, audio_track=track, language=language).audio
    assert audio is not None
    assert audio.number == number


def test_missing_track_lists_what_is_there(many_tracks: Path) -> None:
    with pytest.raises(MediaError, match=r"no audio track fra; it has: 1 \(kor, mono\), 2 \(eng, mono\)"):
        probe(many_tracks, audio_track="fra")
    with pytest.raises(MediaError, match="no audio track 5"):
        probe(many_tracks, audio_track="5")


@pytest.mark.parametrize(
    ("degrees", "rotation", "size"), [(90, 270, (90, 160)), (-90, 90, (90, 160)), (180, 180, (160, 90))]
)
def test_rotation(ffmpeg: Ffmpeg, tmp_path: Path, degrees: int, rotation: int, size: tuple[int, int]) -> None:
    plain, film = tmp_path / "plain.mp4", tmp_path / "turned.mp4"
    ffmpeg(*PICTURE, *clicking(), *X264, "-c:a", "aac", plain)
    ffmpeg("-display_rotation", degrees, "-i", plain, "-c", "copy", film)  # ffmpeg counts counter-clockwise
    video = probe(film).video
    assert video.rotation == rotation
    assert (video.width, video.height) == size


def test_cover_art_is_not_the_picture(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    cover, film, song = tmp_path / "cover.png", tmp_path / "film.mp4", tmp_path / "song.m4a"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=640x640", "-frames:v", "1", cover)
    both = ["-disposition:v:0", "attached_pic", "-c:v:0", "copy"]
    ffmpeg(
        "-i", cover, *PICTURE, *clicking(), "-map", "0", "-map", "1", "-map", "2", "-c:v:1", "libx264", *both, film
    )  # fmt: skip
    ffmpeg("-i", cover, *clicking(), "-map", "0", "-map", "1", *both, "-f", "mp4", song)
    assert probe(film).video.width == 160
    with pytest.raises(MediaError, match="no moving picture"):
        probe(song)


@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("a.mp4", "mp4"),
        ("a.m4v", "mp4"),
        ("a.mov", "mov"),
        ("a.mkv", "mkv"),
        ("a.webm", "webm"),
        ("a.ts", "ts"),
        ("a.avi", "avi"),
    ],
)
def test_container_family_is_told_by_content(ffmpeg: Ffmpeg, tmp_path: Path, name: str, container: str) -> None:
    film, renamed = tmp_path / name, tmp_path / "film.bin"
    codecs = ["-c:v", "libvpx", "-c:a", "libopus"] if container == "webm" else [*X264, "-c:a", "aac"]
    muxer = ["-f", "mp4"] if name.endswith("m4v") else []
    ffmpeg("-t", "1", *PICTURE, "-t", "1", *clicking(0.5), *codecs, *muxer, film)
    film.rename(renamed)
    assert probe(renamed).container == container


@pytest.mark.parametrize("name", ["우리 집 1화.mp4", 'it\'s "quoted".mp4', "a:b.mp4", "-dash.mp4", "100%d.mp4"])
def test_names_of_all_sorts(ffmpeg: Ffmpeg, tmp_path: Path, name: str) -> None:
    made = tmp_path / "made.mp4"
    ffmpeg(*PICTURE, *clicking(), *X264, "-c:a", "aac", made)
    film = made.rename(tmp_path / name)
    assert onset(sound(film)) == pytest.approx(2.0, abs=0.002)
    assert probe(film).id == safe_name(film.stem)


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("우리 집 1화", "우리 집 1화"),
        ("a/b:c?", "a_b_c_"),
        ("..", "episode"),
        ("", "episode"),
        (" x. ", "x"),
        ("-rf", "_rf"),
    ],
)
def test_safe_names(stem: str, name: str) -> None:
    assert safe_name(stem) == name
    assert len(safe_name("가" * 300).encode()) <= 200


def test_length_is_measured_where_the_container_is_silent(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "stream.flv"
    ffmpeg(*PICTURE, *clicking(), *X264, "-c:a", "aac", "-flvflags", "no_duration_filesize", film)
    assert probe(film).duration == pytest.approx(4.0, abs=0.1)


def test_hash_and_identity_do_not_depend_on_the_place(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film, moved = tmp_path / "a.mp4", tmp_path / "b.mp4"
    ffmpeg(*PICTURE, *clicking(), *X264, "-c:a", "aac", film)
    here = probe(film)
    assert here.content == content_hash(film) == hashlib.sha256(film.read_bytes()).hexdigest()
    film.rename(moved)
    assert probe(moved).identity() == here.identity()


def test_files_that_are_no_films(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    text, empty, picture = tmp_path / "text.mp4", tmp_path / "empty.mp4", tmp_path / "picture.mp4"
    plain, subtitles, noise = tmp_path / "notes.txt", tmp_path / "film.srt", tmp_path / "noise.mkv"
    text.write_text("이것은 영상이 아닙니다.\n" * 50)
    plain.write_text("not a film\n" * 50)
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n")
    empty.touch()
    noise.write_bytes(random.Random(1).randbytes(50_000))
    ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", "-f", "image2", picture)
    for path, message in [
        (tmp_path / "none.mp4", "does not exist"),
        (tmp_path, "is a folder or device"),
        (empty, "is empty"),
        (text, "not a film|no moving picture"),
        (plain, "not a film|no moving picture"),
        (subtitles, "no moving picture"),
        (picture, "no moving picture"),
        (noise, "not a film"),
        (tmp_path / ("a" * 300), "does not exist"),
    ]:
        with pytest.raises(MediaError, match=message) as caught:
            probe(path)
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"x")
    film.chmod(0)
    with pytest.raises(MediaError, match="may not be read"):
        probe(film)


def test_cut_off_before_the_index(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    ffmpeg(*PICTURE, *clicking(), *X264, "-c:a", "aac", film)
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    with pytest.raises(MediaError, match="cut off"):
        probe(film)
    messages.use("ko")
    with pytest.raises(MediaError, match="잘렸습니다"):
        probe(film)


def test_one_picture_is_a_film_and_none_is_not(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    one, none = tmp_path / "one.mp4", tmp_path / "none.mkv"
    ffmpeg(*PICTURE, "-frames:v", "1", *X264, one)
    assert probe(one, silent_ok=True).duration == pytest.approx(0.04)
    ffmpeg(*PICTURE, "-t", "0.5", *X264, "-bsf:v", "noise=drop=1", none)
    with pytest.raises(MediaError, match=r"No picture|not a film"):
        probe(none, silent_ok=True)


def test_missing_subtitles_are_an_error(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    ffmpeg(*PICTURE, *clicking(), *X264, "-c:a", "aac", film)
    with pytest.raises(MediaError, match=r"none\.srt does not exist"):
        probe(film, subtitles=tmp_path / "none.srt")


def test_unknown_sound_codec(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    ffmpeg(*PICTURE, *clicking(), *X264, "-c:a", "aac", film)
    film.write_bytes(film.read_bytes().replace(b"A_AAC", b"A_ZZZ"))
    with pytest.raises(MediaError, match="cannot be decoded"):
        probe(film)


@pytest.fixture(scope="module")
def noisy(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 s of picture and noise, so that every packet of sound has bytes to damage."""
    film = tmp_path_factory.mktemp("noisy") / "noisy.mp4"
    video = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=20"]
    noise = ["-f", "lavfi", "-i", "anoisesrc=d=20:a=0.3:seed=1"]
    ffmpeg(*video, *noise, *X264, "-c:a", "aac", "-movflags", "+faststart", film)
    return film


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_damaged_stretch_is_told_and_the_rest_decoded(ffmpeg: Ffmpeg, noisy: Path, tmp_path: Path, suffix: str) -> None:
    whole, film = tmp_path / f"whole.{suffix}", tmp_path / f"damaged.{suffix}"
    ffmpeg("-i", noisy, "-c", "copy", whole)
    data = bytearray(whole.read_bytes())
    middle, rest = len(data) // 2, random.Random(1)
    data[middle : middle + len(data) // 20] = rest.randbytes(len(data) // 20)
    film.write_bytes(data)
    told: list[tuple[float, float]] = []
    samples = sound(film, damaged=lambda start, end: told.append((start, end)))[:, 0]
    assert told
    assert all(8 < start < end < 16 for start, end in told)
    for start, end in told:
        assert not samples[round((start + 0.03) * 48_000) : round((end - 0.03) * 48_000)].any()
    original = sound(whole)[17 * 48_000 : 19 * 48_000, 0]
    shifted = (samples[17 * 48_000 + lag : 19 * 48_000 + lag] for lag in range(-48, 49))  # Matroska rounds to 1 ms
    assert min(float(np.abs(late - original).max()) for late in shifted) < 1e-4


def test_cut_off_film_tells_of_its_missing_end(noisy: Path, tmp_path: Path) -> None:
    film = tmp_path / "cut.mp4"
    film.write_bytes(noisy.read_bytes()[: noisy.stat().st_size * 2 // 3])
    told: list[tuple[float, float]] = []
    assert len(sound(film, damaged=lambda start, end: told.append((start, end)))) == 20 * 48_000
    assert told[-1][1] == pytest.approx(20.0, abs=0.1)
    assert 11 < told[-1][0] < 15


def test_language_codes() -> None:
    assert [iso639_2(code) for code in ("ko", "KOR", "ko-KR", "ger", "de", "zh_TW", "chi")] == [
        "kor", "kor", "kor", "deu", "deu", "zho", "zho",
    ]  # fmt: skip
    assert [iso639_2(code) for code in (None, "", "und", "한국어", "zxx")] == [None] * 5


def test_real_films(media: Path) -> None:
    surround = probe(media / "rabbit-ad" / "video.mp4")
    assert surround.audio is not None
    assert surround.audio.layout == "5.1"
    film = probe(media / "bbb-30s" / "big_buck_bunny_0_30.webm")
    assert (film.container, film.video.codec) == ("webm", "vp8")
    assert film.duration == pytest.approx(30.0, abs=0.05)
    assert film.audio is not None
    assert film.audio.rate == 44_100
