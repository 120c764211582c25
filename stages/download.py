"""Downloading one file of weights from a plain web address; hub models go through `stages.models`."""

from __future__ import annotations

import shutil
from pathlib import Path

from data.errors import ConfigError
from data.messages import tr
from stages.models import Progress, offline

TIMEOUT = 60
"""Seconds without a byte after which a server counts as gone."""


def download(name: str, url: str, target: Path, progress: Progress) -> None:
    """Put what lies at `url` into `target`, going on where an earlier try stopped; nothing where it is here.

    It grows in `<target>.partial` and is renamed when whole. Raises ConfigError when offline, without the network,
    or for half an answer.
    """
    if target.is_file():
        return
    if offline():
        raise ConfigError(
            tr("{model} is not on this machine and --offline forbids fetching it; run `vdesc models fetch`", model=name)
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    try:
        whole = _append(url, partial, progress)
    except OSError as error:  # URLError and timeouts are such
        raise ConfigError(_broken(name, str(error))) from error
    if partial.stat().st_size != whole:
        raise ConfigError(_broken(name, f"{partial.stat().st_size} / {whole}"))
    partial.replace(target)


def _append(url: str, partial: Path, progress: Progress) -> int:
    """Add what is missing; the size of the whole, bytes."""
    import urllib.request
    from http.client import IncompleteRead
    from urllib.error import HTTPError

    done = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        if error.code == 416 and done == _size_said(error.headers.get("Content-Range")):  # nothing is missing
            return done
        partial.unlink(missing_ok=True)  # it is no beginning of what lies there now
        raise
    with answer, partial.open("ab" if answer.status == 206 else "wb") as file:
        whole = file.tell() + int(answer.headers["Content-Length"])
        try:
            while block := answer.read(2**20):
                file.write(block)
                progress(file.tell(), whole)
        except IncompleteRead as error:
            file.write(error.partial)
    return whole


def _size_said(content_range: str | None) -> int:
    """The whole size in "bytes */123"; -1 where the server does not say."""
    size = (content_range or "").rpartition("/")[2]
    return int(size) if size.isdigit() else -1


def _broken(name: str, cause: str) -> str:
    return tr("{model} could not be downloaded ({cause}); check the network, then run `vdesc models fetch` again",
              model=name, cause=cause)  # fmt: skip


def unzip(name: str, archive: Path, member: str, target: Path) -> None:
    """Take one file out of a downloaded zip and delete the zip. Raises ConfigError for a damaged one."""
    import zipfile

    partial = target.with_name(target.name + ".partial")
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as source, partial.open("wb") as file:
            shutil.copyfileobj(source, file)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ConfigError(_broken(name, str(error))) from error
    finally:
        archive.unlink()
    partial.replace(target)
