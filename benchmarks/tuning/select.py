"""Likeness of 100,000 candidates to their truths: batched and sorted by length against one by one.

A BERT with random weights, of the same class as KoSBERT and smaller (2 layers, width 128) on the CPU, of its size (12
layers, width 768) on CUDA. Sentences are the words of a small vocabulary, 3–30 of them, lengths drawn as wide as those
of narration. One by one is measured on a sample.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.row import Row
from finetune.likeness import SentenceBert

CANDIDATES = 100_000
SAMPLE = 400
WORDS = [f"낱말{n}" for n in range(500)]


def model(folder: Path, *, large: bool) -> str:
    """A sentence-transformers folder with mean pooling."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    raw = Tokenizer(models.WordLevel({w: n for n, w in enumerate([*special, *WORDS])}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    sizes = (768, 12) if large else (128, 2)
    torch.manual_seed(0)
    config = BertConfig(vocab_size=600, hidden_size=sizes[0], intermediate_size=4 * sizes[0],
                        num_hidden_layers=sizes[1], num_attention_heads=sizes[0] // 64)  # fmt: skip
    BertModel(config).save_pretrained(folder / "bert")
    named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=raw, **named).save_pretrained(folder / "bert")
    encoder = Transformer(str(folder / "bert"), max_seq_length=64)
    made = SentenceTransformer(modules=[encoder, Pooling(encoder.get_embedding_dimension())], device="cpu")
    made.save(str(folder / "whole"))
    return str(folder / "whole")


def timed(work: Callable[[], object]) -> float:
    """Seconds of `work`."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure() -> list[Row]:
    """The ratio, and the seconds for all candidates."""
    import torch

    draw = random.Random(0)
    texts = [" ".join(draw.choices(WORDS, k=min(30, max(3, round(draw.lognormvariate(2.1, 0.5)))))) + f" {n}"
             for n in range(CANDIDATES)]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        kosbert = SentenceBert(SentenceBert.Options(model=model(Path(folder), large=torch.cuda.is_available())))
        kosbert.embed(texts[:64])
        alone, together = [], []
        for turn in range(3):
            some = texts[turn * SAMPLE : (turn + 1) * SAMPLE]
            alone.append(timed(lambda some=some: [kosbert.embed([text]) for text in some]))  # type: ignore[misc]
            together.append(timed(lambda some=some: kosbert.embed(some)))  # type: ignore[misc]
        whole = timed(lambda: kosbert.embed(texts))
        kosbert.close()
    ratio = min(alone) / SAMPLE / (whole / CANDIDATES)
    sample = min(alone) / min(together)
    how = f"one by one on {SAMPLE} of them, the least of 3; the same {SAMPLE} batched: {sample:.1f}×"
    return [Row("select: batched and sorted ÷ one by one", f"{ratio:.1f}×", "≥ 5×", how),
            Row(f"select: {CANDIDATES:,} candidates", f"{whole:.0f} s", "–", "likeness alone")]  # fmt: skip
