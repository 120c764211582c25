"""The page at a real server: hostile texts, two reviewers, the sound, long episodes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from data.formats import FILES
from data.media import probe
from data.workspace import Workspace
from pipeline.config import model
from pipeline.results.remembered import keep_settings
from pipeline.review.texts import page_texts, templates
from pipeline.work import Work
from tests.pipeline.review.chrome import Reader, chromium, leave, opened, served, until
from tests.pipeline.review.made import HOSTILE, candidate, results_folder, write

REVIEW = Path(__file__).resolve().parents[3] / "pipeline" / "review"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    results_folder(tmp_path, lines=3)
    with served(tmp_path) as address:
        yield f"{address}/e/episode"


def test_the_page_loads_all_its_scripts_at_once() -> None:
    template = (REVIEW / "templates" / "episode.html").read_text(encoding="utf-8")
    listed = re.search(r"for name in \((.*?)\)", template)
    assert listed
    imported = {
        name
        for path in (REVIEW / "static").glob("*.js")
        for name in re.findall(r'from "\./(\w+)\.js"', path.read_text(encoding="utf-8"))
    }
    assert set(re.findall(r'"(\w+)"', listed[1])) == imported


def test_every_format_can_be_exported(browser: Browser, address: str) -> None:
    page = opened(browser, address)
    page.locator("[data-action=export]").click()
    links = [link.get_attribute("href") or "" for link in page.locator("dialog a").all()]
    assert {link.rpartition("/")[2] for link in links} == set(FILES)
    leave(page)


def test_scripts_get_their_texts_in_the_language_of_the_page() -> None:
    from data import messages

    assert page_texts() == {}
    with messages.answering("ko"):
        assert page_texts()["Approved"] == "승인했습니다"
        assert set(page_texts()) == templates()


def test_hostile_texts_stay_texts(browser: Browser, tmp_path: Path) -> None:
    results_folder(tmp_path, lines=2, text=HOSTILE)
    with served(tmp_path) as address:
        page = opened(browser, f"{address}/e/episode")
        ran: list[str] = []
        page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
        assert HOSTILE in page.locator("#lines [role=option]").first.text_content()
        for action in ("history", "compare", "split", "levels"):
            page.locator(f"[data-action={action}]").first.click()
            page.wait_for_selector("dialog[open]")
            page.keyboard.press("Escape")
        assert page.locator("main img[src='x']").count() == 0
        assert ran == []
        leave(page)


def test_the_second_of_two_reviewers_sees_what_changed_and_merges(browser: Browser, address: str) -> None:
    first, second = opened(browser, address), opened(browser, address)
    second.route("**/state", lambda route: route.abort())  # has not heard of the other's change yet
    for page, text in ((first, "창문이 열린다."), (second, "문이 살짝 열린다.")):
        page.locator("#text").fill(text)
        page.locator("#text").press("Enter")
        if page is first:
            Reader(page).hears("Saved")
    second.wait_for_selector("dialog[open]")
    told = second.locator("dialog").inner_text()
    assert "창문이 열린다." in told
    assert "문이 살짝 열린다." in told
    second.unroute("**/state")
    second.locator("dialog textarea").fill("창문이 살짝 열린다.")
    second.get_by_role("button", name="Save this text").click()
    until(first, lambda: "창문이 살짝 열린다." in (first.locator("#lines").text_content() or ""))
    leave(first)
    leave(second)


def test_words_that_were_typed_are_saved_when_the_page_is_left(browser: Browser, address: str) -> None:
    page, other = opened(browser, address), opened(browser, address)
    page.locator("#text").fill("창문이 닫힌다.")
    page.goto("about:blank")
    until(other, lambda: "창문이 닫힌다." in (other.locator("#lines").text_content() or ""))
    leave(page)
    leave(other)


def test_a_refused_change_is_told_and_the_words_stay(browser: Browser, address: str) -> None:
    page = opened(browser, address)
    page.route("**/acts", lambda route: route.abort())
    page.locator("#text").fill("창문이 닫힌다.")
    page.locator("#text").press("Enter")
    until(page, lambda: "does not answer" in page.locator("#alert").inner_text())
    assert page.locator("#text").input_value() == "창문이 닫힌다."
    page.unroute("**/acts")
    page.locator("#text").press("Enter")
    Reader(page).hears("Saved")
    leave(page)


def test_the_programme_dips_under_narration_as_it_will_sound(browser: Browser, address: str) -> None:
    page = opened(browser, address)
    gains = page.evaluate(
        """async () => {
            const { sound } = await import("/static/player.js");
            sound.plan = { ducks: [{ start: 2, end: 4, attack: 0.4, release: 1, depth: 6.0206 }], clips: [] };
            const at = (mode) => { sound.mode = mode; return [1, 1.8, 3, 4.5, 6].map((s) => sound.gainAt(s)); };
            return [at("described"), at("original"), at("narration")];
        }"""
    )
    assert gains[0] == pytest.approx([1, 0.75, 0.5, 0.75, 1], abs=1e-4)
    assert gains[1] == [1] * 5
    assert gains[2] == [0] * 5
    leave(page)


def test_a_long_episode_is_light(browser: Browser, tmp_path: Path) -> None:
    """600 lines: no picture is fetched but that of the line at hand, and a line costs a handful of elements."""
    results_folder(tmp_path, lines=600)
    with served(tmp_path) as address:
        context = browser.new_context()
        page = context.new_page()
        pictures: list[str] = []
        page.on("request", lambda request: pictures.append(request.url) if "/keyframes/" in request.url else None)
        page.goto(f"{address}/e/episode")
        page.wait_for_selector("html[data-ready]")
        assert page.locator("#lines [role=option]").count() == 600
        assert page.evaluate("document.querySelectorAll('*').length") < 600 * 6 + 1000
        assert len(pictures) <= 1
        context.close()


@pytest.fixture
def unsupported(tmp_path: Path) -> Path:
    """Results whose first line claims a dog that nobody saw."""
    results = results_folder(tmp_path, lines=2, text="강아지가 문으로 뛴다.")
    workspace = Workspace(results / "workspace")
    marked = candidate(0, "1. 강아지가 문으로 뛴다.").model_copy(update={"unsupported": ("강아지",)})
    write(workspace, "naming", [marked, candidate(1, "2. 강아지가 문으로 뛴다.")])
    return results


def test_a_claim_without_evidence_is_marked_in_words(browser: Browser, unsupported: Path) -> None:
    with served(unsupported.parent) as address:
        page = opened(browser, f"{address}/e/episode")
        rows = page.locator("#lines [role=option]").all_text_contents()
        assert "no evidence: 강아지" in rows[0]
        assert "no evidence" not in rows[1]
        words = "No evidence: “강아지” (nothing of the kind was detected in the picture)"
        until(page, lambda: words in page.locator("#findings").inner_text())
        button = page.locator("#candidates button")
        assert page.locator(f"#{button.get_attribute('aria-describedby')}").inner_text() == words
        page.locator("#text").fill("문이 열린다.")
        until(page, lambda: "No evidence" not in page.locator("#findings").inner_text())
        page.locator("#text").press("Escape")
        page.keyboard.press("a")
        until(page, lambda: "no evidence" not in (page.locator("#lines [role=option]").first.text_content() or ""))
        leave(page)


def test_voices_that_are_known_are_offered(browser: Browser, sample_film: Path, tmp_path: Path) -> None:
    results = results_folder(tmp_path, lines=1)
    keep_settings(Work(probe(sample_film), results), model().model_validate({}))
    with served(tmp_path) as address:
        page = opened(browser, f"{address}/e/episode")
        page.locator("#voice-box summary").click()
        page.locator("#voice").select_option("f3")
        page.get_by_role("button", name="Save the voice").click()
        Reader(page).hears("Saved")
        leave(page)
        page = opened(browser, f"{address}/e/episode")
        assert page.locator("#voice").input_value() == "f3"
        leave(page)


def test_levels_of_detail_stand_side_by_side(browser: Browser, tmp_path: Path) -> None:
    for level, text in (("short", "문이 열린다."), ("rich", "문이 천천히 열린다.")):
        results_folder(tmp_path / "film" / "levels", level, lines=2, text=text)
    with served(tmp_path) as address:
        page = opened(browser, f"{address}/e/film-short")
        page.locator("[data-action=levels]").click()
        shown = page.get_by_role("dialog").get_by_role("table").first
        shown.wait_for()
        assert shown.get_by_role("columnheader").all_inner_texts() == ["Pause", "short", "rich"]
        cells = shown.get_by_role("row").nth(1).get_by_role("cell").all_inner_texts()
        assert cells == ["0:00.5", "0:01.0 1. 문이 열린다.", "0:01.0 1. 문이 천천히 열린다."]
        films = page.get_by_role("dialog").locator("video")
        assert [film.get_attribute("src") for film in films.all()] == [
            "/e/film-short/described",
            "/e/film-rich/described",
        ]
        page.get_by_role("link", name="Review rich").click()
        page.wait_for_selector("html[data-ready]")
        assert "(rich)" in page.locator("h1").inner_text()
        leave(page)
