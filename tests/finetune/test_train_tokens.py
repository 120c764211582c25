"""Rows as tokens: the label mask, packing, and the order of the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from finetune import trainers
from finetune.rows import Example
from finetune.tokens import IGNORED, pair_rows, ranked, sft_rows
from finetune.training_config import TrainingConfig
from finetune.training_setup import adapter_settings, arguments
from stages.ranking.template import encode
from tests.checkpoints import causal as checkpoints

TEXTS = ("문이 열린다.", "두 사람이 나란히 걷는다.", "밤이다.", "The door opens.", "민수가 편지를 읽는다.")


def example(n: int, **more: Any) -> Example:
    prompt = f"드라마 {n}.\n" + "앞의 해설 " * (n % 4) + "\n화면해설:"
    return Example(prompt=prompt, response=TEXTS[n % 5], rejected=(TEXTS[(n + 1) % 5],), **more)


@pytest.mark.parametrize("begins", [False, True])
def test_the_loss_is_of_the_response_and_its_end_alone(*, begins: bool) -> None:
    words = checkpoints.tokenizer(begins)
    [row] = sft_rows([example(3)], words, 400)
    prompt, response = encode(words, example(3).prompt, example(3).response)
    assert row["input_ids"] == prompt + response
    for place, (token, label) in enumerate(zip(row["input_ids"], row["labels"], strict=True)):
        assert label == (IGNORED if place < len(prompt) else token), place
    learnt = [label for label in row["labels"] if label != IGNORED]
    assert learnt[-1] == words.eos_token_id
    assert words.decode(learnt[:-1]).strip() == example(3).response
    assert (prompt[0] == words.bos_token_id) is begins


def test_prompts_are_cut_and_long_responses_left_out() -> None:
    words = checkpoints.tokenizer()
    long = Example(
        prompt="첫 줄\n" + "길 " * 200 + "끝:", response="밤이다.", rejected=("밤이다. " * 60, "문이 열린다.")
    )
    [row] = sft_rows([long], words, 64)
    assert len(row["input_ids"]) <= 64
    assert words.decode([t for t in row["labels"] if t != IGNORED][:-1]).strip() == "밤이다."
    assert words.decode(row["input_ids"]).startswith("첫")
    assert len(pair_rows([long], words, 64, whole=False)) == 1, "the pair with the long text is left out"
    assert ranked([long, example(1)], words, 64, 10) == [example(1)]
    assert sft_rows([long.model_copy(update={"response": "밤이다. " * 60})], words, 64) == []


def test_both_of_a_pair_follow_the_same_prompt() -> None:
    words = checkpoints.tokenizer()
    pair = Example(
        prompt="첫 줄\n" + "길 " * 100 + "끝:", response="밤.", rejected=("문이 열린다. 두 사람이 나란히 걷는다.",)
    )
    [row] = pair_rows([pair], words, 60, whole=False)
    [whole] = pair_rows([pair], words, 60, whole=True)
    assert whole["chosen_ids"] == row["prompt_ids"] + row["chosen_ids"]
    assert whole["rejected_ids"] == row["prompt_ids"] + row["rejected_ids"]
    assert row["length"] == max(len(whole["chosen_ids"]), len(whole["rejected_ids"])) <= 60


def model(kind: str, attention: str) -> Any:
    torch.manual_seed(0)
    settings = checkpoints.config(kind, len(checkpoints.tokenizer()))
    return transformers.AutoModelForCausalLM.from_config(settings, attn_implementation=attention).eval()


def losses(model: Any, batch: dict[str, Any]) -> tuple[float, int]:
    """Sum of the losses of the labels, and their number."""
    given = {name: value for name, value in batch.items() if name != "labels"}
    with torch.inference_mode():
        logits = model(**given, use_cache=False).logits
    wanted = batch["labels"][:, 1:]
    cost = torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), wanted.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    return cost.item(), int((wanted != IGNORED).sum())


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", ["phi", "llama", "mistral", "gpt2"])
def test_packed_examples_do_not_see_each_other(kind: str, attention: str) -> None:
    rows = sft_rows([example(n) for n in range(10)], checkpoints.tokenizer(), 200)
    packed = trainers.pack(rows, 200, seed=0)
    assert len(packed) < len(rows)
    assert sorted(n for lengths in packed["seq_lengths"] for n in lengths) == sorted(len(r["labels"]) for r in rows)
    batch = trainers.collator("sft", 0, packing=True)([packed[n] for n in range(len(packed))])
    assert "attention_mask" not in batch
    assert batch["input_ids"].shape[0] == len(packed) > 1
    net = model(kind, attention)
    alone = [losses(net, {n: torch.tensor([row[n]]) for n in ("input_ids", "labels")}) for row in rows]
    together = losses(net, batch)
    assert together[0] == pytest.approx(sum(loss for loss, _ in alone), rel=1e-5)
    assert together[1] == sum(count for _, count in alone)
    assert trainers.isolates(net)
    del batch["position_ids"]
    assert losses(net, batch)[0] != pytest.approx(together[0], rel=1e-3), "the test must see a leak"


def test_models_that_do_not_isolate_are_found() -> None:
    class Blind(torch.nn.Module):
        """Lets every token see all before it, whatever the positions."""

        device = torch.device("cpu")

        def forward(self, input_ids: Any, position_ids: Any, use_cache: bool) -> Any:  # noqa: ARG002
            seen = torch.nn.functional.one_hot(input_ids, 8).float().cumsum(1)
            return transformers.modeling_outputs.CausalLMOutput(logits=seen)

    assert not trainers.isolates(Blind())
    settings = transformers.BloomConfig(vocab_size=50, hidden_size=16, n_layer=1, n_head=2)
    assert not trainers.isolates(transformers.BloomForCausalLM(settings))


def test_the_order_hangs_on_seed_and_epoch_alone() -> None:
    lengths = [n * 7 % 50 for n in range(400)]

    def drawn(epoch: int, of: list[int] | None, seed: int = 1) -> list[int]:
        torch.manual_seed(epoch + 99)  # what was drawn elsewhere must not matter
        order = trainers.Order(400, seed, of, 4)
        order.begun = epoch
        return list(order)

    for of in (None, lengths):
        assert drawn(1, of) == drawn(1, of)
        assert drawn(1, of) != drawn(2, of)
        assert drawn(1, of) != drawn(1, of, seed=2)
        assert sorted(drawn(1, of)) == list(range(400))
    spread = [max(chunk) - min(chunk) for chunk in _chunks([lengths[i] for i in drawn(1, lengths)])]
    plain = [max(chunk) - min(chunk) for chunk in _chunks([lengths[i] for i in drawn(1, None)])]
    assert sum(spread) < 0.3 * sum(plain)


def _chunks(values: list[int]) -> list[list[int]]:
    return [values[i : i + 4] for i in range(0, len(values), 4)]


def test_training_is_imported_only_where_it_is_asked_for() -> None:
    from tests.test_rooms import imported_by

    assert imported_by("import finetune.train, finetune.training_setup, finetune.training_plots") == set()


@pytest.mark.parametrize("packing", [True, False])
def test_the_trainers_loss_is_the_mean_over_the_response_tokens(tmp_path: Path, *, packing: bool) -> None:
    """TRL's fused output layer, at the labelled tokens alone, against plain cross-entropy."""
    rows = sft_rows([example(n) for n in range(6)], checkpoints.tokenizer(), 200)
    data = trainers.pack(rows, 200, 0) if packing else trainers.datasets.Dataset.from_list(rows)
    config = TrainingConfig.model_validate({"device": "cpu", "gradient_checkpointing": False})
    net = model("phi", "sdpa")
    kind, settings = trainers.TRAINERS["sft"]
    args = arguments(settings, config, tmp_path, torch.device("cpu"), validated=False, ranked=False, resumed=False)
    trainer = kind(
        model=net, args=args, train_dataset=data, processing_class=checkpoints.tokenizer(),
        peft_config=adapter_settings(config, net, None), data_collator=trainers.collator("sft", 0, packing=packing),
    )  # fmt: skip
    batch = trainer.data_collator([data[n] for n in range(len(data))])
    alone = [losses(net, {n: torch.tensor([row[n]]) for n in ("input_ids", "labels")}) for row in rows]
    with torch.no_grad():
        ours = trainer.compute_loss(trainer.model.eval(), batch).item()
    assert ours == pytest.approx(sum(loss for loss, _ in alone) / sum(count for _, count in alone), rel=1e-5)
