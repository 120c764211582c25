"""Names of the things object detectors find: the 80 classes of COCO (Lin et al. 2014) in Korean and English.

The Korean names are the plain words of the Standard Korean Dictionary (표준국어대사전) where it has one; the English
ones are COCO's, save where another word is the common one (`cell phone`: mobile phone).
"""

from __future__ import annotations

import csv
import functools
from pathlib import Path
from typing import Literal

LEXICON = Path(__file__).parents[1] / "lexicon" / "objects.csv"


def object_name(label: str, language: Literal["ko", "en"]) -> str:
    """How the narration calls a thing with this label; a label that is no COCO class comes back as it is."""
    names = _names().get(label)
    return names[language] if names else label


def labels() -> tuple[str, ...]:
    """Every label, in COCO's order."""
    return tuple(_names())


@functools.cache
def _names() -> dict[str, dict[str, str]]:
    with LEXICON.open(encoding="utf-8", newline="") as file:
        return {row["label"]: row for row in csv.DictReader(file)}
