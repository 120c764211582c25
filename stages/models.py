"""What every model backend shares: where it runs, in which precision, where its weights lie, and how it fails.

The Hugging Face convention `HF_HUB_OFFLINE=1` (`vdesc --offline`) keeps every backend off the network.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import hashlib
import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from data.errors import SURROUNDINGS, ConfigError, UserError
from data.messages import tr
from stages.backend import Backend, Resources

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

T = TypeVar("T")
A = TypeVar("A")

FREE: dict[str, Any] = {"changes_result": False}
"""`json_schema_extra` of a setting that changes how fast a result comes, not what it is: it stays out of the key."""
WHOLE = 16 * 2**20
"""Files up to so many bytes are hashed whole; of larger ones, size, beginning, middle and end (1 MiB each)."""
NO_ROOM = ("out of memory", "not enough memory", "can't allocate memory", "bad allocation")
"""How torch, oneDNN and ONNX Runtime say that memory is short, besides torch.OutOfMemoryError."""

WIDTHS: dict[str, float] = {"auto": 2, "bf16": 2, "fp16": 2, "fp32": 4, "8bit": 1, "4bit": 0.5}
"""Bytes a number takes on a GPU."""
STORED: dict[str, float] = {"float32": 4, "float16": 2, "bfloat16": 2}
Progress = Callable[[float, float], None]
"""Bytes done, bytes in all."""


class ModelOptions(BaseModel):
    """Settings every model backend has."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    device: str = Field(
        "auto",
        description="auto (CUDA, else MPS, else CPU), cpu, mps, cuda, cuda:1 …; one that is absent is an error",
        json_schema_extra=FREE,
    )
    batch: int = Field(
        8, ge=1, description="Most inputs in one forward pass; halved where memory is short", json_schema_extra=FREE
    )


class TorchOptions(ModelOptions):
    """Settings of backends that load their weights through transformers."""

    dtype: Literal["auto", "bf16", "fp16", "fp32"] = Field(
        "auto", description="Precision; auto: bf16 on CUDA that has it, else fp16 on CUDA and MPS, fp32 on the CPU"
    )
    quantise: Literal["none", "8bit", "4bit"] = Field(
        "none", description="Load in 8 or 4 bits (CUDA and the bitsandbytes package)"
    )
    revision: str | None = Field(
        None, description="Commit, tag or branch on the hub; none: the commit that was fetched first, else main"
    )
    trust_remote_code: bool = Field(False, description="Run Python code that comes with the model. Read it first")


class PretrainedOptions(TorchOptions):
    """Settings of a backend with one model of transformers."""

    model: str = Field(description="Hub id or folder")


@dataclass(frozen=True)
class Weights:
    """One set of weights a backend needs."""

    name: str
    """Hub id, file name or folder."""
    licence: str
    """SPDX id or the licence's own name; "unknown" where the backend cannot tell."""
    size: int | None
    """Bytes to download, about; None: unknown."""
    where: Path | None
    """The file or folder it lies in on this machine; None: not here yet."""
    cache: str
    """The cache folder it goes to, as people write it: ~/.cache/huggingface/hub, ~/.EasyOCR/model …"""
    fetch: Callable[[Progress], None]
    """Download it; resumes, and does nothing where it is already here. Raises UserError."""
    update: Callable[[Progress], None] | None = None
    """Download what the name stands for today and use it from then on; None where it never changes."""


class ModelBackend(Backend):
    """A backend that loads its weights on a device of this machine, into `_loaded`."""

    options: ModelOptions
    _loaded: Any = None

    def resources(self) -> Resources:
        """On the CPU all of it; on a GPU at least the memory of the weights, as large as their files."""
        return on_device(self.options.device, [_size(weights) for weights in self.weights()])

    def close(self) -> None:
        """Free the model."""
        self._loaded = None
        release()


class PretrainedBackend(ModelBackend):
    """One that has a model of transformers."""

    packages: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    options: PretrainedOptions
    known: ClassVar[Mapping[str, tuple[str, int | None]]] = {}
    """Hub id → licence and bytes to download, about, of models people are likely to choose, from their hub pages."""

    def identity(self) -> dict[str, Any]:
        """Revision or fingerprint of the weights, and the precision."""
        return model_identity(self.options, self.options.model)

    def weights(self) -> Sequence[Weights]:
        """The one model."""
        licence, size = self.known.get(self.options.model, ("unknown", None))
        return [hub_weights(self.options.model, self.options.revision, licence, size)]

    def resources(self) -> Resources:
        """On a GPU at least the memory of the weights: their bytes, times what a number takes by `dtype` or `quantise`
        over what it takes in the files. Before config.json is here to say that, the two count as the same.
        """
        options = self.options
        chosen = WIDTHS[options.dtype if options.quantise == "none" else options.quantise]
        sizes = [(_size(weights), _stored_width(weights) or chosen) for weights in self.weights()]
        return on_device(options.device, [size and round(size * chosen / stored) for size, stored in sizes])


