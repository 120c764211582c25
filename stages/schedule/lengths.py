"""How long a line lasts: as the voice of the run spoke it, and as that voice would, before it has spoken it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from data.text import language
from stages.schedule.objective import Form
from stages.sources import Speaker

SENTENCES = {
    "ko": (
        "문이 열린다.",
        "두 사람이 마주 선다.",
        "간판에 적힌 글, 행복약국.",
        "한 남자가 빈 교실 문을 연다.",
        "할머니가 마루 끝에서 빨래를 갠다.",
        "밤, 아까 그 다리 위에 두 사람이 서 있다.",
        "버스가 떠나고, 정류장에 소녀만 남는다. 비가 내린다.",
    ),
    "en": (
        "The door opens.",
        "Two people face each other.",
        "A sign reads, closed on Sundays.",
        "A man opens the door of an empty classroom.",
        "An old woman folds the washing on the porch.",
        "Night, and two people stand on the same bridge as before.",
        "The bus leaves, and only the girl stays behind. It begins to rain.",
    ),
}
"""What a voice says to be measured: lines of description from short to long, with pauses inside; none so short
that a voice may leave it out."""


class Lengths:
    """Seconds of lines. Without a speaker: the estimate of `data.text.language`."""

    def __init__(self, lang: str, plan_rate: float | None, speaker: Speaker | None) -> None:
        self._lang, self._speaker = lang, speaker
        self._rate = plan_rate or language.PLAN_RATE[lang]
        self._measured: dict[tuple[str, float], float] = {}
        self._estimated: dict[str, float] = {}
        self._line: tuple[float, float] | None = None

    @property
    def speeds(self) -> tuple[float, ...]:
        """Speeds above 1 at which lines may be planned; without a speaker none, the voice finds them by itself."""
        return self._speaker.speeds if self._speaker else ()

    def needed(self, text: str, speed: float = 1.0) -> float:
        """Seconds the line takes at `speed`, whole milliseconds: measured, or estimated for this voice."""
        found = self._measured.get((text, speed))
        return found or math.ceil(self._estimate(text) / speed * 1000) / 1000

    def known(self, form: Form) -> bool:
        """Whether the length of a line will not change any more: it was spoken, or there is no voice to ask."""
        return self._speaker is None or (form.text, form.speed) in self._measured

    def measure(self, form: Form) -> bool:
        """Have a line spoken, if it was not yet and there is a speaker; whether its length is news."""
        if self.known(form):
            return False
        assert self._speaker
        self._measured[form.text, form.speed] = self._speaker.seconds(form.text, form.speed)
        return True

    def _estimate(self, text: str) -> float:
        """Of one that was spoken at its own speed, that; else the line through the calibration."""
        if (text, 1.0) in self._measured:
            return self._measured[text, 1.0]
        if text not in self._estimated:
            slope, offset = self._calibration()
            plain = language.seconds(text, self._lang, self._rate)
            self._estimated[text] = max(slope * plain + offset, language.SHORTEST / 2)
        return self._estimated[text]

    def _calibration(self) -> tuple[float, float]:
        """Slope and offset of the voice's seconds over the plain estimate: least squares over the sentences.

        A voice that takes no longer for longer sentences cannot be measured this way; its mean counts.
        """
        if self._line is None and self._speaker is None:
            self._line = (1.0, 0.0)
        elif self._line is None and self._speaker:
            plain = [language.seconds(s, self._lang, self._rate) for s in SENTENCES[self._lang]]
            spoken = self._spoken(SENTENCES[self._lang])
            slope, offset = (float(v) for v in np.polyfit(plain, spoken, 1))
            self._line = (slope, offset) if slope > 0 else (sum(spoken) / sum(plain), 0.0)
        assert self._line
        return self._line

    def _spoken(self, sentences: Sequence[str]) -> Sequence[float]:
        assert self._speaker
        if self._speaker.usual:
            return self._speaker.usual(sentences)
        return [self._speaker.seconds(sentence, 1.0) for sentence in sentences]
