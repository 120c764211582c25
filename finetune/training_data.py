"""What a training learns from and is judged on: data files merged, split by drama, and checked for leaks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError
from finetune.corpus import LEAST, Leak, leaks, merge, near_pairs, normalised, split
from finetune.rows import Example, read
from finetune.training_config import TrainingConfig

SHOWN = 5
"""Most leaks named in an error."""
LETTERS = 80
"""Most letters shown of a shared text."""


@dataclass(frozen=True)
class DataFile:
    """One data file."""

    path: str
    data: str
    """SHA-256 of the file."""
    card: str | None
    """SHA-256 of its data card; None: it has none."""


@dataclass(frozen=True)
class Corpus:
    """Rows to learn from and rows to rank, which share no drama, picture or text."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    dropped: dict[str, int]
    """Why → how many rows are in neither: test, duplicates, near-duplicates, leaks."""
    sources: tuple[DataFile, ...]

    @property
    def licences(self) -> dict[str, int]:
        """Licences of the rows that are learnt from; "unknown" where a row names none."""
        return dict(Counter(e.licence or "unknown" for e in self.train).most_common())


def corpus(paths: Sequence[Path], config: TrainingConfig) -> Corpus:
    """The rows of the data files.

    Rows marked test are never trained on. Where no row is marked validation, dramas are held out for it. Raises
    UserError for files without rows, a single drama, nothing to train on, and what one part knows of another.
    """
    read_rows = read(list(paths), Example)
    merged = merge(read_rows)
    dropped = Counter({"duplicates": merged.duplicates, "near-duplicates": merged.near_duplicates})
    rows = _parted(merged.examples, config)
    rows, dropped["leaks"] = _without_leaks(rows, config)
    dropped["test"] = sum(e.split == "test" for e in rows)
    train = tuple(e for e in rows if e.split == "train")
    if not train:
        raise UserError("No rows are left to train on: all are marked test or validation; add training rows")
    validation = tuple(e for e in rows if e.split == "validation")
    return Corpus(train, validation, {why: n for why, n in dropped.items() if n}, tuple(map(_source, paths)))


def _parted(rows: Sequence[Example], config: TrainingConfig) -> list[Example]:
    """Every row with its part."""
    if config.validation_share == 0 or any(e.split == "validation" for e in rows):
        return [e if e.split else e.model_copy(update={"split": "train"}) for e in rows]
    test = [e for e in rows if e.split == "test"]
    others = [e for e in rows if e.split != "test"]
    if len({e.drama for e in others}) == 1:
        raise UserError(
            "All rows are of one drama ({drama}), and a split goes by drama: add another one, or train without "
            "validation by validation_share=0",
            drama=others[0].drama or "–",
        )
    share = config.validation_share
    return [*split(others, {"train": 1 - share, "validation": share}, config.seed), *test]


def _without_leaks(rows: Sequence[Example], config: TrainingConfig) -> tuple[list[Example], int]:
    """The rows without training rows that other parts know, and how many those were. Raises UserError for `refuse`."""
    leaking = [leak for leak in leaks(rows) if leak.part == "train" or leak.other == "train"]
    if not leaking:
        return list(rows), 0
    if config.leaks == "refuse":
        raise UserError(
            "{count} training rows or titles are known from validation or test ({first}); mend the split, or leave "
            "them out of training by leaks=drop",
            count=len(leaking),
            first=_told(leaking),
        )
    shared = {(leak.why, leak.value) for leak in leaking}
    known = _near_others(rows) if any(why == "text" for why, _ in shared) else set()
    kept = [
        e for e in rows
        if e.split != "train"
        or not (("drama", e.drama) in shared or ("image", e.image) in shared or e.response in known)
    ]  # fmt: skip
    return kept, len(rows) - len(kept)


def _near_others(rows: Sequence[Example]) -> set[str]:
    """Responses of training rows that are nearly one of another part's."""
    long = [e for e in rows if len(normalised(e.response)) >= LEAST]
    others = sorted({e.response for e in long if e.split != "train"})
    ours = sorted({e.response for e in long if e.split == "train"})
    pairs = near_pairs([*others, *ours])
    return {ours[later - len(others)] for later, earlier in pairs if later >= len(others) > earlier[0]}


def _told(found: Sequence[Leak]) -> str:
    named = "; ".join(f"{leak.other} ↔ {leak.part}: {leak.why}: {leak.value[:LETTERS]}" for leak in found[:SHOWN])
    return f"{named}; …" if len(found) > SHOWN else named


def _source(path: Path) -> DataFile:
    card = path.with_suffix(".card.json")
    return DataFile(str(path), _sha(path), _sha(card) if card.is_file() else None)


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
