"""What every voice is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from stages.backend import Backend
from stages.voice.sound import Sound


class Voice(Backend, ABC):
    """Base of the backends that speak."""

    VOICE: ClassVar[str | None] = None
    """The option that chooses among its voices; None: it has no others."""

    def voices(self, language: str) -> tuple[str, ...] | None:  # noqa: ARG002
        """What `VOICE` can be set to, without loading or asking anything; None: a name is typed."""
        return None

    @abstractmethod
    def voice(self, language: str) -> str:
        """What speaks and how, for the record and as part of a clip's cache key; known without loading it."""

    @abstractmethod
    def speak(self, text: str, language: str, rate: float) -> Sound:
        """`text` at `rate` syllables per second as near as the voice can: mono samples in −1…1, their sampling rate.

        No samples for a text without anything to say. Raises UserError where a service cannot be reached or refuses,
        ConfigError where a model cannot be loaded, StageError where the engine fails.
        """
