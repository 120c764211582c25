"""A results folder as a run leaves it, made by hand in milliseconds: so many lines, five seconds each."""

from __future__ import annotations

import functools
import io
import json
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from data.media import ffmpeg_path
from data.reasons import say
from data.records import Candidate, Clip, Context, Duck, Finding, Gap, Keyframe, Line, Narration, Ranked, Record
from data.scripts.script import (
    Script,
    ScriptCandidate,
    ScriptEpisode,
    ScriptGap,
    ScriptKeyframe,
    ScriptNarration,
    ScriptShot,
    ScriptUtterance,
    SpokenClip,
    save,
)
from data.workspace import Workspace

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&amp;{{7*7}}"
STEP = 5.0


def results_folder(out: Path, name: str = "episode", lines: int = 3, text: str = "문이 열린다.") -> Path:
    """The results folder `out`/`name`; `text` is said by every line, with its number."""
    workspace = Workspace(out / name / "workspace")
    starts = [number * STEP + 1.0 for number in range(lines)]
    narrations = [narration(number, start, f"{number + 1}. {text}") for number, start in enumerate(starts)]
    write(workspace, "keyframes", [keyframe(n, s) for n, s in enumerate(starts)], {"k.jpg": jpeg()})
    write(workspace, "gaps", [gap(n, s) for n, s in enumerate(starts)], {"loudness.npy": _loudness(lines)})
    write(workspace, "context", [context(n, s) for n, s in enumerate(starts)])
    write(workspace, "naming", [candidate(n, f"{n + 1}. {text}") for n in range(lines)])
    write(workspace, "ranking", [ranked(n) for n in range(lines)])
    write(workspace, "schedule", narrations)
    write(workspace, "review", [Line(**n.model_dump()) for n in narrations])
    write(workspace, "voice", [clip(n) for n in narrations], {"n00001.wav": _wav()})
    write(workspace, "mix", [Duck(id="d00001", start=1, end=2, attack=0.3, release=0.3, depth=6, bed=-30, clips=())])
    write(workspace, "check", [finding("error", starts[0]), finding("warning", starts[-1], number=2)])
    folder = workspace.begin("script")
    save(script(name, narrations), folder / "script.json")
    workspace.finish("script", [], "key", {}, [], time.monotonic())
    film = out / f"{name}.mp4"
    film.write_bytes(bytes(range(256)) * 40)
    (workspace.folder / "source.json").write_text(json.dumps({"file": [str(film), 1, 1, 1], "content": "0" * 64}))
    (out / name / "described.mp4").write_bytes(_described())
    return out / name


@functools.cache
def _described() -> bytes:
    """A second of film with two tracks: the original, which is the default, and the described one."""
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "described.mp4"
        inputs = [*_lavfi("testsrc2=s=64x36:r=10:d=1"), *_lavfi("sine=440:d=1"), *_lavfi("sine=880:d=1")]
        kinds = ["-map", "0", "-map", "1", "-map", "2", "-c:v", "libx264", "-c:a", "aac", "-disposition:a:1", "0"]
        subprocess.run([ffmpeg_path(), "-v", "error", *inputs, *kinds, film], check=True)
        return film.read_bytes()


def _lavfi(source: str) -> list[str]:
    return ["-f", "lavfi", "-i", source]


def script(name: str, lines: list[Narration]) -> Script:
    """The script of those lines, with words said between the first two that are hostile, as is the title."""
    end = len(lines) * STEP
    about = ScriptEpisode(
        id=name, file="film.mp4", title=f"{name} {HOSTILE}", duration=end, language="ko", audio_language="kor",
        fps=25.0, content="0" * 64,
    )  # fmt: skip
    spoken = SpokenClip(file="n00001.wav", voice="test")
    return Script(
        episode=about,
        shots=(ScriptShot(id="s00001", start=0, end=end),),
        keyframes=tuple(ScriptKeyframe(id=n.keyframe, shot="s00001", time=n.start, image="k.jpg") for n in lines),
        utterances=(ScriptUtterance(id="u00001", start=4.6, end=5.4, text=HOSTILE, source="subtitles"),),
        gaps=tuple(
            ScriptGap(id=n.gap, start=n.start - 0.5, end=n.start + 3.5, bed="ambience", usable=True, used=True)
            for n in lines
        ),
        narrations=tuple(
            ScriptNarration(
                id=n.id, start=n.start, end=n.end, text=n.text, kind=n.kind, gap=n.gap, shot="s00001",
                keyframe=n.keyframe, candidate=n.candidate, score=n.score, clip=spoken,
                candidates=(_scripted(n),),
            )
            for n in lines
        ),
    )  # fmt: skip


