"""Packets of a film, whatever turns up in the middle of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet

HOPELESS = 1000
"""A container is given up after this many places in a row that its demuxer cannot read."""


def packets(
    container: InputContainer, *streams: Any, damaged: Callable[[], None] = lambda: None
) -> Iterator[Packet[Any]]:
    """`container.demux(*streams)`, past places where the container itself is damaged; `damaged` is told of each.

    Packets of streams that only begin in the middle of a broadcast are left out: PyAV raises IndexError for them.
    Raises FFmpegError where the file cannot be read any more.
    """
    import av

    errors = 0
    while errors < HOPELESS:
        try:
            for packet in container.demux(*streams):
                errors = 0
                yield packet
            return
        except IndexError:
            continue
        except (av.error.InvalidDataError, av.error.BlockingIOError):  # MPEG-TS in search of its packets: the latter
            errors += 1
            damaged()
