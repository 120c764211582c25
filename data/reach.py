"""Which gaps a line about a keyframe can be spoken in."""

from __future__ import annotations

from collections.abc import Iterable

from data.records import Context, Gap


def reach(context: Context, gap: Gap, *, early: float, late: float) -> float:
    """Seconds left to speak in the gap for a line that starts while its shot, or its text, is on screen; else 0.

    It may start up to `early` seconds before that and `late` seconds after.
    """
    opens, closes = gap.window
    start = max(opens, context.start - early)
    seen_until = max([context.end, *(t.last_seen for t in context.texts)])
    return max(closes - start, 0.0) if start <= seen_until + late else 0.0


def longest_reach(context: Context, gaps: Iterable[Gap], *, early: float, late: float) -> float:
    """The most of `reach` over all usable gaps, seconds; 0 where no gap is in reach."""
    from_, until = context.start - early, max([context.end, *(t.last_seen for t in context.texts)]) + late
    near = (g for g in gaps if g.usable and g.end > from_ and g.start <= until)
    return max((reach(context, g, early=early, late=late) for g in near), default=0.0)
