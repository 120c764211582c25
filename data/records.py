"""The records: one frozen type per kind of result.

Times are seconds of presentation time from the start of the episode (its first presented instant is 0),
rounded to 1 ms. Ids order by time. Boxes are (x, y, width, height) as fractions of the picture.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from data.files import write_atomically
from data.reasons import Message, Reason

Seconds = Annotated[float, AfterValidator(lambda s: round(s, 3))]
Box = tuple[float, float, float, float]
Bed = Literal["silence", "ambience", "music"]
Kind = Literal["visual", "text", "title"]
Length = Literal["short", "standard", "rich"]
Style = Literal["basic", "strict"]


class Row(BaseModel):
    """One of the results that a stage leaves, in order of time, in a file of its folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    stage: ClassVar[str] = ""
    """The stage that leaves it; empty: it comes from elsewhere."""
    rows_in: ClassVar[str]
    """Its file in the stage's folder: JSON lines, or one JSON list (`.json`)."""

    @classmethod
    def open(cls, folder: Path) -> list[Self]:
        """All rows that lie in a stage's folder. Raises OSError where the stage left none."""
        content = (folder / cls.rows_in).read_bytes()
        if cls.rows_in.endswith(".json"):
            return [cls.model_validate(row) for row in json.loads(content)]
        return [cls.model_validate_json(line) for line in content.splitlines()]

    @classmethod
    def leave(cls, rows: Iterable[Self], folder: Path) -> None:
        """Write all rows of a stage as one JSON list."""
        listed = [row.model_dump(mode="json") for row in rows]
        write_atomically(folder / cls.rows_in, json.dumps(listed, ensure_ascii=False, indent=1).encode() + b"\n")


class Record(Row):
    """A frozen result with an id that sorts by time."""

    rows_in = "records.jsonl"
    id: str


def record_id(prefix: str, number: int) -> str:
    """The id of the `number`-th record (from 1) of its kind, e.g. `s00001`; sorts by number up to 99,999."""
    return f"{prefix}{number:05d}"


class VideoStream(BaseModel):
    """The picture stream that is described."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    index: int
    codec: str
    width: int = Field(description="Pixels as shown, rotation applied")
    height: int
    fps: float = Field(description="Average frames per second; not a clock, for the rate may vary")
    rotation: int = Field(0, description="Degrees clockwise the picture is turned to be shown: 0, 90, 180, 270")


class AudioStream(BaseModel):
    """One audio stream of the source."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    index: int = Field(description="Index among all streams of the container")
    number: int = Field(description="Position among the audio streams, from 0")
    codec: str
    rate: int
    channels: int
    layout: str
    language: str | None = Field(None, description="ISO 639 code as the container gives it")
    title: str | None = None
    default: bool = False


class SubtitleStream(BaseModel):
    """One subtitle stream of the source."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    index: int
    codec: str
    text: bool = Field(description="False for picture subtitles (PGS, DVB), which hold no text to read")
    language: str | None = None
    forced: bool = False


class Episode(Record):
    """One film as probed. `id` is the name of its results folder."""

    path: Path
    content: str = Field(description="SHA-256 of the file's bytes")
    container: str = Field(description="Container family by content: mp4, mov, mkv, webm, ts, avi, …")
    duration: Seconds
    start_time: Seconds = Field(0.0, description="Container time of the first presented instant; episode time 0")
    video: VideoStream
    audio: AudioStream | None = Field(description="The programme sound that is described; None: the film has none")
    audio_streams: tuple[AudioStream, ...] = ()
    subtitle_streams: tuple[SubtitleStream, ...] = ()
    subtitles: Path | None = Field(None, description="Subtitle side file, given or found by name")
    subtitles_content: str | None = Field(None, description="SHA-256 of the side file's bytes")

    def identity(self) -> str:
        """All that stages may depend on, without where the files lie; equal for a moved copy."""
        return self.model_dump_json(exclude={"path", "subtitles", "id"})


class Shot(Record):
    """A run of frames between two cuts; `end` is the start of the next shot."""

    stage = "shots"
    start: Seconds
    end: Seconds


class Keyframe(Record):
    """A still that stands for (part of) a shot."""

    stage = "keyframes"
    shot: str
    time: Seconds
    image: str = Field(description="File name of the JPEG in the keyframes folder")
    sharpness: float = Field(description="Variance of the Laplacian of the luma, 8-bit, at detection size")
    luma: float = Field(description="Mean luma 0–255")
    look: tuple[float, ...] = Field(description="4×4 grid of mean B, G, R (48 values, 0–255), to compare places")


class Still(Row):
    """A picture of a shot, from which its keyframes are chosen; the fields are those of `Keyframe`."""

    stage = "shots"
    rows_in = "stills.json"
    time: Seconds
    image: str = Field(description="File name of the JPEG in the stage's folder")
    sharpness: float
    luma: float
    look: tuple[float, ...]


class Word(BaseModel):
    """One spoken word with its time."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    start: Seconds
    end: Seconds
    text: str


