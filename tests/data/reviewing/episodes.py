"""Results folders with a schedule to review, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data.reasons import say
from data.records import Candidate, Finding, Narration
from data.review.model import ReviewLine
from data.review.place import local
from data.review.session import Done, Session
from data.review.store import Store
from data.workspace import Workspace
from tests.finetune.workspaces import SETTINGS, finish, gap, keyframe

TEXTS = ("소영이가 우산을 펴고 걷는다.", "민호가 편지를 읽는다.", "빈 교실, 시계가 네 시를 가리킨다.")
"""Lines at 10, 20, 30 … seconds, each with two more candidates."""


def scheduled(folder: Path, texts: Sequence[str] = TEXTS, starts: Sequence[float] | None = None) -> Path:
    """A results folder whose schedule says `texts`, one every ten seconds or at `starts`."""
    workspace = Workspace(folder / "workspace")
    places = range(1, len(texts) + 1)
    finish(workspace, "keyframes", [keyframe(n) for n in places])
    finish(workspace, "gaps", [gap(n) for n in places])
    finish(workspace, "naming", [candidate(n, k, text) for n, text in enumerate(texts, 1) for k in range(3)], SETTINGS)
    schedule(folder, texts, starts)
    finish(workspace, "check", [Finding(id="q1", row=3, check="overlap", severity="error", message=say("x"))])
    return folder


def schedule(folder: Path, texts: Sequence[str], starts: Sequence[float] | None = None) -> Path:
    """The results folder `folder` with a schedule that says `texts`."""
    times = starts or [10.0 * n for n in range(1, len(texts) + 1)]
    placed = [narration(n, *row) for n, row in enumerate(zip(times, texts, strict=True), 1)]
    finish(Workspace(folder / "workspace"), "schedule", placed, SETTINGS)
    return folder


def do(one: Session, kind: str, line: int | str | ReviewLine | None = None, **fields: Any) -> Done:
    """A gesture on a line: by its place among the lines, by what it says, or as it was seen."""
    if line is not None:
        if not isinstance(line, ReviewLine):
            lines = one.lines()
            line = lines[line] if isinstance(line, int) else next(x for x in lines if x.text == line)
        fields = {"line": line.id, "version": line.version} | fields
    return one.do({"kind": kind, **fields})


def candidate(number: int, k: int, text: str) -> Candidate:
    """The line itself, and others for the same picture."""
    return Candidate(
        id=f"c{number:05d}{'abc'[k]}", keyframe=f"k{number}", text=text if k == 0 else f"다른 문장 {number} {k}.",
        kind="visual", style="basic", length="short", model="facts",
    )  # fmt: skip


def narration(number: int, start: float, text: str) -> Narration:
    return Narration(
        id=f"n{number:05d}", start=start, end=start + 2.5, until=start + 4.0, text=text, kind="visual",
        gap=f"g{number}", keyframe=f"k{number}", candidate=f"c{number:05d}a", score=0.9,
    )  # fmt: skip


def session(results: Path, who: str = "유나") -> Session:
    """A session on a store of its own."""
    return Session(results, Store(local(results)), who)
