"""From reviewers' choices and edits, examples to learn from: what they wanted against what they replaced.

All in the words of the run's ranker, which knows people by ids, not by names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from data.errors import UserError
from data.review import evidence as reviews
from data.review.evidence import Review
from finetune.calling import Told, as_told, new_names
from finetune.episodes import offered
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
        return any(text != self.text for text in self.was) or self.first.action == "add"


def preferences(
    made: Sequence[Review], rows: Sequence[Offered], *, drama: str = "", approvals: bool = False,
    language: Literal["ko", "en"] = "ko",
) -> Preferred:  # fmt: skip
    """One example for every line that a reviewer changed or added, its last wording as the response.

    Rejected are the wordings it replaced and the texts that were rejected at that picture. With `approvals`, a line
    that was approved as it stood stands against the other candidates of its keyframe: weaker evidence, for nobody
    said that those are worse. Lines that were deleted, and texts rejected with nothing in their place, teach no order
    and are counted. A review belongs to the keyframe nearest in time, `NEAR` seconds away at most; where there is
    none the prompt is made from the language alone, and people go by ids where their name stands in `told` of all rows.
    A character whom a reviewer renamed goes by the same id, so that renaming alone teaches nothing.
    """
    told = Counter[str](review.action for review in made)
    everywhere = dict(set.intersection(*(set(row.told.items()) for row in rows))) if rows else {}
    spoken = rows[0].language if rows else language
    new = new_names(((r.before, r.after) for r in made if r.renamed), everywhere, spoken)
    examples: list[Example] = []
    for row, some in _by_keyframe(made, rows):
        words = (row.told if row else everywhere) | new
        lines, refused = _lines([_as_told(review, words) for review in some])
        told["no keyframe at that time"] += len(some) if row is None else 0
        wanted = [line for line in lines if line.text and (line.changed or (line.approved and approvals))]
        told["nothing to learn"] += len(lines) - len(wanted) if lines else len(refused)
        kept = {line.text for line in lines}  # what is read and what is seen may both be spoken of one keyframe
        for line in wanted:
            others = [text for text in row.captions if text not in kept] if row and not line.changed else []
            examples.append(_example(line, [*line.was, *refused, *others], row, drama, language))
    return Preferred(tuple(examples), {name: count for name, count in told.items() if count})


def _by_keyframe(made: Sequence[Review], rows: Sequence[Offered]) -> Iterator[tuple[Offered | None, list[Review]]]:
    """The reviews of each keyframe in the order they were made; those far from any, second by second."""
    groups: dict[float, tuple[Offered | None, list[Review]]] = {}
    placed = [row for row in rows if row.time is not None]
    for review in made:
        row = min(placed, key=lambda r: abs((r.time or 0.0) - review.about), default=None)
        near = row is not None and row.time is not None and abs(row.time - review.about) <= NEAR
        time = row.time if near and row and row.time is not None else -1.0 - review.about
        groups.setdefault(time, (row if near else None, []))[1].append(review)
    yield from groups.values()


def _as_told(review: Review, told: Told) -> Review:
    """A review with its texts in the words of the run's ranker."""
    return review.model_copy(update={"before": as_told(review.before, told), "after": as_told(review.after, told)})


def _lines(made: Sequence[Review]) -> tuple[list[_Line], list[str]]:
    """The lines that one keyframe's reviews are about, and the texts they reject.

    There may be several lines about one picture.
    """
    lines: dict[str, _Line] = {}
    refused: list[str] = []
    deleted: list[str] = []
    for review in made:
        if review.action == "reject":
            refused.append(review.before)
            continue
        line = lines.setdefault(review.line, _Line(review.who, review, review.before))
        if review.action == "approve":
            line.approved = True
        else:
            deleted += [line.text] if review.action == "delete" else []
            line.was += [line.text] if line.text else deleted  # what is added takes the place of what was deleted
            line.text, line.who, line.approved = review.after, review.who, False
    return list(lines.values()), refused


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


def of_results(
    folders: Sequence[Path], *, drama: str = "", approvals: bool = False, url: str | None = None
) -> Preferred:
    """The examples of all results folders that were reviewed. `url`: the studio's database; None: those in the folders.

    Raises UserError where none was reviewed, or a database cannot be read.
    """
    examples: list[Example] = []
    counts = Counter[str]()
    for folder in folders:
        made = reviews.read(folder, url)
        if made:
            pairs = preferences(made, offered(folder, drama=drama), drama=drama, approvals=approvals)
            examples += pairs.examples
            counts.update(pairs.counts)
    if not counts:
        raise UserError("Nobody has reviewed {folders}; run vdesc review", folders=", ".join(map(str, folders)))
    return Preferred(tuple(examples), dict(counts))
