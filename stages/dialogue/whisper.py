"""Dialogue by openai-whisper (https://github.com/openai/whisper, MIT), united with Silero VAD."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, Field

from data.errors import ConfigError
from data.records import Word
from stages.dialogue.heard import Segment
from stages.dialogue.listening import ListeningOptions, transcribed
from stages.dialogue.speech import Samples, Speech
from stages.download import append
from stages.models import (
    Progress,
    Weights,
    about_to_fetch,
    device,
    fingerprint,
    in_batches,
    loading,
    out_of_memory,
    release,
)

MB = 10**6
SIZES: dict[str, tuple[str, int]] = {
    "tiny": ("tiny.pt", 76 * MB),
    "tiny.en": ("tiny.en.pt", 76 * MB),
    "base": ("base.pt", 145 * MB),
    "base.en": ("base.en.pt", 145 * MB),
    "small": ("small.pt", 484 * MB),
    "small.en": ("small.en.pt", 484 * MB),
    "medium": ("medium.pt", 1528 * MB),
    "medium.en": ("medium.en.pt", 1528 * MB),
    "large-v1": ("large-v1.pt", 3087 * MB),
    "large-v2": ("large-v2.pt", 3087 * MB),
    "large-v3": ("large-v3.pt", 3087 * MB),
    "large": ("large-v3.pt", 3087 * MB),
    "large-v3-turbo": ("large-v3-turbo.pt", 1618 * MB),
    "turbo": ("large-v3-turbo.pt", 1618 * MB),
}
"""Size name → its file in Whisper's cache, and bytes to download, about."""
BEAM = 5
"""Beams, and samples of the fallbacks: as the paper (§4.5) and the library's command line have it."""
SEED = 0


class WhisperOptions(ListeningOptions):
    """Settings of openai-whisper."""

    model: str = Field("small", description="Size (tiny, base, small, medium, large, turbo …) or a .pt file")
    device: str = Field(
        "auto",
        description="auto (CUDA, else CPU), cpu, cuda, cuda:1 …; Whisper's word times do not run on MPS",
        json_schema_extra={"changes_result": False},
    )
    dtype: Literal["auto", "fp16", "fp32"] = Field("auto", description="Precision; auto: fp16 on CUDA, fp32 on the CPU")


