"""A PostgreSQL server of the tests' own, where its programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server that ends with the test; skips where there are no programs or no driver."""
    pytest.importorskip("psycopg", reason="no PostgreSQL driver: pip install 'videodescription[postgresql]'")
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="vdesc-pg-"))  # not in tmp_path: sockets have short names, servers their user
    user = _user()
    try:
        if user:
            shutil.chown(folder, user)
        _run(user, programs / "initdb", "-D", folder / "data", "-U", "vdesc", "-A", "trust", "-N", "-E", "UTF8")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        control = (programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log")
        _run(user, *control, "-o", options, "start")
        try:
            yield f"postgresql+psycopg://vdesc@/postgres?host={folder}"
        finally:
            _run(user, *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    places = [Path(found).parent for found in [shutil.which("initdb")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = next((place for place in places if (place / "initdb").is_file()), None)
    if found is None:
        pytest.skip("no PostgreSQL server is installed (initdb is not found)")
    return found


def _user() -> str | None:
    """Servers do not run as root: somebody else who is there."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _run(user: str | None, *command: str | Path) -> None:
    done = subprocess.run(list(map(str, command)), user=user, cwd="/", stdout=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 0, command
