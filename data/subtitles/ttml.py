"""Timed paragraphs of TTML (https://www.w3.org/TR/ttml2/#timing), also its older names DFXP and EBU-TT, SMPTE-TT."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from data.messages import tr

TimedText = tuple[float, float, str]
FOREVER = float("inf")


class BadTimeError(ValueError):
    """A time expression outside the standard; `line` counts from 1."""

    def __init__(self, line: int, expression: str) -> None:
        super().__init__(tr("the times {times!r} cannot be read", times=expression))
        self.line = line


@dataclass(frozen=True)
class Clock:
    """The rates that time expressions count in, per second."""

    frames: float
    ticks: float

    @classmethod
    def of(cls, root: Any) -> Clock:
        """The document's `ttp:frameRate`, `ttp:frameRateMultiplier` and `ttp:tickRate`, or the standard's defaults."""
        parameters = {_local(name): value for name, value in root.attrib.items()}
        above, below = map(float, (re.findall(r"\d+", parameters.get("frameRateMultiplier", "")) or [1, 1])[:2])
        frames = float(parameters.get("frameRate", 30)) * above / below
        return cls(frames, float(parameters.get("tickRate", frames if "frameRate" in parameters else 1)))

    def seconds(self, expression: str) -> float | None:
        """Seconds of a clock time (`01:02:03.5`, `01:02:03:12`) or an offset time (`3.2s`, `90f`); None if neither."""
        if offset := re.fullmatch(r"(\d+(?:\.\d+)?)(h|m|s|ms|f|t)", expression):
            unit = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "f": 1 / self.frames, "t": 1 / self.ticks}
            return float(offset[1]) * unit[offset[2]]
        clock = re.fullmatch(r"(\d+):(\d{2}):(\d{2}(?:\.\d+)?)(?::(\d+(?:\.\d+)?))?", expression)
        if clock is None:
            return None
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3]) + float(clock[4] or 0) / self.frames


def read_ttml(root: Any) -> Iterator[TimedText]:
    """(start, end, text) of every timed paragraph under the `tt` element `root`. Raises BadTimeError."""
    clock = Clock.of(root)
    for body in (child for child in root if _local(child.tag) == "body"):
        yield from _cues(body, clock, 0.0, FOREVER, False)[0]


def _cues(element: Any, clock: Clock, begin: float, limit: float, timed: bool) -> tuple[list[TimedText], float]:
    """Cues of `element` inside [begin, limit] and where it ends; children are parallel unless it says `seq`."""
    own, end = _interval(element, clock, begin, limit)
    timed = timed or end < limit or "begin" in element.attrib
    children = [child for child in element if isinstance(child.tag, str)]
    inner = any({"begin", "end", "dur"} & set(child.attrib) for child in children)
    if _local(element.tag) in ("p", "span") and not inner:
        text = _text(element)
        return ([(own, end, text)] if text and timed and own < end < FOREVER else []), end
    cues: list[TimedText] = []
    at = own
    for child in children:
        found, child_end = _cues(child, clock, at, end, timed)
        cues += found
        if element.get("timeContainer") == "seq" and child_end < FOREVER:
            at = child_end
    return cues, end


def _interval(element: Any, clock: Clock, parent: float, limit: float) -> tuple[float, float]:
    """When the element is active; its times count from the start of its parent."""
    begin, end, length = (_time(element, clock, name) for name in ("begin", "end", "dur"))
    start = parent + (begin or 0.0)
    ends = [limit]
    ends += [parent + end] if end is not None else []
    ends += [start + length] if length is not None else []
    return start, min(ends)


def _time(element: Any, clock: Clock, name: str) -> float | None:
    expression = element.get(name)
    if expression is None:
        return None
    seconds = clock.seconds(expression.strip())
    if seconds is None:
        raise BadTimeError(element.sourceline or 1, expression)
    return seconds


def _text(element: Any) -> str:
    parts = [element.text or ""]
    for child in element:
        name = _local(child.tag) if isinstance(child.tag, str) else ""
        parts.append("\n" if name == "br" else _text(child) if name == "span" else "")
        parts.append(child.tail or "")
    lines = "".join(p if p == "\n" else re.sub(r"[ \t\r\n]+", " ", p) for p in parts).split("\n")
    return "\n".join(line.strip() for line in lines if line.strip())


def _local(name: str) -> str:
    return name.rsplit("}", 1)[-1]
