"""How often somebody may try a password."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

WINDOW = 15 * 60
"""Seconds that a failure counts for."""
LIMITS = {"pair": 5, "address": 30, "name": 100}
"""Failures within the window: of one name from one address, of one address, of one name. The last one is high, so that
nobody is kept out by strangers who type their name; NIST SP 800-63B allows 100."""
KEPT = 10_000
"""Names and addresses remembered at most; the oldest are forgotten first."""


class Attempts:
    """Failures to sign in, in memory."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, threading.Lock()
        self._failures: dict[tuple[str, ...], deque[float]] = {}

    def wait(self, name: str, address: str) -> int:
        """Seconds until that name may be tried from that address; 0: now."""
        with self._lock:
            return max(self._wait(kind, key) for kind, key in _keys(name, address))

    def failed(self, name: str, address: str) -> None:
        """Count a failure."""
        with self._lock:
            for kind, key in _keys(name, address):
                times = self._failures.pop(key, None) or deque(maxlen=LIMITS[kind])
                times.append(self._now())
                self._failures[key] = times
            while len(self._failures) > KEPT:
                del self._failures[next(iter(self._failures))]

    def _wait(self, kind: str, key: tuple[str, ...]) -> int:
        times = self._failures.get(key)
        if times is None or len(times) < LIMITS[kind]:
            return 0
        return max(0, round(times[0] + WINDOW - self._now() + 0.5))


def _keys(name: str, address: str) -> list[tuple[str, tuple[str, ...]]]:
    name = name.casefold()
    return [("pair", ("pair", name, address)), ("address", ("address", address)), ("name", ("name", name))]
