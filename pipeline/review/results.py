"""What the machine left in a results folder, as the review page shows it: read once a run, then kept."""

from __future__ import annotations

import bisect
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.products import ScriptFile
from data.records import Candidate, Clip, Context, Draft, Duck, Finding, Gap, Keyframe, Line, Narration, Ranked
from data.review.model import ReviewLine
from data.scripts.script import Script, ScriptCandidate, load
from data.workspace import Workspace

USED = (Keyframe, Gap, Context, Draft, Candidate, Ranked, Narration, Line, Clip, Duck, ScriptFile, Finding)
"""What the page shows: it is read again when one of them is new."""


@dataclass(frozen=True)
class Machine:
    """One run's results. Lines of the film and their clips are found by the id that a review gave them, and where none
    was applied by the second and the text that the machine placed."""

    script: Script
    keyframes: tuple[Keyframe, ...]
    contexts: dict[str, Context]
    gaps: tuple[Gap, ...]
    candidates: dict[str, list[ScriptCandidate]]
    reviewed: dict[str, tuple[Line, Clip]]
    placed: dict[tuple[float, str], tuple[Line, Clip]]
    findings: tuple[Finding, ...]
    unsupported: dict[str, tuple[str, ...]]
    """Candidate → its words that no evidence supports."""
    _kept: dict[str, bytes] = field(default_factory=dict, compare=False)

    def kept(self, key: str, made: Callable[[], bytes]) -> bytes:
        """What `made` gives, the first time; the same after, as long as these results stand."""
        if key not in self._kept:
            self._kept[key] = made()
        return self._kept[key]

    def marks(self, line: ReviewLine) -> tuple[str, ...]:
        """The words of a line that no evidence supports. What people write of their own is not judged."""
        known = line.candidate or (line.draft.candidate if line.draft else None)
        return tuple(word for word in self.unsupported.get(known or "", ()) if word in line.text)

    def gap_at(self, second: float) -> Gap | None:
        """The gap a second lies in."""
        at = bisect.bisect_right(self.gaps, second, key=lambda gap: gap.start) - 1
        return self.gaps[at] if at >= 0 and second < self.gaps[at].end else None

    def keyframe_at(self, second: float) -> Keyframe | None:
        """The keyframe next to a second."""
        at = bisect.bisect_left(self.keyframes, second, key=lambda keyframe: keyframe.time)
        return min(self.keyframes[max(at - 1, 0) : at + 1], key=lambda k: abs(k.time - second), default=None)