class Utterance(Record):
    """A stretch of speech, with its text where a source knows it."""

    stage = "dialogue"
    start: Seconds
    end: Seconds
    text: str = ""
    source: str = Field(description="What found it: subtitles, speech, whisper; joined with +")
    words: tuple[Word, ...] = ()

    @property
    def confirmed(self) -> bool:
        """Whether a caption or recognised words say so too; what hears voices takes some music and effects for one."""
        return bool(self.text) or self.source != "speech"


class Song(Row):
    """A song that the subtitles name: no speech, and no place for narration."""

    stage = "dialogue"
    rows_in = "songs.json"
    start: Seconds
    end: Seconds
    text: str


class Gap(Record):
    """A stretch without speech. Narration may lie in [start + lead_in, end - lead_out]."""

    stage = "gaps"
    start: Seconds
    end: Seconds
    lead_in: Seconds = Field(description="Guard after the speech before; 0 at the start of the film")
    lead_out: Seconds = Field(description="Guard before the speech after; 0 at the end of the film")
    bed: Bed
    loudness: float | None = Field(description="Programme LUFS inside the gap; None for digital silence")
    usable: bool
    why: Reason | None = Field(default=None, description="Why it is not usable; None when it is")

    @property
    def window(self) -> tuple[float, float]:
        """Where narration may start at the earliest and must have ended."""
        return round(self.start + self.lead_in, 3), round(self.end - self.lead_out, 3)


class Detection(Record):
    """One object in a keyframe."""

    stage = "objects"
    keyframe: str
    label: str = Field(description="English name of the class, as COCO has it, or the detector's own")
    score: float
    box: Box
    track: str = Field(default="", description="Id of the shot's first detection of the same thing")


class TextRegion(Record):
    """One line of on-screen text in a keyframe. Seen from the first to the last still of the shot that shows it."""

    stage = "text"
    keyframe: str
    text: str
    first_seen: Seconds = Field(description="Time of the first still that shows the text")
    last_seen: Seconds = Field(description="The shot's end, where its last still shows the text")
    score: float
    box: Box


class Face(Record):
    """One face in a keyframe."""

    stage = "faces"
    keyframe: str
    score: float
    box: Box
    person: str | None = Field(
        default=None,
        description="Id of a cast member, or unknown-1 … for others; None: not recognised",
    )
    emotion: str | None = Field(default=None, description="What the expression looks like; never to be spoken")


class Evidence(BaseModel):
    """What supports a line: where it was seen or heard."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["text", "face", "object", "look", "dialogue", "region"]
    value: str
    keyframe: str | None = None
    box: Box | None = None
    score: float | None = None


class OnScreenText(BaseModel):
    """Text seen on one or more keyframes, joined; not burned-in dialogue."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str
    role: Literal["title", "sign", "subtitle"]
    first_seen: Seconds
    last_seen: Seconds
    score: float
    box: Box


