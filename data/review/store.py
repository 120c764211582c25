"""Where acts are kept: SQLite beside the results, or a studio's PostgreSQL. Acts are appended and never changed.

The database itself refuses to change them. An append is one transaction that is on disk when it returns: a process
that is killed and a disk that is full leave the acts that were there.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text, create_engine, func, insert, select
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.event import listen
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from data.errors import UserError, VdescError
from data.review.model import Act, ReviewLine

PATIENCE = 10.0
"""Seconds that one writer waits for the others; an append takes milliseconds."""

_meta = MetaData()
_acts = Table(
    "acts", _meta,
    Column("episode", String(64), primary_key=True), Column("number", Integer, primary_key=True, autoincrement=False),
    Column("line", String(64), nullable=False), Column("act", Text, nullable=False),
    Index("acts_of_line", "episode", "line", "number"),
)  # fmt: skip
_NEVER = {
    "sqlite": [
        f"CREATE TRIGGER IF NOT EXISTS acts_no_{what} BEFORE {what} ON acts "
        "BEGIN SELECT RAISE(ABORT, 'acts are never changed'); END"
        for what in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION acts_stay() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'acts are never changed'; END $$",
        "CREATE OR REPLACE TRIGGER acts_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON acts EXECUTE FUNCTION acts_stay()",
    ],
}


class Conflict(VdescError):  # noqa: N818 - it is no fault
    """Lines were changed since whoever wants to change them saw them. `lines`: what they are now.

    `suggested`: where both changes can stand, the lines with both.
    """

    def __init__(self, lines: Sequence[ReviewLine], suggested: Sequence[ReviewLine] = ()) -> None:
        super().__init__("Somebody else has changed this line; see what it says now")
        self.lines = tuple(lines)
        self.suggested = tuple(suggested)


class Store:
    """The acts of many episodes. `at`: an SQLAlchemy URL, or the file of an SQLite database, which is made.

    Threads may share it, and processes may open the same database. Every method raises UserError where the database
    cannot be reached or written.
    """

    def __init__(self, at: str | Path) -> None:
        self._seen: dict[str, list[Act]] = {}
        self._lock = threading.Lock()
        self._writer = threading.Lock()  # fair among threads, which SQLite's own waiting is not
        with _told():
            self._engine = _engine(at)
            with self._writing("schema") as database:
                _meta.create_all(database)
                for statement in _NEVER[self._engine.dialect.name]:
                    database.exec_driver_sql(statement)

    def acts(self, episode: str) -> list[Act]:
        """The acts of an episode in their order. Those that were read once are not read again: they never change."""
        with self._lock, _told(), self._engine.connect() as database:
            return list(self._read(database, episode))

    def append(self, episode: str, expected: Mapping[str, int], acts: Sequence[Act]) -> list[Act]:
        """Add acts, all or none, and give them back with their numbers, which are the versions of their lines.

        `expected`: line → the version it must still have (0: nobody has touched it). Raises Conflict.
        """
        with _told(), self._writing(episode) as database, self._lock:
            seen = self._read(database, episode)
            latest = {act.line: act.after for act in seen}
            if moved := [line for line, version in expected.items() if _version(latest, line) != version]:
                raise Conflict([latest[line] for line in moved if line in latest])
            first = seen[-1].number + 1 if seen else 1
            numbered = [_numbered(act, number) for number, act in enumerate(acts, first)]
            if numbered:
                database.execute(insert(_acts), [_row(episode, act) for act in numbered])
        return numbered

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _read(self, database: Connection, episode: str) -> list[Act]:
        """What was read before and what has come since."""
        seen = self._seen.setdefault(episode, [])
        last = seen[-1].number if seen else 0
        wanted = select(_acts.c.act).where(_acts.c.episode == episode, _acts.c.number > last).order_by(_acts.c.number)
        seen += [Act.model_validate_json(row) for row in database.execute(wanted).scalars()]
        return seen

    @contextmanager
    def _writing(self, name: str) -> Iterator[Connection]:
        """A transaction that no other writer of the same `name` is in."""
        with self._writer, self._engine.connect() as database:
            if self._engine.dialect.name == "sqlite":
                database.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                database.execute(select(func.pg_advisory_xact_lock(_key(name))))
            yield database
            database.commit()


def _engine(at: str | Path) -> Engine:
    if isinstance(at, Path):
        at.parent.mkdir(parents=True, exist_ok=True)
        url = URL.create("sqlite", database=str(at))
    else:
        url = make_url(at)
    if url.get_backend_name() not in _NEVER:
        raise UserError("{url}: reviews are kept in SQLite or PostgreSQL; mend --url", url=url.render_as_string())
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where this module says so
    for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={PATIENCE * 1000:.0f}"):
        connection.execute(f"PRAGMA {setting}")


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong, for people."""
    try:
        yield
    except (ArgumentError, NoSuchModuleError) as error:
        cause = _first(error)
        raise UserError("The address of the review database is wrong ({cause}); mend --url", cause=cause) from None
    except ImportError as error:
        raise UserError(
            "{package} is not installed; pip install 'videodescription[postgresql]'", package=error.name
        ) from None
    except (DBAPIError, OSError) as error:
        cause = _first(error.orig if isinstance(error, DBAPIError) and error.orig else error)
        raise UserError(
            "The reviews cannot be read or saved ({cause}); make room or access, then do it again", cause=cause
        ) from error


def _first(error: BaseException) -> str:
    return str(error).partition("\n")[0]


def _key(name: str) -> int:
    """A number for PostgreSQL's locks: 64 bits with a sign."""
    return int.from_bytes(hashlib.sha256(f"vdesc {name}".encode()).digest()[:8], signed=True)


def _version(latest: Mapping[str, ReviewLine], line: str) -> int:
    return latest[line].version if line in latest else 0


def _numbered(act: Act, number: int) -> Act:
    return act.model_copy(update={"number": number, "after": act.after.model_copy(update={"version": number})})


def _row(episode: str, act: Act) -> dict[str, Any]:
    return {"episode": episode, "number": act.number, "line": act.line, "act": act.model_dump_json()}
