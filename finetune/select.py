"""From candidates and what a person wrote, examples to learn from: the candidate most like it is the response."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.calling import as_told
from finetune.likeness import Likeness
from finetune.rows import Example, Offered, Truth
from stages.ranking.prompt import RankingPrompt
from stages.ranking.template import render

SAME = 1e-6
"""Likenesses this close are a tie."""
NEAR = 2.0
"""Seconds a picture may lie outside a human line and still be what the line describes; the guide's tolerance for
description before or after the event."""


@dataclass(frozen=True)
class Selected:
    """The examples, and what became of the rows."""

    examples: tuple[Example, ...]
    counts: dict[str, int]
    """matched, no candidates for the truth, no truth for the candidates, all candidates bad, ties, one candidate."""


def select(truths: Sequence[Truth], offered: Sequence[Offered], likeness: Likeness, *, least: float) -> Selected:
    """One example for every human line that has candidates of which the best is at least `least` like it.

    Of equally good candidates the first is the response and the others are left out of the rejected: to call them
    worse would teach noise.
    """
    pairs = match(truths, offered)
    counts = Counter({"matched": len(pairs)})
    counts["no candidates for the truth"] = len(truths) - len(pairs)
    counts["no truth for the candidates"] = len(offered) - len({id(row) for _, row in pairs})
    texts = [list(dict.fromkeys(row.captions)) for _, row in pairs]
    examples = []
    for (truth, row), captions, scores in zip(pairs, texts, _scores(pairs, texts, likeness), strict=True):
        if scores.max() < least:
            counts["all candidates bad"] += 1
            continue
        counts["ties"] += int((scores >= scores.max() - SAME).sum() > 1)
        counts["one candidate"] += len(captions) == 1
        examples.append(_example(truth, row, captions, scores))
    return Selected(tuple(examples), dict(counts))


def match(truths: Sequence[Truth], offered: Sequence[Offered]) -> list[tuple[Truth, Offered]]:
    """Each human line with the candidates for its moment, in the order of the lines.

    By picture where both name one; else by episode and time: rows at most `NEAR` seconds outside the line's stretch,
    every row for one line at most, so that as many lines as possible find one and their distances add up to the least
    (assignment problem; scipy).
    """
    by_image = {row.image: row for row in offered if row.image}
    candidates_of = {n: by_image[t.image] for n, t in enumerate(truths) if t.image in by_image}
    used = {id(row) for row in candidates_of.values()}
    in_time: dict[str, list[Offered]] = defaultdict(list)
    for row in offered:
        if row.episode is not None and row.time is not None and id(row) not in used:
            in_time[row.episode].append(row)
    for episode, rows in in_time.items():
        lines = [
            n for n, t in enumerate(truths) if n not in candidates_of and t.episode == episode and t.time is not None
        ]
        for line, place in _assigned(_distances([truths[n] for n in lines], rows)):
            candidates_of[lines[line]] = rows[place]
    return [(truths[n], candidates_of[n]) for n in sorted(candidates_of)]


def _distances(truths: Sequence[Truth], rows: Sequence[Offered]) -> NDArray[np.float64]:
    """Seconds each row (columns) lies outside the stretch of each line (rows of the matrix)."""
    starts = np.array([t.time for t in truths], float)[:, None]
    ends = np.maximum(starts[:, 0], [t.end or 0.0 for t in truths])[:, None]
    times = np.array([r.time for r in rows], float)[None, :]
    return np.asarray(np.maximum(np.maximum(starts - times, times - ends), 0.0))


def _assigned(distances: NDArray[np.float64]) -> list[tuple[int, int]]:
    from scipy.optimize import linear_sum_assignment

    far = NEAR * (1 + distances.size)  # costs more than all near pairs together
    lines, rows = linear_sum_assignment(np.where(distances <= NEAR, distances, far))
    return [(int(n), int(k)) for n, k in zip(lines, rows, strict=True) if distances[n, k] <= NEAR]


def _scores(
    pairs: Sequence[tuple[Truth, Offered]], texts: Sequence[Sequence[str]], likeness: Likeness
) -> Iterator[NDArray[np.float64]]:
    """Likeness of every caption to its truth in the ranker's words, computed for all pairs in one go."""
    words = [as_told(truth.caption, row.told) for truth, row in pairs]
    truths = [text for text, captions in zip(words, texts, strict=True) for _ in captions]
    together = likeness.of(truths, [text for captions in texts for text in captions])
    ends = np.cumsum([len(captions) for captions in texts])
    yield from np.split(together, ends[:-1]) if len(texts) else ()


def _example(truth: Truth, row: Offered, captions: Sequence[str], scores: NDArray[np.float64]) -> Example:
    best = int(scores.argmax())
    worse = sorted((n for n in range(len(captions)) if scores[n] < scores[best] - SAME), key=lambda n: -scores[n])
    language = truth.language
    return Example(
        prompt=row.prompt or render(RankingPrompt(language=language)),
        response=captions[best],
        rejected=tuple(captions[n] for n in worse),
        scores=tuple(round(float(scores[n]), 4) for n in (best, *worse)),
        places=(best, *worse),
        asked=asked_about(row, (captions[best], *(captions[n] for n in worse))),
        image=truth.image or row.image,
        **truth.model_dump(include={"drama", "language", "source", "licence", "episode", "time"}),
    )


def asked_about(row: Offered, texts: Sequence[str]) -> dict[str, Any] | None:
    """The fields of the row's prompt with the evidence of these texts, in their order; none for texts of others."""
    if not row.asked or not isinstance(row.asked.get("support"), Sequence):
        return row.asked
    known: dict[str, Any] = {}
    for text, evidence in zip(row.captions, row.asked["support"], strict=False):
        known.setdefault(text, evidence)
    return row.asked | {"support": [known.get(text, []) for text in texts]}
