"""What a speech recogniser says it heard, which of it is believed, and when it was said.

Whisper writes words into music and silence ("시청해주셔서 감사합니다"). A segment is believed by the model's own
figures, with the thresholds of its paper (Radford et al. 2023, "Robust Speech Recognition via Large-Scale Weak
Supervision", §4.5). Where voice activity detection hears nothing either, the probability of "no speech" alone rejects
a segment, and so does a text known to be made up (Barański et al. 2025, "Investigation of Whisper ASR Hallucinations
Induced by Non-Speech Audio").
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import data
from data.records import Word
from data.span import Span
from stages.dialogue.speech import Speech

LOGPROB = -1.0
"""Whisper: a lower mean log-probability of the tokens has failed."""
COMPRESSION = 2.4
"""Whisper: a text that gzip makes smaller than by this factor repeats itself and has failed."""
NO_SPEECH = 0.6
"""Whisper: from this probability of "no speech" on a segment may be silence."""
SHORTEST = 0.2
"""Words that come out shorter (or without any length) last so long, seconds: about a syllable of Korean speech."""
LONGEST = 2.0
"""Words that come out longer have been stretched over a pause, seconds; Whisper's own bound for an odd word."""
PAUSE = 1.2
"""Seconds. Shorter pauses cannot hold narration: words around them stay one line."""
HALLUCINATIONS = Path(data.__file__).parent / "lexicon" / "hallucinations.txt"


@dataclass(frozen=True)
class Segment:
    """A run of words as a recogniser gives it; times in seconds, texts of words with the spaces before them."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...]
    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float

    def later(self, seconds: float) -> Segment:
        """The same segment, moved."""
        words = tuple(Word(start=w.start + seconds, end=w.end + seconds, text=w.text) for w in self.words)
        return replace(self, start=self.start + seconds, end=self.end + seconds, words=words)


def believed(segment: Segment, voices: Sequence[Span]) -> bool:
    """Whether somebody said this; `voices` is where voice activity was detected."""
    if not segment.text.strip() or segment.avg_logprob < LOGPROB or segment.compression_ratio > COMPRESSION:
        return False
    spoken = [(w.start, w.end) for w in segment.words] or [(segment.start, segment.end)]
    if any(overlaps(word, voices) for word in spoken):
        return True
    return segment.no_speech_prob <= NO_SPEECH and not made_up(segment.text)


def made_up(text: str) -> bool:
    """Whether a text is nothing but phrases of the lexicon of hallucinations."""
    return bool(_phrases_made_up().fullmatch(_letters(text)))


@functools.cache
def _phrases_made_up() -> re.Pattern[str]:
    lines = HALLUCINATIONS.read_text(encoding="utf-8").splitlines()
    phrases = [line for line in lines if line.strip() and not line.startswith("#")]
    # A star stands for a short name: "MBC 뉴스 *입니다".
    patterns = [".{1,12}".join(re.escape(_letters(part)) for part in phrase.split("*")) for phrase in phrases]
    return re.compile(f"(?:{'|'.join(patterns)})+")


def _letters(text: str) -> str:
    """Letters and digits alone, folded."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def spoken_words(segment: Segment, bounds: Span, voices: Sequence[Span]) -> Iterator[Word]:
    """The segment's words inside `bounds`, each at least SHORTEST long.

    Words that came out without length or outside the bounds count as speech at the nearest place. What was stretched
    over a pause keeps the parts where a voice is heard; where none is, its beginning.
    """
    words = segment.words or (Word(start=segment.start, end=segment.end, text=segment.text),)
    for word in words:
        for start, end in _trimmed((word.start, word.end), voices):
            yield Word(text=word.text, **dict(zip(("start", "end"), _lasting(start, end, bounds), strict=True)))


def _trimmed(word: Span, voices: Sequence[Span]) -> list[Span]:
    start, end = word
    if end - start <= LONGEST:
        return [word]
    heard = [(max(start, a), min(end, b)) for a, b in voices if a < end and b > start]
    # One word, so one stretch: from the first voice to the last would cover the pause again.
    return [max(heard, key=lambda span: span[1] - span[0])] if heard else [(start, start + LONGEST)]


def _lasting(start: float, end: float, bounds: Span) -> Span:
    low, high = bounds
    missing = max(0.0, SHORTEST - (end - start)) / 2
    start = min(max(low, start - missing), max(low, high - SHORTEST))
    return start, min(high, max(end + missing, start + SHORTEST))


def inside(words: Iterable[Word], gap: Span) -> Iterator[Word]:
    """The parts of words that lie in `gap`; those that lie mostly outside are said there, and leave no text."""
    for word in words:
        start, end = max(word.start, gap[0]), min(word.end, gap[1])
        if start < end:
            within = gap[0] <= (word.start + word.end) / 2 <= gap[1]
            yield Word(start=start, end=end, text=word.text if within else "")


def phrases(words: Iterable[Word]) -> list[Speech]:
    """Words with their leading spaces, in order, as lines of Whisper; a new one after each pause of PAUSE."""
    result: list[list[Word]] = []
    for word in words:
        if not result or word.start - max(w.end for w in result[-1]) >= PAUSE:
            result.append([])
        result[-1].append(word)
    return [_phrase(words) for words in result]


def _phrase(words: Sequence[Word]) -> Speech:
    return Speech(
        min(w.start for w in words),
        max(w.end for w in words),
        text="".join(w.text for w in words).strip(),
        words=tuple(Word(start=w.start, end=w.end, text=w.text.strip()) for w in words if w.text.strip()),
        source="whisper",
    )


def overlaps(span: Span, others: Iterable[Span]) -> bool:
    """Whether `span` shares time with any of the others."""
    return any(span[0] < end and span[1] > start for start, end in others)


def quiet(spoken: Iterable[Span], duration: float) -> list[Span]:
    """The stretches of [0, duration] outside `spoken` that are long enough to hold narration, in order."""
    until = list(itertools.accumulate((end for _, end in sorted(spoken)), max, initial=0.0))
    starts = [start for start, _ in sorted(spoken)] + [duration]
    return [(a, min(b, duration)) for a, b in zip(until, starts, strict=True) if min(b, duration) - a >= PAUSE]
