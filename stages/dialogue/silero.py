"""Voice activity by Silero VAD v6 (https://github.com/snakers4/silero-vad, MIT) on ONNX Runtime."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from data.errors import ConfigError
from stages.backend import Progress
from stages.dialogue.speech import RATE, Samples, Speech, Transcriber

FRAME = 512
"""Samples per decision: 32 ms."""
CONTEXT = 64
"""Samples of the frame before that the network also sees."""
HALF = 156
"""Frames in half a window, 5 s. The network hears windows of two halves, each half in two windows, from a fresh start.

Its memory of minutes of music or silence makes it deaf to the first words that follow: of speech over music, one
line in six was noticed more than 0.3 s late and 8 % missed; in windows, one in twenty and 2 %.
"""


class SileroOptions(BaseModel):
    """Settings of Silero VAD; the defaults are those of its `get_speech_timestamps` but for the threshold.

    A missed word is narrated over, a false one only costs some gap. At 0.3 instead of 0.5 quiet words and the first
    words after a pause are found (telephone talk: 0.1 s missed of 22 s instead of 0.6 s) and music still is not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    threshold: float = Field(0.3, gt=0, lt=1, description="Probability from which a frame begins speech")
    exit_below: float = Field(0.15, ge=0, lt=1, description="Speech ends this far below the threshold")
    min_speech: float = Field(0.25, ge=0, description="Shorter speech is dropped, seconds")
    min_silence: float = Field(0.1, ge=0, description="Shorter pauses do not end speech, seconds")
    pad: float = Field(0.03, ge=0, description="Seconds added on both sides of speech")


class Silero(Transcriber):
    """Speech in 16 kHz sound, to the millisecond, at constant memory but for 4 bytes per 32 ms."""

    Options = SileroOptions
    options: SileroOptions
    _session: Any = None

    def transcribe(
        self,
        blocks: Iterable[Samples],
        rate: int,
        known: Sequence[Speech] = (),  # noqa: ARG002 – the contract of the role
        progress: Progress | None = None,  # noqa: ARG002 – done when the blocks are
    ) -> list[Speech]:
        """Without text. Each channel is heard by itself; speech in any of them counts."""
        return [Speech(start, end) for start, end in self.speech(self.probabilities(blocks, rate))]

    def speech(self, probabilities: Samples) -> list[tuple[float, float]]:
        """(start, end) in seconds, to the millisecond, of speech in the frames' probabilities."""
        return [(round(start, 3), round(end, 3)) for start, end in spans(probabilities, self.options)]

    def probabilities(self, blocks: Iterable[Samples], rate: int) -> Samples:
        """The probability of speech of each frame of FRAME samples. Raises as `transcribe` does."""
        if rate != RATE:
            raise ValueError(f"Silero VAD hears {RATE} Hz, not {rate} Hz")
        heard = list(self._probabilities(blocks))
        return np.concatenate(heard) if heard else np.zeros(0, np.float32)

    def close(self) -> None:
        """Free the model."""
        self._session = None

    def _load(self) -> Any:
        if self._session is None:
            import onnxruntime

            settings = onnxruntime.SessionOptions()
            settings.intra_op_num_threads = settings.inter_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(
                str(weights()), sess_options=settings, providers=["CPUExecutionProvider"]
            )
        return self._session

    def _probabilities(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """The probability of speech of each frame, the largest among the windows that hear it; half windows in turn."""
        previous: Samples | None = None
        tail: Samples | None = None
        for half in _halves(blocks):
            if previous is not None:
                both = self._heard(np.concatenate([previous, half], axis=1))
                yield both[:HALF] if tail is None else np.maximum(both[:HALF], tail)
                tail = both[HALF:]
            previous = half
        if previous is not None:
            yield self._heard(previous) if tail is None else tail

    def _heard(self, window: Samples) -> Samples:
        """The probability of each frame of a window (channels, frames, FRAME), the largest among the channels."""
        session = self._load()
        start = np.zeros((1, 1, 128), np.float32)
        heard = []
        for frames in window:
            before = np.pad(frames[:-1, -CONTEXT:], ((1, 0), (0, 0)))
            heard.append(session.run(None, {"input": np.hstack([before, frames]), "h": start, "c": start})[0])
        return np.asarray(np.max(heard, axis=0), np.float32)


def weights() -> Path:
    """The network's file in the wheel of faster-whisper, which is not imported. Raises ConfigError without it."""
    found = importlib.util.find_spec("faster_whisper")
    path = Path(found.origin).parent / "assets" / "silero_vad_v6.onnx" if found and found.origin else None
    if path is None or not path.is_file():
        raise ConfigError("The weights of Silero VAD are missing; install them: pip install 'faster-whisper>=1.2'.")
    return path


def _halves(blocks: Iterable[Samples]) -> Iterator[Samples]:
    """The sound as (channels, HALF, FRAME); the last is shorter, its last frame filled up with silence."""
    waiting: list[Samples] = []
    count = 0
    for block in blocks:
        waiting.append(block[:, None] if block.ndim == 1 else block)
        count += len(block)
        if count >= HALF * FRAME:
            sound = np.concatenate(waiting)
            whole = count // (HALF * FRAME) * HALF * FRAME
            for first in range(0, whole, HALF * FRAME):
                yield _framed(sound[first : first + HALF * FRAME])
            waiting, count = [sound[whole:]], count - whole
    if count:
        sound = np.concatenate(waiting)
        yield _framed(np.pad(sound, ((0, -len(sound) % FRAME), (0, 0))))


def _framed(sound: Samples) -> Samples:
    return np.ascontiguousarray(sound.T, dtype=np.float32).reshape(sound.shape[1], -1, FRAME)


def spans(probabilities: Samples, options: SileroOptions) -> list[tuple[float, float]]:
    """(start, end) in seconds of speech, by the hysteresis of Silero's `get_speech_timestamps`."""
    step = FRAME / RATE
    found: list[tuple[float, float]] = []
    start = quiet = -1
    for i, p in enumerate(probabilities):
        if p >= options.threshold:
            start, quiet = (i if start < 0 else start), -1
        elif start >= 0 and (quiet >= 0 or p < options.threshold - options.exit_below):
            # Silero lets frames between the thresholds leave a pause that has begun as it is.
            quiet = i if quiet < 0 else quiet
            if p < options.threshold - options.exit_below and (i - quiet) * step >= options.min_silence:
                found.append((start * step, quiet * step))
                start = quiet = -1
    if start >= 0:
        found.append((start * step, len(probabilities) * step))
    spoken = [(a, b) for a, b in found if b - a > options.min_speech]
    return _padded(spoken, options.pad, len(probabilities) * step)


def _padded(spoken: list[tuple[float, float]], pad: float, length: float) -> list[tuple[float, float]]:
    """Spans made longer on both sides; those that come to touch are joined."""
    result: list[tuple[float, float]] = []
    for start, end in spoken:
        start, end = max(0.0, start - pad), min(length, end + pad)
        if result and start <= result[-1][1]:
            start = result.pop()[0]
        result.append((start, end))
    return result
