"""Candidates: three or four sentences that could be spoken for each keyframe, and its on-screen text read out.

Keyframes are asked about in groups; each group is told the lines offered for the groups before it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from data.errors import ConfigError
from data.media.pictures import read_jpeg
from data.reach import longest_reach
from data.reasons import Message, Reason, Refused, Surplus, say
from data.records import Context, Draft, Gap, Keyframe, Length, RefusedDraft, Style
from data.series.labels import mentioned
from data.text.language import PLAN_RATE
from stages.candidates import rendering
from stages.candidates.facts import Facts
from stages.candidates.judging import Judge, labels_in, once, regions_of, support
from stages.candidates.keeping import Asked, PictureQuestion, kept_in
from stages.candidates.prompt import SECONDS, Caption, Captioner, Prompt
from stages.candidates.questions import NAME, bare, crops, prompts, questions, reading
from stages.candidates.sifting import Sifted, answers_to
from stages.sources import Planning
from stages.stage import Job, StageConfig

VERSION = 7
LETTERS = "abcdefghijklmnopqrstuvwxyz"
REMEMBERED = 5
"""Lines of earlier keyframes a captioner is told; a working value."""


class Config(StageConfig):
    """Settings of the candidates stage."""

    backend: str = Field("facts", description="Captioner: a name of the table of backends, or module:Class")
    options: dict[str, Any] = Field({}, description="Settings of the captioner")
    n: int = Field(
        4,
        ge=1,
        le=len(LETTERS),
        description="Most captions of one keyframe, of all styles together; on-screen text is read out besides",
    )
    styles: tuple[Style, ...] = Field(
        ("basic", "strict"),
        min_length=1,
        description="basic: few rules, whole sentences; strict: all rules of the craft, as few words as possible",
    )
    templates: dict[Style, Path] = Field({}, description="Files with prompts of your own, by style")
    together: int = Field(
        8, ge=1, description="Keyframes asked about at once; what is offered for them is told to the ones after"
    )
    regions: int = Field(
        0, ge=0, description="People and objects, the largest of each keyframe, that are also described on their own"
    )
    short: float = Field(SECONDS["short"], gt=0, description="Longest short line, seconds of speech")
    standard: float = Field(SECONDS["standard"], gt=0, description="Longest standard line, seconds of speech")
    rich: float = Field(SECONDS["rich"], gt=0, description="Longest line of all, seconds of speech")
    title_until: float = Field(600.0, ge=0, description="Seconds from the start in which the film's title may come")

    def files(self) -> dict[str, str]:
        """The prompts: the shipped ones and those of one's own. Raises ConfigError."""
        own = {f"templates.{style}": rendering.content(path) for style, path in self.templates.items()}
        return own | {f"templates.{name}": text for name, text in rendering.shipped().items()}


def run(job: Job[Config, Captioner]) -> Iterable[Draft]:
    """The captions that pass the text gate, each text once a keyframe; ids sort by time, then by the order offered.

    A caption that is refused is asked for once more. Raises ConfigError and what the captioner raises.
    """
    contexts = sorted(job.read(Context), key=lambda c: c.time)
    told = list(_told(job, contexts))
    describer = _Describer(job, contexts)
    missing: Counter[Message] = Counter()
    refused: list[RefusedDraft] = []
    for first in range(0, len(contexts), job.config.together):
        chunk = slice(first, first + job.config.together)
        rows = describer.offered(contexts[chunk], told[chunk])
        asked = zip(contexts[chunk], told[chunk], rows, strict=True)
        for number, (context, facts, sifted) in enumerate(asked, start=first + 1):
            missing.update(sifted.missing)
            refused += describer.refused(context, sifted)
            yield from describer.candidates(number, context, facts, sifted)
        job.progress(min(first + job.config.together, len(contexts)), len(contexts))
    RefusedDraft.leave(refused, job.folder)
    for why, count in missing.most_common():
        job.note(say("{count} captions were refused and will not be spoken: {why}", count=count, why=why))


def _told(job: Job[Config, Captioner], contexts: Sequence[Context]) -> Iterator[Prompt]:
    """The facts of each keyframe, and how long its lines may be: no longer than the longest gap in reach."""
    config, settings = job.config, job.open(Planning)
    rate = settings.plan_rate or PLAN_RATE[settings.language]
    limits: dict[Length, float] = {"short": config.short, "standard": config.standard, "rich": config.rich}
    gaps = job.read(Gap)
    for context, facts in zip(contexts, prompts(contexts, settings.language, rate, config.title_until), strict=True):
        longest = longest_reach(context, gaps, early=settings.early, late=settings.late) or config.rich
        yield replace(facts, lengths={name: min(limit, longest) for name, limit in limits.items()})


