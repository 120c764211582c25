"""Subtitles: found by name, read in every format and encoding, speech told from sounds."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from data.errors import MediaError
from data.media import probe
from data.subtitles import find_side_file, read, read_descriptions, read_embedded

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>안녕</i>하세요.

2
00:00:03,000 --> 00:00:04,000
- 응.
- 아니.

3
00:00:05,000 --> 00:00:06,000
철수: 열 시 10:30에 봐.

4
00:00:07,000 --> 00:00:08,000
(문 닫히는 소리)

5
00:00:09,000 --> 00:00:10,000
♪ 푸른 하늘 은하수 ♪

6
00:00:11,000 --> 00:00:12,000
[놀라며] 뭐라고?

7
00:00:13,000 --> 00:00:14,000
♪♪
"""


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949"])
def test_srt_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    text = SRT.replace("♪♪", "♪").replace("\n", "\r\n")
    cues = read(write(tmp_path / "a.srt", text, encoding))
    assert [c.text for c in cues if c.spoken] == ["안녕하세요.", "응. 아니.", "열 시 10:30에 봐.", "뭐라고?"]
    assert [(c.start, c.end) for c in cues][:2] == [(1.0, 2.5), (3.0, 4.0)]
    assert cues[2].speaker == "철수"


def test_sounds_and_songs_are_not_dialogue(tmp_path: Path) -> None:
    cues = {c.start: c for c in read(write(tmp_path / "a.srt", SRT))}
    assert (cues[7.0].spoken, cues[7.0].song, cues[7.0].text) == (False, False, "(문 닫히는 소리)")
    assert (cues[9.0].spoken, cues[9.0].song, cues[9.0].text) == (False, True, "푸른 하늘 은하수")
    assert (cues[13.0].spoken, cues[13.0].song) == (False, False)


def test_broken_srt_names_the_line(tmp_path: Path) -> None:
    broken = SRT.replace("00:00:03,000 --> 00:00:04,000", "00:00:03,000 -> 00:00:04")
    with pytest.raises(MediaError, match=r"a\.srt, line 6: .*correct the file"):
        read(write(tmp_path / "a.srt", broken))


@pytest.mark.parametrize("text", ["", "안녕하세요", "<html></html>"])
def test_what_is_no_subtitles_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MediaError, match=r"a\.srt, line 1: neither SRT"):
        read(write(tmp_path / "a.srt", text))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_bytes(b"\xff\x80" * 50)
    with pytest.raises(MediaError, match="encoding"):
        read(tmp_path / "a.srt")


def test_webvtt_voices_notes_and_names(tmp_path: Path) -> None:
    text = """WEBVTT - 예

STYLE
::cue { color: red }

NOTE 00:00:00.000 --> 00:00:09.000
nothing

ad0001
00:01.000 --> 00:02.000 line:80% align:start
<v.loud 영희>잘 <b>가</b> &amp; 또 <00:01.500>와.

01:00:03.000 --> 01:00:04.000
<v 철수>응.
<v 영희>그래.
"""
    first, second = read(write(tmp_path / "a.vtt", text))
    assert (first.start, first.end, first.text, first.speaker) == (1.0, 2.0, "잘 가 & 또 와.", "영희")
    assert (second.start, second.text, second.speaker) == (3603.0, "응. 그래.", "철수")
    with pytest.raises(MediaError, match="line 10: "):
        read(write(tmp_path / "b.vtt", text.replace("00:01.000", "00:01")))


@pytest.mark.parametrize("header", ["WEBVTT\nKind: descriptions\n", "WEBVTT\n\nNOTE kind=descriptions; language=ko\n"])
def test_descriptions_are_no_dialogue(tmp_path: Path, header: str) -> None:
    with pytest.raises(MediaError, match="audio description, not the dialogue"):
        read(write(tmp_path / "a.vtt", header + "\n00:01.000 --> 00:02.000\n문이 열린다.\n"))


def test_the_last_line_of_descriptions_is_as_clean_as_the_others(tmp_path: Path) -> None:
    cues = "00:01.000 --> 00:02.000\n<v 해설>문이 열린다.\n\n00:03.000 --> 00:04.000\n<v 해설>문이 닫힌다.\n"
    (tmp_path / "x.vtt").write_text(f"WEBVTT\n\n{cues}", encoding="utf-8")
    assert [line.text for line in read_descriptions(tmp_path / "x.vtt")] == ["문이 열린다.", "문이 닫힌다."]


