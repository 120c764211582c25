"""Greedy placements to compare with: what is usual, and two that weigh every cost but do not look ahead."""

from __future__ import annotations

from collections.abc import Sequence

from stages.schedule.losses import total
from stages.schedule.placement import Option, Placed, Rules, Slot
from stages.schedule.planner import Planner
from stages.schedule.windows import Windows


def best_first_free(plan: Planner) -> list[Placed]:
    """What is usual: of every keyframe the line with the highest score, at the first free place, if there is one."""
    lines: list[Placed] = []
    for moment in plan.moments:
        options = dict(zip((f.candidate.id for f in plan.forms_of(moment)), plan.options_of(moment), strict=True))
        option = options[max(options, key=lambda name: plan.scores[name])]
        placed = _first_free(option, lines, plan.slots, plan.rules)
        lines += [placed] if placed else []
    return lines


def _first_free(option: Option, before: Sequence[Placed], slots: Sequence[Slot], rules: Rules) -> Placed | None:
    last = before[-1] if before else None
    if any(rules.again(line.option, option) for line in before):
        return None
    windows = Windows([[option]], slots, rules)
    for slot, opens, latest in zip(windows.slot.tolist(), windows.opens.tolist(), windows.last.tolist(), strict=True):
        if last and slot < last.slot:
            continue
        same = last is not None and last.slot == slot
        start = max(opens, min(option.picture, latest), last.end + rules.pause if last and same else 0.0)
        filled = sum(line.option.seconds for line in before if line.slot == slot) + option.seconds
        if start <= latest + 1e-6 and filled <= slots[slot].capacity + 1e-6:
            return Placed(option, slot, float(start))
    return None


def greedy_in_time(moments: Sequence[Sequence[Option]], slots: Sequence[Slot], rules: Rules) -> list[Placed]:
    """Moment by moment the line that is worth most where it is best spoken after the lines before."""
    lines: list[Placed] = []
    for moment in moments:
        found = [best for option in moment if (best := _best(option, lines, slots, rules))]
        if found and max(found, key=lambda f: f[0])[0] > 0:
            lines.append(max(found, key=lambda f: f[0])[1])
    return lines


def greedy_by_value(moments: Sequence[Sequence[Option]], slots: Sequence[Slot], rules: Rules) -> list[Placed]:
    """The most valuable lines first, each where it is best spoken between those that are placed."""
    order = sorted(((o, n) for n, m in enumerate(moments) for o in m), key=lambda pair: -pair[0].value)
    lines: list[tuple[int, Placed]] = []
    for option, number in order:
        if any(n == number for n, _ in lines):
            continue
        before = [line for n, line in lines if n < number]
        after = [line for n, line in lines if n > number]
        best = _best(option, before, slots, rules, after)
        if best and best[0] > 0:
            lines = sorted([*lines, (number, best[1])], key=lambda pair: pair[0])
    return [line for _, line in lines]


def _best(
    option: Option, before: Sequence[Placed], slots: Sequence[Slot], rules: Rules, after: Sequence[Placed] = ()
) -> tuple[float, Placed] | None:
    """The start at which the option gains most between the lines placed, and its gain."""
    found = []
    last, following = before[-1] if before else None, after[0] if after else None
    if any(rules.again(line.option, option) for line in [*before, *after]):
        return None
    windows = Windows([[option]], slots, rules)
    for window, number in enumerate(windows.slot.tolist()):
        if (last and number < last.slot) or (following and number > following.slot):
            continue
        steps = windows.steps[windows.begin[window] : windows.end[window]].tolist()
        filled = sum(line.option.seconds for line in [*before, *after] if line.slot == number)
        soonest = last.end + rules.pause if last and last.slot == number else steps[0]
        until = following.start - rules.pause if following and following.slot == number else float("inf")
        for start in sorted(s for s in {soonest, *steps} if s >= max(soonest, steps[0]) - 1e-6):
            fits = start <= windows.last[window] + 1e-6 and start + option.seconds <= until + 1e-6
            if fits and filled + option.seconds <= slots[number].capacity + 1e-6:
                placed = Placed(option, number, start)
                near = [*before[-1:], *after[:1]]
                both = [*before[-1:], placed, *after[:1]]
                found.append((total(both, slots, rules) - total(near, slots, rules), placed))
    return max(found, key=lambda f: f[0]) if found else None
