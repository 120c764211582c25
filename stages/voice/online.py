"""What voices on the network share: no network with --offline, patience with a busy one, errors for people."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TypeVar

from data.errors import ConfigError, UserError
from stages.backend import Resources
from stages.loading import offline
from stages.retrying import PassingError, retried
from stages.voice.pace import PacedVoice
from stages.voice.sound import NoSpeechError

T = TypeVar("T")

WAITS = (1.0, 4.0, 16.0)
"""Seconds before each further try; a service that asks for more is given up to the last of them."""
TIMEOUT = 30.0
"""Seconds without a byte of an answer; a line takes about one."""
BUSY = frozenset({408, 429, 500, 502, 503, 504})
"""Answers of HTTP after which another try is worth it."""


class OnlineVoice(PacedVoice):
    """A voice of a service on the network."""

    @property
    @abstractmethod
    def service(self) -> str:
        """What people are told is asked."""

    def resources(self) -> Resources:
        """The service does the work."""
        return Resources(network=True)

    def ready(self) -> None:
        """Raise ConfigError with --offline."""
        if offline():
            raise ConfigError(
                "{service} needs the network and --offline forbids it; drop --offline, or set voice.backend=espeak",
                service=self.service,
            )


def persistently(service: str, ask: Callable[[], T]) -> T:
    """What `ask` returns; after PassingError and NoSpeechError it is tried again, a little later each time.

    Raises UserError when it keeps failing.
    """
    try:
        return retried(ask, WAITS, (PassingError, NoSpeechError))
    except (PassingError, NoSpeechError) as error:
        raise _given_up(service, error) from error


def _given_up(service: str, error: PassingError | NoSpeechError) -> UserError:
    if isinstance(error, NoSpeechError):
        return UserError(
            "{service} answered without speech that can be used ({cause}); run again later, the lines spoken so far "
            "are kept, or choose another voice",
            service=service,
            cause=error,
        )
    if error.status == 429:
        return UserError(
            "{service} takes no more requests for now (429); run again in an hour, the lines spoken so far are "
            "kept, or choose another voice",
            service=service,
        )
    return UserError(
        "{service} does not answer ({cause}); check the network and run again, the lines spoken so far are kept",
        service=service,
        cause=error,
    )


def refused(service: str, cause: object) -> UserError:
    """The error for a request that no further try would mend."""
    return UserError(
        "{service} refused to speak ({cause}); check the settings in voice.options, or choose another voice",
        service=service,
        cause=" ".join(str(cause).split())[:200],
    )
