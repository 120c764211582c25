"""A reviewer goes through the whole sample episode without a mouse; every step is heard, none is seen."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.review.chrome import Reader, chromium, leave, opened, served, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def out(described_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(described_sample, tmp_path_factory.mktemp("review") / "sample")) / "out"


@pytest.fixture(scope="module")
def reader(out: Path) -> Iterator[Reader]:
    with served(out) as address, chromium() as browser:
        reader = Reader(opened(browser, f"{address}/e/sample"))
        yield reader
        leave(reader.page)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_whole_episode_by_keyboard(reader: Reader, out: Path) -> None:
    film = digest(out / "sample" / "described.mp4")

    # Into the page, and to the lines.
    assert reader.press("Tab") == "link: To the content"
    reader.press("Enter")
    assert reader.press("g").startswith("option: 1 0:06.2 글자, ‘SEOUL STATION’.")

    # Another candidate by one key.
    reader.press("2")
    reader.hears("Candidate 2: ‘SEOUL STATION’이라고 적혀 있다.")
    assert reader.focus().startswith("option: 1 0:06.2 ‘SEOUL STATION’이라고 적혀 있다.")
    reader.press("a")
    reader.hears("Approved")
    assert reader.focus().endswith("approved")

    # The next line: its text is changed, heard, approved.
    assert reader.press("n").startswith("option: 2 0:19.4 한 사람이 있다.")
    assert reader.press("Enter").startswith("textbox: Text")
    until(reader.page, lambda: "syllables" in reader.described())
    reader.press("Control+a")
    reader.page.keyboard.insert_text("한 사람이 서 있다.")
    reader.press("Enter")
    reader.hears("Saved")
    assert reader.press("Escape").startswith("option: 2 0:19.4 한 사람이 서 있다.")
    reader.press("a")
    reader.hears("Approved")

    # One is flagged, one rejected; a decision is taken back and made again.
    assert reader.press("n").startswith("option: 3")
    reader.press("f")
    reader.hears("Flagged")
    assert reader.press("ArrowDown").startswith("option: 4")
    reader.press("r")
    reader.hears("Rejected: it will not be spoken")
    reader.press("Control+z")
    reader.hears("Undone")
    assert not reader.reaches("option: 4").endswith("rejected")
    reader.press("Control+Shift+z")
    reader.hears("Done again")
    assert reader.reaches("rejected").startswith("option: 4")

    # A line of one's own, which is moved without dragging.
    assert reader.press("i") == "textbox: Text"
    reader.page.keyboard.insert_text("문이 열린다.")
    assert reader.press("Tab").startswith("combobox: In the gap")
    assert reader.press("Tab").startswith("spinbutton: Starts at (seconds)")
    reader.press("Control+a")
    reader.page.keyboard.insert_text("30")
    reader.press("Enter")
    reader.hears("Added")
    assert reader.reaches("option: 3 0:30.0 문이 열린다.")
    reader.press(".")
    reader.hears("It starts at 30.1 s")
    reader.press("a")
    reader.hears("Approved")

    # What is left: the flagged line. Then everything is decided.
    assert reader.press("n").endswith("flagged")
    reader.press("a")
    reader.reaches("approved")
    reader.press("n")
    reader.hears("Every line is decided")

    # The film is made anew.
    reader.press("Shift+a")
    reader.hears("Applied: the film, the scripts and the report are new", seconds=120)
    assert reader.focus().startswith("option: ")
    assert digest(out / "sample" / "described.mp4") != film
    script = (out / "sample" / "descriptions.ko.vtt").read_text(encoding="utf-8")
    assert "문이 열린다." in script
    assert "한 사람이 서 있다." in script
    assert "LAUNCH PAD" not in script

    # And it is said whether it may go out.
    reader.press("Shift+d")
    until(
        reader.page,
        lambda: "Delivered" in reader.told() or reader.focus().startswith("heading: Not delivered: errors stand"),
    )


def test_dialogs_give_the_focus_back(reader: Reader) -> None:
    reader.press("Escape")
    line = reader.press("g")
    for key, heading in (
        ("?", "Keys"),
        ("q", "Problems"),
        ("w", "Why this line?"),
        ("Shift+w", "Why is nothing said here?"),
        ("h", "History"),
        ("c", "Compare with the draft"),
        ("Shift+l", "Levels"),
        ("Shift+e", "Export"),
    ):
        assert reader.press(key) == f"heading: {heading}"
        reader.page.wait_for_selector("dialog[open] :not([aria-busy])")
        assert reader.press("Escape") == line


def test_a_name_is_changed_everywhere_after_a_look_at_what_would_change(reader: Reader) -> None:
    reader.press("g")
    assert reader.press("/") == "textbox: Find"
    reader.page.keyboard.insert_text("한 사람")
    assert reader.press("Tab") == "textbox: Replace by"
    reader.page.keyboard.insert_text("민지")
    reader.hears("1 lines would change")
    reader.press("Enter")
    reader.hears("1 lines changed")
    assert reader.focus().startswith("option: ")
    reader.press("Control+z")
    reader.hears("Undone")


def test_the_position_is_said_on_request(reader: Reader) -> None:
    reader.press("g", "Home")
    reader.press("t")
    assert any(told.endswith(" s") for told in reader.told())


def test_a_line_is_heard_in_the_film_with_the_programme_lowered(reader: Reader) -> None:
    heard = """async () => {
        const { sound } = await import("/static/player.js");
        return [sound.playing.length, sound.programme?.gain.value ?? 1, document.getElementById("film").paused];
    }"""
    reader.press("g", "Home", "p")
    until(reader.page, lambda: reader.page.evaluate(heard)[0] > 0)
    until(reader.page, lambda: reader.page.evaluate(heard)[1] < 0.6)
    reader.press("m")
    reader.hears("Narration only")
    assert reader.page.evaluate(heard)[1] == 0
    reader.press("m", "m", "b")
    reader.hears("The picture is hidden")
    assert not reader.page.locator("#film").is_visible()
    reader.press("b", "Space")
    until(reader.page, lambda: bool(reader.page.evaluate(heard)[2]))
    assert reader.page.evaluate(heard)[0] == 0


def test_single_keys_can_be_switched_off_and_given_to_other_actions(reader: Reader) -> None:
    reader.press("g", "Home")
    reader.press("?")
    reader.page.get_by_role("button", name="To the text: E").focus()
    reader.press("Enter", "y")
    reader.hears("To the text: Y")
    reader.press("Escape")
    assert reader.press("e").startswith("option: ")
    assert reader.press("y").startswith("textbox: Text")
    reader.press("Escape", "?")
    reader.page.get_by_role("checkbox").focus()
    reader.press("Space", "Escape")
    assert reader.press("y").startswith("option: ")
    assert reader.press("Enter").startswith("textbox: Text")
    reader.page.evaluate("localStorage.clear()")


def test_a_line_is_recorded_with_the_microphone(reader: Reader, out: Path) -> None:
    reader.press("Escape", "g", "Home")
    reader.press("Shift+r")
    reader.hears("Recording; the same key ends it")
    reader.page.wait_for_timeout(1500)  # the fake microphone beeps once a second
    reader.press("Shift+r")
    reader.hears("The recording is saved")
    assert reader.focus().endswith("recorded")
    assert list((out / "sample" / "review" / "recordings").glob("*.wav"))


def test_the_timeline_reads_as_a_list(reader: Reader) -> None:
    page = reader.page
    page.get_by_text("The same as a list").focus()
    reader.press("Enter")
    table = page.get_by_role("table", name="Timeline as a list")
    kinds = {row.split("\t")[1] for row in table.get_by_role("row").all_inner_texts()[1:]}
    assert {"shot", "dialogue", "gap", "narration"} <= kinds
    page.get_by_role("button", name="Go to the line at").first.focus()
    assert reader.press("Enter").startswith("option: ")
