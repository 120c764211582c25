"""TRL's trainers, with what ranking needs: tokens of our own, the ranking accuracy, an order that resumes exactly.

Loads torch and TRL: imported only where something is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import datasets
import torch
from accelerate.utils import gather_object
from transformers import TrainerCallback
from transformers.trainer_pt_utils import get_length_grouped_indices
from trl.data_utils import pack_dataset
from trl.trainer import utils as trl_utils
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DataCollatorForPreference, DPOTrainer
from trl.trainer.reward_config import RewardConfig
from trl.trainer.reward_trainer import RewardTrainer
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling, SFTTrainer

from finetune.tokens import Encoded
from finetune.training_config import Objective

# TRL computes the output layer at the tokens with a label alone where Triton is, and elsewhere at all of them, for
# devices that compile anew for every shape. A CPU does not: there it is a fifth of the work of a small model.
trl_utils._use_triton = lambda device: device.type in {"cpu", "cuda", "mps"}  # type: ignore[attr-defined]
ACCURACY = "ranking_accuracy"
Judge = Callable[[Any, int, int], list[float]]
"""The accuracy of a model on each of its validation rows: those from a number on, every so-manieth."""


class Order(torch.utils.data.Sampler[int]):
    """The order of the rows in an epoch, drawn from the seed and the epoch alone.

    So a resumed training sees the rows an undisturbed one would have seen. With `lengths`, rows of like length stand
    together (transformers' length grouping: shuffled, then sorted within stretches of 50 batches).
    """

    def __init__(self, rows: int, seed: int, lengths: Sequence[int] | None, batch: int) -> None:
        self.rows, self.seed, self.lengths, self.batch = rows, seed, lengths, batch
        self.begun = 0
        """The epoch, from 0; set by `Epochs`."""

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[int]:
        drawn = torch.Generator().manual_seed(self.seed * 1_000_003 + self.begun)
        if self.lengths is None:
            return iter(torch.randperm(self.rows, generator=drawn).tolist())
        grouped = get_length_grouped_indices(self.lengths, self.batch, generator=drawn)  # type: ignore[no-untyped-call]
        return iter(grouped)


class Epochs(TrainerCallback):
    """Tells the order which epoch begins. (Samplers of transformers do not hear of it where batches are skipped.)"""

    def __init__(self, order: Order) -> None:
        self.order = order

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """A training resumed within an epoch is at a broken number of epochs."""
        self.order.begun = int(state.epoch or 0)


class Ranking:
    """Mixed into a trainer of TRL: rows come as tokens, validation rows are ranked, nothing is sent anywhere."""

    judge: Judge | None = None
    """None: there is nothing to rank."""
    order: Order

    def _get_train_sampler(self, train_dataset: Any = None) -> Order:  # noqa: ARG002
        return self.order

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
        """The loss of the validation rows, and the ranking accuracy."""
        output = super().evaluation_loop(*args, **kwargs)  # type: ignore[misc]
        if self.judge is not None:
            accelerator = self.accelerator  # type: ignore[attr-defined]
            # The base holds the adapter's layers. Around it lies autocast, which a run has not.
            model = accelerator.unwrap_model(self.model).get_base_model()  # type: ignore[attr-defined]
            hits = gather_object(self.judge(model, accelerator.process_index, accelerator.num_processes))
            output.metrics[f"eval_{ACCURACY}"] = sum(hits) / len(hits)
        return output

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset  # the template tokenised it; TRL would tokenise prompt and response together

    def _save(self, *args: Any, **kwargs: Any) -> None:
        model = self.accelerator.unwrap_model(self.model)  # type: ignore[attr-defined]
        # else PEFT asks the hub whether the base has got more words
        model.save_pretrained = partial(type(model).save_pretrained, model, save_embedding_layers=False)
        super()._save(*args, **kwargs)  # type: ignore[misc]

    def _send_telemetry(self) -> None:
        return

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Ours is written when the adapter is whole."""


class RankingSFT(Ranking, SFTTrainer):
    """Likelihood of the responses."""


class RankingDPO(Ranking, DPOTrainer):
    """Direct preference optimisation, Rafailov et al. 2023 (arXiv:2305.18290)."""


class RankingReward(Ranking, RewardTrainer):
    """A Bradley-Terry reward model, Ouyang et al. 2022 (arXiv:2203.02155)."""


TRAINERS: dict[Objective, tuple[type[Any], type[Any]]] = {
    "sft": (RankingSFT, SFTConfig),
    "dpo": (RankingDPO, DPOConfig),
    "reward": (RankingReward, RewardConfig),
}
"""Objective → trainer and its arguments."""


class Packed(DataCollatorForLanguageModeling):
    """Rows that hold several examples: positions begin anew with each, and no attention mask is given.

    transformers then lets no example see another one (masking_utils.find_packed_sequence_indices), in any attention
    that takes a mask. Rows stay rows: in one long row, as TRL's own packing makes, attention costs grow with the square
    of the batch wherever there is no FlashAttention. Padding has position 0 again and again: it sees itself alone.
    """

    def torch_call(self, examples: list[Encoded]) -> dict[str, Any]:
        """Batch of `input_ids`, `labels` and `position_ids`, (rows, longest)."""
        batch: dict[str, Any] = super().torch_call(examples)
        del batch["attention_mask"]
        return batch


def collator(objective: Objective, padding: int, *, packing: bool) -> Any:
    """What makes a batch of rows; None: TRL's own."""
    if objective == "reward":
        return None
    if objective == "dpo":
        return DataCollatorForPreference(pad_token_id=padding)
    kind = Packed if packing else DataCollatorForLanguageModeling
    return kind(pad_token_id=padding, return_position_ids=packing)


def pack(rows: Sequence[Encoded], room: int, seed: int) -> datasets.Dataset:
    """Rows filled with whole examples up to `room` tokens: best fit decreasing (Ding et al. 2024, arXiv:2404.10830).

    Columns input_ids, labels and seq_lengths. Examples are shuffled first: what shares a row is drawn by the seed.
    """
    columns = {name: [row[name] for row in rows] for name in ("input_ids", "labels")}
    shuffled = datasets.Dataset.from_dict(columns).shuffle(seed=seed).flatten_indices()
    return pack_dataset(shuffled, room)


def isolates(model: Any) -> bool:
    """Whether an example in a packed row is computed as if nothing stood before it.

    Two rows of two examples that differ in the first one alone must give the second the same logits.
    """
    import inspect

    if "position_ids" not in inspect.signature(model.forward).parameters:
        return False
    ids = torch.tensor([[1, 2, 3, 4, 5, 6], [4, 3, 2, 4, 5, 6]], device=model.device)
    places = torch.tensor([[0, 1, 2, 0, 1, 2]] * 2, device=model.device)
    with torch.inference_mode():
        output = model(input_ids=ids, position_ids=places, use_cache=False)
    logits = output.logits.float()
    return bool(torch.allclose(logits[0, 3:], logits[1, 3:], atol=1e-4)) and bool((logits[0, 2] != logits[1, 2]).any())
