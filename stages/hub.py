"""Brings a repository of the model hub into the hub's own cache.

The bytes are fetched here and huggingface_hub files them: on its own it forgets the half of a large file that was
there when a download broke off (from 1.31 on), and at Ctrl-C it waits for its threads to end.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import ConfigError
from stages.models import Progress, hub_folder, loading

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

FOREIGN = ("*.msgpack", "*.h5", "*.ot", "*.onnx", "*.onnx_data", "*.gguf", "*.tflite", "original/*", "consolidated*")
"""Weights of other frameworks, which lie beside those of torch in many repositories."""
WAITS = (1.0, 4.0)
"""Seconds before each further try after a connection that broke off."""
TIMEOUT = 30.0
"""Seconds without a byte."""


def fetch_from_hub(repo: str, revision: str, progress: Progress) -> None:
    """Download what is missing of a repository, going on within a file where an earlier try stopped.

    What a branch or tag stands for is written down when every file is here, so that the snapshot before serves until
    then. Raises UserError; OSError where the disk is full.
    """
    import filelock
    import httpx
    import huggingface_hub

    with loading(repo):
        try:
            info = huggingface_hub.HfApi().model_info(repo, revision=revision, files_metadata=True)
            locks = hub_folder(repo).parent / ".locks"
            locks.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(locks / f"{hub_folder(repo).name}.lock"):
                _fetch(info, progress)
        except httpx.HTTPError as error:  # which is no OSError
            raise ConnectionError(str(error) or type(error).__name__) from error
        if not is_commit(revision):
            reference = hub_folder(repo) / "refs" / revision
            reference.parent.mkdir(parents=True, exist_ok=True)
            reference.write_text(str(info.sha), encoding="utf-8")


def is_commit(revision: str | None) -> bool:
    """Whether a revision is a whole commit id, which stands for the same files for ever."""
    return re.fullmatch("[0-9a-f]{40}", revision or "") is not None


def _fetch(info: ModelInfo, progress: Progress) -> None:
    from huggingface_hub import hf_hub_download

    snapshot = hub_folder(info.id) / "snapshots" / str(info.sha)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    missing = [name for name in _wanted(list(sizes)) if not (snapshot / name).exists()]
    total, done = sum(sizes[name] for name in missing), 0
    _need_room(info.id, total)
    for name in missing:
        for arrived in _blob(info, name):
            progress(done + arrived, total)
        hf_hub_download(info.id, name, revision=info.sha)
        done += sizes[name]
    progress(total, total)


def _wanted(files: Sequence[str]) -> list[str]:
    """The files to download: of weights that lie there in several formats, the safe one alone."""
    foreign = [*FOREIGN, *(["pytorch_model*.bin"] if any(f.endswith(".safetensors") for f in files) else [])]
    return [file for file in files if not any(fnmatch.fnmatch(file, pattern) for pattern in foreign)]


def _need_room(repo: str, size: int) -> None:
    cache = hub_folder(repo).parent
    free = shutil.disk_usage(cache).free
    if free < size:
        raise ConfigError(
            "{model} needs {need:.1f} GB in {folder}, where {free:.1f} GB are free; make room, or set HF_HOME",
            model=repo,
            need=size / 1e9,
            free=free / 1e9,
            folder=cache,
        )


def _blob(info: ModelInfo, name: str) -> Iterator[int]:
    """Download one file to where the cache keeps its contents; yields the bytes that have arrived."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(info.id, name, revision=info.sha)
    there = get_hf_file_metadata(url)
    blob = hub_folder(info.id) / "blobs" / str(there.etag)
    if blob.exists():
        return
    blob.parent.mkdir(parents=True, exist_ok=True)
    partial = blob.with_name(f"{blob.name}.partial")
    yield from _persistently(url, partial)
    _verify(partial, there.size, str(there.etag), f"{info.id}/{name}")
    partial.replace(blob)


def _persistently(url: str, partial: Path) -> Iterator[int]:
    import httpx

    for wait in (*WAITS, None):
        try:
            yield from _download(url, partial)
            return
        except httpx.TransportError:
            if wait is None:
                raise
            time.sleep(wait)


def _download(url: str, partial: Path) -> Iterator[int]:
    import httpx
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

    have = partial.stat().st_size if partial.exists() else 0
    headers = build_hf_headers() | {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=TIMEOUT) as answer:
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:  # nothing is left to send
            return
        hf_raise_for_status(answer)
        whole = answer.status_code != httpx.codes.PARTIAL_CONTENT
        with partial.open("wb" if whole else "ab") as file:
            for piece in answer.iter_bytes():
                file.write(piece)
                yield file.tell()


def _verify(partial: Path, size: int | None, etag: str, name: str) -> None:
    """Raise ConfigError, and forget the file, where it is not the one the hub has."""
    sound = size is None or partial.stat().st_size == size
    if sound and re.fullmatch("[0-9a-f]{64}", etag):  # large files go by their SHA-256
        with partial.open("rb") as file:
            sound = hashlib.file_digest(file, "sha256").hexdigest() == etag
    if not sound:
        partial.unlink()
        raise ConfigError("{file} arrived damaged; run the same command again", file=name)
