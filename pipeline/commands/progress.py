"""Shows a run: a live table on a terminal, plain lines when piped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from data.messages import tr
from pipeline.runner import Progress

PLAIN_INTERVAL = 10.0
"""Seconds between two progress lines of one stage when the output is piped."""


def clock(seconds: float) -> str:
    """A span of time as m:ss or h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def time_left(started: float, done: float, total: float) -> str:
    """How long a stage will still take at its speed so far; empty while nothing can be said."""
    if done <= 0 or total <= 0:
        return ""
    return tr("{time} left", time=clock((time.monotonic() - started) * max(total - done, 0.0) / done))


class Plain(Progress):
    """One line when a stage begins to take long, when it ends, and when it fails."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.started = self.spoke = time.monotonic()

    def begin(self, episode: str, stage: str) -> None:  # noqa: ARG002
        """Start the clock of the stage."""
        self.started = self.spoke = time.monotonic()

    def advance(self, episode: str, stage: str, done: float, total: float) -> None:
        """A line every ten seconds."""
        if total <= 0 or time.monotonic() - self.spoke < PLAIN_INTERVAL:
            return
        self.spoke = time.monotonic()
        self._line(f"{episode}: {stage} {done / total:.0%}, {time_left(self.started, done, total)}")

    def end(self, episode: str, stage: str, cached: bool, seconds: float) -> None:
        """How long it took; nothing for a result that was there already."""
        if not cached:
            self._line(tr("{episode}: {stage} done in {seconds:.1f} s", episode=episode, stage=stage, seconds=seconds))

    def fail(self, episode: str, stage: str, error: Exception) -> None:
        """The summary says what failed."""

    def _line(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class LiveTable(Progress):
    """A table of the stages: state, share done, time left."""

    def __init__(self, stages: Sequence[str], episodes: int) -> None:
        self.episodes = episodes
        self.rows = {name: _Row() for name in stages}

    def begin(self, episode: str, stage: str) -> None:
        """The stage is working on the episode."""
        row = self.rows.setdefault(stage, _Row())
        row.episode, row.done, row.total, row.started = episode, 0.0, 0.0, time.monotonic()

    def advance(self, episode: str, stage: str, done: float, total: float) -> None:  # noqa: ARG002
        """Keep the numbers for the next drawing."""
        self.rows[stage].done, self.rows[stage].total = done, total

    def end(self, episode: str, stage: str, cached: bool, seconds: float) -> None:  # noqa: ARG002
        """One more episode of this stage is whole."""
        row = self.rows.setdefault(stage, _Row())
        row.whole, row.seconds, row.episode = row.whole + 1, row.seconds + seconds, ""

    def fail(self, episode: str, stage: str, error: Exception) -> None:  # noqa: ARG002
        """One episode fell out."""
        row = self.rows.setdefault(stage, _Row())
        row.failed, row.episode = row.failed + 1, ""

    def __rich__(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for title in (tr("Stage"), tr("Episodes"), tr("Now"), tr("Time")):
            table.add_column(title)
        for name, row in self.rows.items():
            table.add_row(name, row.state(self.episodes), row.now(), clock(row.seconds) if row.whole else "")
        return table


class _Row:
    """One stage in the table."""

    def __init__(self) -> None:
        self.whole = self.failed = 0
        self.seconds = self.done = self.total = self.started = 0.0
        self.episode = ""

    def state(self, episodes: int) -> str:
        failed = " " + tr("{number} failed", number=self.failed) if self.failed else ""
        return f"{self.whole}/{episodes}{failed}"

    def now(self) -> str:
        if not self.episode:
            return ""
        share = f"{self.done / self.total:4.0%}" if self.total else ""
        return f"{self.episode} {share} {time_left(self.started, self.done, self.total)}"


@contextmanager
def shown(console: Console, stages: Sequence[str], episodes: int) -> Iterator[Progress]:
    """The progress display that fits the console."""
    if not console.is_terminal:
        yield Plain(console)
        return
    table = LiveTable(stages, episodes)
    with Live(get_renderable=lambda: table.__rich__(), console=console, refresh_per_second=4):
        yield table


@contextmanager
def counted(console: Console, what: str) -> Iterator[Callable[[float, float], None]]:
    """Shows one long piece of work: a bar with the time left on a terminal, a line every ten seconds when piped."""
    if console.is_terminal:
        with Bars(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                  console=console, transient=True) as bars:  # fmt: skip
            task = bars.add_task(what.replace("[", r"\["), total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)
        return
    plain = Plain(console)
    yield lambda done, total: plain.advance(what, "", done, total)
