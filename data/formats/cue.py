"""What the timed formats share: a cue, the time code, and labels in the script's language."""

from __future__ import annotations

from dataclasses import dataclass

from data.messages import Lang

NARRATOR = "Narrator"
KOREAN = {
    NARRATOR: "해설",
    "Audio description script": "화면해설 대본",
    "Script": "해설 대본",
    "Line Number": "번호",
    "Timecode In": "시작 시간",
    "Timecode Out": "끝 시간",
    "On-screen note": "화면 글자",
    "Time": "시간",
    "Kind": "구분",
    "Speaker": "화자",
    "Text": "내용",
    "Picture": "화면",
    "dialogue": "대사",
    "description": "화면해설",
    "gap": "대사 공백",
    "extended description": "확장 화면해설",
    "the picture stands still for {seconds} s": "화면 정지 {seconds}초",
    "(speech)": "(말소리)",
    "unsupported: {words}": "근거 없음: {words}",
}
"""The labels of the formats; not messages, for they follow the language of the script and not that of the user."""


@dataclass(frozen=True)
class Cue:
    """A line of a timed file, in seconds of presentation time."""

    id: str
    start: float
    end: float
    text: str
    represents: str = ""
    """DAPT content descriptor; empty in other formats."""


def timecode(seconds: float, decimal: str = ".") -> str:
    """`hh:mm:ss.sss`, rounded to the millisecond."""
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}{decimal}{ms % 1000:03d}"


def label(text: str, language: Lang) -> str:
    """A label in the script's language; itself where no translation exists."""
    return KOREAN.get(text, text) if language == "ko" else text
