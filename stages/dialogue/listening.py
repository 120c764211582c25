"""From sound to speech with a recogniser: voice activity, words in windows of speech, and every gap heard again.

The recogniser listens to windows that voice activity detection guides (cut and merge of WhisperX: Bain et al. 2023,
"WhisperX: Time-Accurate Speech Transcription of Long-Form Audio", §2.2), so that its times cannot drift by more than
a window. What lies between them is heard in a second pass: each stretch that would become a gap, alone.
"""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np
from pydantic import Field

from data.errors import ConfigError
from data.records import Word
from data.span import Span
from stages.backend import Progress
from stages.dialogue.heard import Segment, believed, inside, phrases, quiet, spoken_words
from stages.dialogue.silero import FRAME, Silero, SileroOptions
from stages.dialogue.speech import RATE, Samples, Speech, Transcriber, one_at_a_time, unite
from stages.models import ModelBackend, ModelOptions, in_batches

WINDOW = 30.0
"""Seconds that Whisper hears at once."""
MARGIN = 0.2
"""Seconds heard before and after a window's speech, so that its first and last word are whole."""
SPLIT = 2.0
"""Windows do not reach over pauses of so many seconds: Whisper makes words up in silence, or stretches them over it."""
AROUND = 0.5
"""Seconds heard before and after a gap that is heard again, so that a word on its edge is whole."""
OVERLAP = 1.0
"""Seconds two pieces of a gap longer than a window share."""
INAUDIBLE = 1e-3
"""Sound that never gets louder than -60 dBFS holds no word."""
BEAM = 5
"""Beams: as Whisper's paper (§4.5) and its library's command line have it."""
SAMPLED = 10
"""Windows the language is told by: five minutes at most, as Whisper's own half minute may be a foreign song."""


class ListeningOptions(ModelOptions):
    """What the recognisers' settings have in common."""

    model: str = Field("small", description="Size (tiny, base, small, medium, large, turbo …), or a model of your own")
    batch: int = Field(
        8,
        ge=1,
        description="Windows at once when the language is told; words are heard one window at a time",
        json_schema_extra={"changes_result": False},
    )
    language: str | None = Field(
        None, description="Language of the dialogue (ko, en …), which need not be the narration's; none: as heard"
    )
    relisten: bool = Field(True, description="Listen to every gap again on its own; a word heard there closes it")
    vad: SileroOptions = Field(SileroOptions.model_validate({}), description="Settings of the voice activity detection")


class SpeechRecogniser(Transcriber, ModelBackend):
    """A model that hears words: all that the Whispers do alike."""

    options: ListeningOptions

    def transcribe(
        self, blocks: Iterable[Samples], rate: int, known: Sequence[Speech] = (), progress: Progress | None = None
    ) -> list[Speech]:
        """Sources are speech (voice activity) and whisper; see `transcribed`."""
        return transcribed(self, self.options, blocks, rate, known, progress)

    def language(self, sounds: Sequence[Samples]) -> str:
        """The language that all stretches of sound together, at least one, are most probably in."""
        if not self._multilingual():
            return "en"
        heard = list(in_batches(sounds, self.options.batch, self._languages, self.options.model))
        return max(heard[0], key=lambda code: sum(probabilities[code] for probabilities in heard))

    def listen(self, sound: Samples, language: str | None) -> list[Segment]:
        """What is said in up to WINDOW seconds of one channel; times from its beginning. None: any language."""
        return next(in_batches([sound], 1, lambda one: [self._segments(one[0], language)], self.options.model))

    @abstractmethod
    def _multilingual(self) -> bool:
        """Whether the model knows more than English."""

    @abstractmethod
    def _languages(self, sounds: Sequence[Samples]) -> list[dict[str, float]]:
        """How probable each language is, for each stretch of sound."""

    @abstractmethod
    def _segments(self, sound: Samples, language: str | None) -> list[Segment]:
        """What `listen` gives, by beam search."""

    def _check_language(self, known: Iterable[str]) -> None:
        """Raise ConfigError where the language that is set is none of those the model knows."""
        if self.options.language is not None and self.options.language not in known:
            raise ConfigError(
                "{model} does not know the language {language}; set a code such as ko or en, and a model for it",
                model=self.options.model,
                language=self.options.language,
            )


def segment(found: Mapping[str, Any], words: Iterable[Mapping[str, Any]]) -> Segment:
    """A segment and its words as Whisper's libraries name their parts."""
    return Segment(
        start=found["start"],
        end=found["end"],
        text=found["text"],
        words=tuple(Word(start=w["start"], end=w["end"], text=w["word"]) for w in words),
        avg_logprob=found["avg_logprob"],
        no_speech_prob=found["no_speech_prob"],
        compression_ratio=found["compression_ratio"],
    )


