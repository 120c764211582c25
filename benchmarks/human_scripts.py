"""Human describers' scripts against the gaps that were found, and through `vdesc voice`; part of the figures."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import imageio_ffmpeg

from benchmarks.row import Row
from data.records import Gap
from data.scripts import read_lines
from data.scripts.line import ScriptLine
from data.subtitles import read
from data.text import language

SCRIPTS = {
    "elephants_dream": "elephantsdream-text/descriptions.en.vtt",
    "rabbit": "rabbit-ad/descriptions.vtt",
}
GUARD = 0.3
FASTER = 1.10
TOLERANCE = 0.05
"""Seconds that a cue may stand over the edge of a gap: captions end when a cue begins, to a frame or two."""

Spans = Sequence[tuple[float, float]]


def cues_in_gaps(name: str, clips: Path, gaps: Sequence[Gap], captions: Spans, duration: float) -> list[Row]:
    """How much of a describer's cues lies in gaps narration may use; `captions` are those of people, if there are."""
    cues = [
        (line.start, min(line.end, duration)) for line in read_lines(clips / SCRIPTS[name]) if line.start < duration
    ]
    lines = [(start, end) for start, end in cues if end > start]
    usable = [(gap.start, gap.end) for gap in gaps if gap.usable]
    inside = sum(max(0.0, min(b, end) - max(a, start)) for start, end in lines for a, b in usable)
    share = inside / sum(end - start for start, end in lines)
    middle = sum(any(a <= (start + end) / 2 < b for a, b in usable) for start, end in lines)
    free = [cue for cue in lines if not any(min(cue[1], b) - max(cue[0], a) > TOLERANCE for a, b in captions)]
    whole = sum(any(a - TOLERANCE <= start and end <= b + TOLERANCE for a, b in usable) for start, end in free)
    value = (
        f"{100 * middle / len(lines):.0f} % of {len(lines)} cues by their middle, {100 * share:.0f} % of their time; "
        f"of the {len(free)} that cover no caption {100 * whole / len(free):.0f} % whole"
    )
    return [Row(f"human cues in gaps found, {name}", value, "≥ 90 %", "gaps as the run uses them")]


def voiced(name: str, clips: Path, film: Path, captions: Spans, out: Path) -> Row:
    """What `vdesc voice` of the embedded profile made of the script, lines that their own time allows apart."""
    script = clips / SCRIPTS[name]
    command = [Path(sys.executable).parent / "vdesc", "voice", script, "--episode", film, "--out", out,
               "--config", "embedded", "--language", "en"]  # fmt: skip
    subprocess.run([str(part) for part in command], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rows = (out / film.stem / "workspace" / "voice" / "records.jsonl").read_text("utf-8").splitlines()
    found = {clip["text"]: clip for clip in map(json.loads, rows)}
    lines = read_lines(script)
    allowed = [line for line in lines if _room(line, captions) >= _needed(line.text, found) / FASTER]
    bad = [line for line in allowed if not _good(found.get(line.text))]
    over = sum(_overlap(clip, captions) for clip in found.values() if clip["file"])
    spoken = sum(bool(clip["file"]) for clip in found.values())
    moved = [abs(clip["start"] - line.start) for line in lines if (clip := found.get(line.text)) and clip["file"]]
    value = (
        f"{len(bad)} of {len(allowed)} ({100 * len(bad) / len(allowed):.1f} %) dropped or faster than {FASTER:.2f}; "
        f"{spoken} of {len(lines)} lines spoken, moved {median(moved):.2f} s in the middle; {over:.2f} s over captions"
    )
    how = "espeak-ng; lines that their own cue, free of captions and guards, holds at 1.10 times the pace"
    return Row(f"human script voiced, {name}", value, "≤ 5 %; 0 s", how)


def _good(clip: dict[str, Any] | None) -> bool:
    return bool(clip and clip["file"] and clip["speed"] <= FASTER)


def _overlap(clip: dict[str, Any], captions: Spans) -> float:
    return sum((max(0.0, min(clip["end"], b) - max(clip["start"], a)) for a, b in captions), 0.0)


def _needed(text: str, found: dict[str, dict[str, Any]]) -> float:
    """Seconds at the voice's own pace: measured, else estimated by how long it takes for the others."""
    clip = found.get(text)
    if clip and clip["file"]:
        return _own(clip)
    plain = {t: language.seconds(t, "en", language.PLAN_RATE["en"]) for t in (*found, text)}
    return plain[text] * median(_own(c) / plain[t] for t, c in found.items() if c["file"])


def _own(clip: dict[str, Any]) -> float:
    return float((clip["end"] - clip["start"]) * clip["speed"])


def _room(line: ScriptLine, captions: Spans) -> float:
    """Seconds of the line's own time that are free of captions and their guards, from its start on."""
    begun = max([line.start, *(b + GUARD for a, b in captions if a - GUARD <= line.start < b + GUARD)])
    return min([line.end, *(a - GUARD for a, b in captions if a - GUARD > begun)]) - begun


def dream(clips: Path, folder: Path) -> Path:
    """A film as long as Elephants Dream with its captions beside it, a test picture and a hum: only texts are there."""
    folder.mkdir(parents=True, exist_ok=True)
    film = folder / "dream.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-f", "lavfi", "-i",
               "testsrc2=size=160x90:rate=2:duration=653", "-f", "lavfi", "-i",
               "anoisesrc=color=brown:amplitude=0.01:duration=653:sample_rate=48000", "-c:v", "libx264", "-preset",
               "ultrafast", "-c:a", "aac", "-shortest", str(film)]  # fmt: skip
    subprocess.run(command, check=True)
    shutil.copy(clips / "elephantsdream-text" / "captions.en.vtt", folder / "dream.en.vtt")
    return film


def rows(clips: Path, work: Path) -> list[Row]:
    """The scripts spoken."""
    spoken = read(clips / "elephantsdream-text" / "captions.en.vtt", "en")
    captions = [(cue.start, cue.end) for cue in spoken if cue.spoken]
    folder = work / "scripts"
    rabbit = folder / "rabbit.mp4"
    film = dream(clips, folder)
    shutil.copy(clips / "rabbit-ad" / "video.mp4", rabbit)
    return [
        voiced("elephants_dream", clips, film, captions, folder / "out"),
        voiced("rabbit", clips, rabbit, [], folder / "out"),
    ]
