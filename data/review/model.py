"""The narration as reviewers have it: lines, and the acts that made them what they are.

Acts are appended, never changed: what a line says now is the `after` of the last act on it, else what the machine
drafted. A line belongs to the film by its time, for the ids of a draft change when an episode is run again.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from data.records import Kind, Seconds
from data.scripts.script import Text

State = Literal["draft", "approved", "rejected", "flagged"]
ActKind = Literal[
    "swap", "edit", "move", "split", "merge", "delete", "add", "voice", "record",
    "approve", "reject", "flag", "reopen", "note", "rename", "replace", "undo", "redo",
]  # fmt: skip


class Drafted(BaseModel):
    """A line as the machine placed it, before anybody touched it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    start: Seconds
    end: Seconds
    text: Text
    kind: Kind = "visual"
    keyframe: str | None = Field(None, description="Id in the results it was drafted from")
    keyframe_time: Seconds | None = None
    candidate: str | None = None


class ReviewLine(BaseModel):
    """One line as it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(pattern=r"^[a-z0-9-]{1,64}$", description="Stays with the line for good")
    version: int = Field(0, description="Number of the last act on it; 0: nobody touched it")
    start: Seconds = Field(ge=0)
    text: Text = Field(max_length=1000)
    kind: Kind = "visual"
    keyframe_time: Seconds | None = Field(None, description="Second of the picture it speaks of")
    candidate: str | None = Field(None, description="The candidate it is, as long as it is one")
    voice: str | None = Field(None, description="A voice of the backend for this line alone")
    speed: float | None = Field(None, ge=0.5, le=1.5, description="Asked of the voice, times the configured rate")
    readings: dict[str, str] = Field({}, description="Word → how the voice reads it, in this line")
    recording: str | None = Field(
        None, pattern=r"^[0-9a-f]{64}\.wav$", description="File in review/recordings: a person speaks the line"
    )
    state: State = "draft"
    note: str = Field("", max_length=4000)
    deleted: bool = False
    draft: Drafted | None = Field(None, description="What the machine placed here; None: a person added the line")

    @property
    def spoken(self) -> bool:
        """Whether the film should have it."""
        return not self.deleted and self.state != "rejected"


class Act(BaseModel):
    """One thing a reviewer did to one line. Several of one gesture (a rename, a split) share `group`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    number: int = Field(ge=1, description="Order within the episode")
    group: str
    who: str = Field(min_length=1)
    at: AwareDatetime
    kind: ActKind
    line: str
    before: ReviewLine | None = Field(description="None: the line was not there")
    after: ReviewLine
    undoes: str | None = Field(None, description="The group that an undo takes back, or a redo makes again")
