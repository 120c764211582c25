"""Brings a repository of the model hub into the hub's own cache.

The bytes are fetched here and huggingface_hub files them: on its own it forgets the half of a large file that was
there when a download broke off (from 1.31 on), and at Ctrl-C it waits for its threads to end.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import ConfigError
from stages.backend import Progress, Weights
from stages.download import append, damaged, verify
from stages.loading import loading
from stages.retrying import retried

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

FOREIGN = ("*.msgpack", "*.h5", "*.ot", "*.onnx", "*.onnx_data", "*.gguf", "*.tflite", "original/*", "consolidated*")
"""Weights of other frameworks, which lie beside those of torch in many repositories."""
WAITS = (1.0, 4.0)
"""Seconds before each further try after a connection that broke off."""


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
        _blob(info, name, partial(_moved, progress, done, total))
        hf_hub_download(info.id, name, revision=info.sha)
        done += sizes[name]
    progress(total, total)


def _moved(progress: Progress, before: int, total: int, arrived: float, _: float) -> None:
    """Progress of one file as that of all."""
    progress(before + arrived, total)


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


def _blob(info: ModelInfo, name: str, progress: Progress) -> None:
    """Download one file to where the cache keeps its contents."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

    url = hf_hub_url(info.id, name, revision=info.sha)
    there = get_hf_file_metadata(url)
    blob = hub_folder(info.id) / "blobs" / str(there.etag)
    if blob.exists():
        return
    blob.parent.mkdir(parents=True, exist_ok=True)
    part = blob.with_name(f"{blob.name}.partial")
    headers = build_hf_headers()
    retried(lambda: append(url, part, progress, headers, hf_raise_for_status), WAITS, (ConnectionError,))
    _verify(part, there.size, str(there.etag), f"{info.id}/{name}")
    part.replace(blob)


def _verify(part: Path, size: int | None, etag: str, name: str) -> None:
    """Raise ConfigError, and forget the file, where it is not the one the hub has."""
    if size is not None and part.stat().st_size != size:
        part.unlink()
        raise damaged(name)
    if re.fullmatch("[0-9a-f]{64}", etag):  # large files go by their SHA-256
        verify(part, "sha256", etag, name)


def revision_of(repo: str, revision: str | None) -> str | None:
    """The commit of `repo` in the local hub cache for a revision (none: main), else `revision` itself.

    So the weights that were fetched first stay until `vdesc models fetch --update` takes newer ones.
    """
    refs = hub_folder(repo) / "refs" / (revision or "main")
    return refs.read_text(encoding="utf-8").strip() if refs.is_file() else revision


def hub_folder(repo: str) -> Path:
    """Where huggingface_hub keeps a model repository."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}"


def hub_weights(repo: str, revision: str | None, licence: str, size: int | None) -> Weights:
    """The weights of a hub repository (or a local folder), in the hub's own cache."""
    from huggingface_hub import constants

    folder = Path(repo).expanduser()
    if folder.is_dir():
        return Weights(repo, licence, None, folder, str(folder), lambda _: None)
    commit = revision_of(repo, revision)
    snapshot = hub_folder(repo) / "snapshots" / (commit or "")
    return Weights(
        repo, licence, size, snapshot if commit and whole(snapshot) else None, str(constants.HF_HUB_CACHE),
        lambda progress: fetch_from_hub(repo, commit or revision or "main", progress),
        None if is_commit(revision) else lambda progress: fetch_from_hub(repo, revision or "main", progress),
    )  # fmt: skip


def whole(snapshot: Path) -> bool:
    """Whether a snapshot in the hub's cache holds its configuration and every file of its weights.

    An interrupted download leaves a snapshot behind that lacks files: config.json comes first, the weights last.
    """
    parts = {
        part
        for index in snapshot.glob("*.index.json")
        if not list(snapshot.glob("*.safetensors")) or "safetensors" in index.name
        for part in json.loads(index.read_text(encoding="utf-8")).get("weight_map", {}).values()
    }
    some = any(list(snapshot.glob(f"*{ending}")) for ending in (".safetensors", ".bin", ".pt", ".pth"))
    configured = any((snapshot / name).exists() for name in ("config.json", "adapter_config.json"))
    return some and configured and all((snapshot / part).exists() for part in parts)
