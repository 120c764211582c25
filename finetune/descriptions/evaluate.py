"""Descriptions measured against human audio description: events matched first, then all that can be computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from data.errors import ConfigError
from data.products import ScriptFile
from data.records import Keyframe
from data.scripts import read_lines, script
from data.scripts.line import ScriptLine
from data.series import cast
from data.workspace import Workspace
from finetune.descriptions import matching, measure, tokens
from finetune.descriptions.learned import Alignment, BertScore
from finetune.descriptions.measure import Figure, Judges, Measured, Texts
from finetune.likeness import ChrF, Likeness, SentenceBert
from stages.models import TorchOptions

Settings = TypeVar("Settings", bound=TorchOptions)
Matching = Literal["events", "windows"]


class Matched(BaseModel):
    """A human line beside what we said for it."""

    model_config = ConfigDict(frozen=True)
    human: ScriptLine
    ours: tuple[ScriptLine, ...]
    match: float
    """Score in the matching."""
    values: dict[str, float]
    """Figures of this pair alone."""

    @property
    def said(self) -> str:
        """What we said for it, as one text."""
        return " ".join(line.text for line in self.ours)


class DescriptionReport(BaseModel):
    """What came out of one comparison."""

    model_config = ConfigDict(frozen=True)
    language: tokens.Language
    matching: Matching
    matched_by: str
    """Likeness of texts in the matching; empty where text plays no part."""
    reach: float
    lines: int
    human_lines: int
    coverage: float
    """Share of the human lines that have one of ours."""
    unmatched: float
    """Share of our lines that belong to no human line."""
    figures: tuple[Figure, ...]
    not_computed: dict[str, str]
    """Figure → why it is missing."""
    pairs: tuple[Matched, ...]
    only_human: tuple[ScriptLine, ...]
    only_ours: tuple[ScriptLine, ...]


def evaluate_files(
    ours: Path, theirs: Path, *, matched: Matching = "events", reach: float = matching.REACH,
    match_by: Literal["chrf", "kosbert", "bertscore"] = "chrf", cast_folder: Path | None = None,
    kosbert: str | None = None, bertscore: str | None = None, siglip: str | None = None, device: str = "auto",
) -> DescriptionReport:  # fmt: skip
    """Compare two scripts (files, or results folders of ours); models by hub id or folder. Raises UserError.

    SigLIP needs a results folder as `ours`, for the keyframes lie there.
    """
    lines, human = read_lines(ours), read_lines(theirs)
    sbert = SentenceBert(_options(SentenceBert.Options, kosbert, device)) if kosbert else None
    bert = BertScore(_options(BertScore.Options, bertscore, device)) if bertscore else None
    by: dict[str, Likeness | None] = {"chrf": ChrF(), "kosbert": sbert, "bertscore": bert}
    likeness = by[match_by]
    if likeness is None:
        raise ConfigError("Matching by {name} needs a model; name one for {name}", name=match_by)
    judges = Judges(
        likeness=likeness, kosbert=sbert, bertscore=bert,
        alignment=Alignment(_options(Alignment.Options, siglip, device)) if siglip else None,
        pictures=keyframes(ours) if ours.is_dir() else None,
        people={member.id: member.names for member in cast.load(cast_folder).members} if cast_folder else None,
    )  # fmt: skip
    return evaluate_descriptions(lines, human, judges, matched=matched, reach=reach)


def keyframes(results: Path) -> dict[ScriptLine, Path]:
    """The keyframe of every line of a results folder whose picture is still there."""
    told = script.load(ScriptFile.place(results))
    stills = Workspace(results / "workspace").folder_of(Keyframe)
    images = {k.id: stills / k.image for k in told.keyframes}
    picture_of = {ScriptLine(n.start, n.end, n.text): images[n.keyframe] for n in told.narrations}
    return {line: path for line, path in picture_of.items() if path.is_file()}


def evaluate_descriptions(
    ours: Sequence[ScriptLine], theirs: Sequence[ScriptLine], judges: Judges | None = None, *,
    matched: Matching = "events", reach: float = matching.REACH, language: tokens.Language | None = None,
) -> DescriptionReport:  # fmt: skip
    """Compare our lines with the human ones, both in order of time; the language is told by the human letters.

    Figures of text are taken over matched lines alone, so they can be high where little was said: read them beside
    the coverage. Models are freed afterwards. Raises ConfigError for a model that cannot be loaded.
    """
    judges = judges or Judges()
    language = language or tokens.language_of([line.text for line in theirs])
    pairs = (
        matching.events(ours, theirs, judges.likeness, reach)
        if matched == "events"
        else matching.windows(ours, theirs, reach)
    )
    measured = _measured(ours, theirs, pairs, judges, language)
    covered, taken = {pair.theirs for pair in pairs}, {i for pair in pairs for i in pair.ours}
    return DescriptionReport(
        language=language, matching=matched, matched_by=judges.likeness.name if matched == "events" else "",
        reach=reach, lines=len(ours), human_lines=len(theirs), coverage=_share(len(covered), len(theirs)),
        unmatched=_share(len(ours) - len(taken), len(ours)), figures=tuple(measured.figures),
        not_computed=measured.missing, pairs=tuple(_matched(ours, theirs, pairs, measured)),
        only_human=tuple(line for j, line in enumerate(theirs) if j not in covered),
        only_ours=tuple(line for i, line in enumerate(ours) if i not in taken),
    )  # fmt: skip


def _measured(
    ours: Sequence[ScriptLine], theirs: Sequence[ScriptLine], pairs: Sequence[matching.Pair], judges: Judges,
    language: tokens.Language,
) -> Measured:  # fmt: skip
    pictures = judges.pictures or {}
    texts = Texts(
        human=[theirs[pair.theirs].text for pair in pairs],
        ours=[" ".join(ours[i].text for i in pair.ours) for pair in pairs],
        pictures=[next((pictures[ours[i]] for i in pair.ours if ours[i] in pictures), None) for pair in pairs],
    )
    into = Measured()
    measure.shared(texts, language, into)
    measure.recalled(texts, judges.likeness, into)
    measure.embedded(texts, judges, into)
    measure.aligned(texts, judges, into)
    measure.named(texts, judges, into)
    measure.varied(ours, theirs, language, into)
    return into


def _matched(
    ours: Sequence[ScriptLine], theirs: Sequence[ScriptLine], pairs: Sequence[matching.Pair], measured: Measured
) -> list[Matched]:
    known = [
        {name: round(each[n], 4) for name, each in measured.values.items() if not math.isnan(each[n])}
        for n in range(len(pairs))
    ]
    return [
        Matched(human=theirs[p.theirs], ours=tuple(ours[i] for i in p.ours), match=round(p.score, 4), values=values)
        for p, values in zip(pairs, known, strict=True)
    ]


def _options(kind: type[Settings], model: str, device: str) -> Settings:
    return kind.model_validate({"model": model, "device": device})


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
