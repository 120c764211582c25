"""A real browser at a real server, and what a screen reader would be told there."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from pipeline.review.accounts import Accounts, Person
from pipeline.review.app import create
from pipeline.review.desk import Desk
from pipeline.review.folders import database

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--use-fake-device-for-media-stream",  # a microphone that beeps
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
VIEW = {"width": 1280, "height": 900}
FAULTS: list[str] = []
"""What scripts of open pages threw and nobody caught."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """An installed Chromium; skips the test where there is none.

    Never kept for a whole session: Playwright's loop would stand in the way of tests that run loops of their own.
    """
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if not found:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*ARGUMENTS, "--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def served(folder: Path, token: str | None = None) -> Iterator[str]:
    """The address of a review server over `folder`, for this machine's user or for who has the token."""
    desk = Desk(folder, Accounts(database(folder, None)), None, None if token else Person("jiwoo", "lead"), token)
    config = uvicorn.Config(create(desk), log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


def opened(browser: Browser, address: str, language: str = "en", theme: str = "light", **context: Any) -> Page:
    """A page whose scripts have begun, in a context of its own."""
    made = browser.new_context(**({"viewport": VIEW, "locale": language} | context))
    made.add_init_script(f"if (location.host) localStorage.setItem('review.theme', '{theme}')")
    page = made.new_page()
    made.on("weberror", lambda error: FAULTS.append(f"{address}: {error.error}"))
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    return page


def leave(page: Page) -> None:
    """Close the page's context; fails where a script of it threw."""
    page.context.close()
    faults, FAULTS[:] = FAULTS[:], []
    assert not faults, faults


def until(page: Page, happened: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until something has happened (Playwright's own wait evaluates strings, which the policy forbids)."""
    end = time.monotonic() + seconds
    while not happened() and time.monotonic() < end:
        page.wait_for_timeout(50)
    assert happened()


class Reader:
    """What a screen reader says: from the accessibility tree, never from the markup."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._tree = page.context.new_cdp_session(page)
        self._tree.send("Accessibility.enable")

    def press(self, *keys: str) -> str:
        """Press keys one after another; returns what has the focus then."""
        for key in keys:
            self.page.keyboard.press(key)
        return self.focus()

    def focus(self) -> str:
        """Role and name of what has the focus."""
        for node in self._tree.send("Accessibility.getFullAXTree")["nodes"]:
            properties = {entry["name"]: entry["value"].get("value") for entry in node.get("properties", [])}
            if properties.get("focused") and node["role"]["value"] != "RootWebArea":
                return f"{node['role']['value']}: {' '.join(node['name']['value'].split())}"
        return "nothing"

    def described(self) -> str:
        """The description of what has the focus."""
        for node in self._tree.send("Accessibility.getFullAXTree")["nodes"]:
            properties = {entry["name"]: entry["value"].get("value") for entry in node.get("properties", [])}
            if properties.get("focused") and node["role"]["value"] != "RootWebArea":
                return str(node.get("description", {}).get("value", ""))
        return ""

    def hears(self, text: str, seconds: float = 20) -> None:
        """Wait until a live region says `text` as a whole."""
        until(self.page, lambda: text in self.told(), seconds)

    def told(self) -> list[str]:
        """What the live regions say now."""
        regions = self.page.locator("[role=status], [role=alert]").all_inner_texts()
        return [region.replace("\u00a0", " ").strip() for region in regions if region.strip()]

    def reaches(self, words: str, seconds: float = 10) -> str:
        """Wait until what has the focus is called by `words` (a part of role and name)."""
        until(self.page, lambda: words in self.focus(), seconds)
        return self.focus()
