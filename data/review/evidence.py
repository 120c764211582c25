"""What reviewers did to an episode's narration, as evidence to learn from: derived from the acts in the review's store.

Times are seconds, for ids change when an episode is run again. What was undone teaches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from data.errors import UserError
from data.records import Seconds
from data.review import place
from data.review.model import Act, ReviewLine
from data.review.undoing import standing

if TYPE_CHECKING:
    from data.review.store import Store

Action = Literal["swap", "edit", "approve", "reject", "delete", "add"]


class Review(BaseModel):
    """One act of a reviewer on one line."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    who: str = Field(description="Name or account of the reviewer")
    at: AwareDatetime = Field(description="When, with its time zone")
    line: str = Field(description="The line it is about, the same through all of its reviews")
    action: Action = Field(
        description="swap: another candidate instead of the line; edit: words of one's own; approve: the line is good; "
        "reject: the line is bad; delete: the line is not to be spoken; add: a line where there was none"
    )
    time: Seconds = Field(description="Start of the line in the episode")
    keyframe_time: Seconds | None = Field(description="Time of the keyframe the line speaks of")
    candidate: str | None = Field(None, description="Id, at that time, of the candidate that was chosen")
    before: str = Field("", description="The text the act is about; empty with add")
    after: str = Field("", description="The text from now on; empty with approve, reject and delete")
    renamed: bool = Field(default=False, description="The edit is a character's new name, in this line as in all")

    @property
    def about(self) -> float:
        """Seconds of the picture the act is about."""
        return self.time if self.keyframe_time is None else self.keyframe_time


def read(results: Path, url: str | None = None) -> list[Review]:
    """The reviews of a results folder in the order they were made; none where nobody reviewed it.

    `url`: the studio's database; None: the one in the folder. Raises UserError where it cannot be read.
    """
    episode = place.kept_as(results)
    if episode is None or (url is None and not place.local(results).is_file()):
        return []
    store = _opened(results, url)
    try:
        return of_acts(store.acts(episode))
    finally:
        store.close()


def of_acts(acts: Sequence[Act]) -> list[Review]:
    """What acts say about texts. A decision on a line that was opened again counts no more."""
    kept: list[Review] = []
    for act in standing(acts):
        if act.kind == "reopen":
            kept = [r for r in kept if r.line != act.line or r.action not in ("approve", "reject")]
        kept += _reviews(act)
    return kept


def _reviews(act: Act) -> Iterator[Review]:
    before, after = act.before, act.after
    if act.kind in ("approve", "reject"):
        yield _review(act, act.kind, before=after.text)
    elif _there(before) and not _there(after):
        yield _review(act, "delete", before=before.text if before else "")
    elif _there(after) and not _there(before):
        yield _review(act, "add", after=after.text)
    elif before and before.text != after.text:
        texts = {"before": before.text, "after": after.text}
        if act.kind == "swap":
            yield _review(act, "swap", candidate=after.candidate, **texts)
        else:
            yield _review(act, "edit", renamed=act.kind == "rename", **texts)


def _there(line: ReviewLine | None) -> bool:
    return line is not None and not line.deleted


def _review(act: Act, action: Action, **fields: Any) -> Review:
    placed = {"line": act.line, "time": act.after.start, "keyframe_time": act.after.keyframe_time}
    return Review.model_validate({"who": act.who, "at": act.at, "action": action, **placed, **fields})


def _opened(results: Path, url: str | None) -> Store:
    try:
        from data.review.store import Store
    except ImportError as error:
        raise UserError(
            "{package} is not installed; pip install 'videodescription[review]'", package=error.name
        ) from None
    return Store(url or place.local(results))
