"""An episode's review as pages and scripts get it: what the machine found and what people made of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from data.messages import current
from data.products import LoudnessCurve
from data.records import Finding, Line
from data.review import applied
from data.workspace import Workspace
from pipeline.commands.why import Section, moment, summary
from pipeline.results.explaining import choice_of
from pipeline.review.desk import Desk
from pipeline.review.levels import level_of, named
from pipeline.review.results import Machine, shown_gap, shown_keyframe, shown_line, voiced
from stages.sources import Edits


def state(desk: Desk, episode: str, who: str, role: str) -> bytes:
    """All that the review page shows, as JSON: what people change, and what stays until the next run."""
    machine, session = desk.machine(episode), desk.session(episode, who)
    url = f"/e/{quote(episode)}"
    lines, acts = session.lines(), session.history()
    changing = {
        "episode": _episode(episode, machine, desk.results(episode)),
        "number": acts[-1].number if acts else 0,
        "lines": [shown_line(line, machine, url) for line in lines],
        "me": {"name": who, "role": role},
        **standing(desk, episode, who),
    }
    return _json(changing)[:-1] + b"," + machine.kept(f"{current()} {url}", lambda: _json(_staying(machine, url)))[1:]


def _staying(machine: Machine, url: str) -> dict[str, Any]:
    """What the run left and no review changes: by far the most of it, so it is put into JSON once, in each language."""
    return {
        "gaps": [shown_gap(gap) for gap in machine.gaps],
        "shots": [shot.model_dump(mode="json") for shot in machine.script.shots],
        "utterances": [spoken.model_dump(mode="json") for spoken in machine.script.utterances],
        "keyframes": [shown_keyframe(k, machine.contexts.get(k.id), url) for k in machine.keyframes],
        "candidates": {
            keyframe: [row.model_dump(mode="json") for row in rows] for keyframe, rows in machine.candidates.items()
        },
    }


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def read(desk: Desk, episode: str, who: str, role: str) -> dict[str, Any]:
    """What the page holds before its scripts have run: enough to read it."""
    machine = desk.machine(episode)
    lines = desk.session(episode, who).lines()
    return {
        "episode": _episode(episode, machine, desk.results(episode)),
        "lines": [(line, machine.marks(line)) for line in lines],
        "me": {"name": who, "role": role},
    }


def explained(desk: Desk, episode: str, who: str, at: str) -> list[Section]:
    """What is known of a line, of a second, or of all: see `vdesc why`. Raises UserError where there is none."""
    choice = choice_of(desk.results(episode))
    if not at:
        return summary(choice)
    line = next((line for line in desk.session(episode, who).lines() if line.id == at), None)
    if line is None:
        return moment(choice, choice.place(at))
    spoken, _ = voiced(line, desk.machine(episode))
    return moment(choice, choice.place(spoken.id) if spoken else choice.at(line.start))


def standing(desk: Desk, episode: str, who: str) -> dict[str, Any]:
    """Up to which act the film follows the review, and whether there is more to apply.

    What was handed to a run is in the film only when the run came to its end: its review stage says what it read.
    """
    results = desk.results(episode)
    kept, wanted = applied.read(results / "review"), desk.session(episode, who).applied()
    made = Workspace(results / "workspace").manifest(Line.stage)
    followed = made is None or made.key_of(Edits) == applied.content(results / "review")
    return {
        "applied": max((line.version for line in kept), default=0) if followed else 0,
        "dirty": kept != wanted or not followed,
    }


def overview(desk: Desk, episode: str, who: str) -> dict[str, Any]:
    """A row of the list of episodes."""
    machine = desk.machine(episode)
    return {
        "title": _title(machine, desk.results(episode)),
        "duration": machine.script.episode.duration,
        **asdict(desk.session(episode, who).progress()),
    }


def _episode(name: str, machine: Machine, results: Path) -> dict[str, Any]:
    about = machine.script.episode
    kept = about.model_dump(mode="json", include={"duration", "language", "fps"})
    return {"id": name, "title": _title(machine, results), **kept}


def _title(machine: Machine, results: Path) -> str:
    """The film's, with the level of detail where it was described at several."""
    level = level_of(results)
    title = machine.script.episode.title
    return f"{title} ({named(level)})" if level else title


def lines_about(desk: Desk, episode: str, who: str, finding: Finding) -> list[str]:
    """Ids of the lines that a finding's time touches."""
    if finding.start is None:
        return []
    end = finding.start if finding.end is None else finding.end
    lines = sorted((line for line in desk.session(episode, who).lines() if line.spoken), key=lambda line: line.start)
    machine = desk.machine(episode)
    ends = [clip.end if (clip := voiced(line, machine)[1]) else line.start for line in lines]
    return [line.id for line, until in zip(lines, ends, strict=True) if line.start <= end and finding.start <= until]


def film(desk: Desk, episode: str) -> Path | None:
    """Where the run found the film: what it wrote down, whatever a request says."""
    try:
        known = json.loads((desk.results(episode) / "workspace" / "source.json").read_text(encoding="utf-8"))
        return Path(known["file"][0])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def loudness(desk: Desk, episode: str) -> dict[str, Any]:
    """The programme's momentary loudness (EBU Tech 3341: 0.4 s), one value a second for the timeline."""
    import numpy as np

    try:
        values = Workspace(desk.results(episode) / "workspace").open(LoudnessCurve).values
    except OSError:
        return {"step": 1.0, "values": []}
    rate = LoudnessCurve.RATE
    whole = values[: len(values) // rate * rate].reshape(-1, rate).max(axis=1)
    return {"step": 1.0, "values": [round(float(v), 1) if np.isfinite(v) else None for v in whole]}
