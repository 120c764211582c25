"""What the headers of every answer are good for, in a real browser: with each of them gone the attack works."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from pipeline.review import security
from pipeline.review.templating import templates
from tests.pipeline.review.chrome import chromium, served
from tests.pipeline.review.made import results_folder

pytestmark = pytest.mark.slow
RAN = "window.ran === true"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def unescaped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The first line of defence has fallen: texts reach the page as markup."""
    monkeypatch.setattr(templates(), "autoescape", False)
    templates().cache.clear()  # type: ignore[union-attr]
    yield
    templates().cache.clear()  # type: ignore[union-attr]


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Answers no longer carry these headers."""
    monkeypatch.setattr(security, "HEADERS", {k: v for k, v in security.HEADERS.items() if k not in names})


@contextmanager
def visited(browser: Browser, address: str) -> Iterator[Page]:
    """The page, all of it loaded: what would run has run."""
    context = browser.new_context(locale="en")
    page = context.new_page()
    page.goto(address, wait_until="load")
    page.wait_for_timeout(300)
    yield page
    context.close()


def evaluated(browser: Browser, address: str, script: str) -> Any:
    """What a script finds in the page."""
    with visited(browser, address) as page:
        return page.evaluate(script)


@contextmanager
def elsewhere(page: str = "") -> Iterator[tuple[str, list[str]]]:
    """Another site: its address, and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


@pytest.mark.usefixtures("unescaped")
@pytest.mark.parametrize(
    "caption",
    ["<script>window.ran = true</script>", "<img src=x onerror='window.ran = true'>",
     "<details open ontoggle='window.ran = true'></details>"],
)  # fmt: skip
def test_a_script_in_a_caption_does_not_run(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caption: str
) -> None:
    results_folder(tmp_path, text=caption)
    with served(tmp_path) as address:
        assert not evaluated(browser, f"{address}/e/episode", RAN)
        without(monkeypatch, "Content-Security-Policy")
        assert evaluated(browser, f"{address}/e/episode", RAN)


@pytest.mark.usefixtures("unescaped")
def test_a_caption_sends_nothing_elsewhere(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with elsewhere() as (other, asked):
        results_folder(tmp_path, text=f"<img src='{other}/picture'><script src='{other}/script'></script>")
        with served(tmp_path) as address:
            evaluated(browser, f"{address}/e/episode", RAN)
            assert asked == []
            without(monkeypatch, "Content-Security-Policy")
            evaluated(browser, f"{address}/e/episode", RAN)
            assert {"/picture", "/script"} <= set(asked)


def test_another_site_cannot_hide_the_page_in_a_frame(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clickjacking: the victim would press Deliver under a picture."""
    results_folder(tmp_path)

    def framed(address: str) -> bool:
        other_site = elsewhere(f"<iframe src='{address}/e/episode'></iframe>")
        with other_site as (other, _), visited(browser, other) as page:
            return any(frame.locator("#episode").count() for frame in page.frames)

    with served(tmp_path) as address:
        assert not framed(address)
        without(monkeypatch, "Content-Security-Policy", "X-Frame-Options")
        assert framed(address)


def test_a_script_cannot_read_the_session(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results_folder(tmp_path)
    with served(tmp_path) as address:
        assert evaluated(browser, address, "document.cookie") == ""
        monkeypatch.setattr("starlette.responses.Response.set_cookie", readable)
        assert "vdesc-" in evaluated(browser, address, "document.cookie")


def readable(response: object, key: str, value: str, **_: object) -> None:
    """A cookie that is not HttpOnly."""
    response.headers.append("set-cookie", f"{key}={value}; Path=/")  # type: ignore[attr-defined]
