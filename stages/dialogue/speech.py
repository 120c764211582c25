"""Spans of speech: what a dialogue backend returns, and how they are united with the lines of subtitles."""

from __future__ import annotations

import bisect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data.records import Word
from stages.backend import Backend, Progress

Samples = NDArray[np.float32]
RATE = 16_000
"""Samples per second that Silero VAD and Whisper hear."""


@dataclass(frozen=True)
class Speech:
    """A stretch in which somebody speaks; seconds. Text and words where the backend knows them."""

    start: float
    end: float
    text: str = ""
    words: tuple[Word, ...] = ()
    source: str = "speech"


class Transcriber(Backend, ABC):
    """Base of the backends that hear dialogue."""

    @abstractmethod
    def transcribe(
        self, blocks: Iterable[Samples], rate: int, known: Sequence[Speech] = (), progress: Progress | None = None
    ) -> list[Speech]:
        """Where somebody speaks, and what where the backend can tell, in order, apart.

        `blocks` are float32 (samples,) or (samples, channels) in [-1, 1], in a row, of any lengths; `rate` must be
        16 000 Hz. `known` is speech that need not be looked for; `progress` is told what is done after the blocks have
        come. Raises ConfigError where the model cannot be had.
        """


# A voice that runs on past its subtitle by no more than this belongs to that line; a longer one is its own; s.
RUN_ON = 1.0


def one_at_a_time(lines: Iterable[Speech], duration: float) -> list[Speech]:
    """The same time and texts without overlaps, inside [0, duration].

    Where two lines overlap, the later starts when the earlier ends; one that lies mostly inside it joins its text.
    """
    result: list[Speech] = []
    for line in sorted(_inside(lines, duration), key=lambda line: (line.start, line.end)):
        before = result[-1] if result else None
        if before is None or line.start >= before.end:
            result.append(line)
        elif before.end - line.start > (line.end - line.start) / 2:
            text = before.text if line.text in before.text else f"{before.text} {line.text}"
            source, words = joined(before.source, line.source), before.words + line.words
            result[-1] = Speech(before.start, max(before.end, line.end), text, words, source)
        else:
            result.append(replace(line, start=before.end))
    return result


def _inside(spans: Iterable[Speech], duration: float) -> list[Speech]:
    clipped = [replace(s, start=max(0.0, s.start), end=min(s.end, duration)) for s in spans]
    return [s for s in clipped if s.end > s.start]


def unite(lines: Sequence[Speech], voices: Iterable[Speech], duration: float) -> list[Speech]:
    """Every second of `lines` (in order, not overlapping) and of `voices`, in order and without overlaps.

    A line that a voice begins before or runs past by up to RUN_ON grows to it and names both sources; voices that
    no line covers become spans of their own. A line keeps its text; every word goes to the span it is spoken in.
    """
    grown = list(lines)
    alone: list[Speech] = []
    first = 0
    heard = one_at_a_time(voices, duration)
    for voice in heard:
        while first < len(grown) and grown[first].end < voice.start:
            first += 1
        last = first
        while last < len(grown) and grown[last].start <= voice.end:
            if grown[last].end > voice.start and grown[last].start < voice.end:
                grown[last] = _both(grown[last], voice)
            last += 1
        alone += _uncovered(voice, grown, first, last)
    united = sorted([*grown, *alone], key=lambda span: span.start)
    return _with_words(united, [word for span in [*lines, *heard] for word in span.words])


def joined(first: str, second: str) -> str:
    """Two sources in one, each name once: "subtitles+speech" and "whisper+speech" is "subtitles+speech+whisper"."""
    return "+".join(dict.fromkeys([*first.split("+"), *second.split("+")]))


def _with_words(spans: Sequence[Speech], words: Iterable[Word]) -> list[Speech]:
    """`spans` (in order, apart), each with the words whose middle lies in it; they are its text where it has none."""
    placed: list[list[Word]] = [[] for _ in spans]
    starts = [span.start for span in spans]
    for word in sorted(words, key=lambda word: (word.start, word.end)):
        placed[max(0, bisect.bisect_right(starts, (word.start + word.end) / 2) - 1)].append(word)
    return [
        replace(span, words=tuple(own), text=span.text or " ".join(word.text for word in own))
        for span, own in zip(spans, placed, strict=True)
    ]


def _both(line: Speech, voice: Speech) -> Speech:
    return replace(line, source=joined(line.source, voice.source))


def _uncovered(voice: Speech, lines: list[Speech], first: int, last: int) -> list[Speech]:
    """Parts of `voice` outside lines[first:last]; short ones are given to the line they touch, in `lines`."""
    alone: list[Speech] = []
    at = voice.start
    for i in range(first, last + 1):
        until = min(lines[i].start, voice.end) if i < last else voice.end
        if until > at:
            touches_before = i > first and lines[i - 1].end == at
            touches_after = i < last and lines[i].start == until
            if until - at <= RUN_ON and touches_before:
                lines[i - 1] = replace(_both(lines[i - 1], voice), end=until)
            elif until - at <= RUN_ON and touches_after:
                lines[i] = replace(_both(lines[i], voice), start=at)
            else:
                whole = (at, until) == (voice.start, voice.end)
                alone.append(voice if whole else Speech(at, until, source=voice.source))
        at = max(at, lines[i].end) if i < last else at
    return alone
