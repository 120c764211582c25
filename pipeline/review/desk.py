"""What the server works on: the results folders, where their edits are kept, who is there, what is being applied."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from pathlib import Path

from data.review.model import ReviewLine
from data.review.place import local
from data.review.session import Session
from data.review.store import Store
from pipeline.review.accounts import Accounts, Person
from pipeline.review.attempts import Attempts
from pipeline.review.folders import with_levels
from pipeline.review.hub import Hub
from pipeline.review.results import Machine, Shelf


class AbsentError(LookupError):
    """There is no such episode or line."""


@dataclass
class Desk:
    """Everything that routes share. `open_to`: who a visitor is without signing in; None: they must sign in."""

    folder: Path
    accounts: Accounts
    url: str | None = None
    open_to: Person | None = None
    token: str | None = None
    hub: Hub = field(default_factory=Hub)
    attempts: Attempts = field(default_factory=Attempts)
    _shelf: Shelf = field(default_factory=Shelf)
    _stores: dict[str | Path, Store] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def cookie(self) -> str:
        """The session's cookie: browsers share cookies among ports, so each folder has a name of its own."""
        return "vdesc-" + hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:12]

    def folders(self) -> dict[str, Path]:
        """Name → results folder of every episode that is served, levels of detail among them. Raises UserError."""
        return with_levels(self.folder)

    def results(self, episode: str) -> Path:
        """The results folder of an episode. Raises AbsentError: a name is looked up, never joined to a path."""
        try:
            return self.folders()[episode]
        except KeyError:
            raise AbsentError(episode) from None

    def machine(self, episode: str) -> Machine:
        """What the last run left. Raises AbsentError and UserError."""
        return self._shelf.machine(self.results(episode))

    def session(self, episode: str, who: str) -> Session:
        """The review of an episode by one person. Raises AbsentError and UserError."""
        results = self.results(episode)
        return Session(results, self._store(results), who)

    def line(self, episode: str, who: str, line: str) -> ReviewLine:
        """A line as it stands. Raises AbsentError."""
        for found in self.session(episode, who).lines():
            if found.id == line:
                return found
        raise AbsentError(line)

    def _store(self, results: Path) -> Store:
        at = self.url or local(results)
        with self._lock:
            if at not in self._stores:
                self._stores[at] = Store(at)
            return self._stores[at]

    def close(self) -> None:
        """Let go of every database."""
        self.accounts.close()
        for store in self._stores.values():
            store.close()
