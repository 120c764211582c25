"""The narration script of one episode: what `script.json` holds and every other script format is written from.

Times are seconds of presentation time, rounded to 1 ms. Texts are single clean lines: no control characters, no
characters that XML forbids, runs of white space made one space, so that every format carries the same text.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from data.errors import UserError
from data.files import write_atomically
from data.messages import tr
from data.reasons import Reason
from data.records import Bed, Evidence, Kind, Length, Seconds, Style


def one_line(text: str) -> str:
    """`text` without control characters and Unicode noncharacters, on one line."""
    return " ".join("".join(c for c in text if c.isspace() or _is_text(c)).split())


def _is_text(char: str) -> bool:
    code = ord(char)
    return unicodedata.category(char) not in {"Cc", "Cs"} and code & 0xFFFE != 0xFFFE and not 0xFDD0 <= code <= 0xFDEF


Text = Annotated[str, AfterValidator(one_line)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$", description="An XML name, so that DAPT can carry it")]


class Part(BaseModel):
    """A piece of the script. Unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Timed(Part):
    """Something that lasts from `start` to `end`."""

    id: Id
    start: Seconds
    end: Seconds

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"{self.id}: end {self.end} lies before start {self.start}")
        return self


class ScriptEpisode(Part):
    """The film the script belongs to."""

    id: str
    file: str = Field(description="File name of the film, without its folder")
    title: Text
    duration: Seconds
    start_time: Seconds = Field(0.0, description="Container time of the film's first presented instant")
    language: Literal["ko", "en"] = Field(description="Language of the narration")
    audio_language: str | None = Field(None, description="Language of the programme sound as the container names it")
    fps: float = Field(description="Average frames per second")
    content: str = Field(description="SHA-256 of the film's bytes")


class ScriptShot(Timed):
    """A run of frames between two cuts."""


class ScriptKeyframe(Part):
    """A still that candidates were written for."""

    id: Id
    shot: Id
    time: Seconds
    image: str = Field(description="File name of the JPEG in the workspace")


class ScriptUtterance(Timed):
    """A stretch of speech."""

    text: Text = ""
    source: str = Field(description="What found it: subtitles, speech, whisper; joined with +")


class ScriptGap(Timed):
    """A stretch without speech, used or not."""

    lead_in: Seconds = 0.0
    lead_out: Seconds = 0.0
    bed: Bed
    loudness: float | None = Field(None, description="Programme LUFS inside the gap; none for digital silence")
    usable: bool = Field(description="Long enough and not protected")
    used: bool = Field(description="A line is spoken in it")
    why: Reason | None = Field(default=None, description="Why it is not used; None when it is")


class ScriptCandidate(Part):
    """One sentence that was written for the keyframe, with its score and the named parts of the score."""

    id: Id
    text: Text
    score: float | None = Field(description="None: the ranker left it out")
    parts: dict[str, float] = {}
    model: str
    kind: Kind
    style: Style
    length: Length
    evidence: tuple[Evidence, ...] = ()
    unsupported: tuple[str, ...] = Field((), description="Words that claim what evidence could show, and none shows")


class SpokenClip(Part):
    """The voice of a line."""

    file: str = Field(description="WAV in the workspace's voice folder")
    voice: str
    speed: float = Field(1.0, description="How much faster than the configured rate it is spoken")


class ScriptNarration(Timed):
    """One spoken line: text and times are those of the clip as it was spoken and measured."""

    text: Annotated[Text, Field(min_length=1)]
    kind: Kind
    gap: Id
    shot: Id
    keyframe: Id
    candidate: Id = Field(description="The candidate that is spoken")
    score: float
    candidates: tuple[ScriptCandidate, ...] = Field(description="Every candidate of the keyframe, best first")
    evidence: tuple[Evidence, ...] = Field((), description="What supports the spoken line")
    unsupported: tuple[str, ...] = Field((), description="Words that claim what evidence could show, and none shows")
    clip: SpokenClip


class ExtendedLine(Timed):
    """A line for which the picture stands still; `start` and `end` are times of the extended film."""

    time: Seconds = Field(description="Where the programme pauses")
    stands: Seconds = Field(description="How long it pauses; lines with the same time share it")
    text: Annotated[Text, Field(min_length=1)]
    kind: Kind
    shot: Id
    keyframe: Id
    candidate: Id
    worth: float = Field(description="What the schedule makes of the line, in the ranker's score")
    why: Reason = Field(description="Why no gap holds it")
    candidates: tuple[ScriptCandidate, ...] = Field((), description="Every candidate of the keyframe, best first")
    evidence: tuple[Evidence, ...] = ()
    unsupported: tuple[str, ...] = Field((), description="Words that claim what evidence could show, and none shows")
    clip: SpokenClip

    @property
    def until(self) -> float:
        """Where the line would end in the programme if it did not pause."""
        return round(self.time + self.end - self.start, 3)


