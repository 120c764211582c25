"""On-screen text across keyframes: lines to blocks, blocks to tracks in time, and the role each plays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from data.records import Box, Keyframe, OnScreenText, TextRegion
from stages.context.reading import heard, overlap, plain, same_text
from stages.context.speech import Speech

Role = Literal["title", "sign", "subtitle"]

SUBTITLE_TOP = 0.72
"""Burned-in dialogue stands with its middle below this share of the height (bottom quarter and safe area)."""
CENTRED = 0.15
"""How far from the middle of the width a centred text may stand, as a share of the width."""
SUBTITLES_AT_LEAST = 3
"""So many texts on one line low in the middle while people speak make burned-in dialogue; one or two are captions of a
place."""
SAME_SIZE = 1.4
"""Burned-in dialogue is set in one size; readers' boxes differ by this much with the letters in them."""
BLACK = 30.0
"""Mean luma of a card: letters on black."""
TITLE_WORDS = 10
"""A title has at most so many words."""
SPEECH_NEAR = 1.0
"""Seconds an utterance may be off the keyframe that shows it as a subtitle."""


@dataclass(frozen=True)
class Seen:
    """A block of text on one keyframe: one or more lines that stand together."""

    keyframe: Keyframe
    text: str
    score: float
    box: Box
    first_seen: float
    last_seen: float
    lines: int

    @property
    def line_height(self) -> float:
        """Height of one line, as a share of the picture's height."""
        return self.box[3] / self.lines

    @property
    def centred(self) -> bool:
        """Whether it stands in the middle of the width."""
        return abs(self.box[0] + self.box[2] / 2 - 0.5) < CENTRED

    @property
    def low(self) -> bool:
        """Whether it stands where burned-in dialogue stands."""
        return self.box[1] + self.box[3] / 2 > SUBTITLE_TOP and self.centred


Track = list[Seen]
"""The same text on several keyframes, in order of time."""


def blocks(keyframe: Keyframe, regions: Sequence[TextRegion]) -> list[Seen]:
    """Join lines that stand under each other, of like size and less than a line apart."""
    found: list[Seen] = []
    for region in sorted(regions, key=lambda r: (r.box[1], r.box[0])):
        line = Seen(keyframe, region.text, region.score, region.box, region.first_seen, region.last_seen, 1)
        above = next((b for b in reversed(found) if _under(b, line)), None)
        if above is None:
            found.append(line)
        else:
            found[found.index(above)] = _stacked(above, line)
    return found


def _under(above: Seen, line: Seen) -> bool:
    small, large = sorted((above.line_height, line.line_height))
    space = line.box[1] - above.box[1] - above.box[3]
    shared = min(above.box[0] + above.box[2], line.box[0] + line.box[2]) - max(above.box[0], line.box[0])
    return large < 1.6 * small and -small / 2 < space < small and shared > min(above.box[2], line.box[2]) / 2


def _stacked(above: Seen, line: Seen) -> Seen:
    x, y = min(above.box[0], line.box[0]), above.box[1]
    end_x = max(above.box[0] + above.box[2], line.box[0] + line.box[2])
    end_y = max(above.box[1] + above.box[3], line.box[1] + line.box[3])
    box = (x, y, end_x - x, end_y - y)
    return Seen(
        above.keyframe,
        f"{above.text} {line.text}",
        min(above.score, line.score),
        box,
        min(above.first_seen, line.first_seen),
        max(above.last_seen, line.last_seen),
        above.lines + 1,
    )


def tracks(seen: Sequence[Seen], similarity: float, memory: float) -> list[Track]:
    """Follow each text through the keyframes (in order of time); not seen for `memory` seconds, it begins anew."""
    found: list[Track] = []
    live: list[Track] = []
    for block in seen:
        live = [t for t in live if block.keyframe.time - t[-1].keyframe.time <= memory]
        track = next((t for t in reversed(live) if same_text(best(t).text, block.text, similarity)), None)
        if track is None:
            track = []
            found.append(track)
            live.append(track)
        track.append(block)
    return found


def best(track: Track) -> Seen:
    """The fullest and surest reading of a track."""
    return max(track, key=lambda s: s.score * len(plain(s.text)))


def is_overlay(track: Track, shots: int) -> bool:
    """Whether the text stays in one spot through so many shots: a channel's mark, not part of the story."""
    return len({s.keyframe.shot for s in track if overlap(s.box, track[0].box) > 0.5}) >= shots


def roles(found: Sequence[Track], speech: Speech, similarity: float) -> list[Role]:
    """The role of each track.

    `subtitle`: low, centred, shown during speech, and either its words are being spoken or several such texts stand
    on the same line in the same size. A sign that happens to be low stands on no such line.
    `title`: few words on black, which no scene has behind its signs.
    `sign`: all other text.
    """
    low = {n: best(t) for n, t in enumerate(found) if best(t).low and _during_speech(t, speech)}
    result: list[Role] = []
    for n, track in enumerate(found):
        subtitle = n in low and (_burned(low[n], low.values()) or _said(track, speech, similarity))
        result.append("subtitle" if subtitle else "title" if _title(track) else "sign")
    return result


def _burned(seen: Seen, low: Iterable[Seen]) -> bool:
    """Whether enough texts, itself among them, stand on one line."""
    alike = islice((other for other in low if _one_line(seen, other)), SUBTITLES_AT_LEAST)
    return len(list(alike)) == SUBTITLES_AT_LEAST


def _during_speech(track: Track, speech: Speech) -> bool:
    """Whether anybody speaks at a keyframe that shows the text."""
    times = [s.keyframe.time for s in track]
    return any(speech.between(t - SPEECH_NEAR, t + SPEECH_NEAR) for t in times)


def _said(track: Track, speech: Speech, similarity: float) -> bool:
    """Whether its words are spoken while it is seen, in one reading of it at least."""
    start, end = min(s.first_seen for s in track), max(s.last_seen for s in track)
    words = " ".join(u.text for u in speech.between(start - SPEECH_NEAR, end + SPEECH_NEAR))
    return any(heard(s.text, words, similarity) for s in track)


def _one_line(a: Seen, b: Seen) -> bool:
    """Whether two texts are set alike: letters of one size, the last lines on one height."""
    small, large = sorted((a.line_height, b.line_height))
    return large < SAME_SIZE * small and abs((a.box[1] + a.box[3]) - (b.box[1] + b.box[3])) < small / 2


def _title(track: Track) -> bool:
    """Few words on black. Large letters alone do not tell: a station's sign is large too, and is no title."""
    seen = best(track)
    return len(seen.text.split()) <= TITLE_WORDS and seen.keyframe.luma < BLACK


def by_keyframe(found: Sequence[Track], given: Sequence[Role]) -> Mapping[str, list[OnScreenText]]:
    """Each text at the keyframe where it first appears, in its best reading."""
    shown: dict[str, list[OnScreenText]] = defaultdict(list)
    for track, role in zip(found, given, strict=True):
        reading = best(track)
        shown[track[0].keyframe.id].append(
            OnScreenText(
                text=reading.text,
                role=role,
                first_seen=min(s.first_seen for s in track),
                last_seen=max(s.last_seen for s in track),
                score=reading.score,
                box=reading.box,
            )
        )
    return shown
