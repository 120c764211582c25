"""Downloading one file of weights from a plain web address; hub models go through `stages.models`."""

from __future__ import annotations

import shutil
from pathlib import Path

from data.errors import ConfigError
from data.messages import tr
from stages.models import Progress, about_to_fetch

TIMEOUT = 60
"""Seconds without a byte after which a server counts as gone."""


def download(name: str, url: str, target: Path, progress: Progress) -> None:
    """Put what lies at `url` into `target`, going on where an earlier try stopped; nothing where it is here.

    It grows in `<target>.partial` and is renamed when whole. Raises ConfigError when offline, without the network,
    or for half an answer.
    """
    if target.is_file():
        return
    about_to_fetch(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    try:
        append(url, partial, progress)
    except OSError as error:
        raise ConfigError(_broken(name, str(error))) from error
    partial.replace(target)


def append(url: str, partial: Path, progress: Progress) -> None:
    """Add to `partial` what it lacks of what lies at `url`.

    Raises OSError without the network, for a refusal, and for an answer that ends early; what came is kept.
    """
    import urllib.request
    from http.client import HTTPException
    from urllib.error import HTTPError

    done = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        if error.code == 416 and done == _size_said(error.headers.get("Content-Range")):  # nothing is missing
            return
        if error.code == 416:
            partial.unlink()  # it is no beginning of what lies there now
        raise
    with answer, partial.open("ab" if answer.status == 206 else "wb") as file:
        total = file.tell() + int(answer.headers["Content-Length"] or 0)
        try:
            while block := answer.read(2**20):
                file.write(block)
                progress(file.tell(), total)
        except HTTPException as error:
            file.write(getattr(error, "partial", b""))
        if file.tell() < total:
            raise ConnectionError(f"{url} broke off at {file.tell()} of {total} bytes")


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
