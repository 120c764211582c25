"""Putting examples together: merging without duplicates, splitting by drama, and finding leaks between the parts."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from data.errors import UserError
from finetune.rows import Example, Split

ALIKE = 0.85
"""Jaccard likeness of character 4-grams from which two texts are near-duplicates; values of 0.8–0.9 are usual."""
GRAM = 4
PERMUTATIONS = 128
LEAST = 12
"""Letters a response must have to count as a leak between dramas: short lines ("밤.") are written again and again."""


@dataclass(frozen=True)
class Merged:
    """What is left of several files, and what was dropped."""

    examples: tuple[Example, ...]
    duplicates: int
    """Rows whose prompt and response had come before."""
    near_duplicates: int
    """Rows whose prompt and response were both nearly those of an earlier row."""


@dataclass(frozen=True)
class Leak:
    """A row of one part that another part knows already."""

    why: str
    """drama, image or text."""
    part: Split
    other: Split
    value: str
    """The shared title, picture or text."""


def merge(examples: Sequence[Example]) -> Merged:
    """Drop repeated and nearly repeated rows; the first of each is kept.

    A row is nearly repeated where both its response and its prompt are nearly those of one earlier row: neighbours in
    an episode have like prompts, and short responses come again in other scenes.
    """
    once: dict[tuple[str, str], Example] = {}
    for example in examples:
        once.setdefault((normalised(example.prompt), normalised(example.response)), example)
    rows = list(once.values())
    prompts = [_grams(e.prompt) for e in rows]
    repeated = {
        later
        for later, earlier in near_pairs([e.response for e in rows])
        if any(jaccard(prompts[later], prompts[k]) >= ALIKE for k in earlier)
    }
    kept = tuple(e for number, e in enumerate(rows) if number not in repeated)
    return Merged(kept, len(examples) - len(rows), len(repeated))


def near_pairs(texts: Sequence[str], alike: float = ALIKE) -> Iterator[tuple[int, list[int]]]:
    """The number of every text that is nearly an earlier one, with the numbers of those earlier ones, ascending.

    Found with MinHash and locality-sensitive hashing (Broder 1997; datasketch), then measured: Jaccard likeness of
    character 4-grams of at least `alike`.
    """
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=alike - 0.1, num_perm=PERMUTATIONS)  # wider than asked: what it finds is measured
    grams = [_grams(text) for text in texts]
    hashes = MinHash.bulk([[g.encode() for g in gram] for gram in grams], num_perm=PERMUTATIONS)
    for number, hashed in enumerate(hashes):
        near = sorted(k for k in index.query(hashed) if jaccard(grams[number], grams[k]) >= alike)
        if near:
            yield number, near
        index.insert(number, hashed)


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared members over all members; 1 for two empty sets."""
    return len(one & other) / len(one | other) if one or other else 1.0


def normalised(text: str) -> str:
    """Letters and digits alone, NFKC, in lower case: what makes two spellings the same text."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text)).casefold().strip()


def _grams(text: str) -> frozenset[str]:
    plain = normalised(text)
    return frozenset(plain[i : i + GRAM] for i in range(max(1, len(plain) - GRAM + 1)))


def split(examples: Sequence[Example], shares: Mapping[Split, float], seed: int = 0) -> tuple[Example, ...]:
    """Every example with its part; all examples of one drama go to the same part.

    Dramas, in an order shuffled by the seed (a hash, so that adding one moves no other), go to the part that lacks
    most of its share of rows. Raises UserError where there are fewer dramas than parts, or rows without a drama.
    """
    sizes = Counter(e.drama for e in examples)
    if "" in sizes:
        raise UserError("{count} rows name no drama; a split goes by drama: fill in the field", count=sizes[""])
    wanted = {part: share for part, share in shares.items() if share > 0}
    if len(sizes) < len(wanted):
        raise UserError(
            "{count} dramas cannot be split into {parts} parts; add dramas, or leave parts out",
            count=len(sizes),
            parts=len(wanted),
        )
    parts = _shared_out(sizes, wanted, seed)
    return tuple(e.model_copy(update={"split": parts[e.drama]}) for e in examples)


def _shared_out(sizes: Mapping[str, int], wanted: Mapping[Split, float], seed: int) -> dict[str, Split]:
    order = sorted(sizes, key=lambda drama: hashlib.sha256(f"{seed}\0{drama}".encode()).digest())
    total, filled = sum(wanted.values()), Counter[Split]()
    parts: dict[str, Split] = {}
    for left, drama in zip(range(len(order), 0, -1), order, strict=True):
        empty = [part for part in wanted if not filled[part]]
        open_to = empty if len(empty) >= left else list(wanted)
        part = max(open_to, key=lambda p: wanted[p] / total * sum(sizes.values()) - filled[p])
        parts[drama] = part
        filled[part] += sizes[drama]
    return parts


def leaks(examples: Sequence[Example]) -> list[Leak]:
    """What one part knows of another: a drama or picture in both, or nearly the same text of a dozen letters.

    Each shared value once for each pair of parts, in the order train, validation, test.
    """
    parts = [part for part in get_args(Split) if any(e.split == part for e in examples)]
    shared_values = []
    for number, other in enumerate(parts):
        for part in parts[:number]:
            one, two = ([e for e in examples if e.split == p] for p in (part, other))
            for why in ("drama", "image"):
                shared = {getattr(e, why) for e in one} & {getattr(e, why) for e in two} - {"", None}
                shared_values += [Leak(why, other, part, value) for value in sorted(shared)]
            shared_values += [Leak("text", other, part, text) for text in _shared_texts(one, two)]
    return shared_values


def _shared_texts(one: Sequence[Example], two: Sequence[Example]) -> list[str]:
    known = sorted({e.response for e in one if len(normalised(e.response)) >= LEAST})
    asked = sorted({e.response for e in two if len(normalised(e.response)) >= LEAST})
    pairs = near_pairs([*known, *asked])
    return [asked[later - len(known)] for later, earlier in pairs if later >= len(known) > earlier[0]]


def by_drama(examples: Sequence[Example]) -> dict[str, list[Example]]:
    """Examples by title, in order of first appearance."""
    grouped: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        grouped[example.drama].append(example)
    return grouped
