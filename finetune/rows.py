"""The rows of fine-tuning: human descriptions, candidates for them, and the examples a ranker learns from.

Files are JSON Lines (one object a line) in UTF-8, or one JSON list; `data/README.md` describes every field.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from data.errors import UserError
from data.files import write_atomically
from data.messages import tr
from data.records import Seconds

R = TypeVar("R", bound="DataRow")
Split = Literal["train", "validation", "test"]
NEAR = 0.75
"""How alike (difflib) an unknown field's name must be to a known one to be taken for a slip of the pen."""


class DataRow(BaseModel):
    """One line of a data file. Fields nobody here knows are kept out, and told (`Read.ignored`)."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)
    drama: str = Field("", description="Title of the drama or film; splits go by it")
    language: Literal["ko", "en"] = Field("ko", description="Language of the text")
    source: str = Field("", description="Where the row comes from: a file, a data set, an address")
    licence: str = Field("", description="Licence the text may be used under")
    image: str | None = Field(None, description="Picture of the moment: a path, relative to the file or absolute")
    episode: str | None = Field(None, description="Results folder (or its name) of the episode")
    time: Seconds | None = Field(None, ge=0, description="Seconds from the start of the episode")


class Truth(DataRow):
    """What a person wrote for a moment, named by its picture or by episode and time."""

    caption: str = Field(min_length=1, description="The human description")
    end: Seconds | None = Field(None, description="When the human line ends, seconds")

    @model_validator(mode="after")
    def _placed(self) -> Truth:
        if self.image is None and (self.episode is None or self.time is None):
            raise ValueError("needs image, or episode and time")
        return self


class Offered(DataRow):
    """The candidates written for one moment, with the prompt a ranker is asked with."""

    captions: tuple[str, ...] = Field(min_length=1, description="The candidates")
    prompt: str = Field("", description="The ranker's prompt as it is asked; empty: made from the language alone")
    asked: dict[str, Any] | None = Field(None, description="The fields the prompt was made from (RankingPrompt)")
    model: str = Field("", description="What wrote the candidates")
    told: dict[str, str] = Field(
        default={},
        description="Words of people's texts → what the ranker is told instead, such as ids for names of the cast",
    )


class Example(DataRow):
    """One example to learn from or to be judged on: a prompt, the best response, and what was worse."""

    prompt: str = Field(min_length=1)
    response: str = Field(min_length=1)
    rejected: tuple[str, ...] = Field((), description="Worse responses to the same prompt")
    scores: tuple[float, ...] = Field(
        (), description="Likeness to the truth of the response, then of each rejected one; empty: not known"
    )
    places: tuple[int, ...] = Field(
        (), description="Place, from 0, of the response and of each rejected one among the candidates as written"
    )
    asked: dict[str, Any] | None = Field(None, description="The fields the prompt was made from (RankingPrompt)")
    split: Split | None = Field(None, description="Which part of the data it belongs to; none: not split yet")

    @field_validator("rejected")
    @classmethod
    def _words(cls, rejected: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(text.strip() for text in rejected if text.strip())

    @model_validator(mode="after")
    def _one_score_each(self) -> Example:
        if self.scores and len(self.scores) != 1 + len(self.rejected):
            raise ValueError("scores needs one number for the response and one for each rejected text")
        if self.places and len(self.places) != 1 + len(self.rejected):
            raise ValueError("places needs one number for the response and one for each rejected text")
        return self

    @property
    def offered(self) -> tuple[str, ...]:
        """The response and the rejected texts, in that order."""
        return (self.response, *self.rejected)


class Read(list[R]):
    """Rows as read."""

    ignored: Counter[str]
    """What was passed over: field name → in how many rows."""
    places: list[str]
    """File and line of each row, in words."""


def read(paths: Path | Sequence[Path], kind: type[R]) -> Read[R]:
    """All rows of one or more files, in order. Raises UserError that names the file and the line."""
    rows: Read[R] = Read()
    rows.ignored, rows.places = Counter(), []
    for path in [paths] if isinstance(paths, Path) else paths:
        before = len(rows)
        for where, value in _objects(path):
            rows.ignored.update(_unknown(value, kind, where))
            rows.append(_row(value, kind, where))
            rows.places.append(where)
        if len(rows) == before:
            raise UserError("{path} holds no rows; give a file with one JSON object a line", path=path)
    return rows


def write(path: Path, rows: Iterable[DataRow]) -> None:
    """Write rows as JSON Lines; empty fields are left out. The file appears whole or not at all."""
    lines = [row.model_dump_json(exclude_defaults=True) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, "".join(f"{line}\n" for line in lines).encode())


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a file with its place in words."""
    text = _text(path)
    if text.lstrip().startswith("["):
        for number, value in enumerate(_parsed(text, str(path)), 1):
            yield from _checked(value, tr("{path}, row {number}", path=path, number=number))
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            where = tr("{path}, line {number}", path=path, number=number)
            yield from _checked(_parsed(line, where), where)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise UserError("{path}, line {number}: is not UTF-8; save the file as UTF-8", path=path, number=line) from None
    except OSError as error:
        cause = error.strerror or error
        raise UserError("{path} cannot be read ({cause}); check the path", path=path, cause=cause) from None


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        cause = getattr(error, "msg", "too deep")
        raise UserError("{where}: is not JSON ({cause}); is the line whole?", where=where, cause=cause) from None


def _checked(value: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(value, dict):
        raise UserError("{where}: must be an object in braces, with named fields", where=where)
    yield where, value


def _unknown(value: dict[str, Any], kind: type[DataRow], where: str) -> Iterator[str]:
    """Names of unknown fields. Raises UserError for one that is nearly a known field which the row lacks."""
    for name in value.keys() - kind.model_fields.keys():
        near = difflib.get_close_matches(name, kind.model_fields.keys() - value.keys(), n=1, cutoff=NEAR)
        if near:
            raise UserError("{where}: {name} is not known; did you mean {near}?", where=where, name=name, near=near[0])
        yield name


def _row(value: dict[str, Any], kind: type[R], where: str) -> R:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(map(str, problem["loc"])) or kind.__name__
        if problem["type"] == "missing":
            raise UserError("{where}: {field} is missing", where=where, field=field) from None
        cause = problem["msg"].removeprefix("Value error, ")
        raise UserError("{where}: {field}: {cause}", where=where, field=field, cause=cause) from None
