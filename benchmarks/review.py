"""A review's edits measured: the mix after one changed line against a whole mix, of an hour of film.

    python benchmarks/review.py --media FOLDER [--work DIR] [--minutes 60]

The hour is a real film with its own sound, repeated by stream copy; a line of espeak every ten seconds, the last
second of every repeat counts as dialogue. Times are those of the stage as a run has it: mixing, muxing, and the
hashes of the finished files. Both ways are timed in one run, on the same machine state.

Writes `benchmarks/results/review.md`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import machine
from benchmarks.row import Row
from data.media import aac, ffmpeg_path, probe
from data.media.sound import audio_blocks
from data.records import Clip, Duck, Episode, Gap, Line, Utterance, record_id
from data.workspace import Workspace
from stages import mix, voice
from stages.check.files import packets
from stages.mix.render import RATE
from stages.sources import RunSettings, Surroundings
from stages.stage import Job
from stages.voice.espeak import Espeak

RESULTS = Path(__file__).parent / "results" / "review.md"
FILM = "wai-perspective/perspective-video.mp4"
TEXTS = ("문이 천천히 열린다.", "남자가 들어온다.", "노을이 강물 위로 붉게 번진다.", "두 사람이 벤치에 나란히 앉는다.")
CHANGED = "아이가 마당에서 웃는다."
EVERY = 10.0


class Spent(NamedTuple):
    """Seconds of the clock, and of all processors together, ffmpeg's too."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.1f} s ({self.cpu:.1f} s)"


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--minutes", type=int, default=60)
    given = parser.parse_args()
    work = given.work or Path(tempfile.mkdtemp())
    rows = measure(hour(given.media / FILM, work, given.minutes), work)
    table = ["| what | measured | target | how |", "|---|---|---|---|"]
    table += ["| {} | {} | {} | {} |".format(*astuple(row)) for row in rows]
    text = "\n".join(["# Reviewing", "", (__doc__ or "").split("\n\n")[2], "", f"Machine: {machine()}", "", *table, ""])
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


def hour(film: Path, work: Path, minutes: int) -> Episode:
    """The film again and again, streams copied."""
    work.mkdir(parents=True, exist_ok=True)
    long = work / "hour.mp4"
    command = [ffmpeg_path(), "-v", "error", "-y", "-stream_loop", "-1", "-i", str(film), "-map", "0:v", "-map", "0:a"]
    subprocess.run([*command, "-t", str(minutes * 60), "-c", "copy", str(long)], check=True)
    return probe(long)


def measure(episode: Episode, work: Path) -> list[Row]:
    """Mix whole, change a line, mix again; then mix that whole, from nothing kept."""
    shutil.rmtree(work / "results", ignore_errors=True)
    workspace = Workspace(work / "results")
    first = mixed(workspace, episode, "first")
    before = workspace.folder / "before"
    workspace.stage("mix").rename(before)
    again = mixed(workspace, episode, "again", CHANGED)
    unchanged = mixed(workspace, episode, "unchanged", CHANGED)
    shutil.rmtree(workspace.folder / "cache" / "mix")
    workspace.stage("mix").rename(workspace.folder / "edited")
    whole = mixed(workspace, episode, "whole", CHANGED)
    edited, full = (described(workspace.folder / name) for name in ("edited", "mix"))
    same, touched, apart = compared(edited, full, described(before))
    size = full.stat().st_size / 1e6
    video = packets(episode.path)[episode.video.index].sha256 == packets(edited)[0].sha256
    sound = f"{episode.audio.rate} Hz {episode.audio.layout}" if episode.audio else "silent"
    how = f"{episode.duration / 60:.0f} min, {sound}, {size:.0f} MB, a line every {EVERY:.0f} s; wall time (CPU time)"
    return [
        Row("mix after one changed line", f"{again}", "≤ 10 s", how),
        Row("mix of all, nothing kept", f"{whole}, {whole.wall / again.wall:.1f} times as long", "", how),
        Row("mix of all, the first", f"{first}", "", how),
        Row("mix when no line has changed", f"{unchanged}", "", "muxing, narration.wav and hashes alone"),
        Row("packets of the described track equal to a whole mix", f"{same} of {same + touched}",
            f"all but {2 * aac.STRETCH}", "those that differ lie in stretches that the line touches"),
        Row("largest difference of decoded samples to a whole mix", f"{apart}", "codec noise", "the whole track"),
        Row("video packets equal to the source", str(video), "True", "SHA-256 of all packets"),
    ]  # fmt: skip


