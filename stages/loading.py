"""How loading a model fails, in the user's words, and whether anything may be fetched.

The Hugging Face convention `HF_HUB_OFFLINE=1` (`vdesc --offline`) keeps every backend off the network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import SURROUNDINGS, ConfigError, UserError
from data.messages import tr

NO_ROOM = ("out of memory", "not enough memory", "can't allocate memory", "bad allocation")
"""How torch, oneDNN and ONNX Runtime say that memory is short, besides torch.OutOfMemoryError."""


def offline() -> bool:
    """Whether nothing may be fetched, as huggingface_hub reads it."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


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
        raise ConfigError(too_large(model)) from error
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


def too_large(model: str) -> str:
    """What is said of a model that memory has no room for."""
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
