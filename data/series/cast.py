"""The cast of a series: who is in the drama, what they are called, and their photos.

A folder with `cast.yaml`, a list of people, or with `series.yaml`, where that list stands under `cast` (see
`data.series`), and photos beside it:

    - id: giju                       # short name for files; photos named giju.jpg, giju-2.png … are found by it
      name: 김기주                    # or {ko: 김기주, en: Kim Gi-ju}
      before: 회색 코트의 남자         # how to call them until the name is spoken; likewise
      relation: 수진의 오빠            # optional, likewise
      pronunciation: 김기주            # optional: how the voice reads the name
      photos: [giju.jpg, side.png]   # optional: files, or one sub-folder; [] for somebody who has none
      named_from: 65.5               # optional: seconds from which the name may be used, whatever is said

`docs/series.md` explains it to people.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from data.errors import ConfigError
from data.messages import tr

FILES = ("series.yaml", "cast.yaml")
"""What tells of a series; the first that a folder has counts."""
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
UNKNOWN = "unknown-"
"""How the ids of people who are not of the cast begin."""

Language = Literal["ko", "en"]
Words = str | dict[Language, str]


class Member(BaseModel):
    """One person of the cast."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    id: str = Field(min_length=1)
    name: Words
    before: Words = ""
    relation: Words = ""
    pronunciation: str = ""
    photos: tuple[Path, ...] = ()
    named_from: float | None = Field(None, ge=0)

    @field_validator("id")
    @classmethod
    def _one_spelling(cls, given: str) -> str:
        return unicodedata.normalize("NFC", given)  # macOS takes Hangul apart

    @field_validator("name")
    @classmethod
    def _not_empty(cls, name: Words) -> Words:
        if not name or (isinstance(name, dict) and not all(name.values())):
            raise ValueError("a name must not be empty")
        return name

    @property
    def names(self) -> tuple[str, ...]:
        """The name in every language it is written in."""
        return tuple(self.name.values()) if isinstance(self.name, dict) else (self.name,)


class Cast(BaseModel):
    """Everybody of a cast folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    members: tuple[Member, ...]
    content: str = Field(description="SHA-256 of the file and the photos")
    file: Path
    faces: str = Field("", description="SHA-256 of ids and photos alone: what it takes to know somebody")

    @property
    def seen(self) -> bool:
        """Whether anybody can be known by their face."""
        return any(member.photos for member in self.members)

    def words(self, member: Member, key: Literal["name", "before", "relation"], language: Language) -> str:
        """A member's text in a language; one that is written once serves both. Raises ConfigError for a missing one."""
        value: Words = getattr(member, key)
        if isinstance(value, str):
            return value
        if language not in value:
            raise ConfigError(
                "{file}: {id}.{key} is not given in {language}; add {language}: … to it",
                file=self.file,
                id=member.id,
                key=key,
                language=language,
            )
        return value[language]


def load(path: Path) -> Cast:
    """The people of a series, by its folder or file. Raises ConfigError, which names file, key and remedy."""
    file = find(path)
    members = tuple(_member(file, number, entry) for number, entry in enumerate(_entries(file), start=1))
    _distinct(file, members)
    faces = _faces(members)
    content = hashlib.sha256(file.read_bytes() + faces.encode()).hexdigest()
    return Cast(members=members, content=content, file=file, faces=faces)


def find(path: Path) -> Path:
    """The file that tells of a series. Raises ConfigError where there is none."""
    path = path.expanduser()
    files = [path] if path.is_file() else [path / name for name in FILES if (path / name).is_file()]
    if not files:
        raise ConfigError(
            "{folder} has no cast.yaml and no series.yaml; write one, a list of people with id and name", folder=path
        )
    return files[0]


def read(file: Path) -> Any:
    """What a YAML file holds. Raises ConfigError."""
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        cause = " ".join(str(error).split())
        raise ConfigError("{path} is not a readable YAML file: {cause}", path=file, cause=cause) from None


