"""Google Translate's voice through gTTS: free, no key, one voice a language, no control of its rate.

The service is meant for Google Translate and may refuse many lines in a row. gTTS itself does not verify the
service's TLS certificate.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from stages.loading import loading
from stages.retrying import PassingError
from stages.voice.online import BUSY, TIMEOUT, OnlineVoice, persistently, refused
from stages.voice.pace import PacedOptions, fitted
from stages.voice.sound import NOTHING, NoSpeechError, Sound, checked, decoded


class GTTS(OnlineVoice):
    """gTTS. The text of every line is sent to Google."""

    packages = ("gtts",)

    class Options(PacedOptions):
        """What can be set."""

        lang: str | None = Field(
            None, description="Language tag of gTTS (ko, en, ja …); none: that of the narration. Text goes to Google"
        )
        tld: str = Field(
            "com",
            pattern=r"^[a-z.]+$",
            description="Domain of Google Translate: com, co.kr, co.uk …; decides the accent of English",
        )

    options: Options

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._last: tuple[str, Sound] = ("", NOTHING)

    def voice(self, language: str) -> str:
        """What speaks and how, for the record and as part of a clip's cache key."""
        pace = f" pace {self.options.pace:g}" if self.options.pace else ""
        return f"gTTS {self._tag(language)} (translate.google.{self.options.tld}){pace}"

    def close(self) -> None:
        """Nothing is held but the last line."""
        self._last = ("", NOTHING)

    @property
    def service(self) -> str:
        """gTTS and the domain it asks."""
        return f"gTTS (translate.google.{self.options.tld})"

    def _tag(self, language: str) -> str:
        return self.options.lang or language

    def _said(self, text: str, language: str, faster: float) -> Sound:
        """Stretched; a line asked for at another rate is not sent twice."""
        if self._last[0] != text:
            self.ready()
            service = self.service
            sound = persistently(service, lambda: checked(self._ask(service, text, language), text, language))
            self._last = (text, sound)
        return fitted(self._last[1], faster)

    def _ask(self, service: str, text: str, language: str) -> Sound:
        """One answer of the service. Raises PassingError, NoSpeechError, UserError."""
        with loading(service):
            from gtts import gTTS, gTTSError

        try:
            spoken = gTTS(text, tld=self.options.tld, lang=self._tag(language), lang_check=False, timeout=TIMEOUT)
            parts = [decoded(mp3) for mp3 in spoken.stream()]
        except gTTSError as error:
            status = getattr(error.rsp, "status_code", None)
            if status == 200:
                raise NoSpeechError("no sound") from error
            if status is None:
                raise PassingError(type(error.__context__).__name__) from error  # requests' own error
            if status in BUSY:
                raise PassingError(error.msg, status) from error
            raise refused(service, error.msg) from error
        except ValueError as error:  # base64 or UTF-8 that is none
            raise PassingError(error) from error
        return np.concatenate([samples for samples, _ in parts] or [NOTHING[0]]), parts[0][1] if parts else NOTHING[1]
