"""What is sent to the server: sizes, decoys and noise; each attack works once its defence is taken away."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from pipeline.review import recording, security
from tests.pipeline.review.browsing import Browser
from tests.pipeline.review.made import _wav

SECONDS = 1.5


@pytest.fixture
def secret(tmp_path: Path, ffmpeg: Callable[..., None]) -> Path:
    """A sound that lies on the server and is nobody's to hear."""
    path = tmp_path / "private" / "secret.ts"
    path.parent.mkdir()
    ffmpeg("-f", "lavfi", "-i", f"sine=440:duration={SECONDS}", "-c:a", "aac", path)
    return path


def sent(browser: Browser, content: bytes | Iterator[bytes], name: str = "a.wav") -> Any:
    """Upload a recording of the first line; an iterator goes in chunks without a length."""
    line = browser.get("/e/episode/state").json()["lines"][0]["id"]
    path, headers = f"/e/episode/lines/{line}/recording", {"X-CSRF-Token": browser.token()}
    if isinstance(content, bytes):
        return browser.post(path, files={"file": (name, content)}, headers=headers)
    headers["Content-Type"] = "multipart/form-data; boundary=x"
    return browser.post(path, content=content, headers=headers)


def kept(out: Path) -> list[Path]:
    return list((out / "episode" / "review" / "recordings").glob("*"))


def in_chunks(content: bytes) -> Iterator[bytes]:
    yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    yield from (content[at : at + 4096] for at in range(0, len(content), 4096))
    yield b"\r\n--x--\r\n"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_recording_too_large_is_turned_away(
    browser: Browser, out: Path, monkeypatch: pytest.MonkeyPatch, chunked: bool
) -> None:
    content = _wav(1.0)
    with monkeypatch.context() as limited:
        limited.setattr(security, "UPLOAD_LIMIT", 10_000)
        answer = sent(browser, in_chunks(content) if chunked else content)
        assert (answer.status_code, kept(out)) == (413, [])
    assert sent(browser, in_chunks(content) if chunked else content).status_code == 200
    assert len(kept(out)) == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_words_too_many_are_turned_away(browser: Browser, monkeypatch: pytest.MonkeyPatch, chunked: bool) -> None:
    body = b'{"kind": "' + b"x" * security.TEXT_LIMIT + b'"}'

    def answer() -> int:
        parts: Any = (part for part in (body[:1000], body[1000:]))
        headers = {"X-CSRF-Token": browser.token(), "Content-Type": "application/json"}
        return browser.post("/e/episode/check", content=parts if chunked else body, headers=headers).status_code

    assert answer() == 413
    monkeypatch.setattr(security, "TEXT_LIMIT", 1 << 30)
    assert answer() == 422, "it has been read"


def test_a_length_that_lies_gains_nothing(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes are counted as they come, whatever was announced."""
    body = b'{"kind": "' + b"x" * security.TEXT_LIMIT + b'"}'
    headers = {"X-CSRF-Token": browser.token(), "Content-Type": "application/json", "Content-Length": "20"}
    assert browser.post("/e/episode/check", content=body, headers=headers).status_code == 413
    monkeypatch.setattr(security, "_limited", lambda receive, _: receive)
    assert browser.post("/e/episode/check", content=body, headers=headers).status_code == 422


def test_a_small_file_that_lasts_for_hours_is_not_unpacked(
    browser: Browser, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with io.BytesIO() as file:
        soundfile.write(file, np.zeros(48_000 * 300, np.int16), 48_000, format="FLAC")
        bomb = file.getvalue()
    assert len(bomb) < 100_000
    answer = sent(browser, bomb, "a.flac")
    assert (answer.status_code, kept(out)) == (422, [])
    assert "longer than 120 seconds" in answer.json()["error"]
    monkeypatch.setattr(recording, "LONGEST", float(1 << 30))
    assert sent(browser, bomb, "a.flac").status_code == 200
    assert kept(out)[0].stat().st_size > 100 * len(bomb)


def test_what_is_no_sound_is_never_kept(browser: Browser, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = b"RIFF<script>alert(1)</script>" + bytes(20_000)
    assert (sent(browser, page).json()["code"], kept(out)) == ("wrong", [])
    monkeypatch.setattr(recording, "decoded", lambda upload: upload.read())
    monkeypatch.setattr(recording, "_wav", lambda content: content)
    assert sent(browser, page).status_code == 200
    assert kept(out)[0].read_bytes() == page


def test_a_list_of_files_is_no_recording(
    browser: Browser, out: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FFmpeg takes a text for a recording and plays the files it names, from the server's own disk."""
    monkeypatch.chdir(secret.parent)
    decoy = b"ffconcat version 1.0\nfile secret.ts\n"
    for name in ("a.wav", "a.ffconcat"):
        assert (sent(browser, decoy, name).status_code, kept(out)) == (422, [])
    opened = av.open
    monkeypatch.setattr(recording, "_container", lambda _: None)
    monkeypatch.setattr(av, "open", lambda file, mode, **_: opened(file, mode))
    assert sent(browser, decoy).status_code == 200
    assert heard(kept(out)[0])


def test_a_playlist_reaches_no_file(browser: Browser, out: Path, secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were a playlist taken for a recording, its demuxer still could not open anything."""
    decoy = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{secret}\n#EXT-X-ENDLIST\n".encode()
    assert sent(browser, decoy, "a.m3u8").status_code == 422
    monkeypatch.setattr(recording, "_container", lambda _: "hls")
    assert (sent(browser, decoy, "a.m3u8").status_code, kept(out)) == (422, [])
    opened = av.open
    monkeypatch.setattr(av, "open", lambda file, mode, format, **_: opened(file, mode, format=format))
    assert sent(browser, decoy, "a.m3u8").status_code == 200
    assert heard(kept(out)[0])


def heard(path: Path) -> bool:
    """Whether the secret is in the recording."""
    samples, rate = soundfile.read(path)
    spectrum = np.abs(np.fft.rfft(samples))
    return abs(float(np.argmax(spectrum)) * rate / len(samples) - 440) < 2
