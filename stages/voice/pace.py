"""The rate of a voice: syllables per second turned into how many times faster than on its own it must speak.

An engine is asked for the rate first. One that has no control of it is stretched, within the policy for time
compression: nothing is slowed below 0.95, and above 1.15 a shorter line is the better remedy.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field

from data.errors import UserError
from data.text.language import syllables
from stages.voice import clip
from stages.voice.backend import Voice
from stages.voice.sound import NOTHING, Sound, readable, stretched

SLOWEST, FASTEST = 0.95, 1.15
"""How far a finished recording may be stretched; a listening effort shows from 1.2 on."""
SENTENCES = {
    "ko": (
        "한 남자가 빈 교실 문을 연다.",
        "두 사람이 벤치에 나란히 앉는다.",
        "할머니가 마루 끝에서 빨래를 갠다.",
        "버스가 떠나고 정류장에 소녀만 남는다.",
    ),
    "en": (
        "A man opens the door of an empty classroom.",
        "Two people sit side by side on a bench.",
        "An old woman folds the washing on the porch.",
        "The bus leaves and only the girl stays behind.",
    ),
}
"""What a voice says to be measured: describing sentences of the usual length."""


class Pace:
    """How fast one voice speaks on its own: given, or measured once for each language."""

    def __init__(self, given: float | None) -> None:
        self._given = given
        self._measured: dict[str, float] = {}

    def faster(self, language: str, rate: float, say: Callable[[str], Sound]) -> float:
        """How many times faster than on its own a voice must speak for `rate` syllables per second.

        `say` speaks a text at the voice's own pace. Raises UserError when it says nothing.
        """
        if self._given is None and language not in self._measured:
            self._measured[language] = measured(language, say)
        return rate / (self._given or self._measured[language])


def measured(language: str, say: Callable[[str], Sound]) -> float:
    """Syllables per second of the standard sentences as `say` speaks them, each trimmed as a clip is."""
    seconds = sum(len(clip.shaped(*say(sentence))) / clip.RATE for sentence in SENTENCES[language])
    if not seconds:
        raise UserError(
            "The voice says nothing in the language {language}; choose another voice (voice.options)", language=language
        )
    return sum(syllables(sentence, language) for sentence in SENTENCES[language]) / seconds


def within(factor: float, low: float, high: float) -> float:
    """`factor`, or the nearest that an engine takes."""
    return min(max(factor, low), high)


def fitted(sound: Sound, faster: float) -> Sound:
    """A recording `faster` times as fast, as far as it may be stretched."""
    return stretched(sound, within(faster, SLOWEST, FASTEST))


class PacedOptions(BaseModel):
    """What can be set of all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    pace: float | None = Field(
        None, gt=0, le=15, description="Syllables per second the voice speaks on its own; none: measured"
    )


class PacedVoice(Voice):
    """A voice that has a pace of its own, and is told to speak so many times faster."""

    def __init__(self, options: PacedOptions) -> None:
        super().__init__(options)
        self._pace = Pace(options.pace)

    def speak(self, text: str, language: str, rate: float) -> Sound:
        """See `Voice`. Raises UserError for a service that cannot be reached, refuses, or answers without speech."""
        if not readable(text):
            return NOTHING
        faster = self._pace.faster(language, rate, lambda sentence: self._said(sentence, language, 1.0))
        return self._said(text, language, faster)

    @abstractmethod
    def _said(self, text: str, language: str, faster: float) -> Sound:
        """`text` so many times faster than on its own, as near to it as the voice can."""
