"""What people are told of results, kept as a template and its values: translated when it is shown, not when it arose.

A `Message` is any such text. A reason is one why something is not there: its code tells programs what its template
tells people, and its values are measured seconds and ids.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from data.errors import VdescError
from data.messages import current, known


class Message(BaseModel):
    """A text for people in whatever language they read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    template: str = Field(
        description="English, with fields of str.format; without values it may be a text that is whole"
    )
    values: dict[str, Value] = {}
    korean: str = Field(default="", description="The same in Korean, where no catalogue has it (rules of style)")

    def __str__(self) -> str:
        template = self.korean if self.korean and current() == "ko" else known(self.template)
        return template.format(**{name: _shown(v) for name, v in self.values.items()}) if self.values else template

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


Value = str | int | float | Message | tuple[str | Message, ...]
"""What fills a field. A word that has a translation is a `Message` of its own; several are told with commas."""
Message.model_rebuild()


def say(template: str, /, **values: object) -> Message:
    """A template with its values as they can be kept."""
    return Message(template=template, values={name: _kept(value) for name, value in values.items()})


def _kept(value: object) -> Value:
    if isinstance(value, Told):
        return value.message
    if isinstance(value, VdescError):
        return say(str(value.args[0]), **value.values)
    if isinstance(value, list | tuple):
        return tuple(part if isinstance(part, str | Message) else str(part) for part in map(_kept, value))
    if isinstance(value, Message | str | int):
        return value
    return float(value) if isinstance(value, float) else str(value)


def _shown(value: Value) -> object:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else value


class Told(BaseModel):
    """Base of reasons: `template` says it in English, with the reason's own fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    template: ClassVar[str]
    headline: ClassVar[str] = ""
    """The reason without its values, where many are counted; empty: the template has none."""

    @property
    def title(self) -> Message:
        """What many things with this reason have in common."""
        return Message(template=self.headline or self.template)

    @property
    def message(self) -> Message:
        """What people are told."""
        return say(self.template, **{name: getattr(self, name) for name in type(self).model_fields})

    def __str__(self) -> str:
        return str(self.message)


class TooShort(Told):
    """A gap that is left alone for its length."""

    template = "shorter than the minimum"
    code: Literal["too short"] = "too short"
    room: float = Field(description="Seconds it lasts")
    needed: float = Field(description="Seconds from which gaps are used")


class Protected(Told):
    """A gap in which somebody sings."""

    template = "a song that must stay heard"
    code: Literal["song"] = "song"


class NothingToSay(Told):
    """A gap whose pictures have no candidate."""

    template = "nothing to say: no line was written for the pictures here"
    code: Literal["nothing to say"] = "nothing to say"


class NothingNew(Told):
    """A gap whose pictures have candidates, and none is spoken in it."""

    template = "nothing new to say, or no line short enough"
    code: Literal["nothing new"] = "nothing new"


class NoRoom(Told):
    """A moment that no gap is in reach of."""

    template = "no gap is in reach of its picture"
    code: Literal["no gap"] = "no gap"


class TooLong(Told):
    """A moment whose lines are longer than the gaps in reach."""

    headline = "longer than every gap in reach"
    template = "its shortest line takes {needed:.1f} s, the longest gap in reach has {room:.1f} s"
    code: Literal["too long"] = "too long"
    needed: float
    room: float


class Repeats(Told):
    """A moment of which all was said a moment before, or is said soon."""

    template = "other lines say the same"
    code: Literal["said"] = "said"
    candidates: tuple[str, ...] = Field(description="Those that say it")


class LostTo(Told):
    """A moment whose place went to lines that are worth more."""

    template = "lines that are worth more take its place"
    code: Literal["outdone"] = "outdone"
    candidates: tuple[str, ...] = Field(description="Those that are spoken instead")


class Refused(Told):
    """A text that may not be spoken: the gate, or rules of style that no mending keeps."""

    headline = "it may not be spoken"
    template = "it may not be spoken: {rules}"
    code: Literal["refused"] = "refused"
    rules: tuple[Message, ...]


class Surplus(Told):
    """A caption beyond the number that is offered of a keyframe."""

    headline = "one caption more than asked for"
    template = "more than {most} captions of one keyframe (candidates.n)"
    code: Literal["surplus"] = "surplus"
    most: int


class LowScore(Told):
    """A candidate that the ranker thinks little of."""

    headline = "its score is too low"
    template = "its score {score:.2f} is below {least:.2f} (schedule.min_score)"
    code: Literal["low score"] = "low score"
    score: float
    least: float


class TooDetailed(Told):
    """A candidate of a length that the level of detail does not want."""

    template = "longer than the level of detail wants"
    code: Literal["too detailed"] = "too detailed"


class Heard(Told):
    """A candidate that tells what is heard or read anyway."""

    template = "the dialogue says it, or subtitles show it"
    code: Literal["heard"] = "heard"


class Overruns(Told):
    """A line that the voice cannot speak in its time."""

    headline = "the voice needs longer than there is"
    template = "it takes {needed:.1f} s and has {room:.1f} s"
    code: Literal["overruns"] = "overruns"
    needed: float
    room: float


class Shortened(Told):
    """A candidate in whose place the voice took a shorter one."""

    template = "the voice found no time for it and spoke a shorter candidate"
    code: Literal["shortened"] = "shortened"


class Outranked(Told):
    """A candidate of a moment of which another one is spoken."""

    template = "another candidate of the same moment is spoken"
    code: Literal["outranked"] = "outranked"


class ByPeople(Told):
    """A candidate that was placed, and that people took out or put other words in place of."""

    template = "people decided otherwise in the review"
    code: Literal["people"] = "people"


class Worded(Told):
    """A reason of which only its words are known: those that scripts of version 1 held."""

    headline = "a reason of an older script"
    template = "{text}"
    code: Literal["worded"] = "worded"
    text: str


Reason = Annotated[
    TooShort | Protected | NothingToSay | NothingNew | NoRoom | TooLong | Repeats | LostTo | Refused | Surplus
    | LowScore | TooDetailed | Heard | Overruns | Shortened | Outranked | ByPeople | Worded,
    Field(discriminator="code"),
]  # fmt: skip
"""Why something is not there."""