class Shelf:
    """Results of many episodes, each read again only when a run has changed it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[object, Machine]] = {}

    def machine(self, results: Path) -> Machine:
        """What lies in `results` now. Raises UserError where no script was written yet."""
        workspace = Workspace(results / "workspace")
        stamp = [workspace.stamp(kind) for kind in USED]
        with self._lock:
            kept = self._read.get(results)
            if not kept or kept[0] != stamp:
                kept = self._read[results] = (stamp, _read(results))
            return kept[1]


def script_of(results: Path) -> Script:
    """The script that was written last. Raises UserError where none was."""
    return load(ScriptFile.place(Workspace(results / "workspace").folder_of(ScriptFile)))


def _read(results: Path) -> Machine:
    workspace = Workspace(results / "workspace")
    clips = {clip.narration: clip for clip in workspace.found(Clip)}
    spoken = [(line, clips[line.id]) for line in workspace.found(Line) if line.id in clips]
    named = workspace.found(Candidate)
    return Machine(
        script=script_of(results),
        keyframes=tuple(workspace.found(Keyframe)),
        contexts={context.keyframe: context for context in workspace.found(Context)},
        gaps=tuple(workspace.found(Gap)),
        candidates=_candidates(named, workspace.found(Ranked)),
        reviewed={pair[0].review: pair for pair in spoken if pair[0].review},
        placed={(pair[0].start, pair[0].text): pair for pair in spoken if not pair[0].review},
        findings=tuple(workspace.found(Finding)),
        unsupported={candidate.id: candidate.unsupported for candidate in named if candidate.unsupported},
    )


def _candidates(candidates: Sequence[Candidate], ranked: Sequence[Ranked]) -> dict[str, list[ScriptCandidate]]:
    """Keyframe → its candidates, best first."""
    scores = {rank.candidate: rank for rank in ranked}
    found: dict[str, list[ScriptCandidate]] = defaultdict(list)
    for candidate in candidates:
        rank = scores.get(candidate.id)
        score: dict[str, Any] = {"score": rank.score, "parts": rank.parts} if rank else {"score": None, "parts": {}}
        score["unsupported"] = tuple(word for word in candidate.unsupported if word in candidate.text)
        found[candidate.keyframe].append(
            ScriptCandidate.model_validate(candidate.model_dump(include=set(ScriptCandidate.model_fields)) | score)
        )
    for rows in found.values():
        rows.sort(key=lambda row: -1.0 if row.score is None else row.score, reverse=True)
    return dict(found)


def shown_line(line: ReviewLine, machine: Machine, url: str) -> dict[str, Any]:
    """The line as it stands with its place in the film: room, clip, findings, gap and keyframe."""
    gap = machine.gap_at(line.start)
    near = machine.keyframe_at(line.start if line.keyframe_time is None else line.keyframe_time)
    spoken, clip = voiced(line, machine)
    return line.model_dump(mode="json") | {
        "room": {"start": gap.window[0], "until": gap.window[1]} if gap else None,
        "clip": _clip(clip, url) if clip and spoken and says(line, spoken) else None,
        "dropped": str(clip.dropped) if clip and clip.dropped else "",
        "findings": [shown_finding(finding) for finding in _about(line, clip, machine)],
        "gap": gap and gap.id,
        "keyframe": near and near.id,
        "unsupported": machine.marks(line),
    }


def shown_finding(finding: Finding) -> dict[str, Any]:
    """What the check found, in the language of whoever looks."""
    return finding.model_dump(mode="json", exclude={"message"}) | {"text": finding.text}


def shown_gap(gap: Gap) -> dict[str, Any]:
    """A gap, with the reason in words where nothing may be said in it."""
    return gap.model_dump(mode="json") | {"why": str(gap.why) if gap.why else ""}


def voiced(line: ReviewLine, machine: Machine) -> tuple[Line, Clip] | tuple[None, None]:
    """What the film has of a line."""
    place = (line.draft.start, line.draft.text) if line.draft else (-1.0, "")
    return machine.reviewed.get(line.id) or machine.placed.get(place) or (None, None)


def says(line: ReviewLine, spoken: Line) -> bool:
    """Whether the clip in the film is still what the line asks for, wherever the line now lies."""
    asked = (line.text, line.voice, line.readings, line.recording)
    return asked == (spoken.text, spoken.voice, spoken.readings, spoken.recording) and (
        line.speed is None or line.speed == spoken.speed
    )


def _clip(clip: Clip, url: str) -> dict[str, Any] | None:
    if clip.file is None:
        return None
    return {"url": f"{url}/clips/{clip.file}", "seconds": round(clip.end - clip.start, 3), "speed": clip.speed}


def _about(line: ReviewLine, clip: Clip | None, machine: Machine) -> list[Finding]:
    """What the check of the finished files says of the time of the line."""
    end = clip.end if clip else line.start
    return [
        finding
        for finding in machine.findings
        if finding.severity in ("warning", "error")
        and finding.start is not None
        and finding.start <= end
        and line.start <= (finding.end or finding.start)
    ]


def shown_keyframe(keyframe: Keyframe, context: Context | None, url: str) -> dict[str, Any]:
    """A still with what was seen on it, to be drawn on it."""
    return {
        "id": keyframe.id,
        "time": keyframe.time,
        "url": f"{url}/keyframes/{keyframe.image}",
        "evidence": _evidence(context) if context else [],
    }


def _evidence(context: Context) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"kind": "text", "value": text.text, "box": text.box, "score": text.score} for text in context.texts
    ]
    rows += [{"kind": "person", "value": person.id, "box": person.box, "score": None} for person in context.persons]
    rows += [{"kind": "face", "value": "", "box": face.box, "score": face.score} for face in context.faces]
    return rows + [{"kind": "object", "value": o.label, "box": o.box, "score": o.score} for o in context.objects]
