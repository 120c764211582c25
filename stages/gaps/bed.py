"""What lies under a gap: silence, ambience or music.

Music is told from ambience by its notes: spectral peaks that stay at one frequency for a third of a second to a few
seconds, then end. Noise (rain, crowds, rooms) has no peaks that last; hum, engines and sirens last without end or
glide. This is the sinusoidal persistence of music/non-music detectors (Hawley, "Structure out of Sound", MIT 1993;
Seyerlehner et al., "Automatic Music Detection in Television Productions", DAFx 2007) as track lengths. Music of drums
alone has no notes and counts as ambience.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.records import Bed

HOP = 0.1
"""Seconds from one frame to the next, and of one entry of the notes."""
WINDOW = 0.17
"""Seconds of a frame: 6 Hz bins, so that semitones fall apart from 100 Hz up."""
LOW, HIGH = 80.0, 4000.0
"""Hz. Fundamentals and strong harmonics of instruments; birds and hiss lie above."""
BAND = 32
"""Bins whose median is the floor a peak must stand out of."""
PROMINENCE = 12.0
"""dB above that floor; a bin of noise exceeds its median that far once in 60 000."""
FAINTEST = 1e-8
"""Power of a bin (full-scale sine = 1) below which nothing counts: −80 dB, dither and dust of codecs."""
NOTE = (3, 50)
"""Frames a note lasts: 0.3–5 s."""
DRIFT = 2
"""Bins a note may wander from where it began (12 Hz, vibrato); what glides further is an engine or a voice."""
PATIENCE = 1
"""Frames a track may be missing: hum under noise goes on, and lasts too long for a note."""
MEMORY = 20.0
"""Seconds over which a bin is watched for hum."""
HUM = 0.4
"""Share of that time with a peak from which a bin is hum, though louder sounds break it into pieces."""
SILENCE = -50.0
"""LUFS below which a bed is silence (standards: gap detection)."""
MUSICAL = 0.4
"""Share of a gap's frames with two notes or more (a chord, or a tone and its harmonic) from which its bed is music.
Film music measured 0.66–1 (sparse 0.35), rooms, noises, sirens and sweeping engines 0–0.3; and hum once known."""


class Track(NamedTuple):
    """A peak that goes on from frame to frame."""

    origin: int
    """Bin in which it began."""
    start: int
    """Its first frame and its last so far."""
    seen: int


class Notes:
    """Counts sounding notes per 100 ms of a sound that streams through, in constant memory but for the counts."""

    def __init__(self, rate: int) -> None:
        self._hop, self._size = round(HOP * rate), round(WINDOW * rate)
        self._taper = np.hanning(self._size).astype(np.float32)
        self._scale = 2.0 / self._taper.sum()
        bins = np.fft.rfftfreq(self._size, 1 / rate)
        self._first = int(np.searchsorted(bins, LOW))
        self._count = (int(np.searchsorted(bins, HIGH)) - self._first) // BAND * BAND
        self._rest = np.zeros(0, np.float32)
        self._tracks: dict[int, Track] = {}
        self._stood = np.zeros(self._count, np.float32)
        self._notes = array("i")

    def feed(self, block: NDArray[np.float32]) -> None:
        """Take the next samples (samples, channels)."""
        mono = block @ np.full(block.shape[1], 1 / block.shape[1], np.float32)
        sound = np.concatenate([self._rest, mono])
        if len(sound) < self._size:
            self._rest = sound
            return
        frames = np.lib.stride_tricks.sliding_window_view(sound, self._size)[:: self._hop]
        self._rest = sound[len(frames) * self._hop :]
        peaks = self._peaks(frames)
        near = peaks.copy()
        near[:, 1:] |= peaks[:, :-1]
        near[:, :-1] |= peaks[:, 1:]
        for here, around in zip(peaks, near.astype(np.float32), strict=True):
            self._step(np.flatnonzero(here).tolist())
            self._stood += (around - self._stood) * (HOP / MEMORY)

    def _peaks(self, frames: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Per frame which bins are prominent local maxima (frames, bins)."""
        spectrum = np.fft.rfft(frames * self._taper, axis=1)[:, self._first - 1 : self._first + self._count + 1]
        wide = np.square(np.abs(spectrum) * self._scale)
        power = wide[:, 1:-1]
        floor = np.median(power.reshape(len(power), -1, BAND), axis=2).repeat(BAND, axis=1)
        tall = power > np.maximum(floor * 10 ** (PROMINENCE / 10), FAINTEST)
        result: NDArray[np.bool_] = tall & (power >= wide[:, :-2]) & (power > wide[:, 2:])
        return result

    def _step(self, peaks: list[int]) -> None:
        """Let tracks go on in their bin or a neighbour's, over a missing frame too; count those that end."""
        now = len(self._notes)
        self._notes.append(0)
        alive: dict[int, Track] = {}
        for peak in peaks:
            near = [self._tracks[b] for b in (peak - 1, peak, peak + 1) if b in self._tracks]
            before = min(near, key=lambda track: track.start, default=None)
            goes_on = before is not None and abs(peak - before.origin) <= DRIFT
            alive[peak] = before._replace(seen=now) if before and goes_on else Track(peak, now, now)
        went_on = {b + shift for b in alive for shift in (-1, 0, 1)}
        for place, track in self._tracks.items():
            if place not in went_on and now - track.seen <= PATIENCE:
                alive[place] = track
            elif place not in went_on:
                self._end(place, track)
        self._tracks = alive

    def _end(self, place: int, track: Track) -> None:
        """Count a track that was a note in the frames it lasted."""
        if NOTE[0] <= track.seen - track.start + 1 <= NOTE[1] and self._stood[place] < HUM:
            for frame in range(track.start, track.seen + 1):
                self._notes[frame] += 1

    def all(self) -> NDArray[np.int32]:
        """Sounding notes in every 100 ms; call once, at the end."""
        for place, track in self._tracks.items():
            self._end(place, track)
        return np.array(self._notes, np.int32)


def bed_of(loudness: float | None, notes: NDArray[np.int32], start: float, end: float) -> Bed:
    """The bed of [start, end] from its loudness in LUFS and the notes of the whole sound."""
    if loudness is None or loudness < SILENCE:
        return "silence"
    part = notes[int(start / HOP) : max(int(start / HOP) + 1, round(end / HOP))]
    return "music" if len(part) and np.mean(part > 1) >= MUSICAL else "ambience"
