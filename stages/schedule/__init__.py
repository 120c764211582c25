"""Schedule: which candidate of which moment is spoken in which gap, and when.

One optimisation over the whole episode (`optimise`), of what lines are worth (`objective`), with lengths as the voice
of the run speaks them (`lengths`). What the check of the film would blame is mended where that is safe, else it gives
way (`wording`). Every line keeps the parts of its worth and what it displaced; every moment of which nothing is spoken
is left with its reason (`missed`).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from data.products import Pacing
from data.reasons import LostTo, NoRoom, TooLong, say
from data.records import Alternative, Missed, Narration, RefusedCandidate, record_id
from data.text.claims import marked
from stages.schedule import given, held
from stages.schedule.config import Config
from stages.schedule.losses import losses
from stages.schedule.missed import missed
from stages.schedule.optimise import Plan
from stages.schedule.placement import Placed
from stages.schedule.planner import Planner
from stages.schedule.rewriting import Rewriter
from stages.schedule.windows import Windows
from stages.sources import GivenScript
from stages.stage import Job

__all__ = ["VERSION", "Config", "run"]

VERSION = 7
LEAST_SHORT = 1e-6
"""Share of the worth below the bound from which it is told."""


def run(job: Job[Config, Rewriter | None]) -> Iterator[Narration]:
    """Yield the chosen lines in order of time; those of a person's script where one is given.

    Raises what the voice raises that is asked for their lengths.
    """
    Pacing(fill=job.config.fill, long_gap=job.config.long_gap).leave(job.folder)
    if script := job.open(GivenScript).path:
        yield from given.narrations(job, script, job.config.pause)
        return
    planner, plan = held.placed(job)
    left_out = list(missed(planner, plan.lines))
    Missed.leave(left_out, job.folder)
    RefusedCandidate.leave(_refused(planner), job.folder)
    _tell_worth(job, plan)
    _tell(job, left_out)
    _tell_wording(job, planner)
    yield from _narrations(planner, plan.lines, left_out)


def _tell_worth(job: Job[Config], plan: Plan) -> None:
    """Note what the lines are worth, and how far from the best choice they are at most."""
    if plan.lines:
        text = say("The lines are worth {value:.1f}, the most that is possible", value=plan.value)
        if plan.short >= LEAST_SHORT:
            text = say("The lines are worth {value:.1f}, at most {short:.2f} % below the best possible",
                       value=plan.value, short=math.ceil(plan.short * 1e4) / 100)  # fmt: skip
        job.note(text)


def _tell(job: Job[Config], left_out: Sequence[Missed]) -> None:
    """Note how many moments no gap can take; what the picture says in words is worth a note of its own."""
    unreached = [m for m in left_out if isinstance(m.why, NoRoom | TooLong)]
    for moment in unreached:
        if moment.kind != "visual":
            text = say("“{text}” is on screen where no gap has room to read it", text=moment.text)
            job.note(text, moment.start, moment.end)
    if unreached:
        job.note(
            say("{count} moments are out of reach of every gap that has room for them: vdesc why tells them",
                count=len(unreached))
        )  # fmt: skip


def _tell_wording(job: Job[Config], planner: Planner) -> None:
    """Note how many candidates are left out for their wording, and which rules they break."""
    broken = [finding for wrong in planner.wording.wrong.values() for finding in wrong]
    first = {finding.rule: finding.message for finding in reversed(broken)}
    if broken:
        times = Counter(finding.rule for finding in broken)
        named = [say("{rule} ({times})", rule=first[rule], times=number) for rule, number in times.most_common()]
        job.note(
            say("{count} candidates break rules of style in a way that cannot be mended safely, and are not spoken: "
                "{rules}", count=len(planner.wording.wrong), rules=named)
        )  # fmt: skip


def _refused(planner: Planner) -> Iterator[RefusedCandidate]:
    for moment in planner.moments:
        for name, why in moment.refused.items():
            yield RefusedCandidate(candidate=name, keyframe=moment.context.keyframe, why=why)


def _narrations(planner: Planner, lines: Sequence[Placed], left_out: Sequence[Missed]) -> Iterator[Narration]:
    displaced = defaultdict(list)
    for moment in left_out:
        for candidate in moment.why.candidates if isinstance(moment.why, LostTo) else ():
            displaced[candidate].append(moment.candidate)
    parts = _parts(planner, lines)
    for number, line in enumerate(lines):
        form = planner.forms[line.option.key]
        until = _until(planner, lines, number)
        yield Narration(
            id=record_id("n", number + 1),
            start=line.start,
            end=min(line.end, until),
            until=until,
            text=form.text,
            kind=form.candidate.kind,
            gap=planner.gaps[line.slot].id,
            keyframe=form.candidate.keyframe,
            candidate=form.candidate.id,
            score=planner.scores[form.candidate.id],
            alternatives=tuple(
                Alternative(candidate=c.id, text=planner.wording.texts[c.id], score=planner.scores[c.id])
                for c in planner.shorter(form)
            ),
            parts=parts[number],
            displaced=tuple(displaced[form.candidate.id]),
            unsupported=marked(form.text, form.candidate.text, form.candidate.unsupported, planner.settings.language),
        )


def _until(planner: Planner, lines: Sequence[Placed], number: int) -> float:
    """When a line must have ended: a pause before the next one of its gap, else at the end of the gap's window."""
    line, after = lines[number], lines[number + 1] if number + 1 < len(lines) else None
    if after and after.slot == line.slot:
        return after.start - planner.config.pause
    return planner.slots[line.slot].end


def _parts(planner: Planner, lines: Sequence[Placed]) -> list[dict[str, float]]:
    """Of each line all that it is worth and all that it loses where it lies; together that is what was maximised."""
    windows = Windows([[line.option] for line in lines], planner.slots, planner.rules)
    slots = np.array([line.slot for line in lines], int)
    starts = windows.steps[windows.steps_of(lines)]
    places = planner.places.parts(windows.picture, windows.seconds, slots, starts)
    found = []
    for number, lost in enumerate(losses(lines, planner.slots, planner.rules)):
        taken = {name: -float(cost[number]) for name, cost in places.items()} | {"crowding": -lost["crowding"]}
        parts = {**planner.forms[lines[number].option.key].parts, **taken}
        found.append({name: round(value, 3) for name, value in parts.items() if abs(value) >= 0.0005})
    return found
