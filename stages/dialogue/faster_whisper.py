"""Dialogue by faster-whisper (https://github.com/SYSTRAN/faster-whisper, MIT): Whisper without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from data.errors import ConfigError
from stages.backend import Weights
from stages.dialogue.heard import Segment
from stages.dialogue.listening import BEAM, ListeningOptions, SpeechRecogniser, segment
from stages.dialogue.speech import Samples
from stages.hub import hub_weights, revision_of
from stages.loading import about_to_fetch, loading, out_of_memory
from stages.models import fingerprint

MB = 10**6
SIZES: dict[str, tuple[str, int]] = {
    "tiny": ("Systran/faster-whisper-tiny", 78 * MB),
    "tiny.en": ("Systran/faster-whisper-tiny.en", 78 * MB),
    "base": ("Systran/faster-whisper-base", 148 * MB),
    "base.en": ("Systran/faster-whisper-base.en", 148 * MB),
    "small": ("Systran/faster-whisper-small", 486 * MB),
    "small.en": ("Systran/faster-whisper-small.en", 486 * MB),
    "medium": ("Systran/faster-whisper-medium", 1531 * MB),
    "medium.en": ("Systran/faster-whisper-medium.en", 1531 * MB),
    "large-v2": ("Systran/faster-whisper-large-v2", 3090 * MB),
    "large-v3": ("Systran/faster-whisper-large-v3", 3090 * MB),
    "large": ("Systran/faster-whisper-large-v3", 3090 * MB),
    "large-v3-turbo": ("mobiuslabsgmbh/faster-whisper-large-v3-turbo", 1621 * MB),
    "turbo": ("mobiuslabsgmbh/faster-whisper-large-v3-turbo", 1621 * MB),
}
"""Size name → its repository, as faster-whisper has it, and bytes to download, about."""
TYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "int8": "int8"}
FILES = ("config.json", "model.bin", "tokenizer.json")
"""What a folder must hold; without the tokenizer the library would fetch one."""


class FasterWhisperOptions(ListeningOptions):
    """Settings of faster-whisper."""

    model: str = Field("small", description="Size (tiny, base, small, medium, large, turbo …), hub id or folder")
    device: str = Field(
        "auto",
        description="auto (CUDA, else CPU), cpu, cuda, cuda:1 …; CTranslate2 knows no other",
        json_schema_extra={"changes_result": False},
    )
    dtype: Literal["auto", "fp32", "fp16", "bf16", "int8"] = Field(
        "auto", description="Precision; auto: fp16 on CUDA, fp32 on the CPU, where int8 is about twice as fast"
    )
    revision: str | None = Field(
        None, description="Commit, tag or branch on the hub; none: the commit that was fetched first, else main"
    )


class FasterWhisper(SpeechRecogniser):
    """Words and voices in 16 kHz sound, by beam search alone.

    Without the library's fallbacks: CTranslate2 draws samples that no seed repeats. What they would have mended
    is not believed. Its own filter of voices is off, for it bridges 2 s of silence.
    """

    packages = ("faster_whisper",)
    Options = FasterWhisperOptions
    options: FasterWhisperOptions

    def identity(self) -> dict[str, Any]:
        """The commit or the files, and the precision."""
        source, folder = self._source()
        files = {"files": fingerprint(folder)} if folder else {"revision": revision_of(source, self.options.revision)}
        return files | {"model": source if not folder else "folder", "dtype": self._type()[2]}

    def weights(self) -> list[Weights]:
        """The repository, in the hub's cache."""
        source, _ = self._source()
        size = SIZES[self.options.model][1] if self.options.model in SIZES else None
        return [hub_weights(source, self.options.revision, "MIT" if size else "unknown", size)]

    def _multilingual(self) -> bool:
        return bool(self._load().model.is_multilingual)

    def _languages(self, sounds: Sequence[Samples]) -> list[dict[str, float]]:
        from faster_whisper.audio import pad_or_trim

        model = self._load()
        features = np.stack([pad_or_trim(model.feature_extractor(sound)) for sound in sounds])
        return [
            {token.strip("<|>"): p for token, p in found}
            for found in model.model.detect_language(model.encode(features))
        ]

    def _segments(self, sound: Samples, language: str | None) -> list[Segment]:
        found, _ = self._load().transcribe(
            np.ascontiguousarray(sound),
            language=language,
            word_timestamps=True,
            condition_on_previous_text=False,  # less looping
            beam_size=BEAM,
            temperature=0.0,
            vad_filter=False,
        )
        return [segment(vars(one), map(vars, one.words or ())) for one in found]

    def _source(self) -> tuple[str, Path | None]:
        """The hub id, or the folder's name and the folder. Raises ConfigError for neither."""
        name = self.options.model
        folder = Path(name).expanduser()
        if folder.is_dir():
            return name, folder
        if name in SIZES:
            return SIZES[name][0], None
        if name.count("/") != 1 or folder.is_absolute():
            raise ConfigError(
                "There is no Whisper model {model}; give a hub id, a folder of CTranslate2 or a size: {sizes}",
                model=name,
                sizes=", ".join(SIZES),
            )
        return name, None

    def _type(self) -> tuple[str, int, str]:
        """Device, its index and the precision for CTranslate2. Raises ConfigError for what this machine has not."""
        with loading(self.options.model):
            import ctranslate2

        count = ctranslate2.get_cuda_device_count()
        name = ("cuda" if count else "cpu") if self.options.device == "auto" else self.options.device
        kind, _, number = name.partition(":")
        index = int(number) if number.isdigit() else 0
        if kind not in {"cpu", "cuda"} or (kind == "cuda" and index >= count) or (number and not number.isdigit()):
            raise ConfigError("faster-whisper has no device {name} here; set device=cpu or device=auto", name=name)
        wanted = self.options.dtype if self.options.dtype != "auto" else "fp16" if kind == "cuda" else "fp32"
        if TYPES[wanted] not in ctranslate2.get_supported_compute_types(kind, index):
            raise ConfigError("{device} does not compute in {dtype}; set dtype=auto", device=name, dtype=wanted)
        return kind, index, TYPES[wanted]

    def _load(self) -> Any:
        if self._loaded is None:
            device, index, compute_type = self._type()
            folder = self._folder()
            with loading(self.options.model):
                import faster_whisper

                for name in FILES:
                    if not (folder / name).is_file():
                        raise FileNotFoundError(name)
                try:
                    model = faster_whisper.WhisperModel(
                        str(folder), device=device, device_index=index, compute_type=compute_type
                    )
                except RuntimeError as error:
                    if out_of_memory(error):
                        raise
                    raise OSError(str(error)) from error
                self._check_language(model.supported_languages)
                self._loaded = model
        return self._loaded

    def _folder(self) -> Path:
        """The folder of the model, which is fetched where it is missing and that is allowed."""
        [weights] = self.weights()
        if weights.where is None:
            about_to_fetch(weights.name)
            weights.fetch(lambda done, total: None)
        found = weights.where or self.weights()[0].where
        if found is None:
            raise ConfigError("{model} holds no model of CTranslate2; give another one", model=weights.name)
        return found
