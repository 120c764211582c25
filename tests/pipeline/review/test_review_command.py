"""`vdesc review` as a user starts it, asks it and ends it."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from benchmarks import review_load

VDESC = (sys.executable, "-m", "pipeline.cli")
PASSWORD = "correct horse battery\n"


def vdesc(*arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [*VDESC, *map(str, arguments), "--lang", "en"]
    return subprocess.run(command, capture_output=True, text=True, input=given, timeout=60)


@contextmanager
def started(*arguments: object) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A running server: its address and its process."""
    command = [*VDESC, "review", *map(str, arguments), "--no-open", "--port", "0", "--lang", "en"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield re.findall(r"http://[^/]+", process.stdout.readline())[0], process
        finally:
            if process.poll() is None:
                process.kill()


@pytest.fixture
def server(out: Path) -> Iterator[Callable[..., tuple[str, subprocess.Popen[str]]]]:
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(started(out, *arguments))


def test_it_tells_its_address_and_ends_clean_while_somebody_listens(
    server: Callable[..., tuple[str, subprocess.Popen[str]]],
) -> None:
    address, process = server()
    with httpx.stream("GET", f"{address}/e/episode/events", timeout=30) as events:
        lines = events.iter_lines()
        assert next(lines) == "event: presence"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert errors == ""


def test_edits_outlive_a_server_that_is_killed(server: Callable[..., tuple[str, subprocess.Popen[str]]]) -> None:
    address, process = server()
    with httpx.Client(base_url=address, timeout=30) as client:
        token = re.findall(r'csrf-token" content="(\w+)"', client.get("/").text)[0]
        line = client.get("/e/episode/state").json()["lines"][0]
        gesture = {"kind": "edit", "line": line["id"], "version": 0, "text": "비가 온다."}
        headers = {"X-CSRF-Token": token}
        assert client.post("/e/episode/acts", json=gesture, headers=headers).status_code == 200
        process.kill()
        process.wait()
        again, _ = server()
        client.base_url = again
        state = client.get("/e/episode/state").json()
        assert state["lines"][0]["text"] == "비가 온다."
        assert client.post("/e/episode/undo", headers=headers).status_code == 200, "the open page goes on"


def test_others_are_let_in_with_accounts_or_a_token_only(out: Path) -> None:
    refused = vdesc("review", out, "--host", "0.0.0.0", "--no-open")
    assert refused.returncode == 2
    assert "vdesc review users add" in refused.stderr
    short = vdesc("review", out, "--host", "0.0.0.0", "--token", "short", "--no-open")
    assert "too short" in short.stderr
    added = vdesc("review", "users", "add", "sua", "--role", "lead", "--out", out, given=PASSWORD)
    assert added.stdout == "sua may sign in as lead\n"
    assert vdesc("review", "users", "list", "--out", out).stdout == "sua\tlead\n"
    with started(out, "--host", "0.0.0.0") as (address, _):
        port = address.rpartition(":")[2]
        assert httpx.get(f"http://127.0.0.1:{port}/e/episode/state").status_code == 401
    assert vdesc("review", "users", "remove", "sua", "--out", out).returncode == 0
    assert vdesc("review", "users", "remove", "sua", "--out", out).returncode == 2


def test_it_listens_on_this_machine_alone(server: Callable[..., tuple[str, subprocess.Popen[str]]]) -> None:
    address, _ = server()
    assert address.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("users", "add", "sua", "--role", "boss"), "--role boss"), (("users", "add", "<b>"), "cannot be an account"),
     (("nowhere",), "cannot be read"), (("users", "list", "--url", "mysql://x/y"), "--url"),
     (("users", "list", "--url", "postgresql+psycopg://127.0.0.1:9/x"), "--url")],
)  # fmt: skip
def test_what_is_wrong_is_told_in_a_line(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    where = ("--out", tmp_path) if arguments[0] == "users" else ()
    done = vdesc("review", *arguments, *where, given=PASSWORD)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_told(out: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = vdesc("review", out, "--no-open", "--port", other.getsockname()[1])
    assert done.returncode == 2
    assert "--port" in done.stderr


def test_publish_and_export_write_the_same_page(out: Path, tmp_path: Path) -> None:
    page = vdesc("review", out, "--publish", tmp_path / "web").stdout.strip()
    (out / "episode" / "script.json").write_bytes(
        (out / "episode" / "workspace" / "script" / "script.json").read_bytes()
    )
    other = vdesc("export", out / "episode", "--format", "web").stdout.strip()
    assert Path(page).read_text(encoding="utf-8") == Path(other).read_text(encoding="utf-8")


def test_many_reviewers_lose_no_edit(out: Path) -> None:
    """The load test in small; its figures are taken by benchmarks/review_load.py."""
    with review_load.server(out) as address:
        tally = asyncio.run(review_load.load(address, reviewers=8, seconds=120, thinking=0.05, arriving=0.1, edits=3))
        acts = review_load.history(address)
    assert len(tally.saved) == 24
    assert tally.conflicts > 0, "they never met"
    assert tally.failed == []
    assert review_load.lost(acts, tally) == []
    assert [act["number"] for act in reversed(acts)] == list(range(1, len(acts) + 1))
