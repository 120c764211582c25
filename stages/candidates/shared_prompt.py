"""Many answers about one picture at the price of one prompt.

All questions about a keyframe begin alike: system text, picture, the facts. That common beginning, which holds the
picture, goes through the model once; its key-value cache is repeated for every question, which is read to its end,
and again for every candidate, and the library's own `generate` goes on from there. The answers are those of `generate`
on each row alone (tested in fp32 on every family), since positions follow the attention mask: padding stands left of
the beginning and between the beginning and the rest, masked out.

Continuing from a cache: https://huggingface.co/docs/transformers/kv_cache#prefill-a-cache-prefix-caching
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

Tokens = list[int]


def can_share(model: Any) -> bool:
    """Whether a cache of this model can be repeated and continued.

    Yes for decoders that keep every key and value and say which token stands for a picture. No for sliding windows,
    linear attention, encoder-decoders, and a `generate` of the model's own. Code that came with the model must prove
    it besides: see `proof`.
    """
    from transformers import GenerationMixin
    from transformers.cache_utils import DynamicCache, DynamicLayer

    config = model.config
    if config.is_encoder_decoder or image_token(config) is None or type(model).generate is not GenerationMixin.generate:
        return False
    layers = DynamicCache(config=config).layers
    return all(type(layer) is DynamicLayer for layer in layers) and not getattr(model, "_is_stateful", False)


def image_token(config: Any) -> int | None:
    """The id of the token that stands for (a patch of) a picture."""
    names = ("image_token_id", "image_token_index", "img_start_id")  # the last: HyperCLOVA X SEED Vision 3B
    return next((value for name in names if isinstance(value := getattr(config, name, None), int)), None)


def tokens(processor: Any, images: Sequence[Any], texts: Sequence[Sequence[str]]) -> tuple[Any, list[list[Tokens]]]:
    """The model's inputs for the first text of each picture, left-padded; and the token ids of every text.

    `texts[i]` are the rendered questions about `images[i]`. A picture is prepared once: what follows it is tokenised
    alone and put in place of what follows it in the first text.
    """
    first = processed(processor, images, [asked[0] for asked in texts])
    heads = [ids[mask.bool()].tolist() for ids, mask in zip(first["input_ids"], first["attention_mask"], strict=True)]
    rows = []
    for image, head, asked in zip(images, heads, texts, strict=True):
        others = [_other(processor, image, head, asked[0], text) for text in asked[1:]]
        rows.append([head, *others])
    return first, rows


def processed(processor: Any, images: Sequence[Any], texts: Sequence[str]) -> Any:
    """One picture per text, through the processor, left-padded."""
    return processor(
        text=list(texts), images=[[image] for image in images], padding=True, padding_side="left",
        return_tensors="pt", **_special(processor, texts[0]),
    )  # fmt: skip


def _special(processor: Any, text: str) -> dict[str, bool]:
    """No second beginning-of-text token where the chat template wrote one, as the library's own path does it."""
    bos = processor.tokenizer.bos_token
    return {"add_special_tokens": False} if bos and text.startswith(bos) else {}


def _other(processor: Any, image: Any, head: Tokens, known: str, text: str) -> Tokens:
    plain, other = (processor.tokenizer(t, **_special(processor, t))["input_ids"] for t in (known, text))
    same = common([plain, other])
    kept = len(head) - (len(plain) - same)
    token = getattr(processor, "image_token_id", None)
    image_is_before = token in plain[:same] and token not in plain[same:]
    if image_is_before and head[kept:] == plain[same:]:
        return head[:kept] + list(other[same:])
    ids: Tokens = processed(processor, [image], [text])["input_ids"][0].tolist()
    return ids


def common(rows: Sequence[Sequence[int]]) -> int:
    """How many tokens all rows begin with; at least one of each row is left over."""
    least = min(len(row) for row in rows) - 1
    return next((at for at in range(least) if len({row[at] for row in rows}) > 1), least)


def answers(
    model: Any, first: Any, rows: Sequence[Sequence[Tokens]], copies: int, beams: int, **how: Any
) -> list[list[list[Tokens]]]:
    """Continuations of every row: `copies` of each where `beams` is 1, else the best `copies` of so many beams.

    `first` and `rows` are of `tokens`. The order is keyframe, row, copy; `how` goes to `generate`.
    Raises ValueError where the rows of a keyframe differ before its picture ends.
    """
    starts = [common(asked) for asked in rows]
    tails = [row[start:] for asked, start in zip(rows, starts, strict=True) for row in asked]
    if any(image_token(model.config) in tail for tail in tails):
        raise ValueError("rows differ before the picture ends")
    inputs = _prefix(first, rows, starts)
    cache = _read(model, inputs)
    owners = [owner for owner, asked in enumerate(rows) for _ in asked]
    whole = _with_tails(_repeated(model, cache, inputs, owners), tails)
    if max(map(len, tails)) > 1:  # the rest of each question, all but the token that the answer starts from
        cache = _read(model, {name: value[:, :-1] for name, value in whole.items()}, cache)
    each, returned = (copies, 1) if beams == 1 else (1, copies)
    whole = _repeated(model, cache, whole, [row for row in range(len(tails)) for _ in range(each)], beams)
    new = model.generate(**whole, past_key_values=cache, num_beams=beams, num_return_sequences=returned, **how)
    taken = iter(new[:, whole["input_ids"].shape[1] :].tolist())
    return [[[next(taken) for _ in range(copies)] for _ in asked] for asked in rows]


