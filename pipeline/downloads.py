"""Shows downloads: bars with the time left on a terminal, plain lines when piped. Ctrl-C stops them at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bars

from data.messages import tr
from pipeline.progress import PLAIN_INTERVAL, time_left
from stages.models import Progress, Weights


class Downloads:
    """Tells about one download after the other."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def of(self, weights: Weights) -> Iterator[Progress]:
        """The progress to hand to the download of `weights`; it raises KeyboardInterrupt after Ctrl-C."""
        shown = self._bars if self.console.is_terminal else self._lines
        with shown(weights) as tell, stoppable(tell) as progress:
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


@contextmanager
def stoppable(tell: Progress) -> Iterator[Progress]:
    """`tell` that raises KeyboardInterrupt once Ctrl-C was pressed, whichever thread calls it.

    Libraries download in threads, and Python waits for these before it lets a KeyboardInterrupt through: for hours,
    where a file is large. What has arrived stays for the next try.
    """
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()
        signal.default_int_handler(number, frame)

    def progress(done: float, total: float) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        tell(done, total)

    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield progress
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield progress
    finally:
        signal.signal(signal.SIGINT, before)
