"""The mix stretch by stretch, each kept by all that it is made of: after an edit only what the edit touches is made.

What is kept of a stretch is its AAC (`data.media.aac`), its loudness and how far it is from the programme; the
samples are not. A mix that finds nothing kept makes the same stretches, so that both give the same film, but for the
noise that a decoder of the programme's AAC makes up: it is another one where decoding begins elsewhere. So stretches
of one reading of the whole film are kept all together or not at all, and a mix that was killed ends in the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.files import write_atomically
from data.media import aac
from data.media.loudness import CELLS, Loudness, measure
from data.media.sound import Mark, audio_span
from data.records import Clip, Duck, Episode
from stages.mix.ducking import Plan
from stages.mix.render import RATE, Residual, Samples, rendered

VERSION = 1
"""Raised when the same stretch would sound different."""
CELL = RATE // CELLS
OWN = aac.STRETCH * aac.FRAME
"""Samples of a stretch whose loudness it keeps."""
WORKERS = min(4, os.cpu_count() or 1)
FEW = 0.25
"""Share of the film up to which stretches are decoded one by one; beyond it reading all of it is faster."""


@dataclass(frozen=True)
class Stretch:
    """What a finished stretch gives to the film."""

    packets: list[bytes]
    energy: NDArray[np.float64]
    peaks: NDArray[np.float64]
    residual: float
    """Largest difference to the programme outside dips and clips, full scale 1."""


@dataclass(frozen=True)
class Sounds:
    """Number and programme samples of the stretches to be made; `whole`: cut from one reading of all of the film."""

    stretches: Iterable[tuple[int, Samples]]
    whole: bool


class Mixing:
    """One mix: what every stretch is made of, and where it is kept."""

    def __init__(self, episode: Episode, layout: str, plan: Plan, clips: Sequence[Clip], folder: Path, cache: Path):
        self.episode, self.layout, self.plan, self.clips, self.folder = episode, layout, plan, clips, folder
        self.samples = round(episode.duration * RATE)
        self.store = cache / "stretches"
        self.store.mkdir(exist_ok=True)
        self._together = cache / "stretches-of-one-reading"
        self._keep()
        self._contents = {c.id: hashlib.sha256((folder / str(c.file)).read_bytes()).hexdigest() for c in clips}
        self.files = [self.store / f"{self._key(number)}.npz" for number in range(aac.stretches(self.samples))]

    @property
    def missing(self) -> list[int]:
        """The stretches that have to be made."""
        return [number for number, file in enumerate(self.files) if not file.exists()]

    def make(self, sounds: Sounds, progress: Callable[[int], None]) -> None:
        """Make stretches from the programme's samples that each `aac.reach`es; a few at a time, in threads."""
        folder = self._together.with_suffix(".partial") if sounds.whole else self.store
        if sounds.whole:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        waiting: deque[Future[None]] = deque()
        with ThreadPoolExecutor(WORKERS) as workers:
            for done, (number, sound) in enumerate(sounds.stretches, 1):
                waiting.append(workers.submit(self._make, number, sound, folder))
                while len(waiting) > WORKERS:
                    waiting.popleft().result()
                progress(done)
            for future in waiting:
                future.result()
        if sounds.whole:
            folder.rename(self._together)
            self._keep()

    def _keep(self) -> None:
        """Put what one reading of the film made among the stretches; finishes what a killed mix had begun."""
        for file in self._together.iterdir() if self._together.is_dir() else ():
            file.replace(self.store / file.name)
        if self._together.is_dir():
            self._together.rmdir()

    def stretches(self) -> Iterator[Stretch]:
        """All of them, in order; what is kept of earlier mixes alone is dropped at the end."""
        for file in self.files:
            with np.load(file) as kept:
                ends = np.cumsum(kept["sizes"]).tolist()
                content = kept["packets"].tobytes()
                packets = [content[a:b] for a, b in zip([0, *ends], ends, strict=False)]
                yield Stretch(packets, kept["energy"], kept["peaks"], float(kept["residual"]))
        used = {file.name for file in self.files}
        for file in self.store.iterdir():
            if file.name not in used:
                file.unlink(missing_ok=True)

    def _key(self, number: int) -> str:
        first, last = (sample / RATE for sample in aac.reach(number, self.samples))
        ducks = [
            (d.start, d.end, d.attack, d.release, d.depth)
            for d in self.plan.ducks
            if d.start - d.attack < last and d.end + d.release > first
        ]
        clips = [
            (self._contents[c.id], c.start, self.plan.gains[c.id])
            for c in self.clips
            if c.start < last and c.end > first
        ]
        made_of = [VERSION, _encoder(), self.episode.identity(), self.layout, number, ducks, clips]
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()

    def _make(self, number: int, sound: Samples, folder: Path) -> None:
        first, last = aac.reach(number, self.samples)
        near = [c for c in self.clips if c.start * RATE < last and c.end * RATE > first]
        (block,) = rendered([sound], self.layout, self.plan, near, self.folder, first)
        residual = Residual(self.plan.ducks)
        residual.feed(block)
        heard = measure([block.mix], RATE, self.layout, true_peak=True)
        assert heard.peaks is not None
        own = slice((number * OWN - first) // CELL, (min((number + 1) * OWN, last) - first + CELL - 1) // CELL)
        packets = aac.encoded(block.mix, number, self.layout, self.samples)
        kept: dict[str, Any] = {
            "packets": np.frombuffer(b"".join(packets), np.uint8),
            "sizes": np.array([len(packet) for packet in packets]),
            "energy": heard.energy[own],
            "peaks": heard.peaks[own],
            "residual": residual.largest,
        }
        content = io.BytesIO()
        np.savez(content, **kept)
        write_atomically(folder / self.files[number].name, content.getvalue())


def _encoder() -> str:
    """What encodes."""
    import av

    return av.__version__


def loudness(stretches: Sequence[Stretch]) -> Loudness:
    """That of the whole mix."""
    return Loudness(
        np.concatenate([stretch.energy for stretch in stretches]),
        np.concatenate([stretch.peaks for stretch in stretches]),
    )


def residual(stretches: Sequence[Stretch], ducks: Sequence[Duck]) -> float | None:
    """That of the whole mix, dBFS; None when there is no difference at all."""
    whole = Residual(ducks)
    whole.largest = max(stretch.residual for stretch in stretches)
    return whole.dbfs


def sounds(
    episode: Episode, layout: str, wanted: Sequence[int], marks: Sequence[Mark], whole: Callable[[], Iterable[Samples]]
) -> Sounds:
    """The programme's samples of the stretches that are wanted; `whole` decodes all of the film."""
    samples = round(episode.duration * RATE)
    if episode.audio and marks and len(wanted) <= FEW * aac.stretches(samples):
        stretches = list(_sought(episode, layout, wanted, marks, samples))
        if all(sound is not None for _, sound in stretches):
            return Sounds([(number, sound) for number, sound in stretches if sound is not None], whole=False)
    return Sounds(_cut(whole(), wanted, samples), whole=bool(wanted))


def _sought(
    episode: Episode, layout: str, wanted: Sequence[int], marks: Sequence[Mark], samples: int
) -> Iterator[tuple[int, Samples | None]]:
    for number in wanted:
        yield number, audio_span(episode, marks, *aac.reach(number, samples), rate=RATE, layout=layout)


def _cut(blocks: Iterable[Samples], wanted: Sequence[int], samples: int) -> Iterator[tuple[int, Samples]]:
    """What the wanted stretches reach, of a programme that streams by as far as they need it."""
    left, held, at = deque(wanted), [], 0
    for block in blocks if left else ():
        held.append(block)
        end = at + sum(map(len, held))
        while left and aac.reach(left[0], samples)[1] <= end:
            first, last = aac.reach(number := left.popleft(), samples)
            sound = np.concatenate(held)
            yield number, sound[first - at : last - at]
            keep = min(aac.reach(left[0], samples)[0], end) if left else end
            held, at = [sound[keep - at :]], keep
        if not left:
            return
