"""From reviewers' choices and edits, examples to learn from: what they wanted against what they replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from data.reviews import Review
from finetune.rows import Example, Offered
from finetune.select import NEAR, asked_about
from stages.ranking.prompt import RankingPrompt
from stages.ranking.template import render


@dataclass(frozen=True)
class Preferred:
    """The examples, and what became of the reviews."""

    examples: tuple[Example, ...]
    counts: dict[str, int]


@dataclass
class _Line:
    """One line through its reviews: what it says now (nothing: deleted), what it said, whether it was approved."""

    who: str
    first: Review
    text: str
    was: list[str] = field(default_factory=list)
    approved: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.was) or self.first.action == "add"


def preferences(
    reviews: Sequence[Review], offered: Sequence[Offered], *, drama: str = "", approvals: bool = False,
    language: Literal["ko", "en"] = "ko",
) -> Preferred:  # fmt: skip
    """One example for every line that a reviewer changed or added, its last wording as the response.

    Rejected are the wordings it replaced and the texts that were rejected at that picture. With `approvals`, a line
    that was approved as it stood stands against the other candidates of its keyframe: weaker evidence, for nobody
    said that those are worse. Lines that were deleted, and texts rejected with nothing in their place, teach no order
    and are counted. A review belongs to the keyframe nearest in time, `NEAR` seconds away at most; where there is
    none the prompt is made from the language alone.
    """
    counts = Counter(review.action for review in reviews)
    told: Counter[str] = Counter(dict(counts))
    examples: list[Example] = []
    for row, some in _by_keyframe(reviews, offered):
        lines, refused = _lines(some)
        told["no keyframe at that time"] += len(some) if row is None else 0
        for line in lines:
            rejected = [*line.was, *refused]
            if approvals and line.approved and not line.was and row is not None:
                rejected += row.captions
            if line.text and (line.changed or (line.approved and approvals)):
                examples.append(_example(line, rejected, row, drama, language))
            else:
                told["nothing to learn"] += 1
    return Preferred(tuple(examples), {name: count for name, count in told.items() if count})


def _by_keyframe(
    reviews: Sequence[Review], offered: Sequence[Offered]
) -> Iterator[tuple[Offered | None, list[Review]]]:
    """The reviews of each keyframe in the order they were made; those far from any, second by second."""
    groups: dict[float, tuple[Offered | None, list[Review]]] = {}
    placed = [row for row in offered if row.time is not None]
    for review in reviews:
        row = min(placed, key=lambda r: abs((r.time or 0.0) - review.about), default=None)
        near = row is not None and row.time is not None and abs(row.time - review.about) <= NEAR
        time = row.time if near and row and row.time is not None else -1.0 - review.about
        groups.setdefault(time, (row if near else None, []))[1].append(review)
    yield from groups.values()


def _lines(reviews: Sequence[Review]) -> tuple[list[_Line], list[str]]:
    """The lines that one keyframe's reviews are about, and the texts they reject.

    A review goes on with the line that says what the review found; there may be several lines about one picture.
    """
    lines: list[_Line] = []
    refused: list[str] = []
    for review in reviews:
        if review.action == "reject":
            refused.append(review.before)
            continue
        line = next((x for x in lines if x.text == review.before and review.before), None)
        if line is None:
            line = _Line(review.who, review, review.before)
            lines.append(line)
        if review.action == "approve":
            line.approved = True
        else:
            line.was += [line.text] if line.text else []
            line.text, line.who, line.approved = review.after, review.who, False
    return lines, refused


def _example(
    line: _Line, rejected: Sequence[str], row: Offered | None, drama: str, language: Literal["ko", "en"]
) -> Example:
    worse = tuple(text for text in dict.fromkeys(rejected) if text != line.text)
    placed = {"image": row.image, "episode": row.episode, "time": row.time} if row else {"time": line.first.about}
    return Example.model_validate(
        {
            "prompt": row.prompt if row else render(RankingPrompt(language)),
            "response": line.text,
            "rejected": worse,
            "asked": asked_about(row, (line.text, *worse)) if row else None,
            "drama": drama or (row.drama if row else ""),
            "language": row.language if row else language,
            "source": f"review: {line.who}",
        }
        | placed
    )
