"""Decisions held: where nothing but words of the series changed (a name, a wording), every line stays where it is.

The optimisation weighs words and lengths, so a longer name could move its neighbours. Who renames a person wants those
lines changed that mention them, and no other. So a decision is kept under all that it depends on but what people are
called, and taken again: each line in its place, in its new words, spoken faster where it must. Where a line finds no
room that way, or the voice reads others otherwise, everything is decided anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data.files import write_atomically
from data.records import Candidate
from stages.schedule.config import Config
from stages.schedule.optimise import Plan
from stages.schedule.placement import MS, Option, Placed
from stages.schedule.planner import Planner
from stages.schedule.relaxed import Prices
from stages.schedule.rewriting import Rewriter
from stages.schedule.windows import Windows
from stages.sources import Speaker, VoiceOfRun
from stages.stage import Job, keyed

FORM = 6
"""Raised when the same problem would be decided in another way."""
WORDS_ALONE = {"text", "evidence", "draft"}
"""Fields of a candidate that differ with what people are called; its draft stands for them."""


def placed(job: Job[Config, Rewriter | None]) -> tuple[Planner, Plan]:
    """The best placement and who placed it: the one of before where only words changed and it can still be spoken."""
    planner = Planner(job)
    speaker = job.open(VoiceOfRun).speaker
    if not (speaker and speaker.voice):
        return planner, planner.placed()
    file = job.cache / f"held-{_problem(job, speaker)}.json"
    held = _read(file)
    lines = _again(planner, held["lines"]) if held else None
    if held and lines is not None:
        return planner, Plan(lines, held["value"], held["bound"], Prices())
    if held:
        planner = Planner(job)  # one that has heard no line yet: what was held must not decide what is decided anew
    plan = planner.placed()
    rows = [[o.option.key, o.slot, o.start, o.option.seconds, planner.forms[o.option.key].text] for o in plan.lines]
    kept = {"lines": rows, "value": plan.value, "bound": plan.bound}
    write_atomically(file, json.dumps(kept, ensure_ascii=False).encode())
    return planner, plan


def _read(file: Path) -> dict[str, Any]:
    """A decision that was kept; empty where there is none."""
    try:
        return dict(json.loads(file.read_bytes()))
    except (FileNotFoundError, ValueError):
        return {}


def _problem(job: Job[Config], speaker: Speaker) -> str:
    """Digest of all that the stage reads, with labels in place of what people are called.

    Of the voice it holds who speaks, for what is read otherwise is heard when the lines are put in their places again.
    """
    offered = [[c.model_dump(mode="json", exclude=WORDS_ALONE), c.draft or c.text] for c in job.read(Candidate)]
    without_words = {Candidate: offered, VoiceOfRun: [speaker.voice, speaker.speeds]}
    read = {kind.__name__: without_words.get(kind, key) for kind, key in job.keys().items()}
    problem = [FORM, keyed(job.config), read]
    return hashlib.sha256(json.dumps(problem, sort_keys=True).encode()).hexdigest()[:32]


def _again(planner: Planner, held: Sequence[tuple[str, int, float, float, str]]) -> list[Placed] | None:
    """The lines in their places; None where one of them cannot stay."""
    planner.prepare()
    lines: list[Placed] = []
    for number, (key, slot, start, seconds, text) in enumerate(held):
        after = held[number + 1] if number + 1 < len(held) else None
        until = after[2] - planner.config.pause if after and after[1] == slot else planner.slots[slot].end
        line = _line(planner, key, slot, start, until)
        if line is None or (planner.forms[key].text == text and abs(line.option.seconds - seconds) > MS):
            return None
        lines.append(line)
    return lines


def _line(planner: Planner, key: str, slot: int, start: float, until: float) -> Placed | None:
    """A line where it was, at the speed it had or the slowest that fits."""
    form = planner.forms.get(key)
    if form is None:
        return None
    for tried in (form, *planner.faster(form)):
        option = planner.spoken(tried)
        if start + option.seconds <= until + MS and _open(planner, option, slot, start):
            return Placed(option, slot, start)
    return None


def _open(planner: Planner, option: Option, slot: int, start: float) -> bool:
    """Whether the option may start there."""
    windows = Windows([[option]], planner.slots, planner.rules)
    window = windows.of(0, slot)
    return window is not None and windows.opens[window] - MS <= start <= windows.last[window] + MS
