"""What lies beside an adapter's weights: all settings and sources, and a card for people (Mitchell et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from data.messages import tr
from finetune.training_config import TrainingConfig
from finetune.training_data import Corpus
from stages.ranking.model import PHI_2

RECORD = "training.yaml"
CARD = "README.md"


@dataclass(frozen=True)
class Base:
    """The model an adapter was trained on."""

    model: str
    """Hub id or folder."""
    revision: str | None
    """Commit of the hub; None: a folder."""
    files: str | None
    """Fingerprint of a folder; None: a hub model."""
    dtype: str


def write_record(
    folder: Path, config: TrainingConfig, base: Base, data: Corpus, counts: Mapping[str, int], metrics: dict[str, Any]
) -> None:
    """training.yaml: the whole configuration, the base, the data with their hashes, the result, the versions."""
    record = {
        "config": config.model_dump(mode="json"),
        "base": asdict(base),
        "data": [asdict(source) for source in data.sources],
        "licences": data.licences,
        "rows": dict(counts),
        "metrics": metrics,
        "versions": versions(),
    }
    text = yaml.safe_dump(record, allow_unicode=True, sort_keys=False)
    (folder / RECORD).write_text(text, encoding="utf-8")


def versions() -> dict[str, str]:
    """The libraries that training depends on."""
    from importlib.metadata import version

    return {name: version(name) for name in ("torch", "transformers", "peft", "trl", "accelerate")}


def write_card(
    folder: Path, name: str, config: TrainingConfig, base: Base, data: Corpus,
    counts: Mapping[str, int], metrics: dict[str, Any], pictures: Sequence[Path],
) -> None:  # fmt: skip
    """README.md: what it is, how it is used, what it was trained on, how well it ranks."""
    lines = [
        *_head(base),
        f"# {name}",
        "",
        tr("A LoRA adapter that ranks descriptions of drama pictures: {model}, trained by {objective}.",
           model=base.model, objective=config.objective),
        "",
        *_use(name, config, base),
        *_section(tr("Base model"), {tr("Model"): base.model, tr("Revision"): base.revision or base.files,
                                     tr("Precision"): base.dtype}),
        *_section(tr("Rows"), counts),
        *_section(tr("Licences"), data.licences),
        *_section(tr("Sources"), {source.path: f"SHA-256 {source.data}" for source in data.sources}),
        *_section(tr("Result"), metrics),
        *(f"![{picture.stem}]({picture.name})" for picture in pictures),
        "",
        tr("The rows that were ranked while training chose the best checkpoint; judge the adapter on other ones, with "
           "`vdesc finetune evaluate`."),
        "",
        tr("Every setting: {record}.", record=RECORD),
        "",
    ]  # fmt: skip
    (folder / CARD).write_text("\n".join(lines), encoding="utf-8")


def _head(base: Base) -> list[str]:
    """The fields that hubs and PEFT read."""
    named = {} if base.files else {"base_model": base.model}
    fields = {**named, "library_name": "peft", "tags": ["lora", "ranking", "audio-description"]}
    return ["---", *yaml.safe_dump(fields, sort_keys=False).splitlines(), "---"]


def _use(name: str, config: TrainingConfig, base: Base) -> list[str]:
    backend = "reward" if config.objective == "reward" else "causal"
    chosen = {"backend": backend, "options.model": base.model, "options.revision": base.revision}
    told = {key: value for key, value in chosen.items() if value and (key, value) != ("options.model", PHI_2)}
    options = " ".join(f"--set ranking.{key}={value}" for key, value in told.items())
    return ["```", f"vdesc run ep.mp4 {options} --set ranking.options.adapter={name}", "```", ""]


def _section(title: str, facts: Mapping[str, Any]) -> list[str]:
    shown = (f"- {what}: {value:.4g}" if isinstance(value, float) else f"- {what}: {value}"
             for what, value in facts.items() if value is not None)  # fmt: skip
    return [f"## {title}", "", *shown, ""] if facts else []
