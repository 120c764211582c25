"""What every request passes before anything else looks at it: host, size; and what every answer carries."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data.messages import tr

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy: nothing inline, nothing from elsewhere. data: pictures are icons of the style sheet, blob:
sound is what the microphone recorded."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), payment=(), usb=()",
}
TEXT_LIMIT = 256 * 1024
"""Bytes of a request that carries words: a line has 1,000 characters, the largest gesture a few thousand."""
UPLOAD_LIMIT = 32 * 1024 * 1024
"""Bytes of a recording: two minutes of 48 kHz stereo in 24 bit are 35 MB, of 16 bit 23 MB; a line lasts seconds."""


def known_host(header: str, names: Iterable[str]) -> bool:
    """Whether a Host header names this server: an address, localhost or one of `names`.

    DNS rebinding makes a browser send the name of the attacker's site here; an address cannot be rebound.
    """
    host = header[1:].partition("]")[0] if header.startswith("[") else header.partition(":")[0]
    if host.lower() in {"localhost", *(name.lower() for name in names)}:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Guard:
    """ASGI middleware: turns away foreign hosts and bodies too large, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        self._app, self._names = app, frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = UPLOAD_LIMIT if headers.get("content-type", "").startswith("multipart/") else TEXT_LIMIT
        answer = _with_headers(send)
        if not known_host(headers.get("host", ""), self._names):
            await refuse(answer, 421, "host", tr("This address is not this server's; start vdesc review with --name"))
        elif _length(headers) > limit:
            await refuse(answer, 413, "size", too_large(limit))
        else:
            await self._app(scope, _limited(receive, limit), answer)


def too_large(limit: int) -> str:
    """What is said of a body over the limit."""
    return tr("That is more than {limit} KB; send a shorter one", limit=limit // 1024)


async def refuse(send: Send, status: int, code: str, error: str) -> None:
    """A whole answer from outside the application."""
    body = json.dumps({"error": error, "code": code}, ensure_ascii=False).encode()
    fields = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def _length(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


def _limited(receive: Receive, limit: int) -> Receive:
    """Without a Content-Length (chunks) the bytes are counted as they come."""
    got = 0

    async def counted() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > limit:
            raise HTTPException(413, too_large(limit))
        return message

    return counted


def _with_headers(send: Send) -> Send:
    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return answer
