"""Who may review: accounts, their sessions and the server's secret, in the database of the reviews or beside them."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from sqlalchemy import Column, Float, MetaData, String, Table, create_engine, delete, event, insert, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from data.errors import UserError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

Role = Literal["viewer", "reviewer", "lead"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what those before it may: watch and export; change and apply; deliver."""
SESSION = 14 * 86_400
"""Seconds that a session lasts: two weeks, a series' worth of work."""
SHORTEST_PASSWORD = 10
"""Characters; NIST SP 800-63B asks for 8 at least, without rules of composition."""
_NAME = re.compile(r"[\w][\w .@-]{0,39}")

_meta = MetaData()
_accounts = Table(
    "accounts", _meta,
    Column("name", String(40), primary_key=True), Column("role", String(10), nullable=False),
    Column("password", String(200), nullable=False),
)  # fmt: skip
_sessions = Table(
    "sessions", _meta,
    Column("id", String(64), primary_key=True), Column("name", String(40), nullable=False, index=True),
    Column("role", String(10)), Column("expires", Float, nullable=False),
)  # fmt: skip
_secrets = Table("secrets", _meta, Column("name", String(20), primary_key=True), Column("value", String(64)))


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether what `role` may do is theirs to do."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Accounts:
    """Accounts and sessions in the database at `url`. Raises UserError where it cannot be opened."""

    def __init__(self, url: str) -> None:
        self._engine = _open(url)
        self._hashing = threading.BoundedSemaphore(2)  # each takes 64 MiB
        self.secret = self._secret()

    def add(self, name: str, role: Role, password: str) -> None:
        """Make an account, or give the one of that name a new role and password; its sessions end. Raises UserError."""
        if not _NAME.fullmatch(name):
            raise UserError("{name} cannot be an account; take letters, digits and . @ - up to 40", name=name)
        if len(password) < SHORTEST_PASSWORD:
            raise UserError("The password is too short; take {number} characters or more", number=SHORTEST_PASSWORD)
        row = {"role": role, "password": _hasher().hash(password)}
        with self._engine.begin() as database:
            database.execute(delete(_sessions).where(_sessions.c.name == name))
            if not database.execute(update(_accounts).where(_accounts.c.name == name).values(row)).rowcount:
                database.execute(insert(_accounts).values(name=name, **row))

    def remove(self, name: str) -> None:
        """Delete an account and end its sessions. Raises UserError where there is none."""
        with self._engine.begin() as database:
            database.execute(delete(_sessions).where(_sessions.c.name == name))
            if not database.execute(delete(_accounts).where(_accounts.c.name == name)).rowcount:
                raise UserError("There is no account {name}; see vdesc review users list", name=name)

    def people(self) -> list[Person]:
        """Every account, by name."""
        with self._engine.connect() as database:
            rows = database.execute(select(_accounts.c.name, _accounts.c.role).order_by(_accounts.c.name))
            return [Person(name, role) for name, role in rows]

    def verified(self, name: str, password: str) -> Person | None:
        """The account, if the password is its; an unknown name takes as long as a wrong password."""
        from argon2.exceptions import VerificationError

        with self._engine.connect() as database:
            found = database.execute(select(_accounts).where(_accounts.c.name == name)).one_or_none()
        with self._hashing:
            try:
                _hasher().verify(found.password if found else _nobody(), password)
            except VerificationError:
                return None
        return Person(found.name, found.role) if found else None

    def begin_session(self, person: Person, *, guest: bool = False) -> str:
        """The secret id of a new session; `guest`: the person has no account, the role lies in the session."""
        made = secrets.token_urlsafe(32)
        role = person.role if guest else None
        with self._engine.begin() as database:
            database.execute(delete(_sessions).where(_sessions.c.expires < time.time()))
            row = {"id": _hash(made), "name": person.name, "role": role, "expires": time.time() + SESSION}
            database.execute(insert(_sessions).values(row))
        return made

    def end_session(self, session: str) -> None:
        """Nobody is signed in by that id any more."""
        with self._engine.begin() as database:
            database.execute(delete(_sessions).where(_sessions.c.id == _hash(session)))

    def signed_in(self, session: str) -> Person | None:
        """Who a session belongs to, with the role they have now."""
        joined = _sessions.outerjoin(_accounts, _sessions.c.name == _accounts.c.name)
        wanted = select(_sessions.c.name, _sessions.c.role, _accounts.c.role.label("account")).select_from(joined)
        with self._engine.connect() as database:
            alive = (_sessions.c.id == _hash(session)) & (_sessions.c.expires > time.time())
            row = database.execute(wanted.where(alive)).one_or_none()
        role = row and (row.role or row.account)
        return Person(row.name, role) if row and role else None

    def csrf(self, session: str) -> str:
        """What forms and scripts of the session's pages carry, and no other site can know."""
        return hmac.new(self.secret.encode(), f"csrf:{session}".encode(), hashlib.sha256).hexdigest()

    def _secret(self) -> str:
        wanted = select(_secrets.c.value).where(_secrets.c.name == "csrf")
        with self._engine.connect() as database:
            found = database.execute(wanted).scalar()
        if found:
            return str(found)
        try:
            with self._engine.begin() as database:
                database.execute(insert(_secrets).values(name="csrf", value=secrets.token_hex(32)))
        except IntegrityError:
            pass  # another server made it at the same moment
        return self._secret()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _open(url: str) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=True)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA journal_mode=WAL"))
        _meta.create_all(engine)
    except (SQLAlchemyError, ImportError) as error:
        cause = str(getattr(error, "orig", error)).partition("\n")[0]
        raise UserError("The database of the accounts cannot be opened ({cause}); mend --url", cause=cause) from None
    return engine


def _hash(session: str) -> str:
    """What the database keeps of a session's id: who reads it cannot sign in with it."""
    return hashlib.sha256(session.encode()).hexdigest()


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()  # RFC 9106's second choice: 64 MiB, 3 passes


def _nobody() -> str:
    """A hash that no password fits, made once."""
    global _NOBODY
    _NOBODY = _NOBODY or _hasher().hash(secrets.token_hex(16))
    return _NOBODY


_NOBODY = ""
