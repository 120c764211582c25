"""The neural voices of Microsoft Edge's read-aloud through edge-tts (LGPL-3): free, no key, rate under control.

An unofficial use of an online service, which may change or refuse.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import Field

from stages.loading import loading
from stages.retrying import PassingError
from stages.voice.online import BUSY, TIMEOUT, OnlineVoice, persistently, refused
from stages.voice.pace import PacedOptions, within
from stages.voice.sound import NoSpeechError, Sound, checked, decoded

VOICES = {"ko": "ko-KR-SunHiNeural", "en": "en-US-AriaNeural"}
SERVICE = "edge-tts (speech.platform.bing.com)"
SLOWEST, FASTEST = 0.5, 2.0
"""What the service takes as a relative rate, −50 % to +100 %."""


class Edge(OnlineVoice):
    """edge-tts. The text of every line is sent to Microsoft."""

    packages = ("edge_tts",)
    service = SERVICE

    class Options(PacedOptions):
        """What can be set."""

        voice: str | None = Field(
            None,
            pattern=r"^[a-z]{2,3}-[A-Z]{2,}-.+Neural$",
            description="Name of the voice (`edge-tts --list-voices`); none: ko-KR-SunHiNeural for Korean, "
            "en-US-AriaNeural for English. Text goes to Microsoft",
        )
        pitch: int = Field(0, ge=-100, le=100, description="Hertz above or below the voice's own pitch")

    VOICE = "voice"
    options: Options

    def voice(self, language: str) -> str:
        """What speaks and how, for the record and as part of a clip's cache key."""
        pitch = f" pitch {self.options.pitch:+d} Hz" if self.options.pitch else ""
        pace = f" pace {self.options.pace:g}" if self.options.pace else ""
        return f"edge-tts {self._name(language)}{pitch}{pace}"

    def _name(self, language: str) -> str:
        return self.options.voice or VOICES[language]

    def _said(self, text: str, language: str, faster: float) -> Sound:
        speed = within(faster, SLOWEST, FASTEST)

        def ask() -> Sound:
            # A loop may already run in this thread (a notebook, a server), and asyncio allows one a thread.
            with ThreadPoolExecutor(1) as pool:
                mp3 = pool.submit(asyncio.run, self._ask(text, language, speed)).result()
            return checked(decoded(mp3), text, language)

        self.ready()
        return persistently(SERVICE, ask)

    async def _ask(self, text: str, language: str, faster: float) -> bytes:
        """One answer of the service, MP3. Raises PassingError, NoSpeechError, UserError."""
        with loading(SERVICE):
            import aiohttp
            from edge_tts import Communicate
            from edge_tts.exceptions import EdgeTTSException, NoAudioReceived

        asked = Communicate(
            text,
            self._name(language),
            rate=f"{round(100 * (faster - 1)):+d}%",
            pitch=f"{self.options.pitch:+d}Hz",
            receive_timeout=round(TIMEOUT),
        )
        try:
            mp3 = b"".join([part["data"] async for part in asked.stream() if part["type"] == "audio"])
        except NoAudioReceived as error:
            raise NoSpeechError("no sound") from error
        except aiohttp.ClientResponseError as error:
            if error.status in BUSY:
                raise PassingError(f"{error.status} {error.message}", error.status, _wait(error)) from error
            raise refused(SERVICE, f"{error.status} {error.message}") from error
        except (aiohttp.ClientError, EdgeTTSException, TimeoutError, OSError, ValueError) as error:
            raise PassingError(str(error) or type(error).__name__) from error
        # The library ends as quietly on a broken connection; it counts a part in only at its end mark.
        if asked.state.get("cumulative_audio_bytes", len(mp3)) != len(mp3):
            raise PassingError("connection lost")
        return mp3


def _wait(error: Any) -> float:
    """Seconds the service asks to be left alone for."""
    after = (error.headers or {}).get("Retry-After", "")
    return float(after) if after.isdecimal() else 0.0
