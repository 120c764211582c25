"""Stands in for the review's own store until it is there: reads only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data.records import Keyframe, Narration
from data.review.draft import drafted
from data.review.model import ReviewLine
from data.workspace import Workspace


class Conflict(Exception):
    lines: list[ReviewLine] = []


class Store:
    def __init__(self, url: str) -> None:
        self.url = url

    def close(self) -> None: ...


class Session:
    def __init__(self, results: Path, store: Store, who: str) -> None:
        self.results, self.who = results, who

    def lines(self) -> list[ReviewLine]:
        w = Workspace(self.results / "workspace")
        rows = drafted(w.read("schedule", Narration), w.read("keyframes", Keyframe))
        return [
            ReviewLine(id=f"d-{n:05d}", start=r.start, text=r.text, kind=r.kind, keyframe_time=r.keyframe_time,
                       candidate=r.candidate, draft=r)
            for n, r in enumerate(rows)
        ]  # fmt: skip

    def applied(self) -> list[ReviewLine]:
        return []

    def history(self, line: str | None = None) -> list[Any]:
        return []

    def compare(self) -> list[Any]:
        return []

    def progress(self) -> dict[str, Any]:
        return {"decided": 0, "total": len(self.lines()), "errors": 0, "minutes": 0.0}
