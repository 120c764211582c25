"""Training an adapter for the ranker: rows in, a folder out that a run can use.

    python -m finetune.train --config configs/finetune-phi2.yaml --data sft/*.jsonl -o adapters/phi2-drama
    accelerate launch -m finetune.train …          (several GPUs)

The training itself is Hugging Face's Trainer and TRL; method: LoRA, Hu et al. 2021 (arXiv:2106.09685).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import ConfigError, UserError
from data.messages import tr
from finetune import adapter_card, tokens, training_plots
from finetune.adapter_card import Base
from finetune.ranking_metrics import accuracy
from finetune.rows import Example
from finetune.training_config import TrainingConfig
from finetune.training_data import Corpus, corpus
from finetune.training_setup import adapter_settings, arguments, callbacks, last_checkpoint
from stages import models
from stages.hub import revision_of
from stages.loading import out_of_memory
from stages.models import TorchOptions
from stages.ranking import causal, reward
from stages.ranking import model as ranking_model
from stages.ranking.model import RankerOptions
from stages.stage import keyed

METRICS = "metrics.jsonl"
Progress = Callable[[float, float], None]
"""Steps done, steps in all."""


@dataclass(frozen=True)
class Result:
    """A finished training."""

    output: Path
    steps: int
    best_step: int | None
    """The step whose weights were kept; None: the last one's, for nothing was ranked."""
    loss: float
    """Training loss, mean of the last steps (log_every)."""
    accuracy_before: float | None
    """Share of the validation rows that the base model ranks rightly; None: nothing was ranked."""
    accuracy: float | None
    """The same of the adapter that was kept."""
    rows: dict[str, int]
    """train, validation, and why → how many were dropped."""
    tokens: int
    """Tokens trained on, without padding."""
    seconds: float
    """Of this call; an interrupted training's time before is not in it."""
    notes: tuple[str, ...]
    """What people should know."""


@dataclass(frozen=True)
class _Work:
    """Everything a training needs, loaded."""

    config: TrainingConfig
    data: Corpus
    model: Any
    tokenizer: Any
    base: Base
    rows: dict[str, list[tokens.Encoded]]
    """train and validation, as tokens."""
    ranked: list[Example]
    """Validation rows to rank."""


def train(
    config: TrainingConfig,
    data: Sequence[Path],
    output: Path,
    *,
    resume: bool = True,
    progress: Progress = lambda done, total: None,
) -> Result:
    """Train an adapter on SFT rows (finetune.rows.Example) and write it to the folder `output`.

    The folder appears when it is whole; until then work lies in `<output>.partial`, from where an interrupted
    training of the same settings and data is resumed exactly (`resume=False`: begun anew). Raises UserError for data
    that cannot be trained on, ConfigError for settings or a model that cannot be used.
    """
    started = time.monotonic()
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError("{path} is not empty; give a new folder for the adapter", path=output)
    read = corpus(data, config)
    where = models.device(config.device)
    with _libraries(config), _quiet():
        from accelerate import PartialState

        state = PartialState(cpu=where.type == "cpu")  # each process of several takes its own GPU
        work = _load(config, read, where)
        partial = output.with_name(f"{output.name}.partial")
        with state.main_process_first():
            _begin(partial, _fingerprint(work, state.num_processes), anew=not resume and state.is_main_process)
        checkpoint = last_checkpoint(partial / "checkpoints")
        trainer = _trainer(work, partial, where, checkpoint, progress)
        trainer.train(resume_from_checkpoint=checkpoint and str(checkpoint))
        return _finish(trainer, work, partial, output, started)


@contextmanager
def _libraries(config: TrainingConfig) -> Iterator[None]:
    """What is missing or too small, in one line."""
    try:
        yield
    except ImportError as error:
        raise ConfigError(
            "Training needs the package {package}: pip install 'videodescription[finetune]'",
            package=error.name or str(error).splitlines()[0],
        ) from error
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise ConfigError(
            "Training {model} does not fit into memory; set batch=1, gradient_checkpointing=true, a smaller "
            "max_length, or quantise=4bit",
            model=config.model,
        ) from error
    finally:
        models.release()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the libraries' own bars and advice: progress is told, and metrics are written."""
    import datasets
    from transformers import logging

    before, bars = logging.get_verbosity(), datasets.are_progress_bars_disabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if not bars:
            datasets.enable_progress_bars()


