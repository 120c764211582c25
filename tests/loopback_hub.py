"""A model hub on this machine, as much of it as huggingface_hub asks for; it can be slow, break off and be down."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PIECE = 64 * 1024


@dataclass
class Hub:
    """Repositories and what shall go wrong."""

    repositories: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    """Name → commit → file → content."""
    main: dict[str, str] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    break_after: int | None = None
    """Bytes of a file after which the connection is dropped."""
    pause: float = 0.0
    """Seconds before each 64 KiB."""
    down: bool = False
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path and Range of each request."""
    address: str = ""

    def publish(self, name: str, **files: bytes | str) -> str:
        """A new commit that `main` stands for from now on; `config_json` is config.json."""
        contents = {
            f.replace("_json", ".json").replace("_safetensors", ".safetensors").replace("_bin", ".bin"): (
                c.encode() if isinstance(c, str) else c
            )
            for f, c in files.items()
        }
        commit = hashlib.sha1(repr(sorted(contents.items())).encode()).hexdigest()
        self.repositories.setdefault(name, {})[commit] = contents
        self.main[name] = commit
        return commit

    def environment(self, home: Path) -> dict[str, str]:
        """What a process needs to take this for the hub."""
        return {
            "HF_ENDPOINT": self.address, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }  # fmt: skip

    def downloaded(self, name: str) -> list[tuple[str, str]]:
        """File and Range of each GET of a file of the repository."""
        return [
            (path.rpartition("/")[2], asked)
            for method, path, asked in self.requests
            if method == "GET" and path.startswith(f"/{name}/resolve/")
        ]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        self.hub.requests.append((self.command, path, self.headers.get("Range", "")))
        if self.hub.down:
            self._refuse(503, "")
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+?)(?:/revision/([^/]+))?", path):
            self._info(found[1], found[2] or "main")
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(found[1], found[2], found[3], with_body=with_body)
        else:
            self._refuse(404, "EntryNotFound")

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _info(self, name: str, revision: str) -> None:
        commits = self.hub.repositories.get(name)
        commit = self.hub.main.get(name, "") if revision == "main" else revision
        if commits is None:
            return self._refuse(404, "RepoNotFound")
        if commit not in commits:
            return self._refuse(404, "RevisionNotFound")
        files = [{"rfilename": file, "size": len(content)} for file, content in commits[commit].items()]
        body = json.dumps({"_id": "0", "id": name, "sha": commit, "siblings": files}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def _file(self, name: str, commit: str, file: str, *, with_body: bool) -> None:
        content = self.hub.repositories.get(name, {}).get(commit, {}).get(file)
        if name in self.hub.gated:
            return self._refuse(403, "GatedRepo")
        if content is None:
            return self._refuse(404, "EntryNotFound")
        first = int(m[1]) if (m := re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))) else 0
        if first >= len(content) > 0:
            return self._refuse(416, "")
        self.send_response(206 if first else 200)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", commit)
        self.send_header("Content-Length", str(len(content) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if with_body:
            self._send(content, first)
        return None

    def _send(self, content: bytes, first: int) -> None:
        for at in range(first, len(content), PIECE):
            if self.hub.break_after is not None and at >= self.hub.break_after:
                self.close_connection = True
                self.connection.shutdown(2)
                return
            time.sleep(self.hub.pause)
            try:
                self.wfile.write(content[at : at + PIECE])
            except OSError:  # the client went away
                return


@contextmanager
def loopback_hub() -> Iterator[Hub]:
    """A hub that answers until the block ends."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
