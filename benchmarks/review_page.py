"""The review page of a long episode in a real browser: when it can be used, how long an edit and its voice take.

    python -m benchmarks.review_page

600 lines, and 1,500 keyframes with four candidates and five things seen each, at a server of its own on loopback, in
Chromium with nothing cached. Interactive: from the beginning of the navigation until every script has run, all lines
are in the list and keys work. An edit: from the key press until the server has answered that it is saved, and until
the answer of its check is there. A voice: of a text that was never spoken, from the key press until it plays; and from
the key press that saves the text, with the next one made as soon as it is saved.

Writes `benchmarks/results/review_page.md`.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.harness import machine
from benchmarks.row import Row
from data.media import probe
from data.records import Context, Detection, Keyframe, Line
from data.review.place import local
from data.review.session import Session
from data.review.store import Store
from data.sample import make
from data.workspace import Workspace
from pipeline.config import model
from pipeline.results.remembered import keep_settings
from pipeline.review import applying
from pipeline.work import Work
from tests.pipeline.review import made
from tests.pipeline.review.chrome import chromium, opened, until

RESULTS = Path(__file__).parent / "results" / "review_page.md"
LINES, KEYFRAMES, CANDIDATES, SEEN, TIMES = 600, 1500, 4, 5, 5
FILM = made.STEP * LINES
TEXTS = ("문이 천천히 열린다.", "남자가 들어온다.", "노을이 강물 위로 붉게 번진다.", "두 사람이 벤치에 나란히 앉는다.")
CLOCKS = """
window.took = {};
const at = (name) => (window.took[name] ??= performance.now());
addEventListener("keydown", (event) => at(event.key), true);
const asked = window.fetch, Voice = window.Audio;
window.fetch = async (...request) => {
  const answer = await asked(...request);
  at(String(request[0]).split("/").pop());
  return answer;
};
window.Audio = function (source) {
  const voice = new Voice(source);
  voice.addEventListener("playing", () => at("playing"));
  return voice;
};
"""


def main() -> None:
    """Measure and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder))
    table = ["| what | measured | target | how |", "|---|---|---|---|"]
    table += ["| {} | {} | {} | {} |".format(*astuple(row)) for row in rows]
    about = (__doc__ or "").split("\n\n")[2]
    text = "\n".join(["# The review page", "", about, "", f"Machine: {machine()}", "", *table, ""])
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


def measure(folder: Path) -> list[Row]:
    """Visits, then edits and voices."""
    long_episode(folder)
    with chromium() as browser:
        first, later = [], []
        for _ in range(TIMES):
            with server(folder / "out") as address:
                first.append(visited(browser, address))
                later.append(visited(browser, address))
        with server(folder / "out") as address:
            page = watched(browser, address)
            edits = [edited(page, number) for number in range(TIMES)]
    saved, checked, heard, whole = zip(*edits, strict=True)
    return [
        _row("interactive, first visit after the server started", first, "≤ 1 s", "the results are read from disk"),
        _row("interactive, later visits", later, "≤ 1 s", "nothing cached in the browser"),
        _row("an edit saved", saved, "≤ 100 ms", "synced to disk"),
        _row("an edit saved and re-checked", checked, "≤ 100 ms", ""),
        _row("its new voice heard", heard, "≤ 1.5 s", "espeak, from the key that asks for it"),
        _row("edited, saved and heard", whole, "≤ 1.5 s", "espeak, from the key that saves"),
    ]


def _row(figure: str, milliseconds: Iterable[float], target: str, how: str) -> Row:
    found = sorted(milliseconds)
    spread = f"median of {len(found)}, {found[0]:.0f} to {found[-1]:.0f}"
    return Row(figure, f"{statistics.median(found):.0f} ms", target, "; ".join(filter(None, (how, spread))))


