"""Fifty reviewers on one small server: how long it takes to answer, and whether every edit is kept.

    python -m benchmarks.review_load [REVIEWERS] [SECONDS]

Starts `vdesc review` on loopback over an episode of 600 lines and 600 keyframes. Every reviewer signs in, opens the
episode, then goes from line to line: says where they are, has a text checked twice while typing, saves it, and waits.
Half of them work on the same forty lines, so that they meet; who comes second looks and does it again.
"""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.harness import machine
from benchmarks.row import Row
from tests.pipeline.review.made import results_folder

RESULTS = Path(__file__).parent / "results" / "review_load.md"
TOKEN = "for one measurement"
LINES, SHARED = 600, 40
THINKING = 8.0
"""Seconds between two saved edits of one reviewer: quicker than anybody works, who takes 20 s a line."""

ARRIVING = 15.0
"""Seconds within which all of them open the episode."""


@dataclass
class Tally:
    """What the reviewers saw."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    saved: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Number of the act → line and text that the server said it saved."""
    conflicts: int = 0
    failed: list[str] = field(default_factory=list)


@contextmanager
def server(out: Path) -> Iterator[str]:
    """The address of a server of its own over `out`."""
    command = [sys.executable, "-m", "pipeline.cli", "review", str(out), "--port", "0", "--no-open", "--token", TOKEN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield re.findall(r"http://[^/]+", process.stdout.readline())[0]
        finally:
            process.terminate()


async def review(
    address: str, number: int, until: float, tally: Tally, thinking: float, arriving: float, edits: int
) -> None:
    """One reviewer's work."""
    rng = random.Random(number)
    await asyncio.sleep(rng.uniform(0, arriving))
    async with httpx.AsyncClient(base_url=address, timeout=60, headers={"Accept": "application/json"}) as client:
        token = re.findall(r'csrf-token" content="(\w+)"', (await client.get("/login")).text)[0]
        await client.post("/login", data={"csrf": token, "name": f"reviewer-{number}", "password": TOKEN})
        page = (await client.get("/e/episode", headers={"Accept": "text/html"})).text
        client.headers["X-CSRF-Token"] = re.findall(r'csrf-token" content="(\w+)"', page)[0]
        lines = {line["id"]: line for line in (await client.get("/e/episode/state")).json()["lines"]}
        ids = list(lines)
        mine = ids[:SHARED] if number % 2 else ids
        for _ in range(edits):
            if time.monotonic() > until:
                return
            await asyncio.sleep(rng.uniform(0, 2 * thinking))
            await _one_line(client, lines, rng.choice(mine), f"{number} {rng.random():.6f} 비가 온다.", tally)


async def _one_line(client: httpx.AsyncClient, lines: dict[str, Any], line: str, text: str, tally: Tally) -> None:
    await _timed(client, "presence", {"line": line}, tally)
    for part in (text[:-3], text):
        await _timed(client, "check", {"line": line, "text": part, "start": lines[line]["start"]}, tally)
    for _ in range(10):
        gesture = {"kind": "edit", "line": line, "version": lines[line]["version"], "text": text}
        answer = await _timed(client, "acts", gesture, tally)
        body = answer.json()
        for changed in body.get("lines", ()):
            lines[changed["id"]] = changed
        if answer.status_code == 200:
            tally.saved[lines[line]["version"]] = (line, text)
            return
        tally.conflicts += answer.status_code == 409
        if answer.status_code != 409:
            tally.failed.append(answer.text)
            return


async def _timed(client: httpx.AsyncClient, path: str, body: dict[str, Any], tally: Tally) -> httpx.Response:
    started = time.perf_counter()
    answer = await client.post(f"/e/episode/{path}", json=body)
    tally.seconds.setdefault(path, []).append(time.perf_counter() - started)
    return answer


async def load(
    address: str,
    reviewers: int,
    seconds: float,
    thinking: float = THINKING,
    arriving: float = ARRIVING,
    edits: int = 10_000,
) -> Tally:
    """All of them, for so many seconds."""
    tally, until = Tally(), time.monotonic() + seconds
    await asyncio.gather(*(review(address, n, until, tally, thinking, arriving, edits) for n in range(reviewers)))
    return tally


def lost(acts: list[dict[str, Any]], tally: Tally) -> list[int]:
    """Numbers of acts that the server had said were saved and that its history does not have as they were."""
    kept = {act["number"]: (act["line"], act["after"]["text"]) for act in acts}
    return [number for number, edit in tally.saved.items() if kept.get(number) != edit]


def history(address: str) -> list[dict[str, Any]]:
    """Every act, as a reviewer reads it."""
    with httpx.Client(base_url=address, headers={"Accept": "application/json"}, timeout=60) as client:
        token = re.findall(r'csrf-token" content="(\w+)"', client.get("/login").text)[0]
        client.post("/login", data={"csrf": token, "name": "reader", "password": TOKEN})
        return list(client.get("/e/episode/history").json()["acts"])


def rows(reviewers: int, seconds: float) -> list[Row]:
    """The measurement."""
    with tempfile.TemporaryDirectory() as folder:
        results_folder(Path(folder), lines=LINES)
        with server(Path(folder)) as address:
            tally = asyncio.run(load(address, reviewers, seconds))
            missing = lost(history(address), tally)
    every = sorted(second for of_path in tally.seconds.values() for second in of_path)
    how = f"{reviewers} reviewers, {len(every)} requests in {seconds:.0f} s, {LINES} lines, loopback, one process"
    found = [
        Row("answer, 95th percentile", f"{_percentile(every, 95):.0f} ms", "≤ 300 ms", how),
        Row("edits saved / lost", f"{len(tally.saved)} / {len(missing)}", "0 lost", f"{tally.conflicts} conflicts"),
        Row("refused for another reason", str(len(tally.failed)), "0", "; ".join(tally.failed[:1])),
    ]
    for path, times in tally.seconds.items():
        text = f"{statistics.median(times) * 1000:.0f} / {_percentile(sorted(times), 95):.0f} ms"
        found.append(Row(f"{path}: median / 95th percentile", text, "", f"{len(times)} requests"))
    return found


def _percentile(ordered: list[float], percent: int) -> float:
    return 1000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def main() -> None:
    """Measure, and write `benchmarks/results/review_load.md`."""
    on = machine()
    asked = [float(argument) for argument in sys.argv[1:]]
    found = rows(min(int(asked[0]), 200) if asked else 50, min(asked[1], 600) if len(asked) > 1 else 60)
    table = "\n".join(f"| {row.figure} | {row.value} | {row.target} | {row.how} |" for row in found)
    text = f"# Reviewers at once\n\nMachine: {on}\n\n| what | measured | target | how |\n|---|---|---|---|\n{table}\n"
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
