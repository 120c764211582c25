"""PEFT adapters: where one lies, which base it was trained for, what tells it from another one.

An adapter is a folder that `save_pretrained` of PEFT wrote, or a hub repository of one. Method: LoRA, Hu et al. 2021
(arXiv:2106.09685).
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data.errors import ConfigError
from data.messages import tr
from stages import models
from stages.hub import revision_of
from stages.loading import loading, offline, out_of_memory

CONFIG = "adapter_config.json"
WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_CACHED = re.compile(r"models--(.+?)--(.+)")
"""How the hub's cache calls the folder of a repository."""


def identity(adapter: str) -> dict[str, str | None]:
    """SHA-256 of the whole files of a folder; the commit of a hub repository. Raises ConfigError for no adapter."""
    if not Path(adapter).expanduser().is_dir():
        _check_hub_id(adapter)
        return {"adapter": revision_of(adapter, None)}
    hashed = hashlib.sha256()
    for file in _files(Path(adapter).expanduser()):
        with file.open("rb") as handle:
            hashed.update(hashlib.file_digest(handle, "sha256").digest())
    return {"adapter": hashed.hexdigest()}


def local(adapter: str) -> Path:
    """The adapter's folder on this machine, fetched from the hub where it is not here yet. Raises ConfigError."""
    folder = Path(adapter).expanduser()
    if not folder.is_dir():
        _check_hub_id(adapter)
        import huggingface_hub

        with loading(adapter):
            commit = revision_of(adapter, None)
            folder = Path(
                huggingface_hub.snapshot_download(
                    adapter, revision=commit, allow_patterns=["adapter_*"], local_files_only=offline()
                )
            )
    _files(folder)
    return folder


def _files(folder: Path) -> list[Path]:
    """The files a result depends on; training leaves others beside them."""
    weights = [folder / name for name in WEIGHTS if (folder / name).is_file()][:1]  # PEFT's own order
    if not weights or not (folder / CONFIG).is_file():
        raise ConfigError(_none(str(folder)))
    return [folder / CONFIG, *weights]


def _check_hub_id(adapter: str) -> None:
    if not _HUB_ID.fullmatch(adapter):
        raise ConfigError(_none(adapter))


def _none(adapter: str) -> str:
    return tr("There is no adapter in {adapter}; give a PEFT folder with adapter_config.json and "
              "adapter_model.safetensors, or a hub id", adapter=adapter)  # fmt: skip


def checked(adapter: str, base: str, commit: str | None, task: str) -> Path:
    """The folder of an adapter that was trained for this base at this commit, and for this task. Raises ConfigError.

    `task` is PEFT's name: CAUSAL_LM, SEQ_CLS.
    """
    folder = local(adapter)
    with _reading(adapter):
        import peft

        config = peft.PeftConfig.from_pretrained(str(folder))
    check(config, adapter, base, commit, task)
    return folder


def apply(model: Any, folder: Path) -> Any:
    """`model` with the adapter of `folder` on it, as peft.PeftModel. The weights are not merged: as in training.

    Raises ConfigError for one that cannot be read, or whose layers are not the model's.
    """
    with _reading(str(folder)), warnings.catch_warnings():
        import peft

        warnings.filterwarnings("error", message="Found missing adapter keys")
        return peft.PeftModel.from_pretrained(model, str(folder), torch_device=str(model.device))


@contextmanager
def _reading(adapter: str) -> Iterator[None]:
    """Everything PEFT raises for damaged or foreign files, as one line."""
    from safetensors import SafetensorError

    damaged = (SafetensorError, UserWarning, RuntimeError, OSError, ValueError, KeyError, TypeError, EOFError)
    with loading(adapter):  # a missing package, too little memory
        try:
            yield
        except damaged as error:
            if out_of_memory(error):
                raise
            cause = " ".join(str(error).split())[:200]
            raise ConfigError(
                "The adapter {adapter} cannot be read ({cause}); train or copy it again", adapter=adapter, cause=cause
            ) from error


def check(config: Any, adapter: str, base: str, commit: str | None, task: str) -> None:
    """Whether an adapter's PeftConfig fits the base and the task. Raises ConfigError."""
    trained_on, revision = config.base_model_name_or_path or "", config.revision
    if trained_on and not same_model(trained_on, base):
        raise ConfigError(
            "The adapter {adapter} was trained on {trained_on}, not on {base}; set ranking.options.model to that "
            "one, or choose another adapter",
            adapter=adapter,
            trained_on=trained_on,
            base=base,
        )
    if revision and not Path(base).expanduser().is_dir() and revision_of(base, revision) != commit:
        raise ConfigError(
            "The adapter {adapter} was trained on {base} at {revision}, not at {commit}; set "
            "ranking.options.revision={revision}",
            adapter=adapter,
            base=base,
            revision=revision,
            commit=commit or "main",
        )
    if config.is_prompt_learning or (config.task_type or task) != task:
        kind = f"{config.peft_type.value}, {config.task_type}"
        raise ConfigError(
            "The adapter {adapter} is of another kind ({kind}); a LoRA adapter for {task} is needed here",
            adapter=adapter,
            kind=kind,
            task=task,
        )


def same_model(one: str, other: str) -> bool:
    """Whether two ids or folders mean one model.

    The same id, the same folder, or folders of equal content. Where one of them is a hub id, or a folder that is not
    on this machine (the adapter was trained on another one), the last part of the name decides: models/phi-2 is
    taken for microsoft/phi-2.
    """
    folders = [Path(name).expanduser() for name in (one, other)]
    if all(folder.is_dir() for folder in folders):
        return folders[0].resolve() == folders[1].resolve() or (
            models.fingerprint(folders[0]) == models.fingerprint(folders[1])
        )
    owners, names = zip(*(_owner_and_name(name) for name in (one, other)), strict=True)
    return names[0] == names[1] and ("" in owners or owners[0] == owners[1])


def _owner_and_name(model: str) -> tuple[str, str]:
    """Lower-case owner and name of a hub id; the owner is empty for a folder outside the hub's cache."""
    path = Path(model.replace("\\", "/"))
    for part in path.parts:
        cached = _CACHED.fullmatch(part)
        if cached:
            return cached[1].lower(), cached[2].lower()
    is_id = bool(_HUB_ID.fullmatch(model)) and not Path(model).is_dir()
    return (path.parent.name.lower() if is_id else ""), path.name.lower()


def weight_names(folder: Path) -> list[str]:
    """Names of the weights an adapter brings. Raises ConfigError."""
    with _reading(str(folder)):
        from peft.utils.save_and_load import load_peft_weights

        return list(load_peft_weights(str(folder), device="cpu"))
