"""Downloading files of weights: from plain web addresses, and with a token from the hub (`stages.hub`)."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import SURROUNDINGS, ConfigError
from stages.backend import Progress
from stages.loading import about_to_fetch

if TYPE_CHECKING:
    import httpx

TIMEOUT = 60
"""Seconds without a byte after which a server counts as gone."""


def download(
    name: str, url: str, target: Path, progress: Progress, *, others: Sequence[str] = (), sha256: str | None = None
) -> None:
    """Put what lies at `url`, else at the first of the `others` that answers, into `target`; nothing where it is here.

    Goes on where an earlier try stopped: it grows in `<target>.partial` and is renamed when whole. Raises ConfigError
    when offline, without the network, for half an answer, or for another content than `sha256` says.
    """
    if target.is_file():
        return
    about_to_fetch(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    for address in (url, *others):
        try:
            append(address, partial, progress)
            break
        except OSError as error:  # the next address may answer; the last one's error is told
            if error.errno in SURROUNDINGS:
                raise
            if address == (url, *others)[-1]:
                raise _broken(name, error) from error
    if sha256:
        verify(partial, "sha256", sha256, name)
    partial.replace(target)


def append(
    url: str,
    partial: Path,
    progress: Progress,
    headers: Mapping[str, str] | None = None,
    check: Callable[[httpx.Response], object] | None = None,
) -> None:
    """Add to `partial` what it lacks of what lies at `url`.

    `check` raises for a refusal. Raises ConnectionError without the network and for an answer that ends early, another
    OSError for a refusal; what came is kept.
    """
    import httpx

    done = partial.stat().st_size if partial.exists() else 0
    asked = {**(headers or {}), "Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    try:
        with httpx.stream("GET", url, headers=asked, follow_redirects=True, timeout=TIMEOUT) as answer:
            if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                if done == _size_said(answer.headers.get("Content-Range")):  # nothing is missing
                    return
                partial.unlink()  # it is no beginning of what lies there now
            (check or _accepted)(answer)
            _write(answer, partial, progress)
    except httpx.TransportError as error:
        raise ConnectionError(f"{url}: {error or type(error).__name__}") from error


def _write(answer: httpx.Response, partial: Path, progress: Progress) -> None:
    rest = answer.status_code == 206
    with partial.open("ab" if rest else "wb") as file:
        total = file.tell() + int(answer.headers.get("Content-Length") or 0)
        for piece in answer.iter_bytes():
            file.write(piece)
            progress(file.tell(), total)


def _accepted(answer: httpx.Response) -> None:
    if not answer.is_success:
        raise OSError(f"HTTP {answer.status_code} {answer.reason_phrase}: {answer.url}")


def _size_said(content_range: str | None) -> int:
    """The whole size in "bytes */123"; -1 where the server does not say."""
    size = (content_range or "").rpartition("/")[2]
    return int(size) if size.isdigit() else -1


def _broken(name: str, cause: object) -> ConfigError:
    return ConfigError(
        "{model} could not be downloaded ({cause}); check the network, then run `vdesc models fetch` again",
        model=name,
        cause=cause,
    )


def verify(file: Path, algorithm: str, digest: str, name: str) -> None:
    """Raise ConfigError, and forget the file, where its content is not what it should be."""
    with file.open("rb") as opened:
        sound = hashlib.file_digest(opened, algorithm).hexdigest() == digest
    if not sound:
        file.unlink()
        raise damaged(name)


def damaged(name: str) -> ConfigError:
    """The error for a file that came otherwise than it lies there."""
    return ConfigError("{file} arrived damaged; run the same command again", file=name)


def unzip(name: str, archive: Path, member: str, target: Path) -> None:
    """Take one file out of a downloaded zip and delete the zip. Raises ConfigError for a damaged one."""
    import zipfile

    partial = target.with_name(target.name + ".partial")
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as source, partial.open("wb") as file:
            shutil.copyfileobj(source, file)
    except (zipfile.BadZipFile, KeyError) as error:
        raise _broken(name, error) from error
    finally:
        archive.unlink()
    partial.replace(target)