class Person(BaseModel):
    """Somebody seen on a keyframe."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(description="Id of a cast member, or unknown-1 …")
    call: str = Field(description="The label models are told of them, `@id`; empty: nothing is known to call them")
    emotion: str | None = None
    box: Box


class Context(Record):
    """All that is known about one keyframe. `id` is the keyframe's id with prefix `c`."""

    stage = "context"
    keyframe: str
    shot: str
    time: Seconds
    start: Seconds = Field(description="Start of the shot")
    end: Seconds = Field(description="End of the shot")
    texts: tuple[OnScreenText, ...] = Field(description="Text that appears here and was not on the keyframe before")
    people: int = Field(description="Most faces or bodies on one still of the shot; a lower bound on people")
    faces: tuple[Face, ...] = ()
    objects: tuple[Detection, ...] = ()
    light: Literal["day", "night", "unknown"]
    same_place: str | None = Field(description="Earlier shot that looks like the same place; None: new")
    place: str = Field(
        default="", description="First shot of the place; shots of one scene share it, A B A B too; empty: unknown"
    )
    dialogue_before: str = Field("", description="What is said in the seconds before")
    dialogue_after: str = ""
    persons: tuple[Person, ...] = Field(default=(), description="Recognised people, largest face first")
    names: tuple[str, ...] = Field(default=(), description="Labels of the cast who are seen in the shot")


class Draft(Record):
    """One sentence that could be spoken for a keyframe, with labels in place of what people are called."""

    stage = "candidates"
    keyframe: str
    text: str
    kind: Kind
    style: Style
    length: Length
    model: str = Field(description="Backend and model that wrote it")
    evidence: tuple[Evidence, ...] = ()
    unsupported: tuple[str, ...] = Field(
        default=(), description="Words that claim what evidence could show, and none shows: things, people, names, text"
    )
    people: tuple[str, ...] = Field(default=(), description="Ids of those whom it mentions")


class RefusedDraft(Row):
    """A sentence that was written for a keyframe and is not offered, with labels as a draft has them."""

    stage = "candidates"
    rows_in = "refused.json"
    keyframe: str
    text: str
    kind: Kind
    style: Style
    length: Length
    model: str = Field(description="Backend and model that wrote it")
    why: Reason


class Candidate(Draft):
    """A draft as it can be spoken, under its id. `text` holds what people are called."""

    stage = "naming"
    draft: str = Field(default="", description="The text with labels; empty where it is the same")


class Ranked(Record):
    """A candidate's score. `id` is the candidate's id with prefix `r`."""

    stage = "ranking"
    candidate: str
    keyframe: str
    score: float = Field(description="Weighted sum of the parts, 0–1")
    parts: dict[str, float]


