"""The server's life: its socket, the address it tells, its end."""

from __future__ import annotations

import errno
import socket
import threading
import webbrowser
from collections.abc import Sequence
from contextlib import suppress

import typer
import uvicorn

from data.errors import UserError
from data.messages import tr
from pipeline.review.app import create
from pipeline.review.desk import Desk

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
        server = uvicorn.Server(
            uvicorn.Config(
                create(desk, names), log_level="warning", access_log=False, server_header=False,
                timeout_graceful_shutdown=PATIENCE,
                timeout_keep_alive=KEPT,
            )
        )  # fmt: skip
        if browser:
            threading.Timer(0.5, webbrowser.open, [address]).start()
        with suppress(KeyboardInterrupt):  # uvicorn hands it on after a clean end
            server.run([listening])


def _socket(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(place)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(tr("Port {port} is taken; choose another one with --port", port=port)) from None
        cause = error.strerror or error
        raise UserError(tr("{host} cannot be listened on ({cause}); mend --host", host=host, cause=cause)) from None
    return made