def on_device(device: str, sizes: Sequence[int | None]) -> Resources:
    """What models of such sizes (bytes; None: unknown) take on the device of a `device` setting."""
    if device == "cpu":
        return Resources(cores=None)
    memory = None if None in sizes else sum(size or 0 for size in sizes)
    return Resources(cores=None if device == "auto" else 1, gpu_memory=memory)


def _size(weights: Weights) -> int | None:
    """Bytes of the weights: of the files that are here, else of the download."""
    here = weights.where
    if here is None or here.is_file():
        return weights.size if here is None else here.stat().st_size
    files = list(here.glob("*.safetensors")) or list(here.glob("*.bin"))
    return sum(file.stat().st_size for file in files) or weights.size


def _stored_width(weights: Weights) -> float | None:
    """Bytes a number takes in the files of a model, as its config.json says."""
    config = weights.where and weights.where / "config.json"
    if not config or not config.is_file():
        return None
    said = json.loads(config.read_text(encoding="utf-8"))
    return STORED.get(said.get("dtype") or said.get("torch_dtype") or "")


def offline() -> bool:
    """Whether nothing may be fetched, as huggingface_hub reads it."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


def device(name: str) -> torch.device:
    """The torch device of a `device` setting. Raises ConfigError for one this machine does not have."""
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        chosen = torch.device(name)
    except RuntimeError:
        raise ConfigError("There is no device {name}; choose auto, cpu, mps, cuda or cuda:1", name=name) from None
    absent = (
        (chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count())
        or (chosen.type == "mps" and not torch.backends.mps.is_available())
        or chosen.type not in {"cuda", "mps", "cpu"}
    )
    if absent:
        raise ConfigError("This machine has no device {name}; choose another one, or device=auto", name=name)
    return chosen


def dtype(name: str, on: torch.device) -> torch.dtype:
    """The torch precision of a `dtype` setting. Raises ConfigError for one the device cannot compute in."""
    import torch

    has_bf16 = on.type == "cpu" or (on.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False))
    if name == "auto":
        return torch.float32 if on.type == "cpu" else torch.bfloat16 if has_bf16 else torch.float16
    chosen: torch.dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[name]
    if (chosen is torch.bfloat16 and not has_bf16) or (chosen is torch.float16 and on.type == "cpu"):
        raise ConfigError("{device} does not compute in {dtype}; set dtype=auto", device=on, dtype=name)
    return chosen


def quantisation(name: str, on: torch.device) -> Any:
    """The `quantization_config` for from_pretrained; None for "none". Raises ConfigError.

    4 bits as QLoRA has them (Dettmers et al. 2023, arXiv:2305.14314): NF4, constants quantised too, bf16 arithmetic.
    """
    if name == "none":
        return None
    import importlib.util

    if on.type != "cuda" or importlib.util.find_spec("bitsandbytes") is None:
        raise ConfigError(
            "quantise={name} needs CUDA and the bitsandbytes package (pip install bitsandbytes)", name=name
        )
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_8bit=name == "8bit", load_in_4bit=name == "4bit", bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype("auto", on),
    )  # fmt: skip


def pretrained(options: TorchOptions, model: str) -> dict[str, Any]:
    """Keyword arguments of a model's from_pretrained; put the model on `device()` afterwards unless quantised."""
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # the run shows its own
    where = device(options.device)
    config = quantisation(options.quantise, where)
    chosen: dict[str, Any] = {"dtype": dtype(options.dtype, where), **origin(options, model)}
    return chosen | ({"quantization_config": config, "device_map": {"": str(where)}} if config else {})


def origin(options: TorchOptions, model: str) -> dict[str, Any]:
    """Keyword arguments of any from_pretrained that say which files: revision, offline, remote code."""
    folder = Path(model).expanduser()
    revision = None if folder.is_dir() else revision_of(model, options.revision)
    return {
        "trust_remote_code": options.trust_remote_code,
        "local_files_only": offline() or folder.is_dir(),
        **({"revision": revision} if revision else {}),
    }


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


def model_identity(options: TorchOptions, model: str) -> dict[str, Any]:
    """For `identity()`: the commit of a hub model or the fingerprint of a folder, and the resolved precision."""
    folder = Path(model).expanduser()
    source = {"files": fingerprint(folder)} if folder.is_dir() else {"revision": revision_of(model, options.revision)}
    return source | {"dtype": str(dtype(options.dtype, device(options.device)))}


