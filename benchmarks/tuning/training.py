"""Training: packed rows against the plain padded loop on the CPU; utilisation and memory at phi-2's size on CUDA.

Model FLOPs utilisation (MFU), after PaLM (Chowdhery et al. 2022, arXiv:2204.02311, appendix B), adapted to LoRA. PaLM
counts 6 N + 12 L H Q T FLOPs a token: twice N for the forward pass, twice for the gradients of the activations, twice
for those of the weights. Frozen weights have no gradients of their own, so here a token costs

    4 N + 6 A + 12 L H Q T        and a scored token 4 D V more

N: weights of the frozen linear layers without the output layer; A: weights of the adapter; L layers, H heads of Q
dimensions; T: tokens an example's token attends to on average, sum(n²) / sum(n) over examples of n tokens (all of
them, causal or not, as PaLM); D V: the output layer, needed at the response's tokens alone. What is computed besides
(padding, activations computed twice, other examples' attention, the output layer at the prompt's tokens) does not
count. MFU = these FLOPs a second / the device's peak in bf16.
"""

from __future__ import annotations

import csv
import functools
import gc
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from benchmarks.row import Row
from finetune import tokens, trainers, training_setup
from finetune.rows import Example
from finetune.training_config import TrainingConfig
from stages.ranking.prompt import RankingPrompt
from stages.ranking.template import render
from tests.checkpoints import causal as checkpoints

CUDA = torch.cuda.is_available()
SMALL = {"width": 256, "layers": 4, "heads": 4, "context": 2048}
PHI_2 = {"width": 2560, "layers": 32, "heads": 32, "context": 2048}
WORDS = 51200 if CUDA else 4096  # phi-2's vocabulary; one that fits the small model
ROWS = 4096 if CUDA else 128
ROOM = 1024 if CUDA else 512
"""Tokens of a pack. The default of training; half as much for the small model, in which attention
costs as much as the linear layers already at 500 tokens (at phi-2's width: 6 % of them at 1024)."""
AT_ONCE = 8
"""Examples in a batch of the plain loop: the Trainer's own default."""
REPEATS = 2
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40": 181e12, "4090": 165e12}
"""Dense bf16 FLOPs a second, from NVIDIA's data sheets."""
TARGET = "≥ 2×"


def measure() -> list[Row]:
    """The rows of this machine."""
    transformers.logging.set_verbosity_error()
    trainers.datasets.disable_progress_bars()
    if CUDA:
        return _on_cuda(tokens.sft_rows(_examples(ROWS, SPREADS[0]), _words(), ROOM))
    return [row for spread in SPREADS for row in _packing(spread)]


@functools.cache
def _lines() -> list[str]:
    """Human descriptions of television in order of broadcast."""
    media = Path(os.environ.get("VDESC_MEDIA", Path(__file__).parents[3] / "shared" / "media"))
    with (media / "ad-text-tv" / "tvad_train.csv").open(encoding="utf-8") as file:
        return [row["text_gt"].strip() for row in csv.DictReader(file)]


@functools.cache
def _words() -> Any:
    """A tokenizer that cuts the lines about as finely as phi-2's does."""
    return checkpoints.tokenizer().train_new_from_iterator(_lines(), 4096, show_progress=False)


@dataclass(frozen=True)
class Data:
    """One spread of lengths."""

    name: str
    bare: float
    """Share of the prompts that tell nothing of the moment, as those of data sets of pictures and captions alone."""
    earlier: int
    """Most earlier lines told; each number is as likely."""
    dialogue: int
    """Most lines of dialogue told on each side; each number is as likely."""


SPREADS = (
    Data("rows of episodes", bare=0.0, earlier=8, dialogue=1),
    Data("rows of episodes and of picture data sets", bare=0.5, earlier=8, dialogue=6),
)


