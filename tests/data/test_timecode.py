"""Times of tables and of SMPTE time codes."""

from __future__ import annotations

import pytest

from data.scripts.timecode import NoRateError, NoTimeError, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12.5", 12.5), ("1:02.5", 62.5), ("00:01:02,500", 62.5), (" 100:00:00 ", 360000.0), ("90", 90.0)],
)
def test_clock_times(text: str, expected: float) -> None:
    assert seconds(text) == seconds(text, 25.0) == expected


@pytest.mark.parametrize(
    ("text", "fps", "expected"),
    [
        ("00:00:01:12", 25.0, 1.48),
        ("00:00:01:12", 24.0, 1.5),
        ("01:00:00:00", 23.976, 3603.6),  # 3.6 s an hour behind the clock
        ("01:00:00:00", 24000 / 1001, 3603.6),
        ("01:00:00:00", 29.97, 3603.6),
        ("01:00:00;00", 29.97, 3599.996),  # dropped numbers keep it within 4 ms
        ("01:00:00;00", 59.94, 3599.996),
        ("00:01:00;02", 29.97, 60.06),  # the frame after 00:00:59;29
        ("00:00:59;29", 29.97, 60.027),
        ("00:10:00;00", 29.97, 599.999),
        ("01:00:00;00", 30.0, 3600.0),  # nothing is dropped at a whole rate
        ("00:00:01:12", 24.99, 1.48),  # measured, and meant as 25
    ],
)
def test_frames(text: str, fps: float, expected: float) -> None:
    assert seconds(text, fps) == expected


@pytest.mark.parametrize("text", ["", "x", "1:2:3:4:5", "-1", "00:00:01:25", "00:99:01:12", "1.5.2"])
def test_no_times(text: str) -> None:
    with pytest.raises(NoTimeError):
        seconds(text, 25.0)


def test_frames_without_a_rate() -> None:
    with pytest.raises(NoRateError):
        seconds("00:00:01:12")