@contextmanager
def server(out: Path) -> Iterator[str]:
    """The address of a page at a server of its own, a moment after it began."""
    command = [sys.executable, "-m", "pipeline.cli", "review", str(out), "--port", "0", "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.findall(r"http://[^/]+", process.stdout.readline())[0]
            time.sleep(2)  # a person needs longer to get there
            yield f"{found}/e/episode"
        finally:
            process.terminate()


def visited(browser: Browser, address: str) -> float:
    """Milliseconds until the page can be used."""
    page = opened(browser, address)
    ready = page.evaluate("performance.getEntriesByName('ready')[0].startTime")
    assert page.locator("#lines [role=option]").count() == LINES
    page.context.close()
    return float(ready)


def watched(browser: Browser, address: str) -> Page:
    """A page that keeps the times of keys, answers and voices."""
    context = browser.new_context(locale="en", viewport={"width": 1280, "height": 900})
    context.add_init_script(CLOCKS)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    page.wait_for_timeout(3000)
    return page


def edited(page: Page, number: int) -> tuple[float, float, float, float]:
    """Milliseconds until an edit is saved, checked, and heard since it was asked for and since it was saved."""
    page.locator("#lines [role=option]").nth(10 * number + 7).click()
    page.locator("#text").fill(f"아이가 마당에서 {time.monotonic_ns() % 10**6}번 웃는다.")
    page.wait_for_timeout(1500)  # what is typed is checked too
    page.evaluate("window.took = {}")
    page.locator("#text").press("Enter")
    until(page, lambda: _took(page).keys() >= {"acts", "check"})
    page.locator("#lines [tabindex='0']").focus()
    page.keyboard.press("v")
    until(page, lambda: "playing" in _took(page), 30)
    took = _took(page)
    saved, checked, heard = took["acts"] - took["Enter"], took["check"] - took["Enter"], took["playing"] - took["v"]
    return saved, checked, heard, saved + heard


def _took(page: Page) -> dict[str, Any]:
    return dict(page.evaluate("window.took"))


def long_episode(folder: Path) -> None:
    """Results of an episode of 600 lines, with many stills and much seen on them."""
    results = made.results_folder(folder / "out", lines=LINES)
    workspace = Workspace(results / "workspace")
    times = [number * FILM / KEYFRAMES for number in range(KEYFRAMES)]
    stills = [made.keyframe(number, second) for number, second in enumerate(times)]
    made.write(workspace, "keyframes", stills, {"k.jpg": made.jpeg()})
    made.write(workspace, "context", [seen(still, number) for number, still in enumerate(stills)])
    names = "abcd"[:CANDIDATES]
    made.write(workspace, "naming", [
        made.candidate(number, f"남자가 골목 {number}에서 나온다.").model_copy(update={"id": f"c{number + 1:05d}{n}"})
        for number in range(KEYFRAMES) for n in names
    ])  # fmt: skip
    made.write(workspace, "ranking", [
        made.ranked(number).model_copy(update={"id": f"rc{number + 1:05d}{n}", "candidate": f"c{number + 1:05d}{n}"})
        for number in range(KEYFRAMES) for n in names
    ])  # fmt: skip
    spoken = [
        made.narration(number, number * made.STEP + 1, TEXTS[number % len(TEXTS)]) for number in range(LINES)
    ]  # fmt: skip
    made.write(workspace, "dialogue", [])
    made.write(workspace, "schedule", spoken)
    made.write(workspace, "review", [Line(**line.model_dump()) for line in spoken])
    keep_settings(Work(probe(make(folder / "film")), results), model().model_validate({}))
    applying.sound(results, Session(results, Store(local(results)), "nobody").lines())  # as a run leaves the voices


def seen(still: Keyframe, number: int) -> Context:
    """A still with things on it."""
    objects = tuple(
        Detection(id=f"o{number}{n}", keyframe=still.id, label="chair", score=0.9, box=(0.1, 0.1, 0.2, 0.2))
        for n in range(SEEN)
    )
    return made.context(number, still.time).model_copy(update={"objects": objects})


if __name__ == "__main__":
    main()