class Sound:
    """The film's sound on disk, 16 bits a sample: 115 MB an hour and channel."""

    def __init__(self) -> None:
        self.length = 0
        self._channels = 1
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 – closed by __exit__

    def __enter__(self) -> Sound:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def duration(self) -> float:
        """Seconds stored."""
        return self.length / RATE

    def stored(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """The blocks as they came, (samples,) or (samples, channels); each is stored on its way."""
        for block in blocks:
            columns = block.reshape(len(block), -1)
            self._channels = columns.shape[1]
            self._file.write((np.clip(columns, -1, 1) * 32767).astype(np.int16).tobytes())
            self.length += len(block)
            yield block

    def channels(self, start: float, end: float) -> list[Samples]:
        """The channels between two times (seconds) that can be heard, each (samples,) float32, the centre first."""
        first, last = (max(0, min(self.length, round(t * RATE))) for t in (start, end))
        self._file.seek(2 * self._channels * first)
        raw = self._file.read(2 * self._channels * (last - first))
        sound = np.frombuffer(raw, np.int16).reshape(-1, self._channels).astype(np.float32) / 32768
        return [channel for channel in sound.T.copy() if len(channel) and np.abs(channel).max() > INAUDIBLE]


def transcribed(
    recogniser: SpeechRecogniser,
    options: ListeningOptions,
    blocks: Iterable[Samples],
    rate: int,
    known: Sequence[Speech],
    progress: Progress | None,
) -> list[Speech]:
    """Where somebody speaks and what, in order, apart: the union of voice activity and believed words.

    `blocks` and `rate` are as `Silero.transcribe` has them; of surround sound, words are those of the centre where it
    can be heard, and voice activity that of all channels. `known` is speech that need not be listened to again.
    Memory: one block, and 4 bytes per 32 ms.
    """
    told = progress or (lambda done, total: None)
    vad = Silero(options.vad)
    with Sound() as sound:
        probabilities = vad.probabilities(sound.stored(blocks), rate)
        vad.close()
        voices = vad.speech(probabilities)
        windows = cut_and_merge(voices, probabilities)
        language = options.language or _language(recogniser, sound, windows)
        lines = [Speech(a, b) for a, b in voices]
        words: list[Speech] = []
        for start, end in windows:
            told(start, 2 * sound.duration)
            words += _words(recogniser, sound, (start, end), voices, language)
        if options.relisten:
            spoken = [(s.start, s.end) for s in [*lines, *words, *known]]
            for gap in quiet(spoken, sound.duration):
                told(sound.duration + gap[0], 2 * sound.duration)
                words += _again(recogniser, sound, gap, voices, language)
        told(1, 1)
        return unite(one_at_a_time(words, sound.duration), lines, sound.duration)


def cut_and_merge(voices: Sequence[Span], probabilities: Samples) -> list[Span]:
    """Windows of at most WINDOW seconds that hold all voices (in order), in order and apart.

    A voice that is longer is cut where a voice is least probable in the second half of the window.
    """
    longest = WINDOW - 2 * MARGIN
    windows: list[Span] = []
    for voice in voices:
        for start, end in _cut(voice, probabilities, longest):
            before = windows[-1] if windows else None
            if before and end - before[0] <= longest and start - before[1] < SPLIT:
                windows[-1] = (before[0], end)
            else:
                windows.append((start, end))
    return windows


def _cut(voice: Span, probabilities: Samples, longest: float) -> Iterator[Span]:
    start, end = voice
    while end - start > longest:
        first, last = (round(t * RATE / FRAME) for t in (start + longest / 2, start + longest))
        at = (first + int(np.argmin(probabilities[first:last]))) * FRAME / RATE
        yield start, at
        start = at
    yield start, end


def _language(recogniser: SpeechRecogniser, sound: Sound, windows: Sequence[Span]) -> str | None:
    """The language spoken in windows all over the film; None where there is no speech."""
    chosen = windows[:: max(1, -(-len(windows) // SAMPLED))]
    heard = [channels[0] for start, end in chosen if (channels := sound.channels(start, end))]
    return recogniser.language(heard) if heard else None


def _words(
    recogniser: SpeechRecogniser, sound: Sound, window: Span, voices: Sequence[Span], language: str | None
) -> list[Speech]:
    """What is said in one window of speech."""
    start, end = max(0.0, window[0] - MARGIN), min(sound.duration, window[1] + MARGIN)
    found = [
        word
        for channel in sound.channels(start, end)[:1]
        for segment in recogniser.listen(channel, language)
        if believed(moved := segment.later(start), voices)
        for word in spoken_words(moved, (start, end), voices)
    ]
    return phrases(found)


def _again(
    recogniser: SpeechRecogniser, sound: Sound, gap: Span, voices: Sequence[Span], language: str | None
) -> Iterator[Speech]:
    """What is said inside a gap, in any channel; it is heard alone, with AROUND on both sides."""
    for start, end in pieces(max(0.0, gap[0] - AROUND), min(sound.duration, gap[1] + AROUND)):
        for channel in sound.channels(start, end):
            segments = [s.later(start) for s in recogniser.listen(channel, language)]
            words = [w for s in segments if believed(s, voices) for w in spoken_words(s, (start, end), voices)]
            yield from phrases(inside(words, gap))


def pieces(start: float, end: float) -> list[Span]:
    """[start, end] in pieces of at most WINDOW that overlap by OVERLAP, so that no word is cut in all of them."""
    result = [(start, min(end, start + WINDOW))]
    while result[-1][1] < end:
        start = result[-1][1] - OVERLAP
        result.append((start, min(end, start + WINDOW)))
    return result
