"""A run with a captioner behind an address, and what every such run is held to, by what it delivers.

The rules are written here, apart from the code that chooses the lines: `for rule in RULES: rule(described)`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from data import style
from data.scripts.script import Script, ScriptNarration, load
from data.subtitles import read_descriptions
from data.workspace import Workspace
from pipeline import config as settings
from tests.bounded import Ran, bounded
from tests.captioner import WRONG
from tests.composite import narrated
from tests.loopback import Server
from tests.unsaid import Unsaid, alike

VDESC = Path(sys.executable).parent / "vdesc"
GUARD = 0.25
"""Seconds narration keeps from words."""
LONG = 4.0
"""Seconds of a gap from which it is used where there is something to say."""
MOST_MEMORY = 1536
"""MiB that a run may hold at once."""
DOUBTED = 0.03
"""Share of lines whose pace or wording the check may warn of: where nothing else can be said of the picture."""
Spans = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Described:
    """A film, when somebody speaks in it, its results folder, and how its run ended."""

    film: Path
    spoken: Spans
    out: Path
    ran: Ran

    @cached_property
    def script(self) -> Script:
        """What was written."""
        return load(self.out / "script.json")

    @property
    def lines(self) -> tuple[ScriptNarration, ...]:
        """What is spoken."""
        return self.script.narrations

    @property
    def workspace(self) -> Workspace:
        """What the stages left."""
        return Workspace(self.out / "workspace")

    @cached_property
    def times(self) -> dict[str, float]:
        """Keyframe → its time."""
        return {keyframe.id: keyframe.time for keyframe in self.script.keyframes}

    def faults(self) -> list[tuple[int, str]]:
        """Row and text of what the check warns of."""
        report: Any = json.loads((self.out / "report.json").read_text("utf-8"))
        return [(f["row"], f["text"]) for f in report["findings"] if f["severity"] in ("warning", "error")]


def run(film: Path, server: Server, *more: object, out: Path | None = None) -> Ran:
    """Describe a film into `out`, else beside it, with the captioner behind the server."""
    options = json.dumps({"base_url": server.url, "model": "m", "concurrency": 8, "retries": 2})
    by = ("--set", "candidates.backend=openai", "--set", f"candidates.options={options}")
    to = ("--out", out or film.parent / "out", "--lang", "en")
    return bounded(VDESC, "run", film, "--config", "embedded", *by, *to, *more)


def ends_well_and_within_bounds(described: Described) -> None:
    """… with no fault but of a few lines."""
    assert described.ran.returncode == 0
    assert "Traceback" not in described.ran.stdout + described.ran.stderr
    assert described.ran.peak < MOST_MEMORY
    faults = described.faults()
    if not described.lines:
        assert faults == [(1, "Nothing is spoken; no track was added")]
        return
    assert [fault for fault in faults if fault[0] not in (4, 7, 8)] == []
    assert len(faults) <= DOUBTED * len(described.lines), faults


def nothing_is_spoken_over_dialogue(described: Described) -> None:
    """… neither over what is known to be said nor over what was found."""
    stem, script = described.out / "narration.wav", described.script
    said = [*((u.start, u.end) for u in script.utterances), *described.spoken]
    near = [(max(a - GUARD, 0.0), b + GUARD) for a, b in described.spoken]
    assert (narrated(stem, [*said, *near]) if stem.exists() else 0.0) == 0.0
    assert [line.text for line in described.lines for a, b in said if line.start < b and line.end > a] == []


def nothing_is_spoken_that_must_not_be(described: Described) -> None:
    """No refusal, no other language, no wrapping, no error of style; a guess where no better line is as short."""
    wrong = {text for kind, texts in WRONG.items() if kind not in ("named", "guessed") for text in texts}
    left = Unsaid(described.out)
    for line in described.lines:
        assert style.refuse(line.text, "ko") is None, line.text
        blamed = {found.severity for found in style.findings(line.text, "ko")} - {"info"}
        assert "error" not in blamed, line.text
        assert not blamed or not left.instead(line), line.text
        assert not re.search(r"[`{}\[\]<>*_|:]|think|json|해설|인공지능|설명|이미지", line.text), line.text
        assert re.search(r"[.…]$", line.text), line.text
        assert line.text not in wrong


def the_texts_delivered_are_those_spoken(described: Described) -> None:
    """… in the track for players too."""
    told = [cue.text for track in described.out.glob("descriptions.*.vtt") for cue in read_descriptions(track)]
    assert told == [line.text for line in described.lines]


def no_two_lines_are_alike_within_the_memory(described: Described) -> None:
    """… by the share of equal words, as far back as the settings say."""
    choice = settings.load("embedded").schedule  # type: ignore[attr-defined]
    for number, later in enumerate(described.lines):
        for line in described.lines[:number]:
            near = described.times[later.keyframe] - described.times[line.keyframe] <= choice.repeat_window
            assert not near or alike(line.text, later.text) < choice.similarity, (line.text, later.text)


def every_line_begins_while_its_picture_is_there(described: Described) -> None:
    """… or as early and late as the settings allow."""
    config, shots = settings.load("embedded"), {shot.id: shot for shot in described.script.shots}
    for line in described.lines:
        shot = shots[line.shot]
        assert shot.start <= described.times[line.keyframe] < shot.end
        assert shot.start - config.early - 1e-3 <= line.start <= shot.end + config.late + 1e-3, line.text


def every_gap_with_something_new_to_say_is_used(described: Described) -> None:
    """… and so is every stretch as long inside a gap, up to the share that may be filled."""
    left = Unsaid(described.out)
    for quiet in left.stretches(LONG):
        fitting = [candidate.text for candidate in left.fitting(quiet)]
        assert not fitting, (quiet.start, quiet.end, fitting)


RULES = (
    ends_well_and_within_bounds,
    nothing_is_spoken_over_dialogue,
    nothing_is_spoken_that_must_not_be,
    the_texts_delivered_are_those_spoken,
    no_two_lines_are_alike_within_the_memory,
    every_line_begins_while_its_picture_is_there,
    every_gap_with_something_new_to_say_is_used,
)