def _load(config: TrainingConfig, data: Corpus, where: Any) -> _Work:
    """The model on its device, and the rows as its tokens."""
    import transformers

    options = _options(config)
    transformers.set_seed(config.seed)  # a reward head is drawn at random
    model, tokenizer = (
        ranking_model.load("AutoModelForSequenceClassification", options, "SEQ_CLS", new=["score.weight"], num_labels=1)
        if config.objective == "reward"
        else ranking_model.load("AutoModelForCausalLM", options, "CAUSAL_LM")
    )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    context = ranking_model.context_of(model)
    room = min(filter(None, (context, config.max_length)), default=None)
    rows = {part: _rows(config, getattr(data, part), tokenizer, room) for part in ("train", "validation")}
    tokens.check_some(rows["train"], data.train, config.objective, room)
    ranked = tokens.ranked(data.validation, tokenizer, context, config.validation_rows)
    folder = Path(config.model).expanduser()
    commit = getattr(model.config, "_commit_hash", None) or revision_of(config.model, config.revision)
    base = Base(
        str(folder) if folder.is_dir() else config.model,
        None if folder.is_dir() else commit,
        models.fingerprint(folder) if folder.is_dir() else None,
        str(models.dtype(config.dtype, where)).removeprefix("torch."),
    )
    return _Work(config, data, model, tokenizer, base, rows, ranked)


def _options(config: TrainingConfig) -> RankerOptions:
    shared = {name: getattr(config, name) for name in TorchOptions.model_fields if name != "batch"}
    return RankerOptions(model=config.model, **shared)


def _rows(
    config: TrainingConfig, examples: Sequence[Example], tokenizer: Any, room: int | None
) -> list[tokens.Encoded]:
    if config.objective == "sft":
        return tokens.sft_rows(examples, tokenizer, room)
    return tokens.pair_rows(examples, tokenizer, room, whole=config.objective == "reward")


def _fingerprint(work: _Work, processes: int) -> str:
    """What must be the same for a training to be resumed."""
    sources = [source.data for source in work.data.sources]
    what = [keyed(work.config), sources, work.base.revision, work.base.files, processes]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _begin(partial: Path, fingerprint: str, *, anew: bool) -> None:
    """Make the folder of the work ready. Raises UserError for one that holds another training."""
    mark = partial / "fingerprint"
    if anew:
        shutil.rmtree(partial, ignore_errors=True)
    if mark.is_file() and mark.read_text() != fingerprint:
        raise UserError(
            "{path} holds an interrupted training with other settings or data; finish that one, or begin anew "
            "with --restart",
            path=partial,
        )
    partial.mkdir(parents=True, exist_ok=True)
    mark.write_text(fingerprint)


def _trainer(work: _Work, partial: Path, where: Any, checkpoint: Path | None, progress: Progress) -> Any:
    """The trainer of the objective with its data, adapter and callbacks. Raises ConfigError."""
    import datasets
    from transformers import PrinterCallback

    from finetune import trainers

    config, reward_like = work.config, work.config.objective == "reward"
    packing = config.packing and config.objective == "sft"
    if packing and not trainers.isolates(work.model):
        raise ConfigError("{model} lets packed examples see each other; set packing=false", model=config.model)
    room = min(filter(None, (ranking_model.context_of(work.model), config.max_length)), default=None)
    if packing and room is None:
        raise ConfigError("{model} names no longest context; set max_length, or packing=false", model=config.model)
    kind, settings = trainers.TRAINERS[config.objective]
    data = (
        trainers.pack(work.rows["train"], room or 0, config.seed)
        if packing
        else datasets.Dataset.from_list(work.rows["train"])
    )
    args = arguments(settings, config, partial / "checkpoints", where, ranked=bool(work.ranked),
                     validated=bool(work.rows["validation"]), resumed=checkpoint is not None)  # fmt: skip
    judge = _judge(work, reward_like) if work.ranked else None
    try:
        trainer = kind(
            model=work.model, args=args, train_dataset=data, eval_dataset=_validation(work),
            processing_class=work.tokenizer, peft_config=adapter_settings(config, work.model, work.base.revision),
            data_collator=trainers.collator(config.objective, work.tokenizer.pad_token_id or 0, packing=packing),
        )  # fmt: skip
    except ValueError as error:
        cause = " ".join(str(error).split())[:300]
        raise ConfigError(
            "The adapter cannot be put on {model} ({cause}); check the settings under lora",
            model=config.model,
            cause=cause,
        ) from error
    together = args.train_batch_size * config.accumulation * args.world_size
    lengths = data["length"] if config.group_by_length and not packing else None
    trainer.order = trainers.Order(len(data), config.seed, lengths, together)
    trainer.judge = judge
    trainer.remove_callback(PrinterCallback)
    main = trainer.is_world_process_zero()
    for callback in callbacks(config, partial, trainer.order, progress, ranked=bool(work.ranked), main=main):
        trainer.add_callback(callback)
    return trainer


