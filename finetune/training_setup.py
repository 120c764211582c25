"""From our settings to those of the Trainer and of PEFT, and what listens to a training."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from data.errors import ConfigError, UserError
from data.files import write_atomically
from finetune.training_config import TrainingConfig
from stages import models

KEPT = 2
"""Checkpoints kept at a time: the best and the last."""
SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


def arguments(
    kind: type[Any], config: TrainingConfig, folder: Path, where: Any, *, validated: bool, ranked: bool, resumed: bool
) -> Any:
    """The TrainingArguments of TRL's trainer `kind`. Raises ConfigError for a device that cannot be used."""
    import torch

    precision = models.dtype(config.dtype, where)
    if where.type == "cuda" and where.index is not None:
        torch.cuda.set_device(where)
    rhythm: dict[str, Any] = (
        {"save_strategy": "steps", "save_steps": config.evaluate_every, "eval_steps": config.evaluate_every}
        if config.evaluate_every
        else {"save_strategy": "epoch"}
    )
    best = {
        "eval_strategy": rhythm["save_strategy"],
        "eval_on_start": not resumed,
        "load_best_model_at_end": True,
        "metric_for_best_model": "ranking_accuracy" if ranked else "loss",
        "greater_is_better": ranked,
    }
    args = kind(
        output_dir=str(folder),
        num_train_epochs=config.epochs,
        max_steps=config.steps or -1,
        learning_rate=config.rate,
        lr_scheduler_type=SCHEDULES[config.schedule],
        warmup_steps=config.warmup,
        per_device_train_batch_size=config.batch,
        per_device_eval_batch_size=config.batch,
        gradient_accumulation_steps=config.accumulation,
        gradient_checkpointing=config.gradient_checkpointing,
        max_length=None,  # the rows are cut by the template
        bf16=precision is torch.bfloat16,
        fp16=precision is torch.float16,
        use_cpu=where.type == "cpu",
        dataloader_pin_memory=where.type == "cuda",
        seed=config.seed,
        save_total_limit=KEPT,
        logging_steps=config.log_every,
        logging_first_step=True,
        logging_nan_inf_filter=False,  # a training that diverges is told, not smoothed over
        include_num_input_tokens_seen="non_padding",
        restore_callback_states_from_checkpoint=True,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to=[],
        **rhythm,
        **(best if validated else {}),
        **({"beta": config.beta} if config.objective == "dpo" else {}),
    )
    if args.n_gpu > 1:  # several GPUs in one process; `accelerate launch` gives each its own
        args._n_gpu = 1
    return args


def adapter_settings(config: TrainingConfig, model: Any, revision: str | None) -> Any:
    """The LoraConfig. Raises ConfigError for layers the model does not have."""
    import peft
    from transformers.pytorch_utils import Conv1D

    lora = config.lora
    names = [name for name, _ in model.named_modules()]
    for wanted in lora.modules_to_save:
        if not any(name == wanted or name.endswith(f".{wanted}") for name in names):
            raise ConfigError(
                "lora.modules_to_save: {model} has no layer {name}; its layers: {names}",
                model=config.model,
                name=wanted,
                names=", ".join(sorted({n.rpartition(".")[2] for n in names if n})),
            )
    reward = config.objective == "reward"
    return peft.LoraConfig(
        task_type="SEQ_CLS" if reward else "CAUSAL_LM",
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target if isinstance(lora.target, str) else list(lora.target),
        modules_to_save=sorted({*lora.modules_to_save, *(["score"] if reward else [])}) or None,
        use_rslora=lora.rslora,
        use_dora=lora.dora,
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
        revision=revision,
    )


def last_checkpoint(folder: Path) -> Path | None:
    """The latest whole checkpoint; its state is written last."""
    checkpoints = {
        int(match[1]): path
        for path in folder.glob("checkpoint-*")
        if (match := re.fullmatch(r"checkpoint-(\d+)", path.name)) and (path / "trainer_state.json").is_file()
    }
    return checkpoints[max(checkpoints)] if checkpoints else None


def callbacks(
    config: TrainingConfig,
    folder: Path,
    order: Any,
    progress: Callable[[float, float], None],
    *,
    ranked: bool,
    main: bool,
) -> Iterator[Any]:
    """Order of the rows, metrics to JSONL and (the `main` process) TensorBoard, progress, early stopping."""
    # TensorBoard takes its own stand-in for TensorFlow then: importing the real one takes seconds and writes on stderr
    sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))
    from torch.utils.tensorboard import SummaryWriter
    from transformers import EarlyStoppingCallback
    from transformers.integrations.integration_utils import TensorBoardCallback

    from finetune.trainers import Epochs

    yield Epochs(order)
    yield told(folder / "metrics.jsonl", config.model, progress)
    if main:
        yield TensorBoardCallback(SummaryWriter(str(folder / "tensorboard")))  # type: ignore[no-untyped-call]
    if ranked and config.patience:
        yield EarlyStoppingCallback(config.patience)


def told(file: Path, model: str, progress: Callable[[float, float], None]) -> Any:
    """The callback that writes the metrics so far and tells the progress; only the first process does."""
    from transformers import TrainerCallback

    class Told(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
            if not math.isfinite((logs or {}).get("loss", 0.0)):
                raise UserError(
                    "Training {model} diverged at step {step}; set a lower learning_rate, or dtype=fp32",
                    model=model,
                    step=state.global_step,
                )
            if state.is_world_process_zero:
                lines = "".join(json.dumps(entry) + "\n" for entry in state.log_history)
                write_atomically(file, lines.encode())

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.on_step_end(args, state, control)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            if state.is_world_process_zero:
                progress(state.global_step, state.max_steps)

    return Told()
