"""Dialogue by openai-whisper (https://github.com/openai/whisper, MIT), united with Silero VAD."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from data.errors import ConfigError
from stages.backend import Progress, Weights
from stages.dialogue.heard import Segment
from stages.dialogue.listening import BEAM, ListeningOptions, SpeechRecogniser, segment
from stages.dialogue.speech import Samples
from stages.download import download
from stages.loading import loading, out_of_memory
from stages.models import device, fingerprint

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


class Whisper(SpeechRecogniser):
    """Words and voices in 16 kHz sound."""

    packages = ("torch", "whisper")
    Options = WhisperOptions
    options: WhisperOptions

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
        get = partial(fetch, self.options.model, path)
        return [Weights(f"openai-whisper {self.options.model}", "MIT", size, here, str(cache()), get)]

    def _multilingual(self) -> bool:
        return bool(self._load().is_multilingual)

    def _languages(self, sounds: Sequence[Samples]) -> list[dict[str, float]]:
        import torch
        from whisper.audio import log_mel_spectrogram, pad_or_trim

        model = self._load()
        mels = [log_mel_spectrogram(pad_or_trim(sound), model.dims.n_mels) for sound in sounds]
        kind = torch.float16 if self._fp16() else torch.float32
        _, found = model.detect_language(torch.stack(mels).to(model.device, kind))
        return list(found)

    def _segments(self, sound: Samples, language: str | None) -> list[Segment]:
        """With the library's fallbacks."""
        import torch

        model = self._load()
        # The fallbacks draw samples: seeded for each window, so that a result does not depend on those before.
        with torch.random.fork_rng([model.device] if model.device.type == "cuda" else []), _quiet():
            torch.manual_seed(SEED)
            result = model.transcribe(
                np.ascontiguousarray(sound),
                language=language,
                word_timestamps=True,
                condition_on_previous_text=False,  # less looping
                beam_size=BEAM,
                best_of=BEAM,
                fp16=self._fp16(),
            )
        return [segment(found, found["words"]) for found in result["segments"]]

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
        if self._loaded is None:
            name, path, where = self.options.model, self._file(), self._device()
            with loading(name):
                import whisper

                if not path.is_file():
                    fetch(name, path, lambda done, total: None)
                model = _checkpoint(path, where)
                if name in SIZES:
                    model.set_alignment_heads(whisper._ALIGNMENT_HEADS[name])
                from whisper.tokenizer import LANGUAGES

                self._check_language(LANGUAGES if model.is_multilingual else {"en"})
                self._loaded = model.to(where)
        return self._loaded


def cache() -> Path:
    """Whisper's own cache folder."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "whisper"


def fetch(name: str, path: Path, progress: Progress) -> None:
    """Download a checkpoint to `path`; nothing where it is. Raises ConfigError."""
    with loading(name):
        import whisper
    url = whisper._MODELS[name]
    download(name, url, path, progress, sha256=url.split("/")[-2])


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
