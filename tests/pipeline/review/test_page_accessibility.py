"""WCAG as far as a machine can tell (axe-core), in both languages and all colours, on narrow and on enlarged pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.pipeline.review.chrome import chromium, leave, opened, served
from tests.pipeline.review.made import results_folder

pytestmark = pytest.mark.slow
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}}
DIALOGS = (
    "help", "problems", "replace", "rename", "history", "compare", "levels", "export", "add", "split", "deliver",
)  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    out = tmp_path_factory.mktemp("results")
    results_folder(out, lines=6)
    with served(out) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def violations(page: Page) -> list[Any]:
    """What axe-core finds, with the element."""
    found = Axe().run(page, options=RULES)["violations"]
    return [(rule["id"], node["html"], node["failureSummary"]) for rule in found for node in rule["nodes"]]


def act(page: Page, action: str) -> None:
    """Use the button of an action."""
    page.locator(f"[data-action={action}]").first.click()


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_axe_finds_nothing_on_the_page(browser: Browser, address: str, language: str, theme: str) -> None:
    page = opened(browser, f"{address}/e/episode", language, theme)
    assert page.locator("html").get_attribute("lang") == language
    page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    assert violations(page) == []
    leave(page)


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("ko", "light")])
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


@pytest.mark.parametrize("path", ["/", "/e/episode/history", "/e/episode/compare"])
def test_axe_finds_nothing_on_the_pages_around_it(browser: Browser, address: str, path: str) -> None:
    context = browser.new_context(locale="ko")
    page = context.new_page()
    page.goto(address + path)
    assert violations(page) == []
    context.close()


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
