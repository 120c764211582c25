"""The data card that is written beside every data set (after Gebru et al. 2018, Datasheets for Datasets)."""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from data.files import write_atomically
from data.messages import tr
from data.text.language import syllables
from finetune.corpus import Leak, leaks
from finetune.rows import Example


class Lengths(BaseModel):
    """Syllables of the responses."""

    model_config = ConfigDict(frozen=True)
    least: int
    median: float
    tenth_longest: int
    most: int


class Card(BaseModel):
    """What a data set holds, where it comes from, and whether its parts overlap."""

    model_config = ConfigDict(frozen=True)
    data: str
    """SHA-256 of the file."""
    rows: int
    languages: dict[str, int]
    dramas: dict[str, int]
    parts: dict[str, int]
    dramas_of: dict[str, list[str]]
    """Part → its dramas."""
    rejected: float
    """Rejected texts a row, mean."""
    lengths: Lengths
    sources: dict[str, int]
    licences: dict[str, int]
    dropped: dict[str, int]
    """Why → how many rows are not in the set: duplicates, near-duplicates, bad candidates …"""
    leaks: list[str]
    """Dramas, pictures or texts that two parts share; empty is good."""


def card(
    path: Path, examples: Sequence[Example], dropped: Mapping[str, int] | None = None, whole: Sequence[Example] = ()
) -> Card:
    """The card of a written data set of at least one row. `whole`: all parts, where `path` holds one of them."""
    with path.open("rb") as handle:
        data = hashlib.file_digest(handle, "sha256").hexdigest()
    parts = {part: [e for e in examples if e.split == part] for part in {e.split for e in examples if e.split}}
    return Card(
        data=data,
        rows=len(examples),
        languages=_counted(e.language for e in examples),
        dramas=_counted(e.drama for e in examples),
        parts={part: len(rows) for part, rows in sorted(parts.items())},
        dramas_of={part: sorted({e.drama for e in rows}) for part, rows in sorted(parts.items())},
        rejected=round(statistics.fmean(len(e.rejected) for e in examples), 2),
        lengths=_lengths(examples),
        sources=_counted(e.source for e in examples),
        licences=_counted(e.licence for e in examples),
        dropped=dict(dropped or {}),
        leaks=[_told(leak) for leak in leaks(whole or examples)],
    )


def write_card(
    path: Path, examples: Sequence[Example], dropped: Mapping[str, int] | None = None, whole: Sequence[Example] = ()
) -> Card:
    """Write `<name>.card.json` and `<name>.card.md` beside the data set `path`; returns the card."""
    made = card(path, examples, dropped, whole)
    write_atomically(path.with_suffix(".card.json"), (made.model_dump_json(indent=1) + "\n").encode())
    write_atomically(path.with_suffix(".card.md"), _page(path.name, made).encode())
    return made


def _counted(values: object) -> dict[str, int]:
    counted = Counter(value or "–" for value in values)  # type: ignore[attr-defined]
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _lengths(examples: Sequence[Example]) -> Lengths:
    spoken = sorted(syllables(e.response, e.language) for e in examples)
    return Lengths(
        least=spoken[0], median=statistics.median(spoken), tenth_longest=spoken[int(0.9 * len(spoken))], most=spoken[-1]
    )


def _told(leak: Leak) -> str:
    return f"{leak.other} ↔ {leak.part}: {leak.why}: {leak.value}"


def _page(name: str, made: Card) -> str:
    """The card for people to read, in their language."""
    lengths = made.lengths
    lines = [
        f"# {name}",
        "",
        tr("{rows} rows of {dramas} dramas; {rejected} rejected texts a row on average.",
           rows=made.rows, dramas=len(made.dramas), rejected=made.rejected),
        "",
        tr("Length of the responses in syllables: {least}–{most}, median {median:g}, one in ten above {long}.",
           least=lengths.least, most=lengths.most, median=lengths.median, long=lengths.tenth_longest),
        "",
    ]  # fmt: skip
    tables = {
        tr("Dramas"): made.dramas,
        tr("Parts"): made.parts,
        tr("Languages"): made.languages,
        tr("Sources"): made.sources,
        tr("Licences"): made.licences,
        tr("Dropped"): made.dropped,
    }
    for title, counts in tables.items():
        if counts:
            lines += [f"## {title}", "", *(f"- {what}: {count}" for what, count in counts.items()), ""]
    found = made.leaks or [tr("none: no drama, picture or text is in two parts")]
    lines += [
        f"## {tr('Overlap of the parts')}",
        "",
        *(f"- {leak}" for leak in found),
        "",
        f"SHA-256: `{made.data}`",
        "",
    ]
    return "\n".join(lines)
