"""Weights of DeepFace: the table is the library's own, downloads go on where they stopped."""

from __future__ import annotations

import http.server
import importlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data.errors import ConfigError
from stages.faces import weights
from stages.faces.deepface import DeepFace
from stages.faces.weights import File, fetch

BYTES = bytes(range(256)) * 40


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves BYTES as any file under /good; 404 elsewhere; /cut stops in the middle the first time."""

    asked: list[str]
    cuts: int

    def do_GET(self) -> None:
        first = int((self.headers["Range"] or "bytes=0-")[6:-1])
        type(self).asked.append(f"{self.path} {first}")
        if self.path.startswith("/bad"):
            self.send_error(404)
            return
        if first >= len(BYTES):
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(BYTES) - first))
        self.end_headers()
        cut = self.path.startswith("/cut") and type(self).cuts > 0
        type(self).cuts -= cut
        self.wfile.write(BYTES[first : len(BYTES) // 2 if cut else None])

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    Handler.asked, Handler.cuts = [], 1
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEEPFACE_HOME", str(tmp_path))
    return tmp_path / ".deepface" / "weights"


def test_a_file_is_fetched_once_with_progress(server: str, cache: Path) -> None:
    file, told = File("a.pth", "MIT", None, (f"{server}/good/",)), []
    for _ in range(2):
        fetch(file, lambda done, total: told.append((done, total)))
    assert (cache / "a.pth").read_bytes() == BYTES
    assert Handler.asked == ["/good/a.pth 0"]
    assert told[-1] == (len(BYTES), len(BYTES))


def test_the_next_address_is_tried(server: str, cache: Path) -> None:
    fetch(File("a.pth", "MIT", None, (f"{server}/bad/", f"{server}/good/")), lambda done, total: None)
    assert (cache / "a.pth").read_bytes() == BYTES


def test_a_download_that_stops_goes_on(server: str, cache: Path) -> None:
    file = File("a.pth", "MIT", None, (f"{server}/cut/",))
    with pytest.raises(ConfigError, match=r"a\.pth could not be downloaded.*network"):
        fetch(file, lambda done, total: None)
    assert not (cache / "a.pth").exists()
    fetch(file, lambda done, total: None)
    assert (cache / "a.pth").read_bytes() == BYTES
    assert Handler.asked[-1] == f"/cut/a.pth {len(BYTES) // 2}"


def test_nothing_answers(server: str) -> None:
    with pytest.raises(ConfigError, match=r"a\.pth could not be downloaded \(HTTP 404.*network"):
        fetch(File("a.pth", "MIT", None, (f"{server}/bad/",)), lambda done, total: None)


def test_offline_asks_nobody(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match="--offline forbids"):
        fetch(File("a.pth", "MIT", None, (f"{server}/good/",)), lambda done, total: None)
    assert Handler.asked == []


def test_the_table_is_deepface_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFACE_BACKEND_ENGINE", "pytorch")
    from deepface.commons.weight_utils import WEIGHT_SOURCES
    from deepface.models.face_detection.Yolo import YoloModel
    from deepface.modules.modeling import get_model_class
    from retinaface.model.retinaface_pth_model import WEIGHTS_URLS

    wanted = {("facial_attribute", "Emotion"): [weights.EMOTION]}
    wanted |= {("facial_recognition", name): [file] for name, file in weights.RECOGNISERS.items()}
    wanted |= {("face_detector", name): list(files) for name, files in weights.DETECTORS.items()}
    wanted["facial_recognition", "Facenet"].append(wanted.pop(("facial_recognition", "Facenet512"))[0])
    seen = set()
    for task, name, attributes in WEIGHT_SOURCES:
        if (task, name) not in wanted:
            continue
        module = importlib.import_module(get_model_class(task, name).__module__)
        urls = [getattr(module, attribute) for attribute in attributes]
        theirs = {tuple([u] if isinstance(u, str) else u) for u in urls}
        assert {tuple(folder + f.name for folder in f.folders) for f in wanted[task, name]} == theirs
        seen.add((task, name))
    yolo = {model.value for model in YoloModel}
    for name, (file, *_) in ((n, f) for n, f in weights.DETECTORS.items() if n.startswith("yolo")):
        assert (file.name, file.folders[0] + file.name) in yolo
        seen.add(("face_detector", name))
    (retinaface,) = weights.DETECTORS["retinaface"]
    assert [folder + retinaface.name for folder in retinaface.folders] == WEIGHTS_URLS
    assert set(wanted) - seen == {("face_detector", "retinaface"), ("face_detector", "opencv")}


def test_every_choice_has_its_weights() -> None:
    fields = DeepFace.Options.model_fields
    assert set(fields["detector"].annotation.__args__) == set(weights.DETECTORS)  # type: ignore[union-attr]
    assert set(fields["model"].annotation.__args__) == set(weights.RECOGNISERS)  # type: ignore[union-attr]
