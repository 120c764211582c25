"""Patience with what may pass: a busy service, a connection that breaks off."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class PassingError(Exception):
    """A failure that another try may mend; `status` is that of HTTP where there was an answer.

    `wait`: seconds the service asks to be left alone for.
    """

    def __init__(self, cause: object, status: int | None = None, wait: float = 0.0) -> None:
        super().__init__(" ".join(str(cause).split())[:200])
        self.status, self.wait = status, wait


def retried(ask: Callable[[], T], waits: Sequence[float], passing: tuple[type[Exception], ...]) -> T:
    """What `ask` returns. After a passing error it is tried again, once after each of the waits (seconds).

    A service that asks for more time is given up to the last of them. Raises the last try's error.
    """
    for wait in waits:
        try:
            return ask()
        except passing as error:
            wished = error.wait if isinstance(error, PassingError) else 0.0
            time.sleep(max(wait, min(wished, waits[-1])))
    return ask()