def _asked(job: Job[Config, Captioner]) -> Asked:
    """The captioner; its answers are kept where it says what they depend on."""
    if job.config.regions and not job.backend.needs_images:
        raise ConfigError(
            "candidates.regions wants a captioner that looks at pictures, {name} does not; set it to 0",
            name=job.config.backend,
        )
    return kept_in(job.cache, job.backend, job.config.backend)


class _Describer:
    """The captioner at work on one episode: what it is shown, told, and what it has said."""

    def __init__(self, job: Job[Config, Captioner], contexts: Sequence[Context]) -> None:
        self.job, self.config = job, job.config
        self.templates = rendering.Templates(job.config.templates, job.open(Planning).language)
        self.asked = _asked(job)
        self.said: deque[str] = deque(maxlen=REMEMBERED)
        self.judge = Judge(contexts, job.open(Planning).language)
        self.stills = {k.id: job.folder_of(Keyframe) / k.image for k in job.read(Keyframe)}

    def offered(self, contexts: Sequence[Context], told: Sequence[Prompt]) -> list[Sifted]:
        """What is offered for each context of a group."""
        told = [replace(p, previous=tuple(self.said)) for p in told]
        rows = [self._question(c, p) for c, p in zip(contexts, self._with_regions(contexts, told), strict=True)]
        sifted = answers_to(rows, self.asked, self.job.open(Planning).language)
        self.said.extend(s.captions[0][1].text for s in sifted if s.captions)
        return sifted

    def _question(self, context: Context, facts: Prompt) -> PictureQuestion:
        worded = [self.templates.worded(p) for p in questions(facts, self.config.styles, self.config.n)]
        asked = list({(p.style, p.system, p.text): p for p in reversed(worded)}.values())[::-1]  # lengths may be unsaid
        image = read_jpeg(self.stills[context.keyframe]) if self.job.backend.needs_images else b""
        return PictureQuestion(image, asked, -(-self.config.n // len(asked)))

    def _with_regions(self, contexts: Sequence[Context], told: Sequence[Prompt]) -> list[Prompt]:
        """The prompts with descriptions of the largest people and things, each asked about on its own."""
        if not self.config.regions:
            return list(told)
        cut = [crops(self.stills[c.keyframe], p, self.config.regions) for c, p in zip(contexts, told, strict=True)]
        plain = [self.templates.worded(bare(p), "region") for p in told]
        rows = [PictureQuestion(jpeg, [p], 1) for crop, p in zip(cut, plain, strict=True) for _, jpeg in crop]
        described = iter(answers_to(rows, self.asked, self.job.open(Planning).language))
        seen = [[(next(described).captions, box) for box, _ in crop] for crop in cut]
        return [
            replace(p, regions=tuple((captions[0][1].text, box) for captions, box in found if captions))
            for p, found in zip(told, seen, strict=True)
        ]

    def candidates(self, number: int, context: Context, facts: Prompt, sifted: Sifted) -> Iterator[Draft]:
        """The records of one keyframe; `number` counts keyframes from 1."""
        for letter, (prompt, caption, writer) in zip(LETTERS, self._offered(facts, sifted), strict=False):
            judged = self.judge.judged(caption.text, context.keyframe, regions_of(prompt))
            own = caption.evidence or (*support(caption.text, prompt), *judged.evidence)
            yield Draft(
                id=f"c{number:05d}{letter}",
                keyframe=context.keyframe,
                text=caption.text,
                kind=caption.kind,
                style=prompt.style,
                length=caption.length,
                model=writer,
                evidence=once((*own, *regions_of(prompt)), context.keyframe),
                unsupported=judged.unsupported,
                people=mentioned(caption.text, labels_in(prompt)),
            )

    def refused(self, context: Context, sifted: Sifted) -> Iterator[RefusedDraft]:
        """What was written for one keyframe and is not offered."""
        found: list[tuple[Prompt, Caption, Reason]] = [
            (refusal.prompt, refusal.caption, Refused(rules=(refusal.rule,))) for refusal in sifted.refused
        ]
        found += [(*offered, Surplus(most=self.config.n)) for offered in sifted.captions[self.config.n :]]
        for prompt, caption, why in found:
            yield RefusedDraft(
                keyframe=context.keyframe, text=caption.text, kind=caption.kind, style=prompt.style,
                length=caption.length, model=self._model, why=why,
            )  # fmt: skip

    @property
    def _model(self) -> str:
        return self.job.backend.model or self.config.backend

    def _offered(self, facts: Prompt, sifted: Sifted) -> Iterator[tuple[Prompt, Caption, str]]:
        """The captions and what wrote them; then the on-screen text, unless one of them is that."""
        captions = sifted.captions[: self.config.n]
        yield from ((prompt, caption, self._model) for prompt, caption in captions)
        read = None if isinstance(self.job.backend, Facts) else reading(facts)
        if read and all(caption.text != read[1].text for _, caption in captions):
            yield *read, NAME
