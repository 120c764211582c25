"""What every model backend shares: where it runs, in which precision, where its weights lie, and how it fails.

The Hugging Face convention `HF_HUB_OFFLINE=1` (`vdesc --offline`) keeps every backend off the network.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from data.errors import ConfigError
from stages.backend import Backend, Resources, Weights
from stages.hub import hub_weights, revision_of
from stages.loading import offline, out_of_memory, too_large

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

WIDTHS: dict[str, float] = {"auto": 2, "bf16": 2, "fp16": 2, "fp32": 4, "8bit": 1, "4bit": 0.5}
"""Bytes a number takes on a GPU."""
STORED: dict[str, float] = {"float32": 4, "float16": 2, "bfloat16": 2}


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
                raise ConfigError(too_large(model))
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