def fingerprint(path: Path) -> str:
    """SHA-256 that tells a file or folder of weights from another one; see WHOLE."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    hashed = hashlib.sha256()
    for file in files:
        hashed.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode())
        for piece in _pieces(file):
            hashed.update(piece)
    return hashed.hexdigest()


def _pieces(file: Path) -> Iterator[bytes]:
    size, piece = file.stat().st_size, 2**20
    with file.open("rb") as handle:
        if size <= WHOLE:
            yield handle.read()
            return
        for at in (0, (size - piece) // 2, size - piece):
            handle.seek(at)
            yield handle.read(piece)


def hub_weights(repo: str, revision: str | None, licence: str, size: int | None) -> Weights:
    """The weights of a hub repository (or a local folder), in the hub's own cache."""
    from huggingface_hub import constants

    from stages.hub import fetch_from_hub, is_commit

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


@contextmanager
def loading(model: str) -> Iterator[None]:
    """Turn what libraries raise for missing weights, packages, networks and memory into one line and its remedy."""
    try:
        yield
    except (UserError, KeyboardInterrupt):
        raise
    except ImportError as error:
        raise _missing_package(error, model) from error
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise ConfigError(_too_large(model)) from error
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in SURROUNDINGS:
            raise
        raise ConfigError(_not_loaded(error, model)) from error


def _missing_package(error: ImportError, model: str) -> ConfigError:
    # transformers names no module where code that comes with a model, or a processor, lacks one
    listed = re.search(r"not found in your environment: (.+?)\. Run|Package `(\w+)` is required", str(error))
    named = error.name or (listed and (listed[1] or listed[2]).replace(",", "")) or str(error).splitlines()[0]
    return ConfigError(
        "{model} needs the package {package}: pip install 'videodescription[models]' {package}",
        model=model,
        package=named,
    )


def _too_large(model: str) -> str:
    return tr("{model} does not fit into memory; set quantise=4bit, another device, or a smaller model", model=model)


def _not_loaded(error: Exception, model: str) -> str:
    from huggingface_hub import errors

    chain = list(_causes(error))
    named = {"model": model, "cause": " ".join(str(error).split())[:200]}
    if any(isinstance(e, errors.GatedRepoError) for e in chain):
        return tr("{model} wants its licence accepted: do so on its hub page, then run `hf auth login`", **named)
    if any(isinstance(e, errors.RepositoryNotFoundError | errors.RevisionNotFoundError) for e in chain):
        return tr("There is no model {model} of that revision on the hub; check its name", **named)
    if "trust_remote_code" in str(error):
        return tr("{model} brings code of its own; read it, then allow it with trust_remote_code=true", **named)
    if Path(model).expanduser().is_dir():
        return tr("{model} cannot be loaded ({cause}); give a folder with config.json, weights and tokenizer", **named)
    if offline():
        return _forbidden(model)
    return tr("{model} cannot be loaded ({cause}); check the name and the network, then `vdesc models fetch`", **named)


def _forbidden(model: str) -> str:
    return tr("{model} is not on this machine and --offline forbids fetching it; run `vdesc models fetch`", model=model)


def about_to_fetch(model: str) -> None:
    """Raise ConfigError where --offline forbids it."""
    if offline():
        raise ConfigError(_forbidden(model))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of the device or of the machine is used up."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in NO_ROOM)


def in_batches(items: Sequence[A], size: int, forward: Callable[[Sequence[A]], Sequence[T]], model: str) -> Iterator[T]:
    """`forward` over `items`, at most `size` at once; where memory is short, half as many from there on.

    Raises ConfigError where not even one item fits.
    """
    at = 0
    while at < len(items):
        try:
            done = list(forward(items[at : at + size]))
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            done = []
        if not done:
            release()
            if size == 1:
                raise ConfigError(_too_large(model))
            size //= 2
            continue
        yield from done
        at += len(done)


def by_shape(images: Sequence[NDArray[np.uint8]]) -> list[list[int]]:
    """The places of the pictures, those of one size together."""
    places: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, image in enumerate(images):
        places[image.shape].append(place)
    return list(places.values())


def release() -> None:
    """Give the memory of models nobody refers to back to the device and the system."""
    import sys

    gc.collect()
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch and torch.backends.mps.is_available():
        torch.mps.empty_cache()
    with contextlib.suppress(OSError, AttributeError):  # only the C library of GNU has it, and keeps much without it
        ctypes.CDLL("libc.so.6").malloc_trim(0)