def _prefix(first: Any, rows: Sequence[Sequence[Tokens]], starts: Sequence[int]) -> dict[str, Any]:
    """The inputs of the common beginnings alone: each row of tokens cut to its start and moved to the right."""
    import torch

    shape, width = first["input_ids"].shape, max(starts)
    cut: dict[str, Any] = {}
    for name, value in first.items():
        if getattr(value, "shape", None) != shape:
            cut[name] = value
            continue
        moved = torch.zeros((shape[0], width), dtype=value.dtype, device=value.device)
        for at, (asked, start) in enumerate(zip(rows, starts, strict=True)):
            begin = shape[1] - len(asked[0])
            if name == "input_ids":
                moved[at] = asked[0][-1]  # any token but a picture's; it is masked out
            moved[at, width - start :] = value[at, begin : begin + start]
        cut[name] = moved
    return cut


def _with_tails(beginning: dict[str, torch.Tensor], tails: Sequence[Tokens]) -> dict[str, torch.Tensor]:
    """Beginning, padding and rest of each row, as `generate` wants them beside a cache of the beginning."""
    import torch

    width = max(len(tail) for tail in tails)
    padded = [[tail[-1]] * (width - len(tail)) + tail for tail in tails]
    seen = [[0] * (width - len(tail)) + [1] * len(tail) for tail in tails]
    added = {"input_ids": padded, "attention_mask": seen}
    return {
        name: torch.cat([value, torch.tensor(added[name], dtype=value.dtype, device=value.device)], dim=1)
        for name, value in beginning.items()
    }


def _read(model: Any, inputs: dict[str, Any], cache: Any = None) -> Any:
    """The cache after the inputs: of the library's own prefill, whose one new token is let go."""
    more = {} if cache is None else {"past_key_values": cache}
    read = model.generate(**inputs, **more, max_new_tokens=1, do_sample=False, return_dict_in_generate=True)
    return read.past_key_values


def _repeated(
    model: Any, cache: Any, inputs: dict[str, Any], rows: Sequence[int], beams: int = 1
) -> dict[str, torch.Tensor]:
    """Tokens and mask of `rows`, in this order and as often as they are named, and the cache likewise.

    Models with rotary positions in three dimensions keep an offset per row: it goes with them. Beams `generate` makes
    itself, but for those of the cache.
    """
    import torch

    index = torch.tensor(rows, device=inputs["input_ids"].device)
    cache.batch_select_indices(index.repeat_interleave(beams))
    for module in model.modules():
        if getattr(module, "rope_deltas", None) is not None:
            module.rope_deltas = module.rope_deltas[index]
    return {name: inputs[name][index] for name in ("input_ids", "attention_mask")}


Decoding = Literal["sample", "beam", "diverse-beam"]

DIVERSITY = 0.5
"""Log-probability a token loses for each earlier beam that chose it in the same step; Vijayakumar et al. 2016 (Diverse
Beam Search, section 5) find 0.2–0.8 good for captions."""


def seed_of(*parts: object) -> int:
    """A seed that the parts alone decide, on every machine and in every run."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8])


class Sampled:
    """Nucleus sampling (Holtzman et al. 2020, The Curious Case of Neural Text Degeneration), one random number per row
    and step from the row's own seed: `scores` of shape (rows, vocabulary) keep the drawn token alone."""

    def __init__(self, seeds: Sequence[int], steps: int, temperature: float, top_p: float) -> None:
        import numpy as np

        self.drawn = np.stack([np.random.default_rng(seed).random(steps) for seed in seeds])
        self.temperature, self.top_p, self.step = temperature, top_p, 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        import torch

        chances, order = torch.softmax(scores.float() / self.temperature, dim=-1).sort(descending=True, stable=True)
        upto = chances.cumsum(dim=-1)
        nucleus = ((upto - chances) < self.top_p).sum(dim=-1, keepdim=True)
        point = torch.from_numpy(self.drawn[:, self.step, None]).to(upto) * upto.gather(1, nucleus - 1)
        place = torch.minimum((upto <= point).sum(dim=-1, keepdim=True), nucleus - 1)
        self.step += 1
        return torch.full_like(scores, -torch.inf).scatter(1, order.gather(1, place), 0.0)


class Diverse:
    """Diverse beam search with one beam per group (Vijayakumar et al. 2016, Hamming diversity): of `copies` rows that
    stand together, each is greedy and shuns what the ones before it choose in the same step. `earlier` are answers that
    were found before, which all rows shun too."""

    def __init__(self, copies: int, ends: Sequence[int], earlier: Sequence[Sequence[int]] = ()) -> None:
        self.copies, self.ends, self.step = copies, list(ends), 0
        self.earlier = [_ended(answer, self.ends) for answer in earlier]
        self.over: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        import torch

        logs = torch.log_softmax(scores.float(), dim=-1).view(-1, self.copies, scores.shape[-1])
        going = ~self._over(input_ids).view(-1, self.copies, 1)
        taken, chosen = torch.zeros_like(logs[:, 0]), []
        for answer in self.earlier:
            taken[:, answer[self.step : self.step + 1]] += 1
        for copy in range(self.copies):
            best = (logs[:, copy] - DIVERSITY * taken).argmax(dim=-1, keepdim=True)
            taken.scatter_add_(1, best, going[:, copy].to(taken))
            chosen.append(best)
        self.step += 1
        return torch.full_like(scores, -torch.inf).scatter(1, torch.cat(chosen, dim=1).view(-1, 1), 0.0)

    def _over(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Which rows have ended; what they choose from then on is padding, and nobody shuns it."""
        import torch

        ended = torch.isin(input_ids[:, -1], torch.tensor(self.ends, device=input_ids.device))
        self.over = torch.zeros_like(ended) if self.over is None else self.over | ended
        return self.over


def _ended(answer: Sequence[int], ends: Sequence[int]) -> list[int]:
    """The answer up to the token that ends it."""
    return list(answer[: next((at + 1 for at, token in enumerate(answer) if token in ends), len(answer))])
