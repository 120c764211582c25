"""A browser's memory: cookies, and the token that the page carries."""

from __future__ import annotations

import re
from typing import Any

from starlette.testclient import TestClient

ADDRESS = "http://127.0.0.1:8765"
PASSWORD = "correct horse battery"


class Browser(TestClient):
    """A client that sends the token of the page it has seen."""

    def token(self, path: str = "/") -> str:
        """The token in a page."""
        found = re.search(r'name="csrf-token" content="([0-9a-f]+)"', self.get(path).text)
        assert found, path
        return found[1]

    def ask(self, path: str, body: Any = None, page: str = "/", **more: Any) -> Any:
        """POST as the page's script does."""
        return self.post(path, json=body, headers={"X-CSRF-Token": self.token(page)}, **more)

    def sign_in(self, name: str, password: str = PASSWORD, to: str = "/") -> Any:
        """Send the form of the login page."""
        form = {"csrf": self.token("/login"), "name": name, "password": password, "to": to}
        return self.post("/login", data=form, follow_redirects=False)
