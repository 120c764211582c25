"""A voice with weights on the hub, for the tests of `vdesc models`: it says how many bytes its weights have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from stages.backend import Weights
from stages.faces import Detector, FaceBox
from stages.hub import hub_weights, revision_of
from stages.voice.backend import Voice


class HubVoice(Voice):
    """Loads by reading the weights' file."""

    class Options(BaseModel):
        """Which model, and what it does wrong."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        model: str = "team/voice"
        revision: str | None = None
        breaks: str = ""

    packages: ClassVar[tuple[str, ...]] = ("huggingface_hub",)

    options: Options

    def identity(self) -> dict[str, Any]:
        return {"revision": revision_of(self.options.model, self.options.revision)}

    def weights(self) -> Sequence[Weights]:
        return (hub_weights(self.options.model, self.options.revision, "Apache-2.0", 1_500_000_000),)

    def voice(self, language: str) -> str:
        return f"{self.options.model} {language}"

    def speak(self, text: str, language: str, rate: float) -> tuple[NDArray[np.float32], int]:  # noqa: ARG002
        if self.options.breaks == "dies":
            import os

            os._exit(9)
        if self.options.breaks == "raises":
            raise ZeroDivisionError("of the library")
        (found,) = self.weights()
        assert found.where is not None
        size = (Path(found.where) / "model.safetensors").stat().st_size
        seconds = np.arange(max(8000, min(size, 16_000))) / 16_000
        return (np.sin(2 * np.pi * 220 * seconds) * 0.3).astype(np.float32), 16_000


class HubFaces(HubVoice, Detector):
    """Weights of the same kind for another role, which it fails at."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[FaceBox]]:
        raise ZeroDivisionError(f"{len(images)} faces")


class NeedsNothingInstalled(HubVoice):
    """Its package is not there."""

    packages: ClassVar[tuple[str, ...]] = ("a_package_nobody_has",)
