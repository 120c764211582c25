"""Loudness that was measured before: of the programme, which no edit changes, and of clips, by their content."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from data.files import write_atomically
from data.loudness import Loudness
from data.records import Episode

VERSION = 1
"""Raised when the same sound would be measured otherwise."""


def programme(cache: Path, episode: Episode, layout: str, measure: Callable[[], Loudness]) -> Loudness:
    """The loudness of the programme in `layout`."""
    assert episode.audio is not None
    return _known(cache, ["programme", episode.identity(), layout], measure)


def clip(cache: Path, file: Path, measure: Callable[[], Loudness]) -> Loudness:
    """The loudness of a clip."""
    return _known(cache, ["clip", hashlib.sha256(file.read_bytes()).hexdigest()], measure)


def _known(cache: Path, identity: list[str], measure: Callable[[], Loudness]) -> Loudness:
    name = hashlib.sha256(json.dumps([VERSION, *identity]).encode()).hexdigest()
    file = cache / f"{name}.npz"
    if not file.exists():
        found = measure()
        peaks = np.empty(0) if found.peaks is None else found.peaks
        content = io.BytesIO()
        np.savez(content, energy=found.energy, peaks=peaks)
        write_atomically(file, content.getvalue())
        return found
    with np.load(file) as kept:
        return Loudness(kept["energy"], kept["peaks"])
