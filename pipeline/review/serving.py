"""The server's life: its socket, the address it tells, its end."""

from __future__ import annotations

import errno
import socket
import threading
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

import typer
import uvicorn

from data.errors import UserError
from data.messages import tr
from pipeline.review.app import create
from pipeline.review.desk import Desk
from pipeline.review.reading import state

BACKLOG = 128
PATIENCE = 3
"""Seconds that requests are given to end after Ctrl-C."""


KEPT = 75
"""Seconds that an idle connection is kept: longer than people think about a line, so that no save meets its end."""


def serve(desk: Desk, host: str, port: int, names: Sequence[str], *, browser: bool) -> None:
    """Serve until Ctrl-C. Raises UserError where the address cannot be had."""
    with _socket(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listening.getsockname()[1]}/"
        typer.echo(tr("Review at {address} (Ctrl-C ends it)", address=address))
        server = _Server(
            desk,
            uvicorn.Config(
                create(desk, names), log_level="warning", access_log=False, server_header=False,
                timeout_graceful_shutdown=PATIENCE,
                timeout_keep_alive=KEPT,
            )
        )  # fmt: skip
        threading.Thread(target=_warm, args=(desk,), daemon=True).start()
        if browser:
            threading.Timer(0.5, webbrowser.open, [address]).start()
        with suppress(KeyboardInterrupt):  # uvicorn hands it on after a clean end
            server.run([listening])


def _warm(desk: Desk) -> None:
    """Read what the first visit would have to wait for, then load what the first check would."""
    with suppress(UserError):
        first = next(iter(desk.folders()))
        state(desk, first, "", "viewer")
        desk.session(first, "").warm()


class _Server(uvicorn.Server):
    """Lets those who listen for events go when it is told to end; they would keep it waiting."""

    def __init__(self, desk: Desk, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._desk = desk

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ctrl-C, or the system's word to end."""
        self._desk.hub.end()
        super().handle_exit(sig, frame)


def _socket(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(place)
        made.listen(BACKLOG)  # who comes before the server is ready waits
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError("Port {port} is taken; choose another one with --port", port=port) from None
        cause = error.strerror or error
        raise UserError("{host} cannot be listened on ({cause}); mend --host", host=host, cause=cause) from None
    return made
