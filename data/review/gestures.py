"""What a reviewer can do: each gesture says which lines it changes, and what they become.

A gesture on a line names the version of the line that it was made on. A line whose words or place change is a draft
again where it had been approved or rejected; with other words it is no candidate any more and loses its recording.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from data.errors import UserError
from data.messages import tr
from data.records import Seconds
from data.review.fold import seconds
from data.review.made import Made
from data.review.model import ReviewLine
from data.review.renaming import renamed
from data.scripts.script import Text, one_line

PAUSE = 0.3
"""Seconds between the halves of a line that was split: a voice's rest after a sentence."""
Worded = Annotated[Text, Field(min_length=1, max_length=1000)]
Start = Annotated[Seconds, Field(ge=0)]


@dataclass(frozen=True)
class Scene:
    """What a gesture finds."""

    made: Made
    lines: Mapping[str, ReviewLine]
    """Id → line as it stands, those that were added and deleted again included."""

    def line(self, wanted: str) -> ReviewLine:
        """Raises UserError for a line that is not there."""
        if wanted not in self.lines:
            raise UserError("This line is not there any more; load the page again")
        return self.lines[wanted]


class Gesture(BaseModel):
    """Something done to the narration."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: str

    def versions(self) -> dict[str, int]:
        """Line → the version it was seen with."""
        return {}

    def change(self, scene: Scene) -> list[ReviewLine]:
        """The changed lines. Raises UserError where it cannot be done."""
        raise NotImplementedError


class OnLine(Gesture):
    """Something done to one line."""

    line: str
    version: int = Field(ge=0)

    def versions(self) -> dict[str, int]:
        return {self.line: self.version}

    def change(self, scene: Scene) -> list[ReviewLine]:
        line = scene.line(self.line)
        return [changed(line, **self.fields(line, scene))]

    def fields(self, line: ReviewLine, scene: Scene) -> dict[str, Any]:
        """What becomes of the line."""
        raise NotImplementedError


class Edit(OnLine):
    """Words of one's own."""

    kind: Literal["edit"]
    text: Worded

    def fields(self, line: ReviewLine, scene: Scene) -> dict[str, Any]:  # noqa: ARG002
        return said(line, self.text)


class Swap(OnLine):
    """Another candidate instead."""

    kind: Literal["swap"]
    candidate: str

    def fields(self, line: ReviewLine, scene: Scene) -> dict[str, Any]:
        found = scene.made.candidates.get(self.candidate)
        if found is None:
            raise UserError("This candidate is not there any more; load the page again")
        of_picture = {"kind": found.kind, "keyframe_time": scene.made.keyframes.get(found.keyframe)}
        return said(line, found.text) | of_picture | {"candidate": found.id}


class Move(OnLine):
    """Another time."""

    kind: Literal["move"]
    start: Start

    def fields(self, line: ReviewLine, scene: Scene) -> dict[str, Any]:  # noqa: ARG002
        return {"start": self.start, "state": undecided(line)}


class Split(OnLine):
    """Two lines of one: the first keeps the start, the second follows it. `at`: index of the second's first letter."""

    kind: Literal["split"]
    at: int = Field(ge=0)

    def change(self, scene: Scene) -> list[ReviewLine]:
        line = scene.line(self.line)
        first, second = line.text[: self.at].strip(), line.text[self.at :].strip()
        if not first or not second:
            raise UserError("There is nothing to split off here; put the cursor between two words")
        kept = changed(line, **said(line, first))
        start = round(line.start + seconds(kept) + PAUSE, 3)
        return [kept, changed(kept, id=new_id(), version=0, text=second, start=start, draft=None, note="")]


class Merge(OnLine):
    """One line of two: the words in order of time, from the start of the earlier one. The other line is deleted."""

    kind: Literal["merge"]
    other: str = Field(alias="with")
    with_version: int = Field(ge=0)

    def versions(self) -> dict[str, int]:
        return {self.line: self.version, self.other: self.with_version}

    def change(self, scene: Scene) -> list[ReviewLine]:
        line, other = scene.line(self.line), scene.line(self.other)
        if line.id == other.id or line.deleted or other.deleted:
            raise UserError("Only two lines that are there can be merged; choose another one")
        first, second = sorted((line, other), key=lambda one: one.start)
        readings = second.readings | first.readings
        text = f"{first.text} {second.text}"
        fields = said(line, text) | {"start": first.start, "readings": readings}
        return [changed(line, **fields), changed(other, deleted=True)]


class Delete(OnLine):
    """Not to be spoken."""

    kind: Literal["delete"]

    def fields(self, line: ReviewLine, scene: Scene) -> dict[str, Any]:  # noqa: ARG002
        return {"deleted": True}


