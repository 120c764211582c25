"""Who is looking at an episode, and what they are told while they look."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

BACKLOG = 200
"""Events that a slow listener may be behind; then it is cut off, and comes back by itself with the whole state."""


@dataclass(eq=False)
class _Listener:
    name: str
    line: str | None = None
    queue: asyncio.Queue[dict[str, str] | None] = field(default_factory=lambda: asyncio.Queue(BACKLOG))


class Hub:
    """Server-sent events of all episodes. Listeners live in the server's loop; `tell` may be called in any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: dict[str, set[_Listener]] = defaultdict(set)

    def begin(self) -> None:
        """Belong to the loop that runs now."""
        self._loop = asyncio.get_running_loop()

    async def listen(self, episode: str, name: str) -> AsyncIterator[dict[str, str]]:
        """The events of an episode until the listener goes or falls too far behind."""
        me = _Listener(name)
        self._listeners[episode].add(me)
        self._tell_presence(episode)
        try:
            while (event := await me.queue.get()) is not None:
                yield event
        finally:
            self._listeners[episode].discard(me)
            self._tell_presence(episode)

    def tell(self, episode: str, kind: str, data: object) -> None:
        """Send an event to everybody who looks at the episode."""
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._send, episode, kind, data)

    def end(self) -> None:
        """Let every listener go, so that a server that ends need not break their streams off. Safe in any thread."""
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._let_go)

    def moved(self, episode: str, name: str, line: str | None) -> None:
        """Somebody went to another line. To be called in the loop."""
        for listener in self._listeners[episode]:
            if listener.name == name:
                listener.line = line
        self._tell_presence(episode)

    def present(self, episode: str) -> list[dict[str, Any]]:
        """Who looks at the episode, once each, and at which line."""
        lines: dict[str, str | None] = {}
        for listener in self._listeners[episode]:
            lines[listener.name] = listener.line or lines.get(listener.name)
        return [{"name": name, "line": lines[name]} for name in sorted(lines)]

    def _let_go(self) -> None:
        for listener in [one for listeners in self._listeners.values() for one in listeners]:
            if listener.queue.full():
                listener.queue.get_nowait()
            listener.queue.put_nowait(None)

    def _tell_presence(self, episode: str) -> None:
        self._send(episode, "presence", self.present(episode))

    def _send(self, episode: str, kind: str, data: object) -> None:
        event = {"event": kind, "data": json.dumps(data, ensure_ascii=False)}
        for listener in tuple(self._listeners[episode]):
            try:
                listener.queue.put_nowait(event)
            except asyncio.QueueFull:
                self._listeners[episode].discard(listener)
                listener.queue.get_nowait()
                listener.queue.put_nowait(None)
