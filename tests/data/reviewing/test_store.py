"""Acts outlive crashes, full disks and each other."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from data.errors import UserError
from data.review.model import Act, ReviewLine
from data.review.store import Conflict, Store
from tests.conftest import ROOT
from tests.data.reviewing import postgresql


def act(line: str, says: str, before: ReviewLine | None = None, who: str = "유나") -> Act:
    after = ReviewLine.model_validate({"id": line, "start": 1.0, "text": says})
    values: dict[str, Any] = {"number": 1, "group": "g", "who": who, "at": datetime(2026, 3, 1, tzinfo=UTC)}
    return Act.model_validate(values | {"kind": "edit", "line": line, "before": before, "after": after})


def append(store: Store, line: str, says: str, version: int, episode: str = "e") -> Act:
    (made,) = store.append(episode, {line: version}, [act(line, says)])
    return made


def acts_in(at: str | Path) -> list[Act]:
    """What somebody else finds."""
    with closing(Store(at)) as store:
        return store.acts("e")


def worker(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process with this module's helpers."""
    program = f"import sys\nfrom tests.data.reviewing.test_store import *\n{code}"
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql.server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'review.sqlite'}"
    found: str = request.getfixturevalue("server")
    engine = create_engine(found)
    with engine.begin() as database:
        database.execute(text("DROP TABLE IF EXISTS acts"))
    engine.dispose()
    return found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url)
    yield opened
    opened.close()


def test_acts_come_back_in_order_each_episode_for_itself(store: Store, url: str) -> None:
    made = [append(store, "a", "가.", 0), append(store, "b", "나.", 0), append(store, "a", "다.", 1)]
    other = append(store, "a", "라.", 0, episode="f")
    assert [(act.number, act.after.version) for act in made] == [(1, 1), (2, 2), (3, 3)]
    with closing(Store(url)) as opened:
        for one in (store, opened):
            assert (one.acts("e"), one.acts("f"), one.acts("g")) == (made, [other], [])


def test_who_is_late_is_told_what_the_line_says_now(store: Store, url: str) -> None:
    other = Store(url)
    store.acts("e")
    append(other, "a", "가.", 0)
    with pytest.raises(Conflict) as told:
        store.append("e", {"a": 0, "b": 0}, [act("a", "나."), act("b", "나.")])
    assert [line.text for line in told.value.lines] == ["가."]
    assert len(other.acts("e")) == 1
    other.close()


def test_nothing_is_ever_changed_or_removed(store: Store, url: str) -> None:
    made = append(store, "a", "가.", 0)
    engine = create_engine(url)
    for order in ("UPDATE acts SET line = 'b'", "DELETE FROM acts"):
        with pytest.raises(DBAPIError, match="never changed"), engine.begin() as database:
            database.execute(text(order))
    engine.dispose()
    assert acts_in(url) == [made]


COUNTING = """
store, line = Store(sys.argv[1]), "shared"
done = 0
while done < int(sys.argv[2]):
    seen = [act for act in store.acts("e") if act.line == line]
    version, count = (seen[-1].number, int(seen[-1].after.text)) if seen else (0, 0)
    try:
        append(store, line, str(count + 1), version)
        append(store, sys.argv[3], str(done), store_version(store, sys.argv[3]))
        done += 1
    except Conflict:
        pass
"""


def store_version(store: Store, line: str) -> int:
    return max((act.number for act in store.acts("e") if act.line == line), default=0)


def test_writers_at_once_lose_nothing(url: str) -> None:
    """Two processes and two threads count one line up, each in its own turn."""

    def count(name: str) -> None:
        for n in range(8):
            while True:
                seen = [act for act in mine.acts("e") if act.line == "shared"]
                version, number = (seen[-1].number, int(seen[-1].after.text)) if seen else (0, 0)
                try:
                    append(mine, "shared", str(number + 1), version)
                    break
                except Conflict:
                    continue
            append(mine, name, str(n), store_version(mine, name))

    with (
        closing(Store(url)) as mine,
        worker(COUNTING, url, 8, "own-1") as one,
        worker(COUNTING, url, 8, "own-2") as two,
    ):
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(count, ("thread-1", "thread-2")))
        assert (one.wait(60), two.wait(60)) == (0, 0)
        acts = mine.acts("e")
    assert [act.number for act in acts] == list(range(1, 65))
    assert [act.after.text for act in acts if act.line == "shared"] == [str(n) for n in range(1, 33)]


ENDLESS = """
store = Store(Path(sys.argv[1]))
number = store_version(store, "a")
while True:
    number = append(store, "a", "가" * 200, number).number
    print(number, flush=True)
"""


def test_a_process_that_is_killed_loses_nothing_that_was_saved(tmp_path: Path) -> None:
    file, told = tmp_path / "review.sqlite", 0
    for until in (1, 7, 12):
        with worker(ENDLESS, file) as killed:
            assert killed.stdout is not None
            for _ in range(until):
                told = int(killed.stdout.readline())
            killed.send_signal(signal.SIGKILL)
            told = max([told, *(int(line) for line in killed.stdout if line.endswith("\n"))])
        acts = acts_in(file)
        assert [act.number for act in acts] == list(range(1, len(acts) + 1))
        assert told <= len(acts) <= told + 1
    assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchall() == [("ok",)]


FULL = """
import resource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
number = 0
try:
    while True:
        number = append(store, "a", "가" * 900, number).number
except UserError as error:
    print(number, error, sep="|", flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(append(store, "a", "나.", number).number, flush=True)
"""


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    """The limit on a file's size stands for the disk: the system refuses the write in the same place."""
    with worker(FULL, tmp_path / "review.sqlite") as full:
        told, after = full.communicate(timeout=120)[0].splitlines()
    number, message = told.split("|")
    assert int(number) > 10
    assert "The reviews cannot be read or saved" in message
    assert int(after) == int(number) + 1  # the same store goes on once there is room
    assert [act.number for act in acts_in(tmp_path / "review.sqlite")] == list(range(1, int(after) + 1))


def test_what_is_locked_or_no_database_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.review.store.PATIENCE", 0.05)
    store = Store(tmp_path / "review.sqlite")
    other = sqlite3.connect(tmp_path / "review.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UserError, match=r"cannot be read or saved \(database is locked\)"):
        append(store, "a", "가.", 0)
    other.execute("ROLLBACK")
    other.close()
    assert append(store, "a", "가.", 0).number == 1
    store.close()
    (tmp_path / "no.sqlite").write_text("no database at all, but long enough to be read as one " * 20)
    with pytest.raises(UserError, match="not a database"):
        Store(tmp_path / "no.sqlite")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "address of the review database is wrong"),
        ("mysql://u:secret@host/db", "SQLite or PostgreSQL"),
        ("postgresql+psycopg://u:secret@/db?host=/nowhere", "cannot be read or saved"),
    ],
)
def test_wrong_addresses_are_one_line_without_the_password(url: str, says: str) -> None:
    if url.startswith("postgresql"):
        pytest.importorskip("psycopg")
    with pytest.raises(UserError, match=says) as told:
        Store(url)
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)
