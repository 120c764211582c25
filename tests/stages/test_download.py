"""Downloading weights from a small server on loopback that serves ranges, breaks off, or refuses."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from data.errors import ConfigError
from stages.download import download, unzip

CONTENT = bytes(range(256)) * 8192  # 2 MiB


class Server(BaseHTTPRequestHandler):
    """`/whole` serves ranges, `/plain` does not know them, `/half` breaks off, all else is not there."""

    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.asked.append(asked)
        first = int(asked[6:-1]) if asked and self.path != "/plain" else 0
        if self.path not in {"/whole", "/plain", "/half"}:
            self.send_error(404)
        elif first >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.end_headers()
        else:
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(len(CONTENT) - first))
            self.end_headers()
            self.wfile.write(CONTENT[first : len(CONTENT) // 2 if self.path == "/half" else None])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    Server.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("path", ["whole", "plain"])
def test_it_goes_on_where_it_stopped_and_then_asks_no_more(address: str, path: str, tmp_path: Path) -> None:
    target, told = tmp_path / "폴더" / "weights.pt", []
    with pytest.raises(ConfigError, match=r"X could not be downloaded.*`vdesc models fetch` again"):
        download("X", f"{address}/half", target, lambda *_: None)
    assert not target.exists()
    download("X", f"{address}/{path}", target, lambda done, total: told.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [p.name for p in target.parent.iterdir()] == ["weights.pt"]
    download("X", f"{address}/{path}", target, lambda *_: None)
    assert Server.asked == [None, f"bytes={len(CONTENT) // 2}-"]


def test_a_partial_file_that_is_whole_is_taken(address: str, tmp_path: Path) -> None:
    (tmp_path / "w.partial").write_bytes(CONTENT)
    download("X", f"{address}/whole", tmp_path / "w", lambda *_: None)
    assert (tmp_path / "w").read_bytes() == CONTENT


def test_a_partial_file_of_something_else_is_dropped(address: str, tmp_path: Path) -> None:
    (tmp_path / "w.partial").write_bytes(CONTENT + b"more")
    with pytest.raises(ConfigError, match="416"):
        download("X", f"{address}/whole", tmp_path / "w", lambda *_: None)
    download("X", f"{address}/whole", tmp_path / "w", lambda *_: None)
    assert (tmp_path / "w").read_bytes() == CONTENT


@pytest.mark.parametrize("path", ["/gone", None])
def test_a_missing_file_or_server_is_named(address: str, path: str | None, tmp_path: Path) -> None:
    url = f"{address}{path}" if path else "http://127.0.0.1:9/nobody"
    with pytest.raises(ConfigError, match=r"YOLO could not be downloaded \(.*\); check the network"):
        download("YOLO", url, tmp_path / "w", lambda *_: None)


def test_offline_nobody_is_asked(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match="--offline forbids"):
        download("X", f"{address}/whole", tmp_path / "w", lambda *_: None)
    assert Server.asked == []


def test_unzipping(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.pth", CONTENT)
    unzip("X", tmp_path / "a.zip", "a.pth", tmp_path / "a.pth")
    assert (tmp_path / "a.pth").read_bytes() == CONTENT
    assert not (tmp_path / "a.zip").exists()
    for content in (b"no zip", b""):
        (tmp_path / "b.zip").write_bytes(content)
        with pytest.raises(ConfigError, match="X could not be downloaded"):
            unzip("X", tmp_path / "b.zip", "b.pth", tmp_path / "b.pth")
        assert [p.name for p in tmp_path.iterdir()] == ["a.pth"]
