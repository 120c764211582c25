"""What is asked about the keyframes of an episode, in a run and for fine-tuning alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from data.errors import ConfigError
from data.reach import reach
from data.records import Context, Draft, Evidence, Gap
from data.series.labels import bare
from data.text.language import PLAN_RATE
from data.text.objects import object_name
from stages.ranking import heuristic
from stages.ranking.prompt import RankingPrompt
from stages.sources import Planning

HEURISTIC = {"fit": 0.35, "new": 0.25, "style": 0.15, "evidence": 0.25}
MEMORY = 120.0
"""Seconds in which a line is remembered as said."""

Parts = list[dict[str, float]]
"""Named parts of each candidate of a keyframe."""


@dataclass(frozen=True)
class RankingQuestion:
    """A keyframe with its candidates; its prompt does not hold the earlier lines yet."""

    keyframe: str
    time: float
    prompt: RankingPrompt
    offered: tuple[Draft, ...]

    @property
    def texts(self) -> list[str]:
        """What the candidates say; people go by their ids."""
        return [bare(candidate.text) for candidate in self.offered]


def questions(
    contexts: Sequence[Context], candidates: Sequence[Draft], gaps: Sequence[Gap], settings: Planning
) -> Iterator[RankingQuestion]:
    """The keyframes that have candidates, in order of time."""
    usable = [g for g in gaps if g.usable]
    of_keyframe: dict[str, list[Draft]] = defaultdict(list)
    for candidate in candidates:
        of_keyframe[candidate.keyframe].append(candidate)
    for context in sorted((c for c in contexts if c.keyframe in of_keyframe), key=lambda c: c.time):
        offered = tuple(of_keyframe[context.keyframe])
        yield RankingQuestion(context.keyframe, context.time, _prompt(context, offered, usable, settings), offered)


def asked_of_model(asked: Sequence[RankingQuestion], memory: float = MEMORY) -> list[RankingPrompt]:
    """The prompts a model is asked with. The earlier lines are the heuristic's choice, so that it can work in batches.

    `memory`: seconds in which a line is remembered as said.
    """
    nothing: list[Parts] = [[{} for _ in q.offered] for q in asked]
    return [prompt for prompt, _ in walk(asked, nothing, HEURISTIC, memory)]


def walk(
    asked: Sequence[RankingQuestion], judged: Sequence[Parts], weights: Mapping[str, float], memory: float
) -> Iterator[tuple[RankingPrompt, Parts]]:
    """The questions in turn with the lines said before, and all parts; the best of each is taken as said."""
    said: list[tuple[float, str]] = []
    for question, of_model in zip(asked, judged, strict=True):
        said = [(time, text) for time, text in said if time >= question.time - memory]
        prompt = replace(question.prompt, earlier=tuple(text for _, text in said))
        parts = [a | b for a, b in zip(heuristic.parts(prompt, question.texts), of_model, strict=True)]
        scores = [weighted(p, weights) for p in parts]
        said.append((question.time, question.texts[scores.index(max(scores))]))  # the first of equals
        yield prompt, parts


def confidence(evidence: Evidence) -> tuple[str, float]:
    """A piece of evidence as the prompt holds it: its kind and how sure it is, 0–1."""
    return evidence.kind, min(1.0, max(0.0, 1.0 if evidence.score is None else evidence.score))


def weighted(parts: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The mean of the parts by their weights. Raises ConfigError where no weight names a part."""
    total = sum(weights.get(name, 0.0) for name in parts)
    if total <= 0:
        named = ", ".join(sorted(parts))
        raise ConfigError(
            "ranking.weights weighs none of the ranker's parts: give at least one of {parts} a weight", parts=named
        )
    return round(sum(weights.get(name, 0.0) * value for name, value in parts.items()) / total, 4)


def _prompt(context: Context, offered: Sequence[Draft], gaps: Sequence[Gap], settings: Planning) -> RankingPrompt:
    labels = [o.label for o in context.objects]
    return RankingPrompt(
        language=settings.language,
        rate=settings.plan_rate or PLAN_RATE[settings.language],
        windows=tuple(w for g in gaps if (w := reach(context, g, early=settings.early, late=settings.late)) > 0),
        light=context.light,
        known_place=context.same_place is not None or context.place not in ("", context.shot),
        people=max(context.people, labels.count("person")),
        persons=tuple(bare(p.call) for p in context.persons),
        names=tuple(map(bare, context.names)),
        objects=tuple(object_name(label, settings.language) for label in labels if label != "person"),
        texts=tuple(t.text for t in context.texts if t.role != "subtitle"),
        dialogue_before=context.dialogue_before,
        dialogue_after=context.dialogue_after,
        support=tuple(tuple(confidence(e) for e in c.evidence) for c in offered),
    )
