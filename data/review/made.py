"""What a run left that a review begins from, read once a run."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from data.errors import UserError
from data.records import Candidate, Finding, Gap, Keyframe, Narration
from data.review.draft import drafted
from data.review.model import Drafted
from data.text import language as lang
from data.workspace import Workspace

READ = (Keyframe, Gap, Candidate, Narration, Finding)
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
    return _made(results, tuple(workspace.stamp(kind) for kind in READ))


@functools.lru_cache(KEPT)
def _made(results: Path, _: tuple[tuple[int, int], ...]) -> Made:
    workspace = Workspace(results / "workspace")
    schedule = workspace.manifest(Narration.stage)
    if schedule is None:
        raise UserError("{folder} has no {stage} yet; run vdesc run first", folder=results, stage=Narration.stage)
    chosen = schedule.settings
    language = cast(Literal["ko", "en"], chosen.get("language", "ko"))
    keyframes = workspace.found(Keyframe)
    named = workspace.found(Candidate)
    return Made(
        draft=tuple(drafted(workspace.found(Narration), keyframes)),
        gaps=tuple(workspace.found(Gap)),
        keyframes={keyframe.id: keyframe.time for keyframe in keyframes},
        candidates={candidate.id: candidate for candidate in named},
        errors=sum(finding.severity == "error" for finding in workspace.found(Finding)),
        language=language,
        rate=chosen.get("plan_rate") or lang.PLAN_RATE[language],
    )