class Whisper:
    """Words and voices in 16 kHz sound."""

    packages: ClassVar[tuple[str, ...]] = ("torch", "whisper")
    Options: ClassVar[type[BaseModel]] = WhisperOptions

    def __init__(self, options: WhisperOptions) -> None:
        self.options = options
        self._model: Any = None

    def transcribe(
        self, blocks: Iterable[Samples], rate: int, known: Sequence[Speech] = (), progress: Progress | None = None
    ) -> list[Speech]:
        """Where somebody speaks and what, in order, apart; sources are speech (voice activity) and whisper.

        `blocks` are float32 (samples,) or (samples, channels) in [-1, 1] at 16 000 Hz, in a row. `known` is speech that
        need not be looked for. Raises ConfigError where the model cannot be had.
        """
        return transcribed(self, self.options, blocks, rate, known, progress)

    def close(self) -> None:
        """Free the model."""
        self._model = None
        release()

    def identity(self) -> dict[str, Any]:
        """The checkpoint and the precision."""
        named = SIZES.get(self.options.model)
        source = {"checkpoint": named[0]} if named else {"files": fingerprint(self._file())}
        return source | {"dtype": "fp16" if self._fp16() else "fp32"}

    def weights(self) -> list[Weights]:
        """The checkpoint, in Whisper's own cache; a file of one's own is its own."""
        path = self._file()
        here = path if path.is_file() else None
        if self.options.model not in SIZES:
            return [Weights(self.options.model, "unknown", None, here, str(path.parent), lambda _: None)]
        size = SIZES[self.options.model][1]
        fetch = _Fetch(self.options.model, path)
        return [Weights(f"openai-whisper {self.options.model}", "MIT", size, here, str(cache()), fetch)]

    def language(self, sounds: Sequence[Samples]) -> str:
        """The language that all stretches together are most probably in."""
        import torch
        from whisper.audio import log_mel_spectrogram, pad_or_trim

        model = self._load()
        if not model.is_multilingual:
            return "en"

        def probable(batch: Sequence[Samples]) -> list[dict[str, float]]:
            mels = [log_mel_spectrogram(pad_or_trim(sound), model.dims.n_mels) for sound in batch]
            kind = torch.float16 if self._fp16() else torch.float32
            _, found = model.detect_language(torch.stack(mels).to(model.device, kind))
            return list(found)

        heard = list(in_batches(sounds, self.options.batch, probable, self.options.model))
        return max(heard[0], key=lambda code: sum(probabilities[code] for probabilities in heard))

    def listen(self, sound: Samples, language: str | None) -> list[Segment]:
        """What is said in up to 30 s of sound, by beam search with the library's fallbacks."""
        import torch

        model = self._load()

        def forward(batch: Sequence[Samples]) -> list[list[Segment]]:
            # The fallbacks draw samples: seeded for each window, so that a result does not depend on those before.
            with torch.random.fork_rng([model.device] if model.device.type == "cuda" else []), _quiet():
                torch.manual_seed(SEED)
                result = model.transcribe(
                    np.ascontiguousarray(batch[0]),
                    language=language,
                    word_timestamps=True,
                    condition_on_previous_text=False,  # less looping
                    beam_size=BEAM,
                    best_of=BEAM,
                    fp16=self._fp16(),
                )
            return [[_segment(found) for found in result["segments"]]]

        return next(in_batches([sound], 1, forward, self.options.model))

    def _device(self) -> Any:
        import torch

        name = self.options.device
        if name.startswith("mps"):
            raise ConfigError("Whisper's word times do not run on {device}; set device=cpu", device=name)
        return device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)

    def _fp16(self) -> bool:
        where = self._device().type
        if self.options.dtype == "fp16" and where == "cpu":
            raise ConfigError("{device} does not compute in {dtype}; set dtype=auto", device=where, dtype="fp16")
        return bool(where == "cuda" and self.options.dtype != "fp32")

    def _file(self) -> Path:
        """Where the checkpoint lies or will lie. Raises ConfigError for neither a size nor a file."""
        name = self.options.model
        if name in SIZES:
            return cache() / SIZES[name][0]
        path = Path(name).expanduser()
        if not path.is_file():
            raise ConfigError(
                "There is no Whisper model {model}; give a .pt file or a size: {sizes}",
                model=name,
                sizes=", ".join(SIZES),
            )
        return path

    def _load(self) -> Any:
        if self._model is None:
            name, path, where = self.options.model, self._file(), self._device()
            with loading(name):
                import whisper

                if not path.is_file():
                    fetch(name, path, lambda done, total: None)
                model = _checkpoint(path, where)
                if name in SIZES:
                    model.set_alignment_heads(whisper._ALIGNMENT_HEADS[name])
                self._check_language(model)
                self._model = model.to(where)
        return self._model

    def _check_language(self, model: Any) -> None:
        from whisper.tokenizer import LANGUAGES

        language = self.options.language
        if language is not None and language not in (LANGUAGES if model.is_multilingual else {"en"}):
            raise ConfigError(
                "{model} does not know the language {language}; set a code such as ko or en, and a model for it",
                model=self.options.model,
                language=language,
            )


class _Fetch:
    """Download one checkpoint, told of progress."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path

    def __call__(self, progress: Progress) -> None:
        with loading(self.name):
            fetch(self.name, self.path, progress)


def cache() -> Path:
    """Whisper's own cache folder."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "whisper"


def fetch(name: str, path: Path, progress: Progress) -> None:
    """Download a checkpoint to `path`, going on where an earlier try stopped; nothing where it is.

    Raises ConfigError when offline, OSError and ImportError.
    """
    if path.is_file():
        return
    about_to_fetch(name)
    import whisper

    url = whisper._MODELS[name]
    partial = path.with_name(path.name + ".partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    append(url, partial, progress)
    with partial.open("rb") as file:
        right = hashlib.file_digest(file, "sha256").hexdigest() == url.split("/")[-2]
    if not right:
        partial.unlink()
        raise ConfigError("The download of {model} is damaged; try again", model=name)
    partial.replace(path)


def _checkpoint(path: Path, where: Any) -> Any:
    """The model of a checkpoint file. Raises ConfigError for a file of another kind."""
    import pickle

    import whisper

    try:
        return whisper.load_model(str(path), device=where)
    except (RuntimeError, pickle.UnpicklingError, KeyError, TypeError, EOFError) as error:
        if isinstance(error, RuntimeError) and out_of_memory(error):
            raise
        raise ConfigError(
            "{path} is no checkpoint of openai-whisper; give another .pt file, or delete it and fetch it again",
            path=path,
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what Whisper warns of and we have chosen or cannot change."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Performing inference on CPU when CUDA is available")
        warnings.filterwarnings("ignore", message="Failed to launch Triton kernels")
        yield


def _segment(found: dict[str, Any]) -> Segment:
    return Segment(
        start=found["start"],
        end=found["end"],
        text=found["text"],
        words=tuple(Word(start=w["start"], end=w["end"], text=w["word"]) for w in found["words"]),
        avg_logprob=found["avg_logprob"],
        no_speech_prob=found["no_speech_prob"],
        compression_ratio=found["compression_ratio"],
    )
