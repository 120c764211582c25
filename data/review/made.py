"""What a run left that a review begins from, read once a run."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, cast

from pydantic import ValidationError

from data import language as lang
from data.errors import UserError
from data.messages import tr
from data.records import Candidate, Finding, Gap, Keyframe, Narration, Record
from data.review.draft import drafted
from data.review.model import Drafted
from data.workspace import Workspace

R = TypeVar("R", bound=Record)
READ = ("keyframes", "gaps", "candidates", "naming", "schedule", "check")
KEPT = 32
"""Episodes that are kept in memory: a series that a team works on."""


@dataclass(frozen=True)
class Made:
    """One run's results."""

    draft: tuple[Drafted, ...]
    gaps: tuple[Gap, ...]
    keyframes: dict[str, float]
    """Id → second."""
    candidates: dict[str, Candidate]
    errors: int
    """Findings of the check of the finished files that forbid delivering."""
    language: Literal["ko", "en"]
    rate: float
    """Syllables a second that lines are planned with."""


def made(results: Path) -> Made:
    """What lies in a results folder now. Raises UserError where there is no schedule yet, or one of another version."""
    workspace = Workspace(results / "workspace")
    return _made(results, tuple(_stamp(workspace.stage(stage) / "manifest.json") for stage in READ))


@functools.lru_cache(KEPT)
def _made(results: Path, _: tuple[tuple[int, int], ...]) -> Made:
    workspace = Workspace(results / "workspace")
    schedule = workspace.manifest("schedule")
    if schedule is None:
        raise UserError(tr("{folder} has no {stage} yet; run vdesc run first", folder=results, stage="schedule"))
    chosen = schedule.ingredients.get("settings", {})
    language = cast(Literal["ko", "en"], chosen.get("language", "ko"))
    try:
        keyframes = _records(workspace, "keyframes", Keyframe)
        named = _records(workspace, "naming", Candidate) or _records(workspace, "candidates", Candidate)
        return Made(
            draft=tuple(drafted(_records(workspace, "schedule", Narration), keyframes)),
            gaps=tuple(_records(workspace, "gaps", Gap)),
            keyframes={keyframe.id: keyframe.time for keyframe in keyframes},
            candidates={candidate.id: candidate for candidate in named},
            errors=sum(finding.severity == "error" for finding in _records(workspace, "check", Finding)),
            language=language,
            rate=chosen.get("plan_rate") or lang.PLAN_RATE[language],
        )
    except ValidationError:
        raise UserError(tr("{folder} holds results of another version; run vdesc run again", folder=results)) from None


def _records(workspace: Workspace, stage: str, kind: type[R]) -> list[R]:
    """None where the run had no use for the stage."""
    return workspace.read(stage, kind) if (workspace.stage(stage) / "records.jsonl").is_file() else []


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino
