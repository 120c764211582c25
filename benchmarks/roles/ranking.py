"""Ranking: four candidates with a shared prompt against four plain forward passes, scores compared."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.row import Row
from stages.ranking.causal import CausalRanker
from stages.ranking.model import RankerOptions
from stages.ranking.template import encode
from tests.checkpoints import causal as checkpoints

SMALL = {"width": 512, "layers": 8, "heads": 8, "context": 2048}  # 26 million parameters, and 52 of the vocabulary
PHI_2 = {"width": 2560, "layers": 32, "heads": 32, "context": 2048}  # the real sizes, but for the vocabulary
PROMPT_TOKENS = 512
TEXTS = ["두 사람이 나란히 걷는다.", "밤이다. 문이 열린다.", "민수가 편지를 읽는다.", "문이 열린다. 두 사람이 걷는다."]


def measure() -> list[Row]:
    """The rows of this machine: a small Phi in fp32 on the CPU; phi-2's sizes in bf16, 8 keyframes at once, on CUDA."""
    cuda = torch.cuda.is_available()
    device, dtype, keyframes, repeats = ("cuda", "bf16", 8, 10) if cuda else ("cpu", "fp32", 1, 5)
    with tempfile.TemporaryDirectory() as folder:
        model = _checkpoint(Path(folder) / "phi", PHI_2 if cuda else SMALL)
        rows = _speed(_ranker(model, device, dtype, keyframes), dtype, keyframes, repeats)
        # Equality is a matter of fp32, whatever precision the speed is measured in.
        return rows + _equality(_ranker(model, device, "fp32", keyframes), device)


def _checkpoint(folder: Path, sizes: dict[str, int]) -> Path:
    """A Phi with the weights that training starts from (standard deviation 0.02, as phi-2's configuration says)."""
    words = checkpoints.tokenizer()
    settings = checkpoints.config("phi", 51200, **sizes)
    settings.initializer_range = 0.02
    torch.manual_seed(0)
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_config(settings).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def _ranker(model: Path, device: str, dtype: Any, keyframes: int) -> CausalRanker:
    return CausalRanker(RankerOptions(model=str(model), device=device, dtype=dtype, batch=keyframes))


def _speed(ranker: CausalRanker, dtype: str, keyframes: int, repeats: int) -> list[Row]:
    prompt, tokens = _prompt(ranker)
    ours: list[float] = []
    plain: list[float] = []  # against ours, of the same moment: a busy machine slows both
    padded: list[float] = []
    for _ in range(repeats + 1):
        ours.append(_seconds(lambda: ranker.log_likelihoods([prompt] * keyframes, [TEXTS] * keyframes)))
        plain.append(_seconds(lambda: [one_pass(ranker, prompt, [text] * keyframes) for text in TEXTS]) / ours[-1])
        padded.append(_seconds(lambda: one_pass(ranker, prompt, TEXTS * keyframes)) / ours[-1])
    took, over_plain, over_padded = (statistics.median(values[1:]) for values in (ours, plain, padded))  # 1st: warm-up
    parameters = sum(p.numel() for p in ranker._load()[0].parameters()) / 1e6
    how = (
        f"Phi of {parameters:.0f} M random parameters, {dtype}, prompts of {tokens} tokens, keyframes at once: "
        f"{keyframes}, median of {repeats}; the others too compute the vocabulary for the response alone"
    )
    return [
        Row("4 candidates, shared prompt / 4 full forwards", f"{over_plain:.1f}× faster", "≥ 3×", how),
        Row("… / all in one padded forward", f"{over_padded:.1f}× faster", "", how),
        Row("4 candidates, shared prompt", f"{took / keyframes * 1000:.0f} ms a keyframe", "", how),
    ]


def _equality(ranker: CausalRanker, device: str) -> list[Row]:
    prompt, tokens = _prompt(ranker)
    ours = ranker.log_likelihoods([prompt], [TEXTS])[0]
    full = [one_pass(ranker, prompt, [text])[0] for text in TEXTS]
    worst = max(abs(a - b) for a, b in zip(ours, full, strict=True))
    how = f"mean log-likelihood in nats, fp32 on {device}, prompt of {tokens} tokens"
    return [Row("largest difference from full forwards", f"{worst:.1e}", "≤ 1e-3", how)]


def _prompt(ranker: CausalRanker) -> tuple[str, int]:
    """A prompt of at least PROMPT_TOKENS tokens, and their number; loads the model."""
    tokenizer = ranker._load()[1]
    prompt = "드라마 화면해설.\n"
    while (tokens := len(encode(tokenizer, prompt, "")[0])) < PROMPT_TOKENS:
        prompt += "- 민수가 편지를 읽는다.\n"
    return prompt + "화면해설:", tokens


def one_pass(ranker: CausalRanker, prompt: str, texts: list[str]) -> list[float]:
    """The plain way: each text behind a copy of the prompt, in one forward pass, padded on the right."""
    model, tokenizer = ranker._load()
    pairs = [encode(tokenizer, prompt, text) for text in texts]
    longest = max(len(p) + len(r) for p, r in pairs)
    ids = torch.tensor([p + r + [0] * (longest - len(p) - len(r)) for p, r in pairs], device=model.device)
    mask = torch.tensor([[int(i < len(p) + len(r)) for i in range(longest)] for p, r in pairs], device=model.device)
    with torch.inference_mode():
        logits = model(input_ids=ids, attention_mask=mask, logits_to_keep=longest - len(pairs[0][0]) + 1).logits
        logs = logits.float().log_softmax(-1)
    return [
        statistics.fmean(logs[row, place, token].item() for place, token in enumerate(response))
        for row, (_, response) in enumerate(pairs)
    ]


def _seconds(work: Callable[[], object]) -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started
