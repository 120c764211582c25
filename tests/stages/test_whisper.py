"""Fetching Whisper's checkpoints, from a small server that can break off and send the wrong bytes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from data.errors import ConfigError
from stages.dialogue.whisper import SIZES, Whisper, WhisperOptions, cache

CONTENT = bytes(range(256)) * 20_000


class Server(BaseHTTPRequestHandler):
    """Gives CONTENT from the wanted byte on; `broken` breaks off once in the middle."""

    content, broken = CONTENT, False
    ranges: list[str]

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "bytes=0-")
        type(self).ranges.append(wanted)
        first = int(wanted.removeprefix("bytes=").partition("-")[0])
        if first >= len(self.content):
            self.send_error(416)
            return
        rest = self.content[first:]
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: len(rest) // 2] if type(self).broken else rest)
        type(self).broken = False

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Server]]:
    whisper = pytest.importorskip("whisper")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "캐시"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    kind = type("One", (Server,), {"ranges": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{http.server_port}/{hashlib.sha256(CONTENT).hexdigest()}/small.pt"
        monkeypatch.setitem(whisper._MODELS, "small", url)
        yield kind
        http.shutdown()
        thread.join()


def test_the_table_is_that_of_the_library() -> None:
    whisper = pytest.importorskip("whisper")
    assert {name: file for name, (file, _) in SIZES.items()} == {
        name: url.rsplit("/", 1)[1] for name, url in whisper._MODELS.items()
    }


def test_the_repositories_are_those_of_faster_whisper() -> None:
    from faster_whisper.utils import _MODELS

    from stages.dialogue.faster_whisper import SIZES as REPOSITORIES

    assert {name: _MODELS[name] for name in REPOSITORIES} == {name: repo for name, (repo, _) in REPOSITORIES.items()}


def test_a_download_goes_on_where_it_broke_off(server: type[Server]) -> None:
    server.broken = True
    [weights] = Whisper(WhisperOptions()).weights()
    told: list[tuple[float, float]] = []
    with pytest.raises(ConfigError, match="could not be downloaded"):
        weights.fetch(lambda done, total: told.append((done, total)))
    assert Whisper(WhisperOptions()).weights()[0].where is None
    weights.fetch(lambda done, total: told.append((done, total)))
    assert server.ranges == ["bytes=0-", f"bytes={len(CONTENT) // 2}-"]
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert Whisper(WhisperOptions()).weights()[0].where == cache() / "small.pt"
    assert (cache() / "small.pt").read_bytes() == CONTENT
    weights.fetch(lambda done, total: told.append((done, total)))
    assert len(server.ranges) == 2


def test_wrong_bytes_are_thrown_away(server: type[Server]) -> None:
    server.content = CONTENT[::-1]
    [weights] = Whisper(WhisperOptions()).weights()
    with pytest.raises(ConfigError, match="arrived damaged; run the same command again"):
        weights.fetch(lambda done, total: None)
    assert list(cache().iterdir()) == []


def test_a_server_that_is_down(server: type[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    import whisper

    monkeypatch.setitem(whisper._MODELS, "small", "http://127.0.0.1:9/0/small.pt")
    with pytest.raises(ConfigError, match=r"could not be downloaded.*check the network"):
        Whisper(WhisperOptions()).weights()[0].fetch(lambda done, total: None)
    assert server.ranges == []
