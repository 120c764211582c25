"""A server over results made by hand."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from pipeline import config as settings
from pipeline import runner
from pipeline.results.episodes import open_episode
from pipeline.review import accounts
from pipeline.review.accounts import Accounts, Person
from pipeline.review.app import create
from pipeline.review.desk import Desk
from pipeline.review.folders import database
from tests.pipeline.review.browsing import ADDRESS, PASSWORD, Browser
from tests.pipeline.review.made import results_folder
from tests.stages.described import DIALOGUE, describe, programme, said

SCRIPT = "WEBVTT\n\n00:02.300 --> 00:04.000\n문이 천천히 열린다.\n\n00:08.600 --> 00:11.000\n노을이 붉게 번진다.\n"


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


@pytest.fixture(scope="session")
def whole(ffmpeg: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder of a film with two lines, made by the runner."""
    folder = tmp_path_factory.mktemp("applied")
    film = describe(folder / "film", ffmpeg, programme()).episode.path
    (folder / "lines.vtt").write_text(SCRIPT, encoding="utf-8")
    stamps = [f"{n}\n00:00:{a:06.3f} --> 00:00:{b:06.3f}\n{text}\n" for n, ((a, b), (_, text)) in
              enumerate(zip(said(), DIALOGUE, strict=True), 1)]  # fmt: skip
    film.with_suffix(".srt").write_text("\n".join(stamps).replace(".", ","), encoding="utf-8")
    config = settings.load("embedded", [], given_script=folder / "lines.vtt")
    work = open_episode(film, folder / "out", config, None)
    runner.run([work], config)
    assert work.error is None
    return work.folder


@pytest.fixture
def results(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "out" / whole.name, copy_function=os.link))
