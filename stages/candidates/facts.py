"""`facts`: sentences that state only what the context holds. The honest floor that a captioner must beat.

What it may say, in this order: text in the picture; how many people there are at least; day or night; whether the
place is the same. What the viewer knows already is not said again, and where nothing is left there is no sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from data.records import Evidence, Kind, Style
from data.style import refuse
from data.text.cards import is_card, is_jump
from data.text.language import seconds
from stages.candidates import wording
from stages.candidates.prompt import Caption, Captioner, Prompt, SeenText, length_of

HEARD_LETTERS = 4
"""Text of so many letters that is also heard in the dialogue is not read again; shorter words meet by chance."""


@dataclass(frozen=True)
class Fact:
    """One thing to say, in both forms of `wording`."""

    forms: wording.Forms
    evidence: tuple[Evidence, ...]
    kind: Kind = "visual"


class Facts(Captioner):
    """Captions from the prompt alone; it looks at no picture."""

    needs_images = dear = False

    class Options(BaseModel):
        """Settings of facts."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        text_score: float = Field(default=0.8, ge=0, le=1, description="Text read with less confidence is not spoken")
        number_score: float = Field(
            default=0.9, ge=0, le=1, description="The same for text with digits: no context mends them"
        )

    options: Options

    def caption(
        self,
        images: Sequence[bytes],  # noqa: ARG002
        prompts: Sequence[Sequence[Prompt]],
        n: int,
    ) -> Iterator[tuple[int, list[list[Caption]]]]:
        """Captions of different length, the shortest first; often fewer than asked for, or none.

        Questions that differ in length alone share the captions of their style.
        """
        for keyframe, asked in enumerate(prompts):
            left: dict[Style, list[Caption]] = {}
            found = []
            for prompt in asked:
                if prompt.style not in left:
                    wanted = n * sum(p.style == prompt.style for p in asked)
                    left[prompt.style] = self._captions(prompt, wanted)
                offered = left[prompt.style]
                found.append(offered[:n])
                left[prompt.style] = offered[n:]
            yield keyframe, found

    def close(self) -> None:
        """Nothing to free."""

    def _captions(self, prompt: Prompt, n: int) -> list[Caption]:
        texts, scene = self.read(prompt), _scene(prompt)
        choices = [[*texts, *scene], texts[:1] or scene[-1:], [*texts, *scene[-1:]], texts or scene[-2:]]
        offered: dict[str, Caption] = {}
        for facts in choices:
            caption = line(facts, prompt) if facts else None
            if caption and len(offered) < n:
                offered.setdefault(caption.text, caption)
        return sorted(offered.values(), key=lambda c: len(c.text))

    def read(self, prompt: Prompt) -> list[Fact]:
        """The text in the picture that is to be read out."""
        return [fact for seen in prompt.texts if (fact := self._text(seen, prompt))]

    def _text(self, seen: SeenText, prompt: Prompt) -> Fact | None:
        """The text with its lead-in; None for dialogue, noise, and what is heard already. Too long: its beginning."""
        text = wording.clean(seen.text)
        least = self.options.number_score if re.search(r"\d", text) else self.options.text_score
        if seen.role == "subtitle" or seen.score < least or not _worth_reading(text):
            return None
        if _heard(text, prompt):
            return None
        title = seen.role == "title" and prompt.title_open and not is_card(text)
        overlay = seen.role == "title" or is_jump(text)
        words = text.split()
        for kept in range(len(words), 0, -1):
            shown = text if kept == len(words) else " ".join(words[:kept]).rstrip(",") + "…"
            forms = wording.read_out(shown, prompt.language, title=title, overlay=overlay)
            if all(_seconds(form, prompt) <= prompt.lengths["rich"] for form in forms):
                if any(refuse(form, prompt.language) for form in forms):
                    return None
                evidence = Evidence(kind="text", value=seen.text, box=seen.box, score=seen.score)
                return Fact(forms, (evidence,), "title" if title else "text")
        return None


def _worth_reading(text: str) -> bool:
    """Words, or a year; a lone letter, a clock or a number plate tells nothing."""
    letters = re.findall(r"[^\W\d_]", text)
    hangul = any("가" <= letter <= "힣" for letter in letters)
    return hangul or len(letters) > 2 or bool(re.fullmatch(r"(1[89]|20)\d\d", text))


def _heard(text: str, prompt: Prompt) -> bool:
    words = _letters(text)
    return len(words) >= HEARD_LETTERS and words in _letters(prompt.dialogue_before + " " + prompt.dialogue_after)


def _letters(text: str) -> str:
    return re.sub(r"\W", "", text).casefold()


def _scene(prompt: Prompt) -> list[Fact]:
    """Place, light and people, as far as they are news; the last is the weightiest."""
    facts = []
    turned = prompt.light != "unknown" and prompt.light != prompt.light_before
    if _place_is_news(prompt, turned):
        look = Evidence(kind="look", value=f"{prompt.place} place")
        facts.append(Fact(wording.PLACE[prompt.language][prompt.place], (look,)))
    if turned:
        look = Evidence(kind="look", value=prompt.light)
        facts.append(Fact(wording.LIGHT[prompt.language][prompt.light], (look,)))
    if prompt.people > prompt.people_known:
        faces = tuple(Evidence(kind="face", value="face", box=box, score=score) for score, box in prompt.faces)
        count = Evidence(kind="face", value=f"at least {prompt.people}")
        facts.append(Fact(wording.people(prompt.people, prompt.language), faces or (count,)))
    return facts


def _place_is_news(prompt: Prompt, turned: bool) -> bool:
    """Where the place changes or comes back; that it is the same, only after a jump in time."""
    if prompt.place in ("new", "back"):
        return True
    jump = (turned and prompt.light_before != "unknown") or any(is_jump(t.text) for t in prompt.texts)
    return prompt.place == "same" and prompt.first_of_shot and jump


def line(facts: Sequence[Fact], prompt: Prompt) -> Caption | None:
    """The facts as one line; None where it would be longer than the longest line allowed."""
    form = 0 if prompt.style == "strict" else 1
    text = wording.joined([fact.forms[form] for fact in facts], prompt.language)
    kind: Kind = next((fact.kind for fact in facts if fact.kind != "visual"), "visual")
    length = length_of(text, prompt)
    return Caption(text, kind, length, tuple(e for fact in facts for e in fact.evidence)) if length else None


def _seconds(text: str, prompt: Prompt) -> float:
    return seconds(text, prompt.language, prompt.rate)
