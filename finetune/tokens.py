"""Examples as token ids, by the same template that ranks in a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from data.errors import ConfigError, UserError
from finetune.rows import Example
from stages.ranking.template import encode

IGNORED = -100
"""torch's own index for targets that do not count."""

Encoded = dict[str, Any]


def sft_rows(examples: Sequence[Example], tokenizer: Any, room: int | None) -> list[Encoded]:
    """`input_ids` and `labels` (both as long as prompt and response together) of each example that fits into `room`.

    The labels of the prompt are ignored: the loss is of the response and its end alone.
    """
    rows = []
    for example in examples:
        for prompt, response in _fitting(tokenizer, example.prompt, [example.response], room):
            labels = [IGNORED] * len(prompt) + response
            rows.append({"input_ids": prompt + response, "labels": labels, "length": len(labels)})
    return rows


def pair_rows(examples: Sequence[Example], tokenizer: Any, room: int | None, *, whole: bool) -> list[Encoded]:
    """`prompt_ids`, `chosen_ids` and `rejected_ids` of each response against each rejected text where both fit.

    `whole`: chosen and rejected hold the prompt as well, as trl.RewardTrainer wants them.
    """
    rows = []
    for example in examples:
        for text in example.rejected:
            pair = list(_fitting(tokenizer, example.prompt, [example.response, text], room))
            if len(pair) == 2:
                rows.append(_pair(pair[0][0], pair[0][1], pair[1][1], whole))
    return rows


def _pair(prompt: list[int], chosen: list[int], rejected: list[int], whole: bool) -> Encoded:
    length = len(prompt) + max(len(chosen), len(rejected))
    if whole:
        return {"chosen_ids": prompt + chosen, "rejected_ids": prompt + rejected, "length": length}
    return {"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected, "length": length}


def _fitting(
    tokenizer: Any, prompt: str, texts: Sequence[str], room: int | None
) -> Iterator[tuple[list[int], list[int]]]:
    """The texts that fit, each with the prompt cut alike: by as much as the longest of them needs."""
    encoded = []
    for text in texts:
        try:
            encoded.append(encode(tokenizer, prompt, text, room))
        except ConfigError:
            continue
    if encoded:
        shortest = min((ids for ids, _ in encoded), key=len)
        yield from ((shortest, answer) for _, answer in encoded)


def ranked(examples: Sequence[Example], tokenizer: Any, context: int | None, most: int) -> list[Example]:
    """At most `most` of the examples that can be ranked, evenly spread: with rejected texts, all of which fit."""
    fitting = [
        e for e in examples
        if e.rejected and len(list(_fitting(tokenizer, e.prompt, e.offered, context))) == len(e.offered)
    ]  # fmt: skip
    return [fitting[i * len(fitting) // most] for i in range(most)] if len(fitting) > most else fitting


def check_some(rows: Sequence[Encoded], examples: Sequence[Example], objective: str, room: int | None) -> None:
    """Raise UserError where no row is left to learn from, with the cause."""
    if rows:
        return
    if objective != "sft" and not any(e.rejected for e in examples):
        raise UserError(
            "No row has rejected texts, which objective={objective} learns from; select the data from several "
            "candidates, or set objective=sft",
            objective=objective,
        )
    raise UserError(
        "No row fits into {room} tokens with its response; raise max_length, or choose a model of longer context",
        room=room or "–",
    )
