"""What reviewers decided becomes the film: lines spoken for a preview, the sound as it will be, and the new results.

`apply` runs the stages from the review on beside the results and puts all of theirs in place at once; `start` does so
in a process of its own, which may be killed at any moment.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from data import messages
from data.errors import UserError, VdescError
from data.made_with import FILE as CONFIG
from data.messages import tr
from data.products import Kind
from data.reasons import Reason
from data.records import Clip, Duck, Finding, Line
from data.review import applied
from data.review.model import ReviewLine
from data.workspace import Workspace
from pipeline import config as settings
from pipeline import runner
from pipeline.jobs import VOICE, Jobs, in_use, not_asked_for
from pipeline.results.remembered import Remembered, recall
from pipeline.results.switching import beside, finish, switch
from pipeline.work import Work
from stages import STAGES, mix, voice
from stages.review import arranged
from stages.voice.booth import Booth, Take

REVIEW, MIX = (next(s for s in STAGES if s.record is kind) for kind in (Line, Duck))
FIRST = REVIEW.name
Tell = Callable[[dict[str, Any]], None]
"""Told of `{"state": "running" | "done" | "failed", "done", "total", "seconds_left", "error"}`; times are seconds."""


@dataclass(frozen=True)
class SpokenPreview:
    """A line as the voice says it now."""

    file: Path
    """48 kHz mono WAV in the cache of the workspace; it stays."""
    seconds: float
    speed: float


class SoundClip(TypedDict):
    """A clip as a player mixes it."""

    line: str
    file: str
    """Path of the WAV."""
    start: float
    seconds: float
    gain: float
    """dB"""


class Sound(TypedDict):
    """The described sound before it is mixed: dips of the programme, linear in gain, and clips over them."""

    ducks: list[dict[str, Any]]
    clips: list[SoundClip]


def apply(results: Path, tell: Tell = lambda event: None) -> None:
    """Bring the results up to date with `review/applied.json`, all of them at once or none.

    A switch that was interrupted is finished first. Raises what the stages raise, UserError where another run works
    in the results or where it is not known what they were made with.
    """
    with Workspace(results / "workspace").lock():
        finish(results)
        made_with = recall(results)
        stages = [stage.name for stage in in_use(made_with.config, first=FIRST)]
        unwanted = [stage.name for stage in not_asked_for(made_with.config)]
        work = Work(made_with.episode, beside(results, stages), review=(results / "review").resolve())
        told = _Told(tell, _costs(results, stages))
        runner.run([work], made_with.config, progress=told, since=FIRST)
        if work.error:
            raise work.error
        switch(results, stages, unwanted)
    told.finished()


def resume(results: Path) -> bool:
    """Finish what a killed `apply` had already decided; False where there was nothing. Quick; call it at the start."""
    with Workspace(results / "workspace").lock():
        return finish(results)


def start(results: Path, tell: Tell) -> Applying:
    """`apply` in a process of its own; `tell` is called from a thread, last with `done` or `failed`."""
    return Applying(results, tell)


class Applying:
    """An `apply` in the background."""

    def __init__(self, results: Path, tell: Tell) -> None:
        command = [sys.executable, "-m", "pipeline.review.applying", str(results.resolve()), messages.current()]
        self.process = subprocess.Popen(
            command, cwd=_folder(results), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
        self._thread = threading.Thread(target=self._listen, args=(tell,), daemon=True)
        self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait for the end."""
        self._thread.join(seconds)

    def stop(self) -> None:
        """End it; the results stay as they are."""
        self.process.kill()
        self._thread.join()

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread.is_alive()

    def _listen(self, tell: Tell) -> None:
        ended = False
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        errors: list[str] = []
        reader = threading.Thread(target=lambda: errors.extend(self.process.stderr or ()), daemon=True)
        reader.start()
        with self.process:  # closes its pipes
            for line in self.process.stdout:
                event = json.loads(line)
                ended = event["state"] in ("done", "failed")
                tell(event)
            code = self.process.wait()
            reader.join()
        if not ended:
            cause = next((e.strip() for e in reversed(errors) if e.strip()), f"exit code {code}")
            tell({"state": "failed", "error": tr("Applying stopped ({cause}); apply again to go on", cause=cause)})


def deliverable(results: Path) -> list[Finding]:
    """The errors that the check found, which forbid to deliver; empty when the episode may go out."""
    return [f for f in Workspace(results / "workspace").read(Finding) if f.severity == "error"]


def speak(results: Path, line: ReviewLine) -> SpokenPreview:
    """The line as the film will have it: its voice, speed and readings, or its recording.

    Raises UserError, with the reason, for a text that may not be spoken; what the voice raises.
    """
    return _studio(results).preview(line)


def sound(results: Path, lines: Sequence[ReviewLine]) -> Sound:
    """The ducks and clips that these lines give, as the mix plans them; what was never spoken is spoken now."""
    return _studio(results).sound(lines)


