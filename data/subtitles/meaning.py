"""What a subtitle line means: who speaks, what is said, or that it names a sound or a song."""

from __future__ import annotations

import re
from dataclasses import dataclass

from data.subtitles.formats import SubtitleLine


@dataclass(frozen=True)
class Subtitle:
    """One subtitle line. Seconds of episode time."""

    start: float
    end: float
    text: str
    """What is said, or the name of the sound; without speaker tags, dashes and markup."""
    speaker: str | None
    spoken: bool
    """Dialogue; False for sounds and songs."""
    song: bool = False
    """Sung words: a sound that narration must not cover."""


NOTE = r"[♪♫♬♩🎵🎶]"
BRACKETED = re.compile(r"\[[^\]]*\]|\([^)]*\)|（[^）]*）|［[^］]*］|【[^】]*】|〔[^〕]*〕")
DASH = re.compile(r"^\s*(?:[-–—‐]|>>)+\s*(?=\S)")
# `철수: …`, `남자 1: …`, `JOHN: …`, `Mrs. Hall: …`; not `10:30`, not a clause that ends in a colon.
LABEL = re.compile(
    r"^\s*(?P<name>[가-힣]{1,8}(?: ?[가-힣\d]{1,6})?|[A-Z][\w'.-]*(?: [A-Z\d][\w'.-]*){0,2})\s*[:：]\s+(?=\S)"
)
# What fansub styles call lines that nobody speaks.
SIGN_STYLE = re.compile(r"\b(signs?|typeset\w*|credits?)\b|간판", re.I)
SONG_STYLE = re.compile(r"\b(songs?|lyrics?|karaoke|op|ed)\b|노래|가사", re.I)


def subtitle_of(line: SubtitleLine) -> Subtitle | None:
    """The meaning of `line`; None where nothing is left of it."""
    marked = re.sub(r"[ \t]+", " ", line.text.replace("\u200b", "").replace("\ufeff", "")).strip()
    if not re.search(r"\w|[♪♫♬♩🎵🎶]", marked):
        return None
    song = bool(re.search(NOTE, marked) or SONG_STYLE.search(line.style.replace("_", " ")))
    labelled, said = _said(re.sub(NOTE, "", BRACKETED.sub(" ", marked)) if not song else _lyrics(marked))
    words = bool(re.search(r"\w", said))
    sign = bool(SIGN_STYLE.search(line.style.replace("_", " ")))
    return Subtitle(
        start=max(0.0, line.start),
        end=line.end,
        text=said if words else " ".join(marked.split()),
        speaker=line.speaker or labelled,
        spoken=words and not song and not sign,
        song=words and song,
    )


def _lyrics(text: str) -> str:
    return re.sub(NOTE + r"|#", "", BRACKETED.sub(" ", text))


def _said(text: str) -> tuple[str | None, str]:
    """The first speaker label of `text` and the lines without labels and dashes, joined."""
    speaker, lines = None, []
    for line in text.split("\n"):
        bare = DASH.sub("", line)
        if label := LABEL.match(bare):
            speaker, bare = speaker or label["name"], bare[label.end() :]
        lines.append(" ".join(bare.split()))
    return speaker, " ".join(line for line in lines if re.search(r"\w|[?!…]", line))
