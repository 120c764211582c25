"""Voices behind OpenAI's speech API (POST /audio/speech): a server of your own, or a service on the network.

vLLM-Omni serves Qwen3-TTS, CosyVoice and others this way, openedai-speech and similar servers Piper, XTTS, MeloTTS.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field

from stages.remote import RemoteBackend, RemoteOptions, answering
from stages.voice.online import persistently
from stages.voice.pace import PacedOptions, PacedVoice, fitted, within
from stages.voice.sound import NOTHING, Sound, checked, decoded

SLOWEST, FASTEST = 0.25, 4.0
"""Bounds of `speed` in the API."""


class OpenAISpeech(RemoteBackend, PacedVoice):
    """An OpenAI-compatible speech endpoint. The text of every line is sent to it."""

    class Options(RemoteOptions, PacedOptions):
        """What can be set."""

        base_url: str = Field(
            "http://127.0.0.1:8091/v1",
            pattern=r"^https?://[^\s/]+",
            description="Address of the service up to /v1; the text of every line is sent there",
        )
        model: str = Field(
            "Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice",
            min_length=1,
            description="Model, by the name the service gives it",
        )
        voice: str = Field("Sohee", description="Voice, by the name the service gives it")
        instructions: str = Field("", description="How to speak, in words, for models that follow them")
        extra: dict[str, Any] = Field(
            default_factory=dict, description="More fields of the request: {language: Korean, seed: 7}"
        )
        format: Literal["wav", "flac", "mp3"] = Field("wav", description="What the service is asked to answer in")
        speed: bool = Field(
            True, description="The service follows `speed`; false: the answer is stretched instead (0.95–1.15)"
        )

    VOICE = "voice"
    options: Options

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._last: tuple[str, float, Sound] = ("", 1.0, NOTHING)

    def voice(self, language: str) -> str:  # noqa: ARG002 – the model finds the language itself
        """What speaks and how, for the record and as part of a clip's cache key."""
        sounding = {"instructions", "extra", "format", "speed", "pace"}
        changed = self.options.model_dump(include=sounding, exclude_defaults=True)
        how = " " + json.dumps(changed, ensure_ascii=False, sort_keys=True) if changed else ""
        return f"{self.options.model} {self.options.voice} ({self.options.base_url}){how}"

    def close(self) -> None:
        """Close the connection, and forget the last line."""
        super().close()
        self._last = ("", 1.0, NOTHING)

    def _said(self, text: str, language: str, faster: float) -> Sound:
        """A line asked for at another rate of the stretcher is not sent twice."""
        speed = round(within(faster, SLOWEST, FASTEST), 3) if self.options.speed else 1.0
        if self._last[:2] != (text, speed):
            service = f"{self.options.model} ({self.options.base_url})"
            sound = persistently(service, lambda: checked(decoded(self._ask(text, speed)), text, language))
            self._last = (text, speed, sound)
        return self._last[2] if self.options.speed else fitted(self._last[2], faster)

    def _ask(self, text: str, speed: float) -> bytes:
        """One answer of the service, as a file. Raises UserError."""
        options, service = self.options, self.client
        asked = {"speed": speed if options.speed else None, "instructions": options.instructions or None}
        more = {name: value for name, value in asked.items() if value is not None} | options.extra
        with answering(options):
            answer = service.audio.speech.create(
                model=options.model, voice=options.voice, input=text, response_format=options.format, extra_body=more
            )
            return bytes(answer.content)