class _Studio:
    """A results folder with its voice ready, for previews; one line at a time."""

    def __init__(self, results: Path, made_with: Remembered) -> None:
        self.results, self.made_with = results, made_with
        self.workspace = Workspace(results / "workspace")
        self.cache = self.workspace.cache(VOICE.name)
        self.lock = threading.Lock()
        edits, config = results / "review", made_with.config
        self.jobs = Jobs(
            made_with.episode, results, self.workspace, edits, config,
            functools.partial(settings.make_backend, config=config), self._open,
        )  # fmt: skip
        self.booth = Booth(self.jobs.job(VOICE, replaced={Line: (edits / applied.RECORDINGS, ())}))

    def preview(self, line: ReviewLine) -> SpokenPreview:
        with self.lock:
            (one,) = self._arranged([line.model_copy(update={"deleted": False, "state": "draft", "version": 1})])
            take = voice.take_of(self.booth, one)
        if not isinstance(take, Take):
            raise UserError("“{text}” is not spoken: {reason}", text=line.text, reason=take)
        return SpokenPreview(self.cache / take.file, take.seconds, take.speed)

    def sound(self, lines: Sequence[ReviewLine]) -> Sound:
        spoken = [(line, self._take(line)) for line in self._arranged(lines)]
        clips = [_clip(line, take) for line, take in spoken if isinstance(take, Take)]
        if not clips:
            return Sound(ducks=[], clips=[])
        with self.lock:
            _, plan = mix.planned(self.jobs.job(MIX, replaced={Clip: (self.cache, clips)}), clips)
        names = {line.id: line.review for line, _ in spoken}
        return Sound(
            ducks=[duck.model_dump() for duck in plan.ducks] if self.made_with.episode.audio else [],
            clips=[_played(clip, names[clip.id], self.cache, plan.gains[clip.id]) for clip in clips],
        )

    def _take(self, line: Line) -> Take | Reason:
        """A line as spoken, under the lock of the voice: who wants to hear one waits for one, not for all of them."""
        with self.lock:
            return voice.take_of(self.booth, line)

    def _arranged(self, lines: Sequence[ReviewLine]) -> list[Line]:
        return arranged(self.jobs.job(REVIEW), lines)

    def _open(self, kind: Kind, folder: Path) -> Any:
        return _kept(kind, folder, self.workspace.stamp(kind))


@functools.lru_cache(maxsize=64)
def _kept(kind: Kind, folder: Path, _: tuple[int, int]) -> Any:
    """What lies in a stage's folder, opened again when its stamp is another one."""
    return kind.open(folder)


@functools.lru_cache(maxsize=8)
def _kept_studio(results: Path, stamp: int) -> _Studio:  # noqa: ARG001
    return _Studio(results, recall(results))


def _studio(results: Path) -> _Studio:
    file = results / "workspace" / CONFIG
    return _kept_studio(results.resolve(), file.stat().st_mtime_ns if file.exists() else 0)


def _clip(line: Line, take: Take) -> Clip:
    return Clip(
        id=line.id, narration=line.id, text=take.text, candidate=take.candidate, start=line.start,
        end=line.start + take.seconds, file=take.file, voice=take.voice, speed=take.speed,
    )  # fmt: skip


def _played(clip: Clip, line: str, cache: Path, gain: float) -> SoundClip:
    return SoundClip(
        line=line,
        file=str(cache / str(clip.file)),
        start=clip.start,
        seconds=round(clip.end - clip.start, 3),
        gain=round(gain, 2),
    )


def _folder(results: Path) -> Path | None:
    """The working directory of the run that made the results, from which its relative paths start."""
    try:
        folder = recall(results).folder
    except UserError:  # told by the process itself
        return None
    return folder if folder.is_dir() else None


def _costs(results: Path, stages: Sequence[str]) -> dict[str, float]:
    """Seconds that the stages took last time, as a guess of their shares."""
    found = {name: Workspace(results / "workspace").manifest(name) for name in stages}
    return {name: max(manifest.seconds if manifest else 0.0, 0.1) for name, manifest in found.items()}


class _Told(runner.Progress):
    """The run's progress as one number, in the seconds the stages took last time."""

    def __init__(self, tell: Tell, costs: dict[str, float]) -> None:
        self.tell, self.costs, self.began, self.done = tell, costs, time.monotonic(), 0.0
        self._tell(0.0)

    def advance(self, episode: str, stage: str, done: float, total: float) -> None:  # noqa: ARG002
        """Within a stage."""
        self._tell(self.done + self.costs.get(stage, 0.0) * min(done / total if total else 0.0, 1.0))

    def end(self, episode: str, stage: str, cached: bool, seconds: float) -> None:  # noqa: ARG002
        """After a stage."""
        self.done += self.costs.get(stage, 0.0)
        self._tell(self.done)

    def finished(self) -> None:
        """All is in place."""
        total = sum(self.costs.values())
        self.tell({"state": "done", "done": round(total, 2), "total": round(total, 2), "seconds_left": 0.0})

    def _tell(self, done: float) -> None:
        total, passed = sum(self.costs.values()), time.monotonic() - self.began
        left = passed / done * (total - done) if done > 0 else total
        self.tell(
            {"state": "running", "done": round(done, 2), "total": round(total, 2), "seconds_left": round(left, 1)}
        )


def main(results: str, language: str) -> int:
    """The process in the background: an event a line on stdout."""
    messages.use("ko" if language == "ko" else "en")

    def tell(event: dict[str, Any]) -> None:
        print(json.dumps(event), flush=True)

    try:
        apply(Path(results), tell)
    except (VdescError, OSError) as error:
        tell({"state": "failed", "error": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
