"""Tiny SigLIP and SigLIP 2 models with random weights, and a tiny BERT, as `from_pretrained` loads real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

CORPUS = ("문이 열린다.", "소영이 우산을 펴고 빗속으로 걸어간다.", "A red square on white.", "The door opens.")
SPREAD = 0.2
"""Standard deviation of the weights, wide enough for texts and pictures to differ."""


def tokenizer(context: int) -> Any:
    """Characters of the corpus with [CLS] and [SEP] around them."""
    raw = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    raw.train_from_iterator(CORPUS, trainers.WordPieceTrainer(special_tokens=special, show_progress=False))
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        model_max_length=context,
    )  # fmt: skip


def bert(folder: Path, layers: int = 3) -> Path:
    """An encoder; its tokenizer knows no longest text, as many on the hub."""
    words = tokenizer(int(1e30))
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=layers, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=48, initializer_range=SPREAD,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def siglip(folder: Path, naflex: bool = False) -> Path:
    """SigLIP 2 of one resolution, which is stored as a SigLIP model; `naflex`: that of any aspect ratio."""
    words = tokenizer(16)
    torch.manual_seed(0)
    text = {"vocab_size": len(words), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
            "num_attention_heads": 2, "max_position_embeddings": 16, "pad_token_id": 0, "bos_token_id": 2,
            "eos_token_id": 3}  # fmt: skip
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
              "patch_size": 8}  # fmt: skip
    if naflex:
        config: Any = transformers.Siglip2Config(
            text_config=text, vision_config=vision | {"patch_size": 16, "num_patches": 256}
        )
        pictures: Any = transformers.Siglip2ImageProcessor()  # patches of 16, as its processor insists
        made: Any = transformers.Siglip2Processor(pictures, words)
        model: Any = transformers.Siglip2Model(config)
    else:
        config = transformers.SiglipConfig(text_config=text, vision_config=vision | {"image_size": 32})
        pictures = transformers.SiglipImageProcessor(size={"height": 32, "width": 32})
        made = transformers.SiglipProcessor(pictures, words)
        model = transformers.SiglipModel(config)
    model.save_pretrained(folder)
    made.save_pretrained(folder)
    return folder