class DroppedLine(Part):
    """A line that was placed but is not spoken."""

    id: Id
    start: Seconds
    text: Text
    kind: Kind
    gap: Id
    keyframe: Id
    score: float
    why: Reason
    candidates: tuple[ScriptCandidate, ...] = ()


class ScriptDuck(Timed):
    """One dip of the programme: fully down in [start, end], ramps before and after it."""

    attack: Seconds = Field(description="The ramp down begins this long before start")
    release: Seconds = Field(description="The ramp up ends this long after end")
    depth: float = Field(ge=0, description="dB by which the programme is lowered")
    bed: float | None = Field(None, description="Programme LUFS in the dip before lowering; none: digital silence")
    narrations: tuple[Id, ...] = Field(description="The lines spoken in it")


class Script(Part):
    """The narration script of one episode."""

    version: Literal[2] = 2
    episode: ScriptEpisode
    shots: tuple[ScriptShot, ...] = ()
    keyframes: tuple[ScriptKeyframe, ...] = ()
    utterances: tuple[ScriptUtterance, ...] = ()
    gaps: tuple[ScriptGap, ...] = ()
    narrations: tuple[ScriptNarration, ...] = ()
    dropped: tuple[DroppedLine, ...] = ()
    extended: tuple[ExtendedLine, ...] = Field((), description="What the extended film says besides, by time")
    ducking: tuple[ScriptDuck, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _of_version_1(cls, script: Any) -> Any:
        """Version 1 held reasons as words."""
        if not isinstance(script, dict) or script.get("version") != 1:
            return script
        rows = {name: script.get(name) for name in ("gaps", "dropped", "extended")}
        reasoned = {name: [_with_reason(row) for row in some] for name, some in rows.items() if isinstance(some, list)}
        return script | reasoned | {"version": 2}

    @model_validator(mode="after")
    def _references_hold(self) -> Self:
        lines: list[ScriptNarration | DroppedLine] = [*self.narrations, *self.dropped]
        ids = {
            name: _unique(name, [row.id for row in rows])
            for name, rows in (("shot", self.shots), ("keyframe", self.keyframes), ("gap", self.gaps))
        }
        narrations = _unique("narration", [n.id for n in lines])
        _unique("line", [n.id for n in (*lines, *self.extended)])
        _known("shot", ids["shot"], [n.shot for n in self.extended])
        _known("gap", ids["gap"], [n.gap for n in lines])
        _known("keyframe", ids["keyframe"], [n.keyframe for n in lines])
        _known("shot", ids["shot"], [n.shot for n in self.narrations] + [k.shot for k in self.keyframes])
        if any(later.start < line.start for line, later in pairwise(self.narrations)):
            raise ValueError("the narrations are not in order of time")
        _known("narration", narrations, [n for duck in self.ducking for n in duck.narrations])
        return self


def _with_reason(row: Any) -> Any:
    if not isinstance(row, dict):
        return row
    why = row.get("why")
    return row | {"why": {"code": "worded", "text": why} if why else None}


def load(path: Path) -> Script:
    """Read a `script.json`. Raises UserError where it is absent, unreadable or not a script."""
    try:
        return Script.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(
            "{file} cannot be read ({cause}); run vdesc run first", file=path, cause=error.strerror
        ) from error
    except ValidationError as error:
        raise UserError(_not_a_script(path, error)) from error


def save(script: Script, path: Path) -> None:
    """Write `script.json` so that `path` never holds half of it."""
    write_atomically(path, content(script))


def content(script: Script) -> bytes:
    """What `script.json` holds."""
    return (script.model_dump_json(indent=1) + "\n").encode()


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `script.json`."""
    return Script.model_json_schema()


def _not_a_script(path: Path, error: ValidationError) -> str:
    first = error.errors()[0]
    return tr(
        "{file} is not a narration script ({where}: {cause}); run vdesc run again to rewrite it",
        file=path,
        where=".".join(map(str, first["loc"])) or "script",
        cause=first["msg"],
    )


def _unique(name: str, ids: list[str]) -> set[str]:
    if twice := sorted(i for i, count in Counter(ids).items() if count > 1):
        raise ValueError(f"{name} ids occur twice: {', '.join(twice)}")
    return set(ids)


def _known(name: str, ids: set[str], used: Iterable[str]) -> None:
    if missing := sorted(set(used) - ids):
        raise ValueError(f"no such {name}: {', '.join(missing)}")
