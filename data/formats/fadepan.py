"""Fade and pan control values for receivers that mix audio description themselves.

ETSI TS 101 154, annex E, and BBC WHP 198: the description comes as a stream of its own with two bytes beside it.
`fade` lowers the programme in steps of 0.3 dB: 0x00 not at all, 0xFE by 76.2 dB, 0xFF mutes it. `pan` turns the
description clockwise in steps of 360/256 degrees; 0x00 is the front.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator

from data.formats.cue import timecode
from data.scripts.script import Script, ScriptDuck

STEP = 0.3
"""dB of one step of the fade byte."""
MOST = 0xFE
"""The lowest that is not muted."""
FRONT = 0x00
GRAIN = 0.01
"""Seconds between the points at which the curve is read; a ramp of 0.3 s to −9 dB has thirty steps."""
COLUMNS = ("time", "timecode", "fade", "pan", "gain_db")


def write(script: Script) -> bytes:
    """CSV: a row wherever a byte changes, bytes in hexadecimal; both hold until the next row."""
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for time, fade in changes(script):
        rows.writerow((f"{time:.3f}", timecode(time), f"0x{fade:02X}", f"0x{FRONT:02X}", f"{-fade * STEP:.1f}"))
    return out.getvalue().encode()


def changes(script: Script) -> Iterator[tuple[float, int]]:
    """When the fade byte changes, and to what; the first row is at 0."""
    before = fade_byte(max((attenuation(duck, 0.0) for duck in script.ducking), default=0.0))
    yield 0.0, before
    for duck in script.ducking:
        first, last = duck.start - duck.attack, duck.end + duck.release
        for number in range(math.ceil((last - first) / GRAIN) + 1):
            time = max(0.0, round(min(first + number * GRAIN, last), 3))
            if (fade := fade_byte(attenuation(duck, time))) != before:
                yield time, fade
                before = fade


def attenuation(duck: ScriptDuck, time: float) -> float:
    """dB by which the programme is lowered at `time`: the mix's curve, whose ramps are linear in gain."""
    down = min(max((time - duck.start) / duck.attack + 1, 0), 1) if duck.attack else float(time >= duck.start)
    up = min(max((time - duck.end) / duck.release, 0), 1) if duck.release else float(time > duck.end)
    return -20 * math.log10(1 - (1 - 10 ** (-duck.depth / 20)) * max(down - up, 0))


def fade_byte(decibels: float) -> int:
    """The byte nearest to lowering by so many dB."""
    return min(max(round(decibels / STEP), 0), MOST)