def _examples(count: int, spread: Data) -> list[Example]:
    """Prompts of human lines, each before its human response."""
    lines, drawn = _lines(), random.Random(0)
    made = []
    for _ in range(count):
        at = drawn.randrange(40, len(lines))
        told = {
            "earlier": tuple(lines[at - drawn.randint(0, spread.earlier) : at]),
            "dialogue_before": " ".join(lines[at - 20 :][: drawn.randint(0, spread.dialogue)]),
            "dialogue_after": " ".join(lines[at - 30 :][: drawn.randint(0, spread.dialogue)]),
        }
        asked = RankingPrompt(language="en", **({} if drawn.random() < spread.bare else told))
        made.append(Example(prompt=render(asked), response=lines[at]))  # type: ignore[call-arg]
    return made


@dataclass(frozen=True)
class Way:
    """One way to train on the rows."""

    name: str
    make: Callable[[Any, list[tokens.Encoded], Path], Any]
    """A fresh trainer of a fresh model for one epoch."""


def _model(sizes: dict[str, int], quantised: bool = False) -> Any:
    """A Phi with the weights that training starts from; the same ones each time."""
    torch.manual_seed(0)
    settings = checkpoints.config("phi", WORDS, **sizes)
    settings.initializer_range = 0.02
    if quantised:
        return _in_4_bits(settings)
    with torch.device("cuda" if CUDA else "cpu"):
        kept = torch.get_default_dtype()
        torch.set_default_dtype(torch.bfloat16 if CUDA else torch.float32)
        try:
            return transformers.AutoModelForCausalLM.from_config(settings)
        finally:
            torch.set_default_dtype(kept)


def _in_4_bits(settings: Any) -> Any:
    """The same, through the production loader's quantisation."""
    from stages import models

    with tempfile.TemporaryDirectory() as folder:
        transformers.AutoModelForCausalLM.from_config(settings, dtype=torch.bfloat16).save_pretrained(folder)
        gc.collect()
        return transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.bfloat16, device_map={"": "cuda"},
            quantization_config=models.quantisation("4bit", torch.device("cuda")),
        )  # fmt: skip


def _config(**changes: Any) -> TrainingConfig:
    usual = {"model": "phi", "epochs": 1, "max_length": ROOM, "gradient_checkpointing": False, "log_every": 1000,
             "accumulation": 1, "device": "cuda" if CUDA else "cpu", "evaluate_every": 10_000, "learning_rate": 1e-3,
             "lora": {"dropout": 0.0}}  # fmt: skip
    return TrainingConfig.model_validate(usual | changes)


def ours(model: Any, rows: list[tokens.Encoded], folder: Path, **changes: Any) -> Any:
    """The production way: packed, or grouped by length, by finetune's trainer."""
    # as many examples to a step as the plain loop has, so that both take as many steps
    packing = changes.get("packing", True)
    data = trainers.pack(rows, ROOM, 0) if packing else trainers.datasets.Dataset.from_list(rows)
    batch = max(1, round(AT_ONCE * len(data) / len(rows)))
    config = _config(**{"batch": batch} | changes)
    kind, settings = trainers.TRAINERS["sft"]
    args = training_setup.arguments(settings, config, folder, torch.device(config.device), validated=False,
                                    ranked=False, resumed=False)  # fmt: skip
    trainer = kind(
        model=model, args=args, train_dataset=data, processing_class=_words(),
        peft_config=training_setup.adapter_settings(config, model, None),
        data_collator=trainers.collator("sft", 0, packing=packing),
    )  # fmt: skip
    lengths = None if packing else data["length"]
    trainer.order = trainers.Order(len(data), 0, lengths, config.batch)
    return _silent(trainer)