def _scripted(line: Narration) -> ScriptCandidate:
    return ScriptCandidate(
        id=line.candidate, text=line.text, score=0.5, model="facts", kind="visual", style="basic", length="short"
    )


def write(workspace: Workspace, stage: str, records: Iterable[Record], files: dict[str, bytes] | None = None) -> None:
    """Make the result of a stage."""
    folder = workspace.begin(stage)
    for name, content in (files or {}).items():
        (folder / name).write_bytes(content)
    workspace.finish(stage, records, "key", {}, [], time.monotonic())


def narration(number: int, start: float, text: str) -> Narration:
    """A line in the gap of its number."""
    return Narration(
        id=f"n{number + 1:05d}", start=start, end=start + 1.5, until=start + 3, text=text, kind="visual",
        gap=f"g{number + 1:05d}", keyframe=f"k{number + 1:05d}", candidate=f"c{number + 1:05d}a", score=0.5,
    )  # fmt: skip


def keyframe(number: int, start: float) -> Keyframe:
    """A still at the start of the line."""
    image = {"image": "k.jpg", "sharpness": 1.0, "luma": 100.0, "look": (0.0,) * 48}
    return Keyframe(id=f"k{number + 1:05d}", shot="s00001", time=start, **image)


def gap(number: int, start: float) -> Gap:
    """Four seconds around the line."""
    return Gap(
        id=f"g{number + 1:05d}", start=start - 0.5, end=start + 3.5, lead_in=0.3, lead_out=0.3, bed="ambience",
        loudness=-40.0, usable=True,
    )  # fmt: skip


def context(number: int, start: float) -> Context:
    """A keyframe on which nothing was seen."""
    return Context(
        id=f"ck{number + 1:05d}", keyframe=f"k{number + 1:05d}", shot="s00001", time=start, start=start, end=start + 5,
        texts=(), people=0, light="day", same_place=None,
    )  # fmt: skip


def candidate(number: int, text: str) -> Candidate:
    """The one that the line is."""
    return Candidate(
        id=f"c{number + 1:05d}a", keyframe=f"k{number + 1:05d}", text=text, kind="visual", style="basic",
        length="short", model="facts",
    )  # fmt: skip


def ranked(number: int) -> Ranked:
    """Its score."""
    names = {"candidate": f"c{number + 1:05d}a", "keyframe": f"k{number + 1:05d}"}
    return Ranked(id=f"rc{number + 1:05d}a", score=0.5, parts={"fit": 0.5}, **names)


def clip(line: Narration) -> Clip:
    """The spoken line; all of them share one file."""
    return Clip(
        id=line.id, narration=line.id, text=line.text, candidate=line.candidate, start=line.start, end=line.start + 1.5,
        file="n00001.wav", voice="test",
    )  # fmt: skip


def finding(severity: str, start: float, number: int = 1) -> Finding:
    """Something wrong at a second."""
    return Finding.model_validate(
        {"id": f"f01-{number:05d}", "row": 1, "check": "overlap", "severity": severity, "message": say("x"),
         "start": start, "end": start + 0.5}
    )  # fmt: skip


def jpeg() -> bytes:
    """A small still."""
    with io.BytesIO() as file:
        Image.new("RGB", (32, 18), "navy").save(file, "JPEG")
        return file.getvalue()


def _wav(seconds: float = 1.5) -> bytes:
    with io.BytesIO() as file:
        soundfile.write(file, np.zeros(round(seconds * 48_000), np.int16), 48_000, format="WAV")
        return file.getvalue()


def _loudness(lines: int) -> bytes:
    with io.BytesIO() as file:
        np.save(file, np.full(round(lines * STEP * 10), -30, np.float32))
        return file.getvalue()