def _validation(work: _Work) -> Any:
    """Validation rows, the longest first: batches of like length, and too little memory shows at once."""
    import datasets

    rows = sorted(work.rows["validation"], key=lambda row: -row["length"])
    every = -(-len(rows) // work.config.validation_rows) or 1
    rows = rows[::every]
    return datasets.Dataset.from_list(rows) if rows else None


def _judge(work: _Work, reward_like: bool) -> Callable[[Any, int, int], list[float]]:
    score, options = (reward.rewards if reward_like else causal.log_likelihoods), _options(work.config)

    def judge(model: Any, number: int, every: int) -> list[float]:
        mine = work.ranked[number::every]
        scores = score(model, work.tokenizer, [e.prompt for e in mine], [e.offered for e in mine], options)
        return [accuracy(e, values) for e, values in zip(mine, scores, strict=True)]

    return judge


def _finish(trainer: Any, work: _Work, partial: Path, output: Path, started: float) -> Result:
    """Write the adapter's folder whole, then put it in its place; remove the rest."""
    history, state = trainer.state.log_history, trainer.state
    loss = [entry["loss"] for entry in history if "loss" in entry][-1]
    before, best = _accuracies(history, state.best_metric if work.ranked else None)
    counts = _counts(work)
    result = Result(
        output, state.global_step, state.best_global_step if work.ranked else None, loss, before, best, counts,
        state.num_input_tokens_seen, time.monotonic() - started, tuple(_notes(work, before, best)),
    )  # fmt: skip
    folder = partial / "adapter"
    trainer.save_model(str(folder))
    if trainer.is_world_process_zero():
        (folder / "training_args.bin").unlink(missing_ok=True)  # a pickle of paths; training.yaml says it all
        metrics = {
            "steps": result.steps, "best_step": result.best_step, "loss": result.loss,
            "ranking_accuracy": result.accuracy, "ranking_accuracy_before": result.accuracy_before,
        }  # fmt: skip
        adapter_card.write_record(folder, work.config, work.base, work.data, counts, metrics)
        pictures = training_plots.draw(folder, history)
        adapter_card.write_card(folder, output.name, work.config, work.base, work.data, counts, metrics, pictures)
        for left in (METRICS, "tensorboard"):
            (partial / left).replace(folder / left)
        folder.replace(output)
        shutil.rmtree(partial)
    trainer.accelerator.wait_for_everyone()
    return result


def _accuracies(history: Sequence[dict[str, Any]], best: float | None) -> tuple[float | None, float | None]:
    """Ranking accuracy of the base, and of the weights that were kept."""
    accuracies = [entry["eval_ranking_accuracy"] for entry in history if "eval_ranking_accuracy" in entry]
    return (accuracies[0] if accuracies else None), best


def _counts(work: _Work) -> dict[str, int]:
    config, data = work.config, work.data
    pairs = config.objective != "sft"
    wanted = sum(len(e.rejected) for e in data.train) if pairs else len(data.train)
    counts = {"train": len(work.rows["train"]), "validation": len(work.ranked) or len(data.validation)}
    long = wanted - len(work.rows["train"])
    return counts | data.dropped | ({"too long": long} if long else {})


def _notes(work: _Work, before: float | None, best: float | None) -> Iterator[str]:
    counts = _counts(work)
    if counts.get("test"):
        yield tr("{count} rows marked test were left out of training", count=counts["test"])
    again = counts.get("duplicates", 0) + counts.get("near-duplicates", 0)
    if again:
        yield tr("{count} rows were dropped that repeat earlier ones", count=again)
    if counts.get("leaks"):
        yield tr("{count} training rows were dropped that validation or test rows repeat", count=counts["leaks"])
    if counts.get("too long"):
        yield tr("{count} rows were dropped whose response does not fit into the model's context",
                 count=counts["too long"])  # fmt: skip
    if not work.ranked:
        yield tr("Nothing was ranked while training (no validation rows with rejected texts): the last weights were "
                 "kept, not the best")  # fmt: skip
    elif before is not None and best is not None and best <= before:
        yield tr("The adapter ranks no better ({best:.1%}) than its base ({before:.1%}) on the validation rows",
                 best=best, before=before)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    """The module's own command line, for `accelerate launch`; `vdesc finetune train` is the one for people."""
    import argparse
    import sys

    from finetune.training_config import load

    parser = argparse.ArgumentParser(prog="finetune.train", description=train.__doc__)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], dest="assignments", metavar="KEY=VALUE")
    parser.add_argument("--restart", action="store_true")
    asked = parser.parse_args(argv)
    try:
        config = load(asked.config, asked.assignments)
        result = train(config, asked.data, asked.output, resume=not asked.restart, progress=_Spoken())
    except UserError as error:
        sys.exit(str(error))
    for note in result.notes:
        print(note, file=sys.stderr)
    print(result.output)


class _Spoken:
    """A line of progress every few seconds, with the time left."""

    INTERVAL = 10.0

    def __init__(self) -> None:
        self.started = self.spoke = time.monotonic()
        self.first: float | None = None

    def __call__(self, done: float, total: float) -> None:
        """Steps done, steps in all."""
        import sys

        now = time.monotonic()
        if self.first is None:
            self.first, self.started = done, now
        if now - self.spoke >= self.INTERVAL and done > self.first:
            self.spoke = now
            left = (now - self.started) * (total - done) / (done - self.first)
            print(tr("step {done:.0f} of {total:.0f}, {minutes:.0f} min left", done=done, total=total,
                     minutes=left / 60), file=sys.stderr)  # fmt: skip


if __name__ == "__main__":
    main()