class Add(Gesture):
    """A line where there was none."""

    kind: Literal["add"]
    start: Start
    text: Worded
    keyframe: str | None = None

    def change(self, scene: Scene) -> list[ReviewLine]:
        time = scene.made.keyframes.get(self.keyframe or "")
        values = {"id": new_id(), "start": self.start, "text": self.text, "keyframe_time": time}
        return [ReviewLine.model_validate(values)]


class Revoice(OnLine):
    """Another voice, rate or pronunciation; what is not named stays."""

    kind: Literal["voice"]
    voice: str | None = None
    speed: float | None = Field(None, ge=0.5, le=1.5)
    readings: dict[str, str] = {}

    def fields(self, line: ReviewLine, scene: Scene) -> dict[str, Any]:  # noqa: ARG002
        return self.model_dump(include={"voice", "speed", "readings"} & self.model_fields_set)


class Rerecord(OnLine):
    """A recording in review/recordings that speaks the line; none: the voice speaks it again."""

    kind: Literal["record"]
    recording: str | None = Field(pattern=r"^[0-9a-f]{64}\.wav$")

    def fields(self, line: ReviewLine, scene: Scene) -> dict[str, Any]:  # noqa: ARG002
        return {"recording": self.recording}


class Judge(OnLine):
    """A decision; `reopen` takes it back and brings a deleted line back."""

    kind: Literal["approve", "reject", "flag", "reopen"]
    note: str | None = Field(None, max_length=4000)

    def fields(self, line: ReviewLine, scene: Scene) -> dict[str, Any]:  # noqa: ARG002
        states = {"approve": "approved", "reject": "rejected", "flag": "flagged", "reopen": "draft"}
        there = {"deleted": False} if self.kind in ("approve", "reopen") else {}
        return {"state": states[self.kind], **there} | ({} if self.note is None else {"note": self.note})


class Annotate(OnLine):
    """A word to whoever comes after."""

    kind: Literal["note"]
    note: str = Field(max_length=4000)

    def fields(self, line: ReviewLine, scene: Scene) -> dict[str, Any]:  # noqa: ARG002
        return {"note": self.note}


class Rename(Gesture):
    """A character's name, in every line."""

    kind: Literal["rename"]
    old: Worded = Field(alias="from")
    new: Worded = Field(alias="to")

    def change(self, scene: Scene) -> list[ReviewLine]:
        return _everywhere(scene, lambda text: renamed(text, self.old, self.new, scene.made.language), None)


class Replace(Gesture):
    """These very letters, in every line or in some."""

    kind: Literal["replace"]
    find: str = Field(min_length=1, max_length=1000)
    to: str = Field(max_length=1000)
    lines: tuple[str, ...] | None = None

    def change(self, scene: Scene) -> list[ReviewLine]:
        return _everywhere(scene, lambda text: text.replace(self.find, self.to), self.lines)


Known: TypeAlias = (
    Edit | Swap | Move | Split | Merge | Delete | Add | Revoice | Rerecord | Judge | Annotate | Rename | Replace
)
_KNOWN: TypeAdapter[Known] = TypeAdapter(Annotated[Known, Field(discriminator="kind")])


def read(gesture: Mapping[str, Any]) -> Known:
    """The gesture that JSON describes. Raises UserError."""
    try:
        return _KNOWN.validate_python(dict(gesture))
    except ValidationError as error:
        raise UserError(_impossible(error)) from None


def changed(line: ReviewLine, **fields: Any) -> ReviewLine:
    """`line` with other fields. Raises UserError for what no line can be."""
    try:
        return ReviewLine.model_validate(dict(line) | fields)
    except ValidationError as error:
        raise UserError(_impossible(error)) from None


def said(line: ReviewLine, text: str) -> dict[str, Any]:
    """What becomes of a line with other words."""
    if text == line.text:
        return {}
    return {"text": text, "candidate": None, "recording": None, "state": undecided(line)}


def undecided(line: ReviewLine) -> str:
    """The state of a line that is not what somebody decided on any more; a flag stays."""
    return "flagged" if line.state == "flagged" else "draft"


def new_id() -> str:
    """An id that no line has."""
    return f"p-{uuid4().hex}"


def _everywhere(scene: Scene, change: Callable[[str], str], wanted: Collection[str] | None) -> list[ReviewLine]:
    lines = [line for line in scene.lines.values() if not line.deleted and (wanted is None or line.id in wanted)]
    found = [(line, text) for line in lines if (text := one_line(change(line.text))) != line.text]
    if not found:
        raise UserError("No line says that; nothing was changed")
    if empty := next((line for line, text in found if not text), None):
        raise UserError("“{text}” would be left without words; delete the line instead", text=empty.text)
    return [changed(line, **said(line, text)) for line, text in found]


def _impossible(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "kind"
    return tr("{where}: {cause}; load the page again", where=where, cause=first["msg"])