def read_photo(people: Cast, member: str, photo: Path) -> NDArray[np.uint8]:
    """A photo as H×W×3 BGR, turned upright as its EXIF says. Raises ConfigError."""
    import cv2

    image = cv2.imdecode(np.fromfile(photo, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ConfigError(_unreadable(people.file, member, photo))
    return image.astype(np.uint8, copy=False)


def _unreadable(file: Path, member: str, photo: Path) -> str:
    return tr("{file}: {id}.photos: {photo} is no readable picture; save it as JPEG or PNG",
              file=file, id=member, photo=photo)  # fmt: skip


def _entries(file: Path) -> list[Any]:
    entries = read(file)
    if isinstance(entries, dict) and file.name != FILES[1]:
        entries = entries.get("cast") or []
        if isinstance(entries, list):
            return entries
    if not isinstance(entries, list) or not entries:
        raise ConfigError("{file} must hold a list of people: lines that begin with “- id: …”", file=file)
    return entries


def _member(file: Path, number: int, entry: Any) -> Member:
    if not isinstance(entry, dict):
        raise ConfigError(
            "{file}: entry {number} is no person; write “- id: …” and “name: …”", file=file, number=number
        )
    who = entry.get("id", number)
    try:
        member = Member.model_validate(entry | {"photos": ()})
    except ValidationError as error:
        raise ConfigError(_explain(error, file, who)) from None
    return member.model_copy(update={"photos": tuple(_photos(file, member.id, entry.get("photos")))})


def _explain(error: ValidationError, file: Path, who: object) -> str:
    """The first problem in one line."""
    problem = error.errors()[0]
    key = str(problem["loc"][0])
    values = {"file": file, "id": who, "key": key}
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, Member.model_fields, n=1, cutoff=0.0)[0]
        return tr("{file}: {id}.{key} is not known; did you mean {near}?", near=near, **values)
    if problem["type"] == "missing":
        return tr("{file}: {id} has no {key}; add a line “{key}: …”", **values)
    return tr("{file}: {id}.{key}: {cause}; mend this line", cause=problem["msg"], **values)


def _distinct(file: Path, members: Sequence[Member]) -> None:
    for what, values in (("id", [(m.id,) for m in members]), ("name", [m.names for m in members])):
        seen: set[str] = set()
        for value in (v for each in values for v in dict.fromkeys(each)):
            if value in seen:
                raise ConfigError(
                    "{file}: two people have the {what} {value}; make them differ", file=file, what=what, value=value
                )
            seen.add(value)
    if reserved := next((m.id for m in members if m.id.startswith(UNKNOWN)), None):
        raise ConfigError(
            "{file}: the id {value} is kept for strangers; choose one that does not begin with unknown-",
            file=file,
            value=reserved,
        )


def _photos(file: Path, member: str, given: Any) -> Iterator[Path]:
    """The photos of a member: those listed, those of a sub-folder, else the files named like the id."""
    listed = [given] if isinstance(given, str) else given
    if listed is None:
        listed = [p.name for p in _pictures(file.parent) if _named_like(p, member)]
        listed += [p.name for p in file.parent.iterdir() if p.is_dir() and _same(p.name, member)]
        if not listed:
            raise ConfigError(
                "{file}: {id} has no photo; put {id}.jpg beside it, or write photos: [] for none", file=file, id=member
            )
    if not isinstance(listed, list) or not all(isinstance(p, str) for p in listed):
        raise ConfigError(
            "{file}: {id}.photos must be a list of files or the name of a sub-folder", file=file, id=member
        )
    for name in listed:
        path = _found(file, member, name)
        yield from (_readable(file, member, p) for p in (_pictures(path) if path.is_dir() else [path]))


def _found(file: Path, member: str, name: str) -> Path:
    """A file below the folder by its name, however its accents and Hangul are composed on disk (macOS splits them)."""
    path = file.parent
    for part in Path(name).parts:
        near = [p for p in path.iterdir() if _same(p.name, part)] if path.is_dir() else []
        path = near[0] if near else path / part
    if not path.exists() or (path.is_dir() and not _pictures(path)):
        raise ConfigError(
            "{file}: {id}.photos: there is no picture {name}; put it into {folder} or mend the name",
            file=file,
            id=member,
            name=name,
            folder=file.parent,
        )
    return path


def _readable(file: Path, member: str, path: Path) -> Path:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            picture.verify()
    except (OSError, SyntaxError, Image.DecompressionBombError):
        raise ConfigError(_unreadable(file, member, path)) from None
    return path


def _pictures(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURES and p.is_file())


def _named_like(path: Path, member: str) -> bool:
    """Whether a file is named by an id: giju.jpg, giju-2.jpg, giju_03.png, giju (4).jpg; giju2 may be another id."""
    return bool(re.fullmatch(re.escape(_composed(member)) + r"([-_ ]\d+| ?\(\d+\))?", _composed(path.stem)))


def _same(one: str, other: str) -> bool:
    return _composed(one) == _composed(other)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _faces(members: Sequence[Member]) -> str:
    hashed = hashlib.sha256()
    for member in members:
        for photo in member.photos:
            hashed.update(f"\0{member.id}\0".encode() + hashlib.sha256(photo.read_bytes()).digest())
    return hashed.hexdigest()
