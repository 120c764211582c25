"""Voices of the VITS family through transformers: Meta's MMS-TTS in 1100 languages, and VITS models of your own.

Kim, Kong, Son, "Conditional Variational Autoencoder with Adversarial Learning for End-to-End Text-to-Speech", ICML
2021; Pratap et al., "Scaling Speech Technology to 1,000+ Languages", 2023 (MMS).
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from data.errors import ConfigError
from stages.backend import Weights
from stages.hub import hub_weights
from stages.loading import loading
from stages.models import PretrainedBackend, PretrainedOptions, device, in_batches, model_identity, origin, pretrained
from stages.voice.pace import PacedOptions, PacedVoice, within
from stages.voice.sound import NOTHING, Sound

if TYPE_CHECKING:
    import torch

SLOWEST, FASTEST = 0.5, 2.0
"""Beyond, the predicted durations no longer make intelligible speech (a working value)."""
LICENCES = {"facebook/mms-tts": ("CC-BY-NC-4.0", 145_000_000)}
"""Beginning of a hub id → licence and size of its repository."""


class Transformers(PretrainedBackend, PacedVoice):
    """A VITS model from the hub or from a folder, run on this machine."""

    class Options(PretrainedOptions, PacedOptions):
        """What can be set."""

        model: str = Field(
            "facebook/mms-tts-kor",
            description="Hub id or folder of a VITS model; it speaks one language. facebook/mms-tts-… are "
            "CC-BY-NC-4.0 (not for commercial use); Korean needs the package uroman",
        )
        dtype: Literal["auto", "bf16", "fp16", "fp32"] = Field(
            "fp32", description="Precision; the models are small, and less than fp32 is heard"
        )
        speaker: int = Field(0, ge=0, description="Number of the speaker, for models with several")
        seed: int = Field(0, ge=0, description="Seed of the intonation; the same seed gives the same clip")

    VOICE = "speaker"
    options: Options
    _loaded: tuple[Any, Any, Any] | None = None

    def voice(self, language: str) -> str:  # noqa: ARG002 – the model decides
        """What speaks and how, for the record and as part of a clip's cache key."""
        options = self.options
        source = self._identity.get("files") or self._identity.get("revision") or "main"
        pace = f" pace {options.pace:g}" if options.pace else ""
        quantised = "" if options.quantise == "none" else f" {options.quantise}"
        return (
            f"{options.model}@{source[:12]} speaker {options.speaker} seed {options.seed} "
            f"{self._identity['dtype'].removeprefix('torch.')}{quantised}{pace}"
        )

    def identity(self) -> dict[str, Any]:
        """Commit or fingerprint of the weights, and the precision."""
        return self._identity

    def weights(self) -> Sequence[Weights]:
        """The one repository or folder."""
        model = self.options.model
        licence, size = next((known for name, known in LICENCES.items() if model.startswith(name)), ("unknown", None))
        return (hub_weights(model, self.options.revision, licence, size),)

    @functools.cached_property
    def _identity(self) -> dict[str, Any]:
        return model_identity(self.options, self.options.model)

    def _said(self, text: str, language: str, faster: float) -> Sound:  # noqa: ARG002
        """Deterministic on one device; empty where the model knows no letter of the text. Raises ConfigError."""
        self._loaded = self._loaded or self._load()
        model, tokenizer, romanise = self._loaded
        inputs = tokenizer(romanise(text), return_tensors="pt").to(model.device)
        if inputs["input_ids"].shape[-1] < 2:  # a blank stands around every letter
            return NOTHING
        model.speaking_rate = model.config.speaking_rate * within(faster, SLOWEST, FASTEST)
        (wave,) = in_batches([inputs], 1, lambda one: [self._forward(model, one[0])], self.options.model)
        samples = wave.float().cpu().numpy().astype(np.float32)
        if not np.isfinite(samples).all():
            raise ConfigError("{model} computes no sound in this precision; set dtype=fp32", model=self.options.model)
        return np.clip(samples, -1, 1), int(model.config.sampling_rate)

    def _forward(self, model: Any, inputs: Any) -> torch.Tensor:
        import torch

        several = {"speaker_id": self.options.speaker} if model.config.num_speakers > 1 else {}
        where = [model.device] if model.device.type == "cuda" else []
        with torch.random.fork_rng(where), torch.inference_mode():
            torch.manual_seed(self.options.seed)
            wave: torch.Tensor = model(**inputs, **several).waveform[0]
        return wave

    def _load(self) -> tuple[Any, Any, Any]:
        """Model, tokenizer, and what turns text into the letters it knows."""
        options, name = self.options, str(Path(self.options.model).expanduser())
        with loading(options.model):
            from transformers import AutoConfig, AutoTokenizer

            self._check(AutoConfig.from_pretrained(name, **origin(options, options.model)))
            tokenizer = AutoTokenizer.from_pretrained(name, **origin(options, options.model))
            romanise = self._romaniser(tokenizer)
            model = vits().from_pretrained(name, **pretrained(options, options.model)).eval()
            return (model if options.quantise != "none" else model.to(device(options.device))), tokenizer, romanise

    def _check(self, config: Any) -> None:
        name = self.options.model
        if config.model_type != "vits":
            raise ConfigError(
                "{model} is a {type} model and only VITS models are run here; serve it and set voice.backend=openai",
                model=name,
                type=config.model_type,
            )
        if self.options.speaker >= max(config.num_speakers, 1):
            raise ConfigError(
                "{model} has {number} speakers; set speaker to a number from 0 up to one less",
                model=name,
                number=config.num_speakers,
            )

    def _romaniser(self, tokenizer: Any) -> Any:
        """What the tokenizer would do on its own, but that the romaniser's tables are read once and not for each line.

        Without the package the tokenizer would only warn, and drop every Korean letter.
        """
        for package, needed in (("uroman", tokenizer.is_uroman), ("phonemizer", tokenizer.phonemize)):
            if needed and find_spec(package) is None:
                raise ConfigError(
                    "{model} reads text with the package {package}: pip install {package}",
                    model=self.options.model,
                    package=package,
                )
        if not tokenizer.is_uroman:
            return str
        import uroman

        tables = uroman.Uroman()
        return lambda text: tables.romanize_string(text.lower())


def vits() -> Any:
    """transformers' VitsModel; torch says on its import that a decorator used there is going out of use."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
        from transformers import VitsModel
    return VitsModel
