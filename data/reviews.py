"""What reviewers did to an episode's narration: one record an act, appended to `reviews.jsonl` beside the results.

Nothing is ever changed or removed in the file: who takes an edit back appends another record. A record says in
seconds where it belongs, for ids change when an episode is run again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from data.errors import UserError
from data.messages import tr
from data.records import Seconds

FILE = "reviews.jsonl"
Action = Literal["swap", "edit", "approve", "reject", "delete", "add"]


class Review(BaseModel):
    """One act of a reviewer on one line."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    who: str = Field(min_length=1, description="Name or account of the reviewer")
    at: AwareDatetime = Field(description="When, with its time zone")
    action: Action = Field(
        description="swap: another candidate instead of the line; edit: words of one's own; approve: the line is good; "
        "reject: a line or candidate is bad; delete: the line is not to be spoken; add: a line where there was none"
    )
    time: Seconds = Field(ge=0, description="Start of the line in the episode")
    keyframe_time: Seconds | None = Field(None, ge=0, description="Time of the keyframe the line speaks of")
    keyframe: str | None = Field(None, description="Its id at that time")
    candidate: str | None = Field(None, description="Id, at that time, of the candidate that was chosen or rejected")
    before: str = Field("", description="The text the act is about; empty with add")
    after: str = Field("", description="The text from now on; empty with approve, reject and delete")

    @model_validator(mode="after")
    def _texts_fit_the_action(self) -> Self:
        wanted = {"before": self.action != "add", "after": self.action in ("swap", "edit", "add")}
        for name, needed in wanted.items():
            if bool(getattr(self, name)) != needed:
                raise ValueError(f"{self.action} needs {name}" if needed else f"{self.action} has no {name}")
        return self

    @property
    def about(self) -> float:
        """Seconds of the picture the act is about."""
        return self.time if self.keyframe_time is None else self.keyframe_time


def append(results: Path, reviews: Sequence[Review]) -> None:
    """Add to the reviews of a results folder; on disk when it returns. Each record is a line of its own."""
    path = results / FILE
    content = "".join(f"{review.model_dump_json(exclude_defaults=True)}\n" for review in reviews).encode()
    with path.open("ab") as file:
        file.write(content if _ended(path) else b"\n" + content)
        file.flush()
        os.fsync(file.fileno())


def _ended(path: Path) -> bool:
    """Whether the file ends with a whole line."""
    with path.open("rb") as handle:
        if handle.seek(0, os.SEEK_END) == 0:
            return True
        handle.seek(-1, os.SEEK_END)
        return handle.read(1) == b"\n"


def read(results: Path) -> list[Review]:
    """The reviews of a results folder as they were made; none where nobody reviewed it.

    A line that a crash cut off is passed over. Raises UserError that names file and line for one that is whole but is
    no review.
    """
    path = results / FILE
    if not path.is_file():
        return []
    reviews = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            value = json.loads(line)
        except ValueError:  # also of bytes that are no UTF-8: a letter that was cut
            continue
        reviews.append(_review(value, path, number))
    return reviews


def _review(value: object, path: Path, number: int) -> Review:
    try:
        return Review.model_validate(value)
    except ValidationError as error:
        problem = error.errors()[0]
        cause = ": ".join(filter(None, [".".join(map(str, problem["loc"])), problem["msg"]]))
        raise UserError(
            tr("{path}, line {number}: is no review ({cause}); mend the line", path=path, number=number, cause=cause)
        ) from None
