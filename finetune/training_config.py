"""The settings of a training, from YAML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data import settings
from data.errors import ConfigError
from stages.models import FREE, TorchOptions
from stages.ranking.model import PHI_2

Objective = Literal["sft", "dpo", "reward"]
LEARNING_RATES: dict[Objective, float] = {"sft": 2e-4, "dpo": 1e-5, "reward": 1e-4}
"""For LoRA: QLoRA's (Dettmers et al. 2023, arXiv:2305.14314, table 9, models up to 13 B); ten times TRL's default for
full DPO, as its documentation advises for LoRA; TRL's default for reward models."""


class Lora(BaseModel):
    """The adapter: low-rank adaptation, Hu et al. 2021 (arXiv:2106.09685), as PEFT offers it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    target: str | tuple[str, ...] = Field(
        "all-linear", description="Layers that get an adapter: all-linear (all but the output layer), or their names"
    )
    rank: int = Field(16, ge=1, description="Rank of the update")
    alpha: int = Field(32, ge=1, description="The update counts alpha / rank times (alpha / √rank with rslora)")
    dropout: float = Field(0.05, ge=0, lt=1, description="Share of the adapter's inputs dropped in training")
    rslora: bool = Field(False, description="Scale by √rank (Kalajdzievski 2023, arXiv:2312.03732)")
    dora: bool = Field(False, description="Learn direction and size apart (Liu et al. 2024, arXiv:2402.09353)")
    modules_to_save: tuple[str, ...] = Field(
        (), description="Layers trained whole and saved with the adapter, for small models: lm_head, embed_tokens …"
    )


class TrainingConfig(TorchOptions):
    """Settings of a training. Unknown keys are errors."""

    model: str = Field(PHI_2, description="Causal language model to train an adapter for: hub id or folder")
    objective: Objective = Field(
        "sft",
        description="sft: likelihood of the responses; dpo: responses against rejected texts (Rafailov et al. 2023); "
        "reward: a reward model of them (Ouyang et al. 2022)",
    )
    lora: Lora = Field(default_factory=lambda: Lora.model_validate({}), description="The adapter")
    epochs: float = Field(3, gt=0, description="Passes over the data")
    steps: int | None = Field(None, ge=1, description="Steps in all; none: as many as the epochs take")
    learning_rate: float | None = Field(
        None, gt=0, description="Highest learning rate; none: sft 2e-4, dpo 1e-5, reward 1e-4"
    )
    schedule: Literal["cosine", "linear", "constant"] = Field("cosine", description="Learning rate after the warm-up")
    warmup: float = Field(0.03, ge=0, lt=1, description="Share of the steps in which the learning rate rises")
    batch: int = Field(
        4, ge=1, description="Rows in one forward pass on each device: packs with packing, pairs with dpo and reward"
    )
    accumulation: int = Field(4, ge=1, description="Forward passes to one step")
    max_length: int | None = Field(
        1024, ge=16, description="Most tokens of a row or pack, and at most the model's context; none: the context"
    )
    packing: bool = Field(
        True, description="Fill rows with several examples that do not see each other (sft); faster, nothing else"
    )
    group_by_length: bool = Field(True, description="Batches of like length, where nothing is packed")
    gradient_checkpointing: bool = Field(
        True, description="Compute activations twice rather than keep them: less memory, about a quarter slower"
    )
    seed: int = Field(0, ge=0, description="Of the split, the adapter's first weights, the order and the dropout")
    validation_share: float = Field(
        0.1, ge=0, lt=1, description="Share of the rows held out, by drama, where no row is marked validation; 0: none"
    )
    validation_rows: int = Field(512, ge=1, description="Most validation rows ranked at each evaluation")
    leaks: Literal["refuse", "drop"] = Field(
        "refuse", description="Rows that validation or test rows repeat: refuse to train, or drop them"
    )
    evaluate_every: int | None = Field(
        None, ge=1, description="Steps between evaluations, each with a checkpoint; none: after each epoch"
    )
    patience: int | None = Field(
        3, ge=1, description="Evaluations without a better ranking accuracy before training stops; none: never"
    )
    log_every: int = Field(10, ge=1, description="Steps between entries of the metrics", json_schema_extra=FREE)
    beta: float = Field(0.1, gt=0, description="How far dpo may lead away from the base model: less is farther")

    @property
    def rate(self) -> float:
        """The learning rate, or the objective's own."""
        return self.learning_rate or LEARNING_RATES[self.objective]


def load(path: Path | None = None, assignments: Sequence[str] = ()) -> TrainingConfig:
    """The settings of a YAML file (none: the defaults) with `key=value` assignments on top. Raises ConfigError."""
    try:
        values: dict[str, Any] = settings.read(path) if path else {}
    except FileNotFoundError:
        raise ConfigError("There is no configuration file {path}; check the path", path=path) from None
    for assignment in assignments:
        settings.assign(values, assignment)
    try:
        return TrainingConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(settings.explain(error, TrainingConfig)) from None
