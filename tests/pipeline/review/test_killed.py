"""The server is killed while it applies a review; a new one on the same folder goes on, and nothing is lost."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from pipeline.results.switching import JOURNAL
from pipeline.review import applying
from tests.pipeline.review.test_applying import script, state
from tests.pipeline.review.test_review_command import started

pytestmark = pytest.mark.slow
TEXTS = ["여자가 웃는다.", "강물이 흐른다."]
SAME = ("described.mp4", "narration.wav", "descriptions.ko.vtt", "script.csv")
"""Files that are the same byte for byte whenever they are made."""


class Page(httpx.Client):
    """A page that outlives its server: the token of its session is good at the next one."""

    token = ""

    def ask(self, path: str, body: Any = None) -> httpx.Response:
        """POST as the page's script does."""
        if not self.token:
            self.token = re.findall(r'csrf-token" content="(\w+)"', self.get("/").text)[0]
        return self.post(f"/e/film/{path}", json=body, headers={"X-CSRF-Token": self.token})

    def state(self) -> dict[str, Any]:
        """What the page shows."""
        return dict(self.get("/e/film/state").json())

    def apply(self, until: float = math.inf) -> dict[str, Any]:
        """Apply, and listen up to a share of the work or to its end; returns the last event."""
        with self.stream("GET", "/e/film/events") as heard:
            lines = heard.iter_lines()
            next(lines)
            assert self.ask("apply").status_code == 202
            for line in lines:
                told = json.loads(line[6:]) if line.startswith('data: {"state"') else {}
                if told and (told["state"] != "running" or 0 < told["done"] >= until * told["total"]):
                    return told
        raise AssertionError("the server hung up")


def killed(server: int, workers: list[psutil.Process]) -> None:
    """SIGKILL to the server and to those of its workers that are given; returns when all workers have ended."""
    for process in (psutil.Process(server), *workers):
        process.kill()


def at_the_switch(results: Path, workers: list[psutil.Process]) -> None:
    """Wait until the new results begin to take their place, or are in it."""
    while not (results / "review" / JOURNAL).exists() and any(
        worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers
    ):
        time.sleep(0.0005)


@pytest.mark.parametrize(("moment", "workers_too"), [(0.0, False), (0.5, True), (JOURNAL, True)])
def test_killed_while_it_applies(results: Path, tmp_path: Path, moment: float | str, workers_too: bool) -> None:
    before = state(results)
    with Page(timeout=60) as page:
        with started(results.parent) as (page.base_url, server):  # type: ignore[assignment]
            for line, text in zip(page.state()["lines"], TEXTS, strict=True):
                gesture = {"kind": "edit", "line": line["id"], "version": 0, "text": text}
                assert page.ask("acts", gesture).status_code == 200
            page.apply(until=0.0 if isinstance(moment, str) else moment)
            workers = psutil.Process(server.pid).children()
            if isinstance(moment, str):
                at_the_switch(results, workers)
            killed(server.pid, workers if workers_too else [])
            assert psutil.wait_procs(workers, timeout=60)[1] == []
        new = applied_at_once(results, tmp_path / "undisturbed")
        going_on = (results / "review" / JOURNAL).exists()
        assert going_on or is_whole(results, before, new)
        with started(results.parent) as (page.base_url, _):  # type: ignore[assignment]
            shown = page.state()  # the first answer comes when what was begun is finished
            assert is_whole(results, before, new)
            assert [line["text"] for line in shown["lines"]] == TEXTS
            in_film = script(results).keys() == set(TEXTS)
            assert shown["dirty"] is not in_film
            assert in_film or page.ask("deliver").json()["code"] == "dirty"
            assert page.apply()["state"] == "done"
            assert script(results).keys() == set(TEXTS)
            assert {name: state(results)[name] for name in SAME} == new
            assert page.state()["dirty"] is False
            assert not (results / "review" / "next").exists()
            assert page.ask("deliver").status_code == 200
            assert page.ask("undo").json()["lines"][0]["text"] != TEXTS[1]


def applied_at_once(results: Path, to: Path) -> dict[str, str]:
    """What the delivered files are when nobody kills anything."""
    copy = Path(shutil.copytree(results, to / results.name, copy_function=os.link))
    for left in (copy / "review" / "next", copy / "review" / JOURNAL):
        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    applying.apply(copy)
    return {name: state(copy)[name] for name in SAME}


def is_whole(results: Path, before: dict[str, str], new: dict[str, str]) -> bool:
    """Whether the folder holds the old results or the new ones, and no mixture."""
    now = state(results)
    return now == before or {name: now[name] for name in SAME} == new
