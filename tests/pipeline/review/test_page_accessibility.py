"""WCAG as far as a machine can tell (axe-core), in both languages and all colours, on narrow and on enlarged pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from pipeline.review.publish import publish
from tests.pipeline.review.chrome import chromium, leave, opened, served
from tests.pipeline.review.made import results_folder

pytestmark = pytest.mark.slow
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
EVERY_THEME = pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
EVERY_LANGUAGE = pytest.mark.parametrize("language", ["en", "ko"])
DIALOGS = (
    "help", "problems", "why", "whyHere", "replace", "rename", "history", "compare", "levels", "export", "add", "split",
    "deliver",
)  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    out = tmp_path_factory.mktemp("results")
    results_folder(out, lines=6)
    results_folder(out, "met")
    with served(out) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def violations(page: Page) -> list[Any]:
    """What axe-core finds, with the element."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [(rule["id"], node["html"], node["failureSummary"]) for rule in found for node in rule["nodes"]]


def plain(browser: Browser, address: str, language: str, theme: str, **context: Any) -> Page:
    """A page that says nothing when it is ready."""
    made = browser.new_context(locale=language, **context)
    made.add_init_script(f"if (location.host) localStorage.setItem('review.theme', '{theme}')")
    page = made.new_page()
    page.goto(address)
    return page


def act(page: Page, action: str) -> None:
    """Use the button of an action."""
    page.locator(f"[data-action={action}]").first.click()


@EVERY_LANGUAGE
@EVERY_THEME
def test_axe_finds_nothing_on_the_page(browser: Browser, address: str, language: str, theme: str) -> None:
    page = opened(browser, f"{address}/e/episode", language, theme)
    assert page.locator("html").get_attribute("lang") == language
    page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    assert violations(page) == []
    leave(page)


@EVERY_LANGUAGE
@EVERY_THEME
def test_axe_finds_nothing_in_any_dialog(browser: Browser, address: str, language: str, theme: str) -> None:
    page = opened(browser, f"{address}/e/episode", language, theme)
    for action in DIALOGS:
        act(page, action)
        page.wait_for_selector("dialog[open]")
        page.wait_for_selector("dialog [aria-busy]", state="detached")
        assert violations(page) == [], action
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")
        assert page.evaluate("document.activeElement.dataset.action") == action
    leave(page)


@EVERY_LANGUAGE
@EVERY_THEME
def test_axe_finds_nothing_where_two_reviewers_met(browser: Browser, address: str, language: str, theme: str) -> None:
    first, second = (opened(browser, f"{address}/e/met", language, theme) for _ in range(2))
    second.route("**/state", lambda route: route.abort())  # has not heard of the other's change yet
    for page, text in ((first, f"{language} {theme} 창문이 열린다."), (second, f"{language} {theme} 문이 열린다.")):
        page.locator("#text").fill(text)
        page.locator("#text").press("Enter")
        page.wait_for_selector("dialog[open]" if page is second else "#status:not(:empty)")
    assert violations(second) == []
    leave(first)
    leave(second)


@EVERY_LANGUAGE
@EVERY_THEME
@pytest.mark.parametrize(
    "path", ["/", "/?q=nothing", "/e/episode/history", "/e/met/history", "/e/episode/compare", "/e/episode/why?at=1"]
)
def test_axe_finds_nothing_on_the_pages_around_it(
    browser: Browser, address: str, path: str, language: str, theme: str
) -> None:
    page = plain(browser, address + path, language, theme)
    assert violations(page) == []
    page.context.close()


@EVERY_LANGUAGE
@EVERY_THEME
def test_axe_finds_nothing_on_the_way_in(browser: Browser, tmp_path: Path, language: str, theme: str) -> None:
    results_folder(tmp_path)
    with served(tmp_path, "a secret of this studio") as address:
        page = plain(browser, f"{address}/e/episode", language, theme)
        assert page.url == f"{address}/login?to=/e/episode"
        assert violations(page) == []
        page.locator("#name").fill("sua")
        page.locator("#password").fill("not the token")
        page.locator("#password").press("Enter")
        page.wait_for_selector("[role=alert]")
        assert violations(page) == []
        page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_for_viewers(browser: Browser, tmp_path: Path, scheme: str) -> None:
    for name in ("first", "second"):
        results_folder(tmp_path / "out", name)
    start = publish(tmp_path / "out", tmp_path / "web")
    pages = [start, *start.parent.glob("*/index.html")]
    assert len(pages) == 3
    for path in pages:
        page = plain(browser, path.as_uri(), "ko", "", color_scheme=scheme)
        assert violations(page) == [], path
        page.context.close()


def test_axe_would_find_what_breaks_the_rules(browser: Browser, address: str) -> None:
    page = opened(browser, f"{address}/e/episode")
    page.evaluate("document.querySelector('#text').labels[0].remove()")
    page.evaluate("document.querySelector('[data-action=undo]').style.cssText = 'width: 9px; height: 9px; padding: 0'")
    page.evaluate("document.querySelector('[data-action=redo]').style.cssText = 'width: 9px; height: 9px; padding: 0'")
    assert {rule for rule, *_ in violations(page)} >= {"label", "target-size"}
    leave(page)


@pytest.mark.parametrize("width", [320, 640])
def test_nothing_is_cut_off_on_a_narrow_page(browser: Browser, address: str, width: int) -> None:
    """320 CSS pixels are 1280 at 400 % (WCAG 1.4.10), 640 are 1280 at 200 % (1.4.4)."""
    page = opened(browser, f"{address}/e/episode", viewport={"width": width, "height": 600})
    page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate(
        """() => [...document.querySelectorAll("main button, main select, main input, main textarea")]
            .filter((e) => e.checkVisibility() && !e.closest(".scroll"))
            .filter((e) => e.getBoundingClientRect().right > innerWidth || e.getBoundingClientRect().left < 0)
            .map((e) => e.outerHTML)"""
    )
    assert cut == []
    for action in DIALOGS:
        act(page, action)
        page.wait_for_selector("dialog[open]")
        assert page.evaluate("document.querySelector('dialog').scrollWidth") <= width, action
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")
    leave(page)


def test_targets_are_large_enough(browser: Browser, address: str) -> None:
    """24 by 24 CSS pixels (WCAG 2.5.8)."""
    page = opened(browser, f"{address}/e/episode")
    page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, select, summary, main input:not([type=radio]), [role=option]")]
            .filter((e) => e.checkVisibility())
            .filter((e) => e.getBoundingClientRect().height < 24 || e.getBoundingClientRect().width < 24)
            .map((e) => e.outerHTML)"""
    )
    assert small == []
    leave(page)


def test_nothing_moves_where_less_motion_is_asked_for(browser: Browser, address: str) -> None:
    page = opened(browser, f"{address}/e/episode", reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.getElementById('apply-bar')).transitionDuration") == "0s"
    assert page.evaluate("document.getAnimations().length") == 0
    leave(page)


def test_the_lines_read_without_scripts(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/e/episode")
    assert (page.locator("#lines li").first.text_content() or "").split() == ["1", "0:01.0", "1.", "문이", "열린다."]
    assert "Scripts are off" in (page.locator("noscript").text_content() or "")
    context.close()
