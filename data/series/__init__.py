"""A series: one editable file with all that its episodes share, and what vdesc remembers from episode to episode.

    cast: [...]                         # people, as in cast.yaml: see `data.series.cast`
    places:                             # what places are called
      - {use: 행복약국, instead_of: [약방, 해피약국]}
    glossary:                           # other words the series wants written one way
      - {use: 한복, instead_of: [전통 의상], note: 시청자 의견}
    pronunciations: {SHIELD: 쉴드}       # how the voice reads words
    voice: {backend: edge, rate: 4.2}   # settings of the voice; --set stands above them
    names: introduced                   # from when names are used: introduced, spoken or always
    episodes: [pilot, ep01, ep02]       # order, where the names of the files do not tell it

Every part may be left out. A bare `cast.yaml` is the smallest series. `docs/series.md` explains it to people.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data.errors import ConfigError
from data.messages import tr
from data.series import cast, labels, memory
from data.series.cast import Cast
from data.series.names import When

PARTS = ("cast", "places", "glossary", "pronunciations", "voice", "names", "episodes")


class Term(BaseModel):
    """A wording that the series wants, and what it stands in place of."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    use: str = Field(min_length=1)
    instead_of: tuple[str, ...] = ()
    pronunciation: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _differs(self) -> Term:
        if self.use in self.instead_of or not all(self.instead_of):
            raise ValueError("instead_of must hold other words than use")
        return self


class Series(BaseModel):
    """What a series file says."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    people: Cast
    places: tuple[Term, ...] = ()
    glossary: tuple[Term, ...] = ()
    pronunciations: dict[str, str] = {}
    voice: dict[str, Any] = {}
    names: When = "introduced"
    episodes: tuple[str, ...] = ()

    @property
    def terms(self) -> tuple[Term, ...]:
        """Places and glossary together."""
        return (*self.places, *self.glossary)

    @property
    def readings(self) -> dict[str, str]:
        """How words are read: of the cast, of places and terms, and those named on their own, which count most."""
        of_cast = {name: m.pronunciation for m in self.people.members if m.pronunciation for name in m.names}
        of_terms = {term.use: term.pronunciation for term in self.terms if term.pronunciation}
        return of_cast | of_terms | self.pronunciations

    def preferred(self, text: str, language: str) -> str:
        """A line in the wording of the series."""
        for term, word in self.wordings():
            text = labels.replaced(text, word, term.use, language)
        return text

    def wordings(self) -> Iterator[tuple[Term, str]]:
        """Every word that has another in its place, the longest first."""
        pairs = ((term, word) for term in self.terms for word in term.instead_of)
        yield from sorted(pairs, key=lambda pair: -len(pair[1]))

    def order(self, episode: str) -> tuple[int, list[tuple[int, int, str]]]:
        """What episodes are sorted by: the list of the file, then their names, numbers in them as numbers."""
        place = self.episodes.index(episode) if episode in self.episodes else len(self.episodes)
        return place, [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in re.split(r"(\d+)", episode) if p]

    def introduced_before(self, episode: str) -> frozenset[str]:
        """Ids of the people whom episodes before this one introduced, as far as vdesc, or somebody, noted it."""
        found = memory.introduced(self.people.file.parent)
        earlier = (people for name, people in found.items() if self.order(name) < self.order(episode))
        return frozenset().union(*earlier)


def load(path: Path) -> Series:
    """Read a series, by its folder or its file. Raises ConfigError, which names the file, the key and the remedy."""
    people = cast.load(path)
    values = cast.read(people.file)
    if not isinstance(values, dict):
        return Series(people=people)
    for key in values:
        if key not in PARTS:
            near = difflib.get_close_matches(str(key), PARTS, n=1, cutoff=0.0)[0]
            raise ConfigError(
                "{file}: {key} is no part of a series; did you mean {near}?", file=people.file, key=key, near=near
            )
    given = {key: value for key, value in values.items() if key != "cast" and value is not None}
    try:
        series = Series.model_validate({"people": people} | given)
    except ValidationError as error:
        raise ConfigError(_explain(error, people.file)) from None
    _distinct(series)
    return series


def _explain(error: ValidationError, file: Path) -> str:
    """The first problem in one line."""
    problem = error.errors()[0]
    first, *rest = problem["loc"]
    numbered = [f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in rest]
    key = f"{first}{''.join(numbered)}"
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(rest[-1]), Term.model_fields, n=1, cutoff=0.0)[0]
        return tr("{file}: {key} is not known; did you mean {near}?", file=file, key=key, near=near)
    if problem["type"] == "missing":
        return tr("{file}: {key} is missing; add it", file=file, key=key)
    return tr("{file}: {key}: {cause} (given: {value}); mend this line",
              file=file, key=key, cause=problem["msg"], value=repr(problem.get("input")))  # fmt: skip


def _distinct(series: Series) -> None:
    """A word has one wording, and no wording is itself replaced. Raises ConfigError."""
    seen: dict[str, str] = {}
    for term, word in series.wordings():
        if seen.setdefault(word, term.use) != term.use or word in {t.use for t in series.terms}:
            raise ConfigError(
                "{file}: “{word}” is to be written in two ways; leave it in one of places and glossary",
                file=series.people.file,
                word=word,
            )
