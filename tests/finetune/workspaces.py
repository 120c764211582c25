"""Results folders as a run leaves them, made by hand: keyframes, contexts, gaps and candidates."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.records import Context, Draft, Evidence, Gap, Keyframe, Record, Style
from data.workspace import Workspace

SETTINGS = {"language": "ko", "plan_rate": None, "early": 2.0, "late": 1.0}
STYLES: tuple[Style, Style] = ("basic", "strict")
LINES = (
    ("소영이 우산을 펴고 빗속으로 걸어간다.", "비 오는 밤.", "한 사람이 거리에 있다."),
    ("민호가 책상에 앉아 편지를 읽는다.", "책상 위의 편지.", "방 안에 한 사람이 있다."),
    ("빈 교실, 시계가 네 시를 가리킨다.", "교실이 비어 있다.", "낮."),
)
"""The candidates of three keyframes, at 10, 20 and 30 seconds."""


def results(folder: Path, lines: Sequence[Sequence[str]] = LINES, settings: dict[str, Any] = SETTINGS) -> Path:
    """A results folder with these candidates, basic and strict in turn, one keyframe every ten seconds."""
    workspace = Workspace(folder / "workspace")
    stills = workspace.begin("keyframes")
    for number, _ in enumerate(lines, 1):
        (stills / f"k{number}.jpg").write_bytes(jpeg(number))
    places = range(1, len(lines) + 1)
    finish(workspace, "keyframes", [keyframe(n) for n in places])
    finish(workspace, "context", [context(n) for n in places])
    finish(workspace, "gaps", [gap(n) for n in places])
    made = [
        Draft(
            id=f"c{number:05d}{letter}", keyframe=f"k{number}", text=text, kind="visual", length="short",
            style=STYLES["abc".index(letter) % 2], model="facts",
            evidence=(Evidence(kind="object", value="우산", score=0.5 + 0.1 * "abc".index(letter)),),
        )
        for number, texts in enumerate(lines, 1) for letter, text in zip("abc", texts, strict=False)
    ]  # fmt: skip
    finish(workspace, "candidates", made, settings, (Context, Keyframe, Gap))
    return folder


def finish(
    workspace: Workspace, name: str, records: Sequence[Record], settings: dict[str, Any] | None = None,
    inputs: Sequence[type[Record]] = (), config: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """One stage's whole result."""
    if not (workspace.folder / f"{name}.partial").exists():
        workspace.begin(name)
    outputs = {kind.__name__: made.output for kind in inputs if (made := workspace.manifest(kind.stage))}
    ingredients = {"config": config or {}, "reads": {"Planning": settings or {}, **outputs}}
    workspace.finish(name, records, "key", ingredients, [], time.monotonic())


def jpeg(seed: int) -> bytes:
    """A picture that no other seed gives."""
    import cv2

    picture = np.random.default_rng(seed).integers(0, 255, (36, 64, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", picture)[1])


def keyframe(number: int) -> Keyframe:
    return Keyframe(
        id=f"k{number}", shot=f"s{number}", time=10.0 * number, image=f"k{number}.jpg", sharpness=1, luma=90, look=()
    )


def context(number: int) -> Context:
    return Context(
        id=f"ck{number}", keyframe=f"k{number}", shot=f"s{number}", time=10.0 * number, start=10.0 * number - 4,
        end=10.0 * number + 4, texts=(), people=1, light="night", same_place=None, dialogue_before="어디 갔었어?",
    )  # fmt: skip


def gap(number: int) -> Gap:
    return Gap(
        id=f"g{number}", start=10.0 * number - 1, end=10.0 * number + 5, lead_in=0.3, lead_out=0.3, bed="ambience",
        loudness=-40.0, usable=True,
    )  # fmt: skip
