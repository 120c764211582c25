"""The moments nothing is spoken of, each with its reason; and what kept out the line of another moment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from data.reasons import LostTo, NoRoom, Reason, Repeats, TooLong
from data.records import Missed
from stages.schedule.placement import Placed
from stages.schedule.planner import Moment, Planner, seen


def missed(planner: Planner, lines: Sequence[Placed]) -> Iterator[Missed]:
    """Every moment that has candidates and no line, in order of time."""
    spoken = {planner.forms[line.option.key].candidate.id for line in lines}
    for moment in planner.moments:
        if not any(candidate.id in spoken for candidate in moment.candidates):
            yield _reason(planner, moment, lines) if moment.candidates else _refused(planner, moment)


def _refused(planner: Planner, moment: Moment) -> Missed:
    best = max(moment.refused, key=lambda name: (planner.scores.get(name, 0.0), name))
    candidate, (start, end) = planner.candidates[best], seen(moment.context, view=moment.view)
    return Missed(
        keyframe=moment.context.keyframe, start=start, end=end, kind=candidate.kind, candidate=best,
        text=candidate.text, why=moment.refused[best],
    )  # fmt: skip


def _reason(planner: Planner, moment: Moment, lines: Sequence[Placed]) -> Missed:
    forms = planner.forms_of(moment)
    whole = [form for form in forms if form.key == form.candidate.id]
    best = max(whole or forms, key=lambda f: (f.value, f.key))
    start, end = seen(moment.context, view=moment.view)
    needed, room = planner.shortest(moment), planner.room(moment)
    return Missed(
        keyframe=moment.context.keyframe, start=start, end=end, kind=best.candidate.kind, candidate=best.candidate.id,
        text=best.text, why=_why(planner, moment, lines, needed, room), needed=needed, room=max(room, 0.0),
        worth=round(best.value, 3), scene=moment.scene,
    )  # fmt: skip


def _why(planner: Planner, moment: Moment, lines: Sequence[Placed], needed: float, room: float) -> Reason:
    """The reason for a moment with candidates."""
    if room <= 0:
        return NoRoom()
    if needed > room:
        return TooLong(needed=needed, room=room)
    options = planner.options_of(moment)
    from_, until = min(o.earliest for o in options), max(o.latest + o.seconds for o in options)
    window, again = planner.config.repeat_window, planner.rules.again
    around = lines[_first_after(lines, from_ - window) : _first_from(lines, until + window)]
    said = [line for line in around if any(again(line.option, option) for option in options)]
    nothing_else = all(any(again(line.option, option) for line in said) for option in options)
    near = lines[_first_after(lines, from_ - planner.config.pause) : _first_from(lines, until)]
    instead = tuple(planner.forms[line.option.key].candidate.id for line in (said if nothing_else else near or said))
    return Repeats(candidates=instead) if nothing_else else LostTo(candidates=instead)


def _first_after(lines: Sequence[Placed], time: float) -> int:
    return bisect_right(lines, time, key=lambda line: line.end)


def _first_from(lines: Sequence[Placed], time: float) -> int:
    return bisect_left(lines, time, key=lambda line: line.start)
