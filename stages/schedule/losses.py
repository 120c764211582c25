"""What placed lines lose by where they lie, and what they are worth together."""

from __future__ import annotations

from collections.abc import Sequence

from stages.schedule.placement import MS, Placed, Rules, Slot
from stages.schedule.windows import Windows


def losses(lines: Sequence[Placed], slots: Sequence[Slot], rules: Rules) -> list[dict[str, float]]:
    """What each line loses, by `place` and `crowding`; its worth is its value less their sum."""
    windows = Windows([[line.option] for line in lines], slots, rules)
    places = windows.costs[windows.steps_of(lines)].tolist()
    found = []
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else None
        near = before is not None and before.slot == line.slot and line.start < before.end + rules.breath - MS
        found.append({"place": places[number], "crowding": rules.crowding * near})
    return found


def total(lines: Sequence[Placed], slots: Sequence[Slot], rules: Rules) -> float:
    """What the lines are worth together."""
    lost = losses(lines, slots, rules)
    return sum(line.option.value - sum(taken.values()) for line, taken in zip(lines, lost, strict=True))