SMI = """<SAMI>
<HEAD><TITLE>예</TITLE>
<STYLE TYPE="text/css"><!--
P { margin-left:8pt; }
.KRCC { Name:한국어; lang:ko-KR; SAMIType:CC; }
.ENCC { Name:English; lang:en-US; SAMIType:CC; }
--></STYLE></HEAD>
<BODY>
<SYNC Start=1000><P Class=KRCC>안녕<br>하세요
<SYNC Start=2500><P Class=KRCC>&nbsp;
<SYNC Start=4000><P Class=KRCC><font color="red">잊힌 끝</font>
<SYNC Start=20000><P Class=KRCC>천천히 오래 말한다
<SYNC Start=31500><P Class=KRCC>&nbsp;
<SYNC Start=60000><P Class=KRCC>마지막
<SYNC Start=1000><P Class=ENCC>Hello
<SYNC Start=2000><P Class=ENCC>&nbsp;
</BODY></SAMI>
"""


@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "utf-8"])
def test_smi_holds_languages_in_classes(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "a.smi", SMI, encoding)
    korean = [(c.start, c.end, c.text) for c in read(path, "ko")]
    assert korean == [
        (1.0, 2.5, "안녕 하세요"),
        (4.0, 9.0, "잊힌 끝"),
        (20.0, 31.5, "천천히 오래 말한다"),
        (60.0, 65.0, "마지막"),
    ]
    assert [(c.start, c.end, c.text) for c in read(path, "en")] == [(1.0, 2.0, "Hello")]


def test_smi_without_a_time_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="line 10: the SYNC has no start time"):
        read(write(tmp_path / "a.smi", SMI.replace("Start=2500", "")))


TTML = """<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" xml:lang="ko"
    ttp:frameRate="25" ttp:tickRate="1000">
  <body begin="10s"><div begin="00:00:05">
    <p begin="1s" end="2.5s">오프셋<br/>둘</p>
    <p begin="00:00:03:05" dur="50f">프레임</p>
    <p begin="6000t" end="7000t"><span>[음악]</span></p>
    <p><span begin="8s" end="9s">가</span> <span begin="9s" end="10s">나</span></p>
  </div></body>
</tt>
"""


def test_ttml_offsets_frames_and_ticks(tmp_path: Path) -> None:
    cues = read(write(tmp_path / "a.ttml", TTML))
    assert [(round(c.start, 3), round(c.end, 3), c.text) for c in cues] == [
        (16.0, 17.5, "오프셋 둘"),
        (18.2, 20.2, "프레임"),
        (21.0, 22.0, "[음악]"),
        (23.0, 24.0, "가"),
        (24.0, 25.0, "나"),
    ]
    assert [c.spoken for c in cues] == [True, True, False, True, True]


