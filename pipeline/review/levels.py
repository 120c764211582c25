"""The levels of detail of one film, side by side: the lines of each as they stand, and its described film."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from data.errors import UserError
from data.messages import current
from pipeline.results.delivery import described_film
from pipeline.results.levels import NAMES
from pipeline.review.desk import Desk


def level_of(results: Path) -> str | None:
    """The level of detail that a results folder is one of; None for a film that was described once."""
    return results.name if results.parent.name == "levels" and results.name in NAMES["en"] else None


def named(level: str) -> str:
    """What people call it."""
    return NAMES["ko" if current() == "ko" else "en"][level]


def side_by_side(desk: Desk, episode: str, who: str) -> list[dict[str, Any]]:
    """The levels of the film that the episode is one of, from the shortest: name, address, described film, lines."""
    here = desk.results(episode)
    family = here.parent if level_of(here) else here / "levels"
    known = {path: name for name, path in desk.folders().items()}
    levels = [(level, known[family / level]) for level in NAMES["en"] if family / level in known]
    return [_level(desk, level, name, who) | {"here": name == episode} for level, name in levels]


def _level(desk: Desk, level: str, episode: str, who: str) -> dict[str, Any]:
    machine, url = desk.machine(episode), f"/e/{quote(episode)}"
    lines = [line for line in desk.session(episode, who).lines() if line.spoken]
    gaps = [machine.gap_at(line.start) for line in lines]
    return {
        "level": level,
        "name": named(level),
        "url": url,
        "described": f"{url}/described" if _described(desk.results(episode)) else None,
        "lines": [
            {"start": line.start, "text": line.text, "gap": gap.start if gap else line.start}
            for line, gap in zip(lines, gaps, strict=True)
        ],
    }


def _described(results: Path) -> bool:
    try:
        return described_film(results).is_file()
    except UserError:
        return False
