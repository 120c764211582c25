"""Loudness that was measured before: of the programme, which no edit changes, and of clips, by their content."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from data.files import write_atomically
from data.media.loudness import Loudness
from data.media.sound import Mark, Marked
from data.records import Episode

VERSION = 1
"""Raised when the same sound would be measured otherwise."""
SPACING = 48_000
"""Samples between two marks at least."""


def programme(cache: Path, episode: Episode, layout: str, measure: Callable[[Marked], Loudness]) -> Loudness:
    """The loudness of the programme in `layout`; `measure` also tells where its decoding may begin again."""
    identity = ["programme", episode.identity(), layout]
    places: list[Mark] = []

    def marked(mark: Mark) -> None:
        if not places or mark.position - places[-1].position >= SPACING:
            places.append(mark)

    def measured() -> Loudness:
        found = measure(marked)
        content = io.BytesIO()
        np.save(content, np.array(places, np.int64).reshape(-1, 2))
        write_atomically(_file(cache, identity).with_suffix(".npy"), content.getvalue())
        return found

    return _known(cache, identity, measured)


def marks(cache: Path, episode: Episode, layout: str) -> list[Mark]:
    """Where the programme may be decoded from, in order; none where it was not measured yet."""
    file = _file(cache, ["programme", episode.identity(), layout]).with_suffix(".npy")
    return [Mark(int(pts), int(at)) for pts, at in np.load(file)] if file.exists() else []


def clip(cache: Path, file: Path, measure: Callable[[], Loudness]) -> Loudness:
    """The loudness of a clip."""
    return _known(cache, ["clip", hashlib.sha256(file.read_bytes()).hexdigest()], measure)


def _known(cache: Path, identity: list[str], measure: Callable[[], Loudness]) -> Loudness:
    file = _file(cache, identity)
    if not file.exists():
        found = measure()
        peaks = np.empty(0) if found.peaks is None else found.peaks
        content = io.BytesIO()
        np.savez(content, energy=found.energy, peaks=peaks)
        write_atomically(file, content.getvalue())
        return found
    with np.load(file) as kept:
        return Loudness(kept["energy"], kept["peaks"])


def _file(cache: Path, identity: list[str]) -> Path:
    return cache / f"{hashlib.sha256(json.dumps([VERSION, *identity]).encode()).hexdigest()}.npz"