def plain(model: Any, rows: list[tokens.Encoded], folder: Path, whole: bool = False) -> Any:
    """transformers.Trainer as it comes: rows in random order, padded to the longest of the batch (or to ROOM)."""
    import peft

    config = _config()
    words = _words()
    words.pad_token = words.eos_token
    padding = {"padding": "max_length", "max_length": ROOM} if whole else {}
    args = transformers.TrainingArguments(
        str(folder), num_train_epochs=1, learning_rate=config.rate, lr_scheduler_type="cosine", warmup_steps=0.03,
        per_device_train_batch_size=AT_ONCE, report_to=[], disable_tqdm=True, save_strategy="no", use_cpu=not CUDA,
        logging_steps=1000, dataloader_pin_memory=CUDA, bf16=CUDA,
    )  # fmt: skip
    data = trainers.datasets.Dataset.from_list([{k: row[k] for k in ("input_ids", "labels")} for row in rows])
    return _silent(
        transformers.Trainer(
            peft.get_peft_model(model, training_setup.adapter_settings(config, model, None)), args, train_dataset=data,
            data_collator=transformers.DataCollatorForSeq2Seq(words, **padding),
        )
    )  # fmt: skip


def _silent(trainer: Any) -> Any:
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


WAYS = (
    Way("packed", ours),
    Way("grouped by length", lambda *of: ours(*of, packing=False)),
    Way("plain", plain),
    Way("plain, padded to the full length", lambda *of: plain(*of, whole=True)),
)


def _epoch(way: Way, sizes: dict[str, int], rows: list[tokens.Encoded]) -> tuple[float, float]:
    """Seconds of an epoch, and the loss on all rows after it (nats a response token)."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = way.make(_model(sizes), rows, Path(folder))
        started = _now()
        trainer.train()
        return _now() - started, loss(trainer.model, rows)


def loss(model: Any, rows: Sequence[tokens.Encoded]) -> float:
    """Mean over the response tokens, computed one row at a time."""
    model.eval()
    costs, count = 0.0, 0
    base = model.get_base_model()
    with torch.inference_mode():
        for row in rows[:64]:
            ids, labels = (torch.tensor([row[name]], device=model.device) for name in ("input_ids", "labels"))
            logits = base(input_ids=ids).logits[0, :-1].float()
            costs += torch.nn.functional.cross_entropy(logits, labels[0, 1:], reduction="sum").item()
            count += int((labels != tokens.IGNORED).sum())
    return costs / count


def _packing(spread: Data) -> list[Row]:
    rows = tokens.sft_rows(_examples(ROWS, spread), _words(), ROOM)
    lengths = [row["length"] for row in rows]
    times: dict[str, list[float]] = {way.name: [] for way in WAYS}
    losses: dict[str, float] = {}
    for _ in range(REPEATS):
        for way in WAYS:
            seconds, losses[way.name] = _epoch(way, SMALL, rows)
            times[way.name].append(seconds)
    speed = {name: sum(lengths) / min(seconds) for name, seconds in times.items()}
    tenths = [round(tenth) for tenth in statistics.quantiles(lengths, n=10)]
    how = (f"one epoch of {len(rows)} rows, deciles {', '.join(map(str, tenths))} tokens, the longest {max(lengths)}; "
           f"tokens without padding; Phi of width {SMALL['width']}, {SMALL['layers']} layers, vocabulary {WORDS}, "
           f"LoRA 16, fp32, {torch.get_num_threads()} thread; about {AT_ONCE} examples a step each, packs of {ROOM}; "
           f"processor time, interleaved, least of {REPEATS}")  # fmt: skip
    told = ", ".join(f"{name} {value:,.0f}" for name, value in speed.items())
    compared = ", ".join(f"{name} {losses[name]:.3f}" for name in losses)
    best = max(speed["packed"], speed["grouped by length"])
    return [
        Row(f"{spread.name}: ours against the plain loop", f"{best / speed['plain']:.2f}×", TARGET, how),
        Row(f"{spread.name}: against padding to the full length",
            f"{best / speed['plain, padded to the full length']:.2f}×", "", f"as above, to {ROOM} tokens"),
        Row(f"{spread.name}: tokens a second", told, "", "as above"),
        Row(f"{spread.name}: loss after the epoch", compared, "within noise", "nats a response token, 64 of the rows"),
    ]  # fmt: skip


def flops(model: Any, rows: Sequence[tokens.Encoded]) -> float:
    """FLOPs that training on the rows needs; the formula of the module's docstring. `model` carries the adapter."""
    settings = model.config
    adapter = sum(p.numel() for p in model.parameters() if p.requires_grad)
    frozen = sum(
        module.in_features * module.out_features
        for name, module in model.get_base_model().named_modules()
        if isinstance(module, torch.nn.Linear) and "lora_" not in name and "lm_head" not in name
    )
    lengths = [row["length"] for row in rows]
    attended = sum(n * n for n in lengths)
    scored = sum(label != tokens.IGNORED for row in rows for label in row["labels"])
    linear = (4 * frozen + 6 * adapter) * sum(lengths)
    attention = 12 * settings.num_hidden_layers * settings.hidden_size * attended
    return float(linear + attention + 4 * settings.hidden_size * settings.vocab_size * scored)


