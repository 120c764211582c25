"""A real film, described and reviewed in a real browser, up to the film that goes out."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, Response

from tests.pipeline.review.chrome import Reader, chromium, leave, opened, served, until

pytestmark = pytest.mark.slow
FILM = "bbb-30s/big_buck_bunny_0_30.webm"
PEACH = "THE PEACH OPEN MOVIE PROJECT PRESENTS"


@pytest.fixture(scope="module")
def out(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    film = Path(shutil.copy(media / FILM, folder / "bunny.webm"))
    command = [Path(sys.executable).parent / "vdesc", "run", film, "-c", "embedded", "--out", folder / "out"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out"


def pictures(path: Path) -> str:
    """A hash of the film's coded pictures."""
    with av.open(str(path)) as film:
        packets = [bytes(packet) for packet in film.demux(film.streams.video[0])]
    return hashlib.sha256(b"".join(packets)).hexdigest()


def loudest(stem: Path, start: float, end: float) -> float:
    samples, rate = soundfile.read(stem)
    return float(np.abs(samples[round(start * rate) : round(end * rate)]).max())


def act(page: Page, action: str) -> None:
    """Use the button of an action."""
    page.locator(f"[data-action={action}]").first.click()


def lines(reader: Reader) -> list[str]:
    """The list, as it is read."""
    return [" ".join(text.split()) for text in reader.page.locator("#lines [role=option]").all_inner_texts()]


def test_from_the_draft_to_the_film_that_goes_out(out: Path) -> None:
    results = out / "bunny"
    (film,) = results.glob("described.*")
    before, shown = hashlib.sha256(film.read_bytes()).hexdigest(), pictures(film)
    with chromium() as browser, served(out) as address:
        reader = Reader(page := opened(browser, f"{address}/e/bunny"))
        answers: list[Response] = []
        page.on("response", lambda answer: answers.append(answer))  # Playwright marks what it is given
        first, second = lines(reader)
        assert PEACH in second

        # Another candidate, by one key.
        reader.press("g", "Home", "1")  # of two that are worth the same the second was spoken
        until(page, lambda: lines(reader)[0] != first)
        swapped = lines(reader)[0]

        # Another text, checked while it is typed, and heard in its voice.
        page.locator("#lines [role=option]").nth(1).click()
        page.locator("#text").fill("복숭아의 이름이 떠오른다.")
        until(page, lambda: "syllables" in page.locator("#fit").inner_text())
        page.locator("#text").press("Enter")
        reader.hears("Saved")
        act(page, "speak")
        until(page, lambda: any(answer.url.endswith("/speak") and answer.ok for answer in answers))
        until(page, lambda: any("/clips/" in answer.url and answer.ok for answer in answers))

        # Taken back, and made again.
        act(page, "undo")
        reader.hears("Undone")
        until(page, lambda: PEACH in lines(reader)[1])
        act(page, "redo")
        reader.hears("Done again")
        until(page, lambda: "복숭아의 이름이" in lines(reader)[1])

        # A name is another one everywhere, and its particle follows.
        act(page, "rename")
        page.get_by_role("textbox", name="Name now").fill("복숭아")
        page.get_by_role("textbox", name="New name").fill("수박")
        page.get_by_role("textbox", name="New name").press("Enter")
        reader.hears("1 lines changed")
        until(page, lambda: "수박의 이름이 떠오른다." in lines(reader)[1])

        # Nothing goes out that is not in the film; then it is.
        assert hashlib.sha256(film.read_bytes()).hexdigest() == before
        act(page, "deliver")
        reader.hears("Not yet: some changes are not in the film; apply them first")
        act(page, "apply")
        reader.hears("Applied: the film, the scripts and the report are new", seconds=90)
        act(page, "deliver")
        reader.hears("Delivered")
        leave(page)

    assert hashlib.sha256(film.read_bytes()).hexdigest() != before
    assert pictures(film) == shown, "the pictures are never encoded again"
    script = json.loads((results / "script.json").read_text(encoding="utf-8"))["narrations"]
    assert [line["text"] for line in script] == [swapped.split(maxsplit=2)[2], "수박의 이름이 떠오른다."]
    assert "수박의 이름이 떠오른다." in (results / "descriptions.ko.vtt").read_text(encoding="utf-8")
    for line in script:
        assert loudest(results / "narration.wav", line["start"], line["end"]) > 0.05
    delivered = json.loads((results / "review" / "delivered.json").read_text(encoding="utf-8"))
    assert film.name in delivered["files"]
