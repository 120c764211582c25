"""Scripts for the tests of the script formats."""

from __future__ import annotations

from typing import Any

from data.records import Evidence
from data.scripts.script import Script

TEXTS = ("문이 열린다.", "자막, <미생> & 'S01'.", "두 사람이 마주 앉는다.")


def narration(number: int, start: float, end: float, text: str, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": f"n{number:05d}",
        "start": start,
        "end": end,
        "text": text,
        "kind": "visual",
        "gap": "g00001",
        "shot": "s00001",
        "keyframe": "k00001",
        "candidate": "c1",
        "score": 0.75,
        "candidates": [
            {"id": "c1", "text": text, "score": 0.75, "parts": {"fit": 0.5}, "model": "facts", "kind": "visual",
             "style": "basic", "length": "short"},
        ],
        "clip": {"file": f"n{number:05d}.wav", "voice": "espeak-ng ko"},
    }  # fmt: skip
    return values | changes


def extended_line(number: int = 1, time: float = 5.0, text: str = "=자막, <3년 후>.", **changes: Any) -> dict[str, Any]:
    """A line for which the film stands still in the middle of the dialogue."""
    values: dict[str, Any] = {
        "id": f"x{number:05d}", "time": time, "stands": 2.6, "start": time + 0.3, "end": time + 2.3, "text": text,
        "kind": "text", "shot": "s00001", "keyframe": "k00001", "candidate": "c1", "worth": 2.9,
        "why": {"code": "no gap"},
        "evidence": [Evidence(kind="text", value="3년 후")],
        "clip": {"file": f"x{number:05d}.wav", "voice": "espeak-ng ko"},
    }  # fmt: skip
    return values | changes


def script(texts: tuple[str, ...] = TEXTS, language: str = "ko", **changes: Any) -> Script:
    """Lines of 2 s: the first alone, the second and third in one dip of the programme."""
    starts = [1.0, *(10.0 + 3.2 * n for n in range(len(texts) - 1))]
    lines = [narration(n, s, s + 2.0, text) for n, (s, text) in enumerate(zip(starts, texts, strict=False), 1)]
    for line in lines[1:2]:
        line |= {"kind": "title", "evidence": [Evidence(kind="text", value="미생")]}
    ids = [line["id"] for line in lines]
    dips = [("d00001", ids[:1], 1.0, 3.0), ("d00002", ids[1:], 10.0, starts[-1] + 2.0)]
    values: dict[str, Any] = {
        "episode": {"id": "ep", "file": "ep 01.mp4", "title": "미생 1화", "duration": 600.0, "language": language,
                    "fps": 25.0, "content": "0" * 64},
        "shots": [{"id": "s00001", "start": 0.0, "end": 600.0}],
        "keyframes": [{"id": "k00001", "shot": "s00001", "time": 0.5, "image": "0000500.jpg"}],
        "utterances": [{"id": "u00001", "start": 4.0, "end": 9.0, "text": "안녕하세요?\n네.", "source": "subtitles"},
                       {"id": "u00002", "start": 30.0, "end": 31.0, "source": "speech"}],
        "gaps": [
            {"id": "g00001", "start": 0.0, "end": 4.0, "bed": "music", "loudness": -30.0, "usable": True, "used": True},
            {"id": "g00002", "start": 32.0, "end": 40.0, "bed": "silence", "usable": True, "used": False,
             "why": {"code": "nothing new"}},
            {"id": "g00003", "start": 41.0, "end": 41.5, "bed": "silence", "usable": False, "used": False,
             "why": {"code": "too short", "room": 0.5, "needed": 1.5}},
        ],
        "narrations": lines,
        "ducking": [
            {"id": name, "start": start, "end": end, "attack": 0.3, "release": 0.3, "depth": 9.0, "narrations": spoken}
            for name, spoken, start, end in dips
            if spoken and "narrations" not in changes
        ],
    }  # fmt: skip
    return Script.model_validate(values | changes)
