"""Every figure of a comparison, where what it needs is at hand; else why it is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from data.messages import tr
from data.scripts.line import ScriptLine
from finetune.descriptions import neighbours, overlap, people, tokens, variety
from finetune.descriptions.learned import Alignment, BertScore
from finetune.likeness import ChrF, Likeness, SentenceBert

Unit = Literal["words", "characters", "text", "lines", "names", "pictures"]
KOSBERT, BERTSCORE, SIGLIP, RECALL, NAMES = "KoSBERT", "BERTScore F1", "SigLIP", "Recall@5/16", "name IoU"
CIDER, METEOR, COUNTED = "CIDEr-D", "METEOR (exact, stem)", "BLEU, chrF, ROUGE-L, METEOR, CIDEr-D"


class Figure(BaseModel):
    """One measured value."""

    model_config = ConfigDict(frozen=True)
    name: str
    unit: Unit
    """What is counted; words are morphemes in Korean."""
    value: float
    counted: int
    """Pairs or lines the value is taken over."""
    human: float | None = None
    """The same of the human script, for figures that need no reference."""
    best: float = 1.0
    """What no value can exceed."""
    better: Literal["higher", "lower"] = "higher"
    by: str = ""
    """What measured likeness: a model, or chrf."""


@dataclass(frozen=True)
class Judges:
    """What measures beyond counting. None of it is needed."""

    likeness: Likeness = field(default_factory=ChrF)
    """For the matching and for Recall@5/16."""
    kosbert: SentenceBert | None = None
    bertscore: BertScore | None = None
    alignment: Alignment | None = None
    pictures: Mapping[ScriptLine, Path] | None = None
    """The keyframe each of our lines was written for."""
    people: people.People | None = None


@dataclass(frozen=True)
class Texts:
    """The matched lines, in order of time: lists of one length."""

    human: list[str]
    ours: list[str]
    pictures: list[Path | None]


@dataclass(frozen=True)
class Measured:
    """What the functions below fill."""

    figures: list[Figure] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    """Figure → why it could not be computed."""
    values: dict[str, list[float]] = field(default_factory=dict)
    """Figure → its value for every pair; nan where a pair has none."""

    def add(
        self, name: str, unit: Unit, value: float, counted: int, best: float = 1.0, human: float | None = None,
        better: Literal["higher", "lower"] = "higher", by: str = "",
    ) -> None:  # fmt: skip
        """Keep a figure, or where it is nan, that there were too few lines for it."""
        if math.isnan(value):
            self.missing[name] = tr("too few lines")
            return
        human = None if human is None or math.isnan(human) else round(float(human), 4)
        self.figures.append(
            Figure(name=name, unit=unit, value=round(float(value), 4), counted=counted, human=human, best=best,
                   better=better, by=by)
        )  # fmt: skip


def shared(texts: Texts, language: tokens.Language, into: Measured) -> None:
    """What counts shared n-grams: over the text, over words or morphemes, and over characters."""
    if not texts.human:
        into.missing[COUNTED] = tr("no line was matched")
        return
    into.add("chrF", "text", overlap.chrf(texts.ours, texts.human), len(texts.human), best=100)
    into.values["chrF"] = [100 * float(v) for v in ChrF().of(texts.human, texts.ours)]
    ours, human = tokens.words(texts.ours, language), tokens.words(texts.human, language)
    into.add("chrF++", "words", overlap.chrf_plus(ours, human), len(human), best=100)
    each = overlap.meteor(ours, human)
    into.add(METEOR, "words", float(each.mean()), len(human))
    into.values[METEOR] = list(map(float, each))
    _ngrams(ours, human, "words", into)
    _ngrams(tokens.characters(texts.ours), tokens.characters(texts.human), "characters", into)
    if len(texts.human) == 1:
        into.missing[CIDER] = tr("it weighs words by the other human lines, and only one is matched")


def _ngrams(ours: tokens.Tokens, human: tokens.Tokens, unit: Literal["words", "characters"], into: Measured) -> None:
    for order in (1, 2, 3, 4):
        into.add(f"BLEU-{order}", unit, overlap.bleu(ours, human, order), len(human), best=100)
    each = {"ROUGE-L": overlap.rouge_l(ours, human)}
    if len(human) > 1:
        each[CIDER] = overlap.cider_d(ours, human)
    for name, values in each.items():
        into.add(name, unit, float(values.mean()), len(human), best=10 if name == CIDER else 1)
        if unit == "words":
            into.values[name] = list(map(float, values))


def recalled(texts: Texts, likeness: Likeness, into: Measured) -> None:
    """Recall@5/16 by the likeness of the matching."""
    if len(texts.ours) < neighbours.WINDOW:
        into.missing[RECALL] = tr("it needs {count} matched lines", count=neighbours.WINDOW)
        return
    recall = neighbours.recall_within_neighbours(texts.ours, texts.human, likeness)
    into.add(RECALL, "lines", recall, len(texts.ours), by=likeness.name)


def embedded(texts: Texts, judges: Judges, into: Measured) -> None:
    """Likeness by models of language; each is freed before the next one loads."""
    for name, judge in ((KOSBERT, judges.kosbert), (BERTSCORE, judges.bertscore)):
        if judge is None or not texts.human:
            into.missing[name] = tr("no model was named") if judge is None else tr("no line was matched")
            continue
        each = judge.of(texts.human, texts.ours)
        judge.close()
        into.values[name] = list(map(float, each))
        into.add(name, "text", float(each.mean()), len(texts.human), by=judge.options.model)


def aligned(texts: Texts, judges: Judges, into: Measured) -> None:
    """How well our text fits the keyframe it was written for, and beside it how well the human text does."""
    shown = [(n, path) for n, path in enumerate(texts.pictures) if path]
    if judges.alignment is None or not shown:
        unnamed = judges.alignment is None
        into.missing[SIGLIP] = tr("no model was named") if unnamed else tr("no matched line has a keyframe")
        return
    paths, by = [path for _, path in shown], judges.alignment.options.model
    us, them = (judges.alignment.of(paths, [side[n] for n, _ in shown]) for side in (texts.ours, texts.human))
    judges.alignment.close()
    for name, mine, human in zip(("cosine", "probability"), us, them, strict=True):
        into.add(f"{SIGLIP} {name}", "pictures", float(mine.mean()), len(shown), human=float(human.mean()), by=by)
    each = np.full(len(texts.ours), np.nan)
    each[[n for n, _ in shown]] = us[0]
    into.values[f"{SIGLIP} cosine"] = list(map(float, each))


def named(texts: Texts, judges: Judges, into: Measured) -> None:
    """Whether we name whom the human lines name."""
    if judges.people is None:
        into.missing[NAMES] = tr("no cast folder was named")
        return
    each = people.name_iou(texts.ours, texts.human, judges.people)
    if not each.size:
        into.missing[NAMES] = tr("no matched human line names anybody of the cast")
        return
    into.add(NAMES, "names", float(each.mean()), each.size)


def varied(ours: Sequence[ScriptLine], theirs: Sequence[ScriptLine], language: tokens.Language, into: Measured) -> None:
    """Variety of all our lines, matched or not, and of all human ones."""
    us, them = (tokens.words([line.text for line in side], language) for side in (ours, theirs))
    for order in (1, 2):
        values = variety.distinct(us, order), variety.distinct(them, order)
        into.add(f"distinct-{order}", "words", values[0], len(us), human=values[1])
    into.add("self-BLEU-4", "words", variety.self_bleu(us), len(us), best=100, human=variety.self_bleu(them),
             better="lower")  # fmt: skip
    into.add("neighbour repetition", "words", variety.repetition(us), len(us), human=variety.repetition(them),
             better="lower")  # fmt: skip
