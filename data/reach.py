"""Which gaps a line about a keyframe can be spoken in."""

from __future__ import annotations

from data.records import Context, Gap


def reach(context: Context, gap: Gap, *, early: float, late: float) -> float:
    """Seconds left to speak in the gap for a line that starts while its shot, or its text, is on screen; else 0.

    It may start up to `early` seconds before that and `late` seconds after.
    """
    opens, closes = gap.window
    start = max(opens, context.start - early)
    seen_until = max([context.end, *(t.last_seen for t in context.texts)])
    return max(closes - start, 0.0) if start <= seen_until + late else 0.0
