"""AAC in stretches that are encoded each for itself, so that a change costs its own stretch alone.

An encoder's state – its rate control above all – reaches back without end, so two encodings of one sound differ
wherever they began elsewhere. Here every stretch has an encoder of its own that begins `LEAD` frames early and goes on
`TAIL` frames further; those frames are thrown away. Neighbours then agree on the windows at their border, as the
overlap of AAC's transform asks for (ISO/IEC 14496-3, 4.6.11), and the same samples always give the same packets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
FRAME = 1024
"""Samples a packet is for. The first packet of a track is the encoder's padding: packet n begins at (n − 1) frames."""
STRETCH = 480
"""Packets a stretch has: 10.24 s, which is 1,024 cells of the loudness."""
LEAD, TAIL = 60, 15
"""1.28 s and 0.32 s: whole cells of the loudness as well. After half a second the windows chosen are the same."""
# Bit rates in kbit/s by number of channels: broadcast practice, 64 a channel and headroom for one and two.
BIT_RATES = {1: 128, 2: 192}
# AAC has one position for the surround pair of 5.1; ffmpeg's two names differ in nothing else.
LAYOUTS = {"5.1(side)": "5.1", "5.0(side)": "5.0", "quad(side)": "quad"}

Samples = NDArray[np.float32]


def bit_rate(channels: int) -> int:
    """Bits a second of a track."""
    return 1000 * BIT_RATES.get(channels, 64 * channels)


def stretches(samples: int) -> int:
    """How many stretches a sound has."""
    return -(-packets(samples) // STRETCH)


def packets(samples: int) -> int:
    """How many packets a sound has, padding included."""
    return -(-samples // FRAME) + 1


def reach(stretch: int, samples: int) -> tuple[int, int]:
    """The samples [first, last) of a sound of `samples` that the encoder of a stretch is given."""
    return max(stretch * STRETCH - LEAD, 0) * FRAME, min(((stretch + 1) * STRETCH + TAIL) * FRAME, samples)


def encoded(sound: Samples, stretch: int, layout: str, samples: int) -> list[bytes]:
    """The packets of a stretch; `sound` is (samples, channels), all that `reach` asks for."""
    first = reach(stretch, samples)[0] // FRAME
    made = list(_packets(sound, layout))
    begin, end = stretch * STRETCH, min((stretch + 1) * STRETCH, packets(samples))
    return made[begin - first : end - first]


def _packets(sound: Samples, layout: str) -> Iterator[bytes]:
    import av

    encoder = _encoder(layout)
    planes = np.ascontiguousarray(sound.T, np.float32)
    for first in range(0, planes.shape[1], FRAME):
        part = np.ascontiguousarray(planes[:, first : first + FRAME])
        frame = av.AudioFrame.from_ndarray(part, "fltp", encoder.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
        yield from (bytes(packet) for packet in encoder.encode(frame))
    yield from (bytes(packet) for packet in encoder.encode(None))


def _encoder(layout: str) -> Any:
    import av

    encoder: Any = av.CodecContext.create("aac", "w")
    _prepare(encoder, layout)
    encoder.open()
    return encoder


def _prepare(encoder: Any, layout: str) -> None:
    from av.codec.context import Flags

    encoder.sample_rate, encoder.format, encoder.time_base = RATE, "fltp", Fraction(1, RATE)
    encoder.layout = LAYOUTS.get(layout, layout)
    encoder.bit_rate = bit_rate(encoder.layout.nb_channels)
    encoder.options = {"aac_coder": "fast"}  # a third faster, within 0.6 dB of the default's noise on music
    encoder.flags |= Flags.bitexact


def write_track(path: Path, content: Iterable[Sequence[bytes]], layout: str, samples: int) -> None:
    """Write the packets of all stretches as an MP4 from which the track can be copied, padding and end known."""
    import av

    with av.open(f"file:{path}", "w", format="mp4") as container:
        stream: Any = container.add_stream("aac", rate=RATE)
        _prepare(stream.codec_context, layout)
        container.start_encoding()
        at = -FRAME
        for packet in (one for part in content for one in part):
            made = av.Packet(packet)
            made.stream, made.time_base = stream, Fraction(1, RATE)
            made.pts = made.dts = at
            made.duration = min(FRAME, samples - at) if at < samples else FRAME
            made.is_keyframe = True
            container.mux(made)
            at += FRAME
