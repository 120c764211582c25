"""Packets of a film, whatever turns up in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet


def packets(container: InputContainer, *streams: Any) -> Iterator[Packet[Any]]:
    """`container.demux(*streams)`, past packets of streams that only begin in the middle of a broadcast.

    PyAV raises IndexError for those, and goes on with the packet after it. Raises FFmpegError as demux does.
    """
    while True:
        try:
            yield from container.demux(*streams)
            return
        except IndexError:
            continue
