"""Times as people and tables write them: seconds, clock times, and SMPTE time codes that count frames.

SMPTE ST 12-1: a time code numbers frames at the nominal rate (24, 25, 30 …). At 23.976 and 29.97 frames a second it
therefore runs behind the clock by 3.6 s an hour, unless frame numbers are dropped: `;` before the frames says that
00 and 01 (at 59.94: 00 to 03) are left out at the start of every minute but each tenth.
"""

from __future__ import annotations

import re
from fractions import Fraction

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d+)?)")
_FRAMES = re.compile(r"(\d+):([0-5]?\d):([0-5]?\d)([:;])(\d{1,3})")


class NoTimeError(ValueError):
    """The text is no time in any of the forms."""


class NoRateError(ValueError):
    """The text counts frames, and how many there are a second is not known."""


def seconds(text: str, fps: float | None = None) -> float:
    """Seconds of `12.5`, `1:02.5`, `00:01:02,500`, and with `fps` of `00:01:02:12` and `00:01:02;12` (drop frame).

    Rounded to 1 ms. Raises NoTimeError, NoRateError.
    """
    text = text.strip()
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, rest = clock.groups(default="0")
        return round(int(hours) * 3600 + int(minutes) * 60 + float(rest.replace(",", ".")), 3)
    code = _FRAMES.fullmatch(text)
    if code is None:
        raise NoTimeError(text)
    if not fps:
        raise NoRateError(text)
    return _of_frames(*(int(code[n]) for n in (1, 2, 3, 5)), drop=code[4] == ";", rate=exact_rate(fps))


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss.s, hours only where there are any; `seconds` reads it."""
    tenths = round(seconds * 10)
    hours, minutes, rest = tenths // 36_000, tenths // 600 % 60, tenths % 600 / 10
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def exact_rate(fps: float) -> Fraction:
    """The broadcast rate that a measured one stands for: 23.976 is 24000/1001, 24.99 is 25."""
    nominal = max(round(fps), 1)
    ntsc = Fraction(nominal * 1000, 1001)
    return ntsc if nominal % 6 == 0 and abs(fps - float(ntsc)) < abs(fps - nominal) else Fraction(nominal)


def _of_frames(hours: int, minutes: int, secs: int, frame: int, *, drop: bool, rate: Fraction) -> float:
    nominal = round(rate)
    if frame >= nominal:
        raise NoTimeError(f"{hours:02d}:{minutes:02d}:{secs:02d}:{frame:02d}")
    number = ((hours * 60 + minutes) * 60 + secs) * nominal + frame
    if drop and rate.denominator != 1:
        whole = hours * 60 + minutes
        number -= nominal // 15 * (whole - whole // 10)  # 2 of 30, 4 of 60
    return round(float(number / rate), 3)
