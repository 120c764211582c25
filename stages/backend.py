"""What every backend is: one model behind the one method of its role. All else it declares has a default here.

A role's base class adds the method (`stages.ROLES` names them): `Transcriber`, `Captioner`, `Voice` … Derive from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

Progress = Callable[[float, float], None]
"""Bytes done, bytes in all."""


@dataclass(frozen=True)
class Weights:
    """One set of weights a backend needs."""

    name: str
    """Hub id, file name or folder."""
    licence: str
    """SPDX id or the licence's own name; "unknown" where the backend cannot tell."""
    size: int | None
    """Bytes to download, about; None: unknown."""
    where: Path | None
    """The file or folder it lies in on this machine; None: not here yet."""
    cache: str
    """The cache folder it goes to, as people write it: ~/.cache/huggingface/hub, ~/.EasyOCR/model …"""
    fetch: Callable[[Progress], None]
    """Download it; resumes, and does nothing where it is already here. Raises UserError."""
    update: Callable[[Progress], None] | None = None
    """Download what the name stands for today and use it from then on; None where it never changes."""


class NoOptions(BaseModel):
    """For backends that have nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Resources:
    """What a stage or a backend takes while it runs."""

    cores: int | None = 1
    """Cores of the processor that it keeps busy; None: as many as there are."""
    gpu_memory: int | None = 0
    """Bytes of a GPU's memory, estimated, where it runs on one; 0: it uses none; None: nobody knows how much."""
    network: bool = False
    """Whether it waits on a service, so that a faster machine does not make it faster."""

    def __add__(self, other: Resources) -> Resources:
        """What two take that take turns but stay loaded together: the memory of both."""
        return Resources(
            None if None in (self.cores, other.cores) else max(self.cores or 0, other.cores or 0),
            None if None in (self.gpu_memory, other.gpu_memory) else (self.gpu_memory or 0) + (other.gpu_memory or 0),
            self.network or other.network,
        )


ONE_CORE = Resources()


class Backend:
    """One model. It takes plain images, text and arrays, loads on first use, and is freed by `close()`."""

    Options: ClassVar[type[BaseModel]] = NoOptions
    """Its settings."""
    packages: ClassVar[tuple[str, ...]] = ()
    """The modules it imports when it loads: looked for before a run starts."""
    options: BaseModel

    def __init__(self, options: BaseModel) -> None:
        """Cheap: loads nothing and asks nobody. One of your own calls it."""
        self.options = options

    def identity(self) -> dict[str, Any]:
        """What its results depend on and its options do not say: resolved revision, dtype, hash of local files.

        Cheap: reads no weights into memory, touches no network. Part of the key of the stage.
        """
        return {}

    def weights(self) -> Sequence[Weights]:
        """The weights to be fetched, without loading them; none where its package or a service has them."""
        return ()

    def resources(self) -> Resources:
        """What it takes while it runs; cheap like `identity`."""
        return ONE_CORE

    def ready(self) -> None:
        """Raise ConfigError where no download helps: no network with --offline."""

    def close(self) -> None:
        """Free the model."""
