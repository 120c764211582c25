"""A small real server with OpenAI's interface whose behaviour is scripted request by request.

with serving() as server:
    server.script = [Reply.busy(retry_after=1), Reply.dropped()]   # the first two requests, then `server.reply`
    ... base_url=server.url ...
    assert [r.body["model"] for r in server.requests] == [...]
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One answer. `drop`: the connection is closed after so many bytes of the body (0: before the headers)."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    wait: float = 0.0
    drop: int | None = None

    @classmethod
    def json(cls, value: Any, **more: Any) -> Reply:
        """A JSON answer."""
        return cls(json.dumps(value, ensure_ascii=False).encode(), **more)

    @classmethod
    def chat(cls, *texts: str | None, finish: str = "stop", **more: Any) -> Reply:
        """A chat completion with one choice for each text."""
        choices = [
            {"index": i, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
            for i, text in enumerate(texts)
        ]
        return cls.json(
            {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": choices}, **more
        )

    @classmethod
    def sound(cls, audio: bytes, kind: str = "audio/wav", **more: Any) -> Reply:
        """A spoken line."""
        return cls(audio, headers={"Content-Type": kind}, **more)

    @classmethod
    def error(cls, status: int, message: str = "no", code: str | None = None, **headers: str) -> Reply:
        """An error as OpenAI words it."""
        body = json.dumps({"error": {"message": message, "type": "error", "code": code}}).encode()
        return cls(body, status, {"Content-Type": "application/json", **headers})

    @classmethod
    def busy(cls, retry_after: float) -> Reply:
        """429 with Retry-After in seconds."""
        return cls.error(429, "slow down", **{"Retry-After": f"{retry_after:g}"})

    @classmethod
    def dropped(cls) -> Reply:
        """The connection is closed without an answer."""
        return cls(drop=0)

    @classmethod
    def half(cls, whole: Reply) -> Reply:
        """The connection is closed in the middle of an answer."""
        return cls(whole.body, whole.status, whole.headers, drop=len(whole.body) // 2)

    @classmethod
    def garbage(cls) -> Reply:
        """Something else than what the headers say."""
        return cls(b'{"choices": [{"mess')


@dataclass(frozen=True)
class Request:
    """One request as it came: names of headers in small letters, `body` from its JSON."""

    path: str
    headers: dict[str, str]
    body: Any
    at: float
    """Seconds of time.monotonic()."""


@dataclass
class Server:
    """What the server is to do, and what it was asked."""

    url: str = ""
    """Base URL, ends in /v1."""
    script: list[Reply] = field(default_factory=list)
    """Answers to the next POST requests, in order of arrival."""
    reply: Callable[[Request], Reply] = lambda request: Reply.chat("문이 열린다.")
    """The answer once the script has run out."""
    models: tuple[str, ...] = ("m",)
    requests: list[Request] = field(default_factory=list)
    """POST requests in order of arrival."""
    peak: int = 0
    """Most POST requests that were open at once."""
    _open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.url.removesuffix("/v1").rpartition(":")[2])

    def begin(self, request: Request) -> Reply | None:
        """Note a request; the scripted answer to it."""
        with self._lock:
            self.requests.append(request)
            self._open += 1
            self.peak = max(self.peak, self._open)
            return self.script.pop(0) if self.script else None

    def end(self) -> None:
        """A request has been answered."""
        with self._lock:
            self._open -= 1


@contextmanager
def serving(port: int = 0) -> Iterator[Server]:
    """A server on a port of 127.0.0.1; 0: a free one."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            rows = [{"id": name, "object": "model"} for name in server.models]
            self.answer(Reply.json({"object": "list", "data": rows}) if self.path == "/v1/models" else Reply.error(404))

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(
                self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(raw or b"null"), time.monotonic()
            )
            reply = server.begin(request)
            try:
                self.answer(reply or server.reply(request))
            finally:
                server.end()

        def answer(self, reply: Reply) -> None:
            time.sleep(reply.wait)
            if reply.drop != 0:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body[: reply.drop])
            self.close_connection = reply.drop is not None

        def handle(self) -> None:
            with suppress(ConnectionError, TimeoutError):  # the other side has given up
                super().handle()

    http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