@pytest.mark.parametrize(("old", "new"), [('end="2.5s"', 'end="soon"'), ("</div>", "")])
def test_broken_ttml_names_the_line(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(MediaError, match=r"line \d+: "):
        read(write(tmp_path / "a.ttml", TTML.replace(old, new)))


def test_ass_styles_names_and_comments(tmp_path: Path) -> None:
    text = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:05.00,0:00:06.00,Default,민수,0,0,0,,{\\i1}나중{\\i0}에\\N봐
Dialogue: 0,0:00:01.00,0:00:02.00,OP - Karaoke,,0,0,0,,달려라
Dialogue: 0,0:00:03.00,0:00:04.00,Signs,,0,0,0,,병원
Comment: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,메모
Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 10 10{\\p0}
"""
    song, sign, line = read(write(tmp_path / "a.ass", text))
    assert (song.song, song.spoken) == (True, False)
    assert (sign.text, sign.spoken, sign.song) == ("병원", False, False)
    assert (line.text, line.speaker, line.start, line.end) == ("나중에 봐", "민수", 5.0, 6.0)


def test_side_file_by_name(tmp_path: Path) -> None:
    film = tmp_path / "1화 [최종].mp4"
    for name in ("1화 [최종]2.srt", "1화.srt", "1화 [최종].descriptions.vtt", "1화 [최종].ko.forced.srt"):
        write(tmp_path / name, SRT)
    assert find_side_file(film, None, "ko") is None
    expected = [
        "1화 [최종].en.vtt",
        "1화 [최종].smi",
        "1화 [최종].srt",
        "1화 [최종]_kor.sdh.SMI",
        "1화 [최종].ko-KR.ass",
    ]
    for name in expected:
        best = write(tmp_path / unicodedata.normalize("NFD", name), SRT)
        assert find_side_file(film, None, "ko") == best
    assert find_side_file(film, None, "en") == tmp_path / unicodedata.normalize("NFD", expected[0])


def test_side_file_given(tmp_path: Path) -> None:
    (tmp_path / "subs").mkdir()
    (tmp_path / "film").mkdir()
    film = tmp_path / "film" / "e1.mkv"
    inside = write(tmp_path / "subs" / "e1.srt", SRT)
    assert find_side_file(film, tmp_path / "subs", "ko") == inside
    assert find_side_file(film, inside, "ko") == inside
    with pytest.raises(MediaError, match="no subtitles named e2"):
        find_side_file(film.with_name("e2.mkv"), tmp_path / "subs", "ko")
    with pytest.raises(MediaError, match="does not exist"):
        find_side_file(film, tmp_path / "nowhere.srt", "ko")
    with pytest.raises(MediaError, match="no subtitle file"):
        find_side_file(film, write(tmp_path / "e1.txt", "x"), "ko")


@pytest.mark.parametrize(("ending", "codec"), [("mkv", "srt"), ("mkv", "ass"), ("mp4", "mov_text"), ("webm", "webvtt")])
def test_embedded_stream(tmp_path: Path, ffmpeg: Callable[..., None], ending: str, codec: str) -> None:
    korean, english = write(tmp_path / "ko.srt", SRT), write(tmp_path / "en.srt", SRT.replace("안녕", "Hello"))
    film = tmp_path / f"film.{ending}"
    sources = ["-f", "lavfi", "-i", "color=s=64x64:r=25:d=15", "-i", english, "-i", korean]
    tags = ["-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=kor"]
    ffmpeg(*sources, "-map", 0, "-map", 1, "-map", 2, "-c:s", codec, *tags, film)
    episode = probe(film, silent_ok=True)
    cues = read_embedded(episode, "ko")
    assert [(round(c.start, 2), round(c.end, 2)) for c in cues][:2] == [(1.0, 2.5), (3.0, 4.0)]
    assert [c.text for c in cues if c.spoken][:2] == ["안녕하세요.", "응. 아니."]
    assert [c.text for c in cues if c.song] == ["푸른 하늘 은하수"]
    assert read_embedded(episode, "en")[0].text == "Hello하세요."


def test_embedded_forced_and_descriptions_are_passed_over(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    side, film = write(tmp_path / "a.srt", SRT), tmp_path / "film.mkv"
    flags = ["-disposition:s:0", "forced", "-disposition:s:1", "descriptions"]
    sources = ["-f", "lavfi", "-i", "color=s=64x64:r=25:d=15", "-i", side, "-i", side]
    ffmpeg(*sources, "-map", 0, "-map", 1, "-map", 2, "-c:s", "srt", *flags, film)
    assert read_embedded(probe(film, silent_ok=True), "ko") == []


def test_human_korean_captions(media: Path) -> None:
    cues = read(media / "ad-text" / "blocks4all_captions_ko.vtt")
    assert len(cues) == 44
    assert next(c.text for c in cues if not c.spoken) == "[경쾌한 피아노 선율]"
    assert all(not c.text.startswith("[") for c in cues if c.spoken)
    assert cues[1].text == "'분'은 외계에 대해서 열정적이예요."
    assert cues[1].speaker == "'분'의 어머니"


def test_human_english_captions(media: Path) -> None:
    cues = read(media / "elephantsdream-text" / "captions.en.vtt")
    assert len(cues) == 78
    assert all(c.spoken for c in cues)
    assert max(c.end for c in cues) == pytest.approx(539.9, abs=0.1)
