"""A server over results made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from pipeline.review import accounts
from pipeline.review.accounts import Accounts, Person
from pipeline.review.app import create
from pipeline.review.desk import Desk
from pipeline.review.folders import database
from tests.pipeline.review.browsing import ADDRESS, PASSWORD, Browser
from tests.pipeline.review.made import results_folder


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with the least memory and time: what it costs in earnest is not what the tests are about."""
    monkeypatch.setattr(accounts, "_hasher", lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    results_folder(tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def serve(out: Path) -> Iterator[Callable[..., Callable[[], Browser]]]:
    """`serve()` for this machine's user, `serve(people=[…])` with accounts, `serve(token=…)`: makes browsers."""
    with ExitStack() as stack:

        def served(people: tuple[Person, ...] = (), token: str | None = None, **more: Any) -> Callable[[], Browser]:
            known = Accounts(database(out, None))
            for person in people:
                known.add(person.name, person.role, PASSWORD)
            local = None if people or token else Person("jiwoo", "lead")
            app = create(Desk(out, known, None, local, token), **more)
            stack.enter_context(TestClient(app, base_url=ADDRESS))  # begins and ends the server
            return lambda: Browser(app, base_url=ADDRESS)

        yield served


@pytest.fixture
def browser(serve: Callable[..., Callable[[], Browser]]) -> Browser:
    """The browser of whoever started the server."""
    return serve()()
