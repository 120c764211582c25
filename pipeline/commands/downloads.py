"""Shows downloads: bars with the time left on a terminal, plain lines when piped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bars

from data.messages import tr
from pipeline.commands.progress import PLAIN_INTERVAL, time_left
from stages.backend import Progress, Weights


class Downloads:
    """Tells about one download after the other."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def of(self, weights: Weights) -> Iterator[Progress]:
        """The progress to hand to the download of `weights`."""
        shown = self._bars if self.console.is_terminal else self._lines
        with shown(weights) as progress:
            yield progress
        self._line(tr("{weights} is here: {folder}", weights=weights.name, folder=weights.cache))

    @contextmanager
    def _bars(self, weights: Weights) -> Iterator[Progress]:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
                   TimeRemainingColumn())  # fmt: skip
        with Bars(*columns, console=self.console, transient=True) as bars:
            task = bars.add_task(weights.name.replace("[", r"\["), total=weights.size)
            yield lambda done, total: bars.update(task, completed=done, total=total)

    @contextmanager
    def _lines(self, weights: Weights) -> Iterator[Progress]:
        started = time.monotonic()
        spoke = [started]

        def tell(done: float, total: float) -> None:
            if total > 0 and time.monotonic() - spoke[0] >= PLAIN_INTERVAL:
                spoke[0] = time.monotonic()
                self._line(f"{weights.name}: {done / total:.0%}, {time_left(started, done, total)}")

        size = f"{weights.size / 1e9:.2f} GB" if weights.size else tr("size unknown")
        self._line(
            tr("Fetching {weights} ({size}) into {folder}", weights=weights.name, size=size, folder=weights.cache)
        )
        yield tell

    def _line(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
