"""Voices behind OpenAI's speech API (POST /audio/speech): OpenAI itself, or a server of your own.

vLLM-Omni serves Qwen3-TTS, CosyVoice and others this way, openedai-speech and similar servers Piper, XTTS, MeloTTS.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from data.errors import ConfigError
from data.messages import tr
from stages.models import FREE, Weights, loading
from stages.voice.online import BUSY, TIMEOUT, PassingError, persistently, refused
from stages.voice.pace import Pace, fitted, within
from stages.voice.sound import NOTHING, Sound, checked, decoded, readable

SLOWEST, FASTEST = 0.25, 4.0
"""Bounds of `speed` in the API."""
FORBIDDEN = frozenset({401, 403})


class OpenAISpeech:
    """An OpenAI-compatible speech endpoint. The text of every line is sent to it."""

    class Options(BaseModel):
        """What can be set."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        base_url: str = Field(
            "http://127.0.0.1:8091/v1",
            pattern=r"^https?://",
            description="Address of the API up to /v1; the text of every line is sent there",
        )
        model: str = Field("Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice", description="Model, as the server names it")
        voice: str = Field("Sohee", description="Voice, as the server names it")
        instructions: str = Field("", description="How to speak, in words, for models that follow them")
        extra: dict[str, Any] = Field(
            default_factory=dict, description="More fields of the request: {language: Korean, seed: 7}"
        )
        format: Literal["wav", "flac", "mp3"] = Field("wav", description="What the server is asked to answer in")
        speed: bool = Field(
            True, description="The server follows `speed`; false: the answer is stretched instead (0.95–1.15)"
        )
        key_env: str = Field(
            "OPENAI_API_KEY",
            description="Environment variable that holds the key; servers of your own may need none",
            json_schema_extra=FREE,
        )
        pace: float | None = Field(
            None, gt=0, le=15, description="Syllables per second the voice speaks on its own; none: measured"
        )

    def __init__(self, options: Options) -> None:
        self.options = options
        self._pace = Pace(options.pace)
        self._last: tuple[str, float, Sound] = ("", 1.0, NOTHING)

    def voice(self, language: str) -> str:  # noqa: ARG002 – the model finds the language itself
        """What speaks and how, for the record and as part of a clip's cache key."""
        options = self.options.model_dump(exclude={"key_env", "base_url", "model", "voice"}, exclude_defaults=True)
        how = " " + json.dumps(options, ensure_ascii=False, sort_keys=True) if options else ""
        return f"{self.options.model} {self.options.voice} ({self.options.base_url}){how}"

    def speak(self, text: str, language: str, rate: float) -> Sound:
        """`text` at `rate` syllables per second as near as the server can: mono samples and their sampling rate.

        Raises UserError when the server cannot be reached, refuses, or answers without speech.
        """
        if not readable(text):
            return NOTHING
        faster = self._pace.faster(language, rate, lambda sentence: self._say(sentence, language, 1.0))
        if self.options.speed:
            return self._say(text, language, round(within(faster, SLOWEST, FASTEST), 3))
        return fitted(self._say(text, language, 1.0), faster)

    def identity(self) -> dict[str, Any]:
        """Nothing its options do not say."""
        return {}

    def weights(self) -> Sequence[Weights]:
        """None: the server has them."""
        return ()

    def close(self) -> None:
        """Nothing is held but the last line."""
        self._last = ("", 1.0, NOTHING)

    def _say(self, text: str, language: str, speed: float) -> Sound:
        """`text` at a relative speed; a line asked for at another rate of the stretcher is not sent twice."""
        if self._last[:2] != (text, speed):
            sound = persistently(self._service, lambda: checked(decoded(self._ask(text, speed)), text, language))
            self._last = (text, speed, sound)
        return self._last[2]

    @property
    def _service(self) -> str:
        return f"{self.options.model} ({self.options.base_url})"

    def _ask(self, text: str, speed: float) -> bytes:
        """One answer of the server. Raises PassingError, UserError."""
        with loading(self._service):
            import openai

        options = self.options
        asked = {"speed": speed if options.speed else None, "instructions": options.instructions or None}
        more = {name: value for name, value in asked.items() if value is not None} | options.extra
        key = os.environ.get(options.key_env) or "none"  # the library wants one; servers of one's own do not look at it
        try:
            with openai.OpenAI(base_url=options.base_url, api_key=key, max_retries=0, timeout=TIMEOUT) as client:
                answer = client.audio.speech.create(
                    model=options.model, voice=options.voice, input=text, response_format=options.format,
                    extra_body=more,
                )  # fmt: skip
                return bytes(answer.content)
        except openai.APIStatusError as error:
            raise self._status(error) from error
        except openai.APIConnectionError as error:
            raise PassingError(type(error.__cause__).__name__ if error.__cause__ else error) from error

    def _status(self, error: Any) -> Exception:
        """The error for an HTTP status that is none of success."""
        if error.status_code in FORBIDDEN:
            return ConfigError(
                tr("{service} does not accept the key; put a valid one into the environment variable {name}",
                   service=self._service, name=self.options.key_env)
            )  # fmt: skip
        if error.status_code not in BUSY:
            return refused(self._service, error.message)
        after = error.response.headers.get("Retry-After", "")
        return PassingError(error.message, error.status_code, float(after) if after.isdecimal() else 0.0)