class Alternative(BaseModel):
    """A shorter candidate that may replace a line whose voice overruns, best first."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    candidate: str
    text: str
    score: float


class Narration(Record):
    """A line placed in a gap. It starts at `start` and must have ended by `until`; `end` is the estimate."""

    stage = "schedule"
    start: Seconds
    end: Seconds
    until: Seconds
    text: str
    kind: Kind
    gap: str
    keyframe: str
    candidate: str
    score: float
    alternatives: tuple[Alternative, ...] = ()
    parts: dict[str, float] = Field(
        default={}, description="What the line is worth in its place, by name; costs are negative"
    )
    displaced: tuple[str, ...] = Field(
        default=(), description="Candidates of other moments that find no room because of it"
    )
    unsupported: tuple[str, ...] = Field(default=(), description="Words of the line that no evidence supports")
    given: bool = Field(default=False, description="It comes from a person's script, not from a candidate")


class Missed(Row):
    """A moment with candidates, something seen or read, of which nothing is spoken."""

    stage = "schedule"
    rows_in = "missed.json"
    keyframe: str
    start: Seconds = Field(description="From when its picture, or its text, is on screen")
    end: Seconds
    kind: Kind
    candidate: str = Field(description="The candidate that comes nearest: the most valuable, of those refused the best")
    text: str
    why: Reason
    needed: Seconds | None = Field(default=None, description="Seconds its shortest line takes")
    room: Seconds | None = Field(default=None, description="Seconds the longest gap in reach has for it")
    worth: float = Field(default=0.0, description="What the line would be worth, in the ranker's score")
    scene: bool = Field(default=False, description="It opens a scene: another place or time of day")


class RefusedCandidate(Row):
    """A candidate that the schedule does not consider, whatever room there is."""

    stage = "schedule"
    rows_in = "refused.json"
    candidate: str
    keyframe: str
    why: Reason


class Line(Narration):
    """A narration as it is to be heard: as it was placed, or as people left it."""

    stage = "review"
    review: str = Field("", description="Id of the reviewed line it is; empty: nobody has reviewed the episode")
    person: bool = Field(False, description="People decided on it: it stays where it is and is never left out")
    voice: str | None = Field(None, description="A voice of the backend for this line alone")
    speed: float | None = Field(None, description="Asked of the voice, times the configured rate; None: as it fits")
    readings: dict[str, str] = Field({}, description="Word → how the voice reads it, in this line")
    recording: str | None = Field(None, description="WAV in the review folder: a person speaks the line")


class Clip(Record):
    """A spoken line, measured; or the reason it was dropped. `id` is the narration's id."""

    stage = "voice"
    narration: str
    text: str = Field(description="What is spoken: the narration's text or a shorter candidate")
    candidate: str
    start: Seconds
    end: Seconds = Field(description="start + measured length of the trimmed WAV; = start when dropped")
    file: str | None = Field(description="48 kHz mono WAV in the voice folder; None when dropped")
    voice: str
    speed: float = Field(1.0, description="How much faster than the configured rate it is spoken")
    dropped: Reason | None = Field(default=None, description="Why nothing is spoken; None when it is")


class Duck(Record):
    """One dip of the programme under narration: ramps linear in gain (as DAPT's) outside [start, end]."""

    stage = "mix"
    start: Seconds = Field(description="The bed is fully down from here")
    end: Seconds = Field(description="… to here")
    attack: Seconds = Field(description="The ramp down begins this long before start")
    release: Seconds = Field(description="The ramp up ends this long after end")
    depth: float = Field(description="dB, positive: how far the programme is lowered")
    bed: float | None = Field(description="Programme LUFS in the dip before lowering; None: digital silence")
    clips: tuple[str, ...] = Field(description="Ids of the clips spoken in it")


class Extended(Record):
    """A line spoken while the picture stands still: an extended description (WCAG 2.2, 1.2.7).

    Lines with the same `time` share one freeze.
    """

    stage = "extended"
    time: Seconds = Field(description="Where the programme pauses: presentation time, on a frame of the film")
    stands: Seconds = Field(description="How long it pauses there, for all lines of this freeze")
    start: Seconds = Field(description="When the line is heard, in the extended film's own time")
    end: Seconds
    text: str
    kind: Kind
    keyframe: str
    candidate: str
    worth: float = Field(description="What the schedule makes of the line, in the ranker's score")
    why: Reason = Field(description="Why no gap holds it")
    file: str = Field(description="48 kHz mono WAV in the stage's folder")
    voice: str


class Written(Record):
    """One file of the script or delivery."""

    stage = "script"
    name: str
    role: str = Field(description="script: script.json; else the name of its format (data.formats)")


class Finding(Record):
    """One result of checking the finished files. `id` orders by row of the QC table, then time."""

    stage = "check"
    row: int = Field(description="Row of the quality-control table (docs: reading the report)")
    check: str = Field(description="Short name of the check")
    severity: Literal["pass", "info", "warning", "error"]
    message: Message
    start: Seconds | None = None
    end: Seconds | None = None
    value: float | None = None
    limit: float | None = None

    @property
    def text(self) -> str:
        """What people are told."""
        return str(self.message)


class Note(BaseModel):
    """Something a stage wants people to know: a damaged stretch, a container that was changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    message: Message
    start: Seconds | None = None
    end: Seconds | None = None

    @property
    def text(self) -> str:
        """What people are told."""
        return str(self.message)
