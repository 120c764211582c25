"""A language model with an optional adapter: settings, loading, identity and weights of the rankers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from data.errors import ConfigError
from data.messages import tr
from stages import models
from stages.backend import Weights
from stages.hub import hub_weights, revision_of
from stages.loading import loading, out_of_memory
from stages.models import PretrainedBackend, PretrainedOptions
from stages.ranking import adapter, template
from stages.ranking.prompt import Ranker

PHI_2 = "microsoft/phi-2"


class RankerOptions(PretrainedOptions):
    """Settings of a ranking model."""

    model: str = Field(PHI_2, description="Causal language model: hub id or folder")
    adapter: str | None = Field(
        None, description="PEFT adapter trained on described drama: folder or hub id; none: the model as it is"
    )


class ModelRanker(PretrainedBackend, Ranker):
    """A ranker that has a model: all of one but how it scores."""

    Options = RankerOptions
    options: RankerOptions
    known: ClassVar = {PHI_2: ("MIT", 5_570_000_000)}

    def identity(self) -> dict[str, Any]:
        """The weights and the precision, the adapter, the template."""
        chosen = self.options.adapter
        return {
            **super().identity(),
            **(adapter.identity(chosen) if chosen else {}),
            "template": template.VERSION,
        }

    def weights(self) -> Sequence[Weights]:
        """The base model and the adapter."""
        chosen = self.options.adapter
        return [*super().weights(), *([hub_weights(chosen, None, "unknown", None)] if chosen else [])]


def load(kind: str, options: RankerOptions, task: str, *, new: Sequence[str] = (), **config: Any) -> tuple[Any, Any]:
    """The model and its tokenizer, ready to compute on the device.

    `kind` names the Auto class of transformers, `task` PEFT's name of its task, `config` goes into the model's config.
    Weights that `new` names may be missing: they are drawn at random, to be trained.
    Raises ConfigError for weights that are missing, unreadable, incomplete, or of another base than the adapter's.
    """
    name = str(Path(options.model).expanduser()) if Path(options.model).expanduser().is_dir() else options.model
    commit = revision_of(name, options.revision)
    folder = adapter.checked(options.adapter, name, commit, task) if options.adapter else None
    with loading(options.model):
        import transformers

        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **models.origin(options, name))
        model, absent = _base(getattr(transformers, kind), options, name, config)
    brought = adapter.weight_names(folder) if folder else []
    absent = [key for key in absent if key not in new and not any(b.endswith(f".{key}") for b in brought)]
    if absent:
        raise ConfigError(_headless(options.model) if task == "SEQ_CLS" else _damaged(options.model, absent[0]))
    return (adapter.apply(model, folder) if folder else model).eval(), tokenizer


def _base(kind: Any, options: RankerOptions, name: str, config: dict[str, Any]) -> tuple[Any, list[str]]:
    """The model on its device, and the names of the weights its files lack."""
    from safetensors import SafetensorError

    given = models.pretrained(options, name)
    try:
        with _no_report():
            model, info = kind.from_pretrained(name, output_loading_info=True, **given, **config)
    except (SafetensorError, RuntimeError) as error:
        if out_of_memory(error):
            raise
        raise ConfigError(_damaged(options.model, str(error))) from error
    if options.quantise == "none":
        model.to(models.device(options.device))
    return model, sorted(info["missing_keys"])


@contextmanager
def _no_report() -> Iterator[None]:
    """Without transformers' table of missing weights: what an adapter brings is missing in the base, by rights."""
    from transformers import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _damaged(model: str, cause: str) -> str:
    cause = " ".join(cause.split())[:200]
    return tr("The weights of {model} are damaged or incomplete ({cause}); fetch or train them again",
              model=model, cause=cause)  # fmt: skip


def _headless(model: str) -> str:
    return tr("{model} has no trained reward head; give a reward model or a reward adapter, or set "
              "ranking.backend=causal", model=model)  # fmt: skip


def context_of(model: Any) -> int | None:
    """Most tokens a model takes at once; None: no limit is known."""
    return getattr(model.config.get_text_config(), "max_position_embeddings", None)