def mixed(workspace: Workspace, episode: Episode, name: str, changed: str | None = None) -> Spent:
    """Voice the lines, mix and finish as the runner does; what the mix took."""
    clips = spoken(workspace, episode, changed)
    records: dict[type, Sequence[Any]] = {Clip: clips, Gap: gaps(episode), Utterance: speech(episode)}
    made = job(workspace, "mix", episode, records)
    started, before = time.monotonic(), os.times()
    workspace.finish("mix", numbered(mix.run(made)), name, {}, made.notes, started)
    after = os.times()
    return Spent(time.monotonic() - started, sum(after[:4]) - sum(before[:4]))


def numbered(ducks: Any) -> Iterator[Duck]:
    """The ducks as they come."""
    yield from ducks


def spoken(workspace: Workspace, episode: Episode, changed: str | None) -> list[Clip]:
    """A line every `EVERY` seconds; the one in the middle may be another."""
    starts = np.arange(2.0, episode.duration - EVERY, EVERY)
    texts = [TEXTS[n % len(TEXTS)] for n in range(len(starts))]
    if changed:
        texts[len(texts) // 2] = changed
    lines = [
        Line(id=record_id("n", n), start=start, end=start + 3, until=start + 6, text=text, kind="visual", gap="g",
             keyframe="k", candidate="c", score=1)
        for n, (start, text) in enumerate(zip(starts.tolist(), texts, strict=True), 1)
    ]  # fmt: skip
    made = job(workspace, "voice", episode, {Line: lines})
    shutil.rmtree(workspace.stage("voice"), ignore_errors=True)
    clips = list(voice.run(made))
    made.folder.rename(workspace.stage("voice"))
    return clips


def speech(episode: Episode) -> list[Utterance]:
    """The last second of every `EVERY` is taken for dialogue."""
    ends = np.arange(EVERY, episode.duration, EVERY).tolist()
    return [Utterance(id=record_id("u", n), start=end - 1, end=end, source="x") for n, end in enumerate(ends, 1)]


def gaps(episode: Episode) -> list[Gap]:
    """What lies between."""
    ends = np.arange(EVERY, episode.duration, EVERY).tolist()
    return [
        Gap(id=record_id("g", n), start=end - EVERY, end=end - 1, lead_in=0, lead_out=0, bed="ambience", loudness=-40,
            usable=True)
        for n, end in enumerate(ends, 1)
    ]  # fmt: skip


def job(workspace: Workspace, stage: str, episode: Episode, records: dict[type, Sequence[Any]]) -> Job[Any]:
    """The job of the mix or the voice."""
    module: Any = {"mix": mix, "voice": voice}[stage]
    folder = workspace.stage("voice")
    return Job(
        episode=episode, config=module.Config(), folder=workspace.begin(stage),
        cache=workspace.cache(stage), backend=Espeak(Espeak.Options()),
        upstream={kind: (folder, lambda rows=rows: rows) for kind, rows in records.items()},  # type: ignore[misc]
        around=Surroundings(episode, RunSettings()),
    )  # fmt: skip


def described(folder: Path) -> Path:
    """The described film in a folder."""
    return next(folder.glob("described.*"))


def compared(edited: Path, full: Path, before: Path) -> tuple[int, int, str]:
    """Packets of the new track that are equal, and that are not; the largest difference of decoded samples."""
    one, other, old = (list(track(path)) for path in (edited, full, before))
    equal = [a == b for a, b in zip(one, other, strict=True)]
    changed = sum(a != b for a, b in zip(one, old, strict=True))
    largest = 0.0
    for a, b in zip(decoded(edited), decoded(full), strict=True):
        largest = max(largest, float(np.abs(a - b).max()))
    level = f"{20 * np.log10(largest):.0f} dBFS" if largest else "none"
    return sum(equal), len(equal) - sum(equal), f"{level} ({changed} packets differ from the mix before the edit)"


def track(path: Path) -> Iterator[bytes]:
    """The packets of the described track."""
    with av.open(str(path)) as container:
        yield from (bytes(packet) for packet in container.demux(container.streams.audio[-1]) if packet.size)


def decoded(path: Path) -> Iterator[NDArray[np.float32]]:
    """The samples of the described track."""
    film = probe(path, content="-")
    yield from audio_blocks(film, film.audio_streams[-1], rate=RATE)


if __name__ == "__main__":
    main()
