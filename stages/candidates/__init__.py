"""Candidates: three or four sentences that could be spoken for each keyframe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from pydantic import Field

from data.language import PLAN_RATE
from data.messages import tr
from data.records import Candidate, Context, Keyframe, Style
from data.style import refuse
from stages.candidates.prompt import SECONDS, Caption, Prompt, prompts
from stages.stage import Job, StageConfig

VERSION = 2
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Config(StageConfig):
    """Settings of the candidates stage."""

    backend: str = Field("facts", description="Captioner: facts, or module:Class")
    options: dict[str, Any] = Field({}, description="Settings of the captioner")
    n: int = Field(4, ge=1, le=len(LETTERS), description="Most candidates of one keyframe, of all styles together")
    styles: tuple[Style, ...] = Field(
        ("basic", "strict"), min_length=1, description="basic: whole sentences; strict: as few words as possible"
    )
    batch: int = Field(8, ge=1, description="Keyframes the captioner is given at once")
    short: float = Field(SECONDS["short"], gt=0, description="Longest short line, seconds of speech")
    standard: float = Field(SECONDS["standard"], gt=0, description="Longest standard line, seconds of speech")
    rich: float = Field(SECONDS["rich"], gt=0, description="Longest line of all, seconds of speech")
    title_until: float = Field(600.0, ge=0, description="Seconds from the start in which the film's title may come")


class Captioner(Protocol):
    """The one method of a captioner, and what it needs."""

    needs_images: bool
    """False where the prompt alone is enough; it is then given no images."""

    def caption(self, images: Sequence[bytes], prompts: Sequence[Prompt], n: int) -> list[list[Caption]]:
        """Up to `n` captions for each prompt; `images` are the JPEGs of the prompts' keyframes."""


def run(job: Job[Config]) -> Iterable[Candidate]:
    """The captions that pass the text gate, each text once a keyframe; ids sort by time, then by the order offered."""
    contexts = sorted(job.read(Context), key=lambda c: c.time)
    asked = list(_prompts(job, contexts))
    refused: Counter[str] = Counter()
    for first in range(0, len(contexts), job.config.batch):
        chunk = slice(first, first + job.config.batch)
        offered = _captions(job, contexts[chunk], asked[chunk])
        for number, (context, captions) in enumerate(zip(contexts[chunk], offered, strict=True), start=first + 1):
            yield from _candidates(job, number, context, captions, refused)
        job.progress(min(first + job.config.batch, len(contexts)), len(contexts))
    for why, count in refused.most_common():
        job.note(tr("{count} captions were refused and will not be spoken: {why}", count=count, why=why))


def _prompts(job: Job[Config], contexts: Sequence[Context]) -> Iterator[Prompt]:
    config, language = job.config, job.settings.language
    lengths = {"short": config.short, "standard": config.standard, "rich": config.rich}
    return prompts(contexts, language, job.settings.plan_rate or PLAN_RATE[language], lengths, config.title_until)  # type: ignore[arg-type]


def _captions(
    job: Job[Config], contexts: Sequence[Context], asked: Sequence[Prompt]
) -> list[list[tuple[Style, Caption]]]:
    """What the captioner offers for each context, the styles in turn: the first of each, the second of each …"""
    styles, backend = job.config.styles, job.backend
    stills = [still for still in _stills(job, contexts) for _ in styles] if backend.needs_images else []
    each = -(-job.config.n // len(styles))
    answers = iter(backend.caption(stills, [p.in_style(s) for p in asked for s in styles], each))
    offered = []
    for _ in contexts:
        by_style = {style: next(answers) for style in styles}
        turns = [(s, c[turn]) for turn in range(each) for s, c in by_style.items() if turn < len(c)]
        offered.append(turns)
    return offered


def _stills(job: Job[Config], contexts: Sequence[Context]) -> Iterator[bytes]:
    names = {k.id: k.image for k in job.read(Keyframe)}
    for context in contexts:
        yield (job.folder_of(Keyframe) / names[context.keyframe]).read_bytes()


def _candidates(
    job: Job[Config], number: int, context: Context, captions: Sequence[tuple[Style, Caption]], refused: Counter[str]
) -> Iterator[Candidate]:
    said: set[str] = set()
    for style, caption in captions:
        text = caption.text.strip()
        why = refuse(text, job.settings.language)
        if why:
            refused[why] += 1
        elif text not in said and len(said) < job.config.n:
            said.add(text)
            yield Candidate(
                id=f"c{number:05d}{LETTERS[len(said) - 1]}",
                keyframe=context.keyframe,
                text=text,
                kind=caption.kind,
                style=style,
                length=caption.length,
                model=getattr(job.backend, "model", job.config.backend),
                evidence=tuple(e.model_copy(update={"keyframe": context.keyframe}) for e in caption.evidence),
            )