def _peak() -> float:
    name = torch.cuda.get_device_name()
    return next((peak for known, peak in PEAKS.items() if known in name), float("nan"))


def _on_cuda(rows: list[tokens.Encoded]) -> list[Row]:
    """Utilisation of both ways at phi-2's size, and what 4 bits and checkpointing save."""
    figures = []
    for name, make, target in (("packed", ours, "≥ 45 %"), ("plain Trainer defaults", plain, "")):
        with tempfile.TemporaryDirectory() as folder:
            trainer = make(_model(PHI_2), rows, Path(folder))
            needed = flops(trainer.model, rows)
            trainer.train()  # once for kernels and memory to settle
            started = _now()
            trainer.train()
            seconds = _now() - started
        del trainer
        _clear()
        speed = sum(row["length"] for row in rows) / seconds
        value = f"{needed / seconds / _peak():.1%} ({speed:,.0f} tokens/s)"
        how = f"phi-2's size, random weights, LoRA 16, bf16, {len(rows)} rows, {torch.cuda.get_device_name()}"
        figures.append(Row(f"model FLOPs utilisation, {name}", value, target, how))
    return figures + _memory(rows)


def _memory(rows: list[tokens.Encoded]) -> list[Row]:
    """GPU memory of the weights in 4 bits, and of activations with gradient checkpointing."""
    few = rows[:64]
    weights, kept = _taken(few, gradient_checkpointing=False)
    _, twice = _taken(few, gradient_checkpointing=True)
    how = f"peak above the weights in one epoch of {len(few)} rows, packed: {kept:.1f} → {twice:.1f} GB"
    figures = [Row("activation memory saved by gradient checkpointing", f"{1 - twice / kept:.0%}", "≥ 50 %", how)]
    try:
        small = _taken(few, gradient_checkpointing=True, quantised=True)[0]
    except Exception as error:
        return [*figures, Row("memory saved by 4 bits", f"not measured: {error}", "≥ 60 %", "")]
    how = f"weights and adapter: {weights:.1f} → {small:.1f} GB"
    return [*figures, Row("memory saved by 4 bits", f"{1 - small / weights:.0%}", "≥ 60 %", how)]


def _taken(rows: list[tokens.Encoded], quantised: bool = False, **changes: Any) -> tuple[float, float]:
    """GB of the model with its adapter, and of what training takes above it at its peak."""
    _clear()
    with tempfile.TemporaryDirectory() as folder:
        trainer = ours(_model(PHI_2, quantised), rows, Path(folder), **changes)
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        trainer.train()
        peak = torch.cuda.max_memory_allocated()
    return before / 1e9, (peak - before) / 1e9


def _clear() -> None:
    gc.collect()
    torch.cuda.empty_cache()


def _now() -> float:
    if CUDA:
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()  # of this process alone: others may run on the machine
