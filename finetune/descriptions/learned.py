"""Metrics that need weights: BERTScore of two texts, and how well a text fits a picture.

Both compute in single precision by default, so that values do not hang on the machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from data.media.pictures import read_picture
from stages import models
from stages.loading import loading
from stages.models import TorchOptions

MULTILINGUAL = "bert-base-multilingual-cased"
"""What the bert-score package takes for languages without a model of their own, Korean among them."""
SIGLIP2 = "google/siglip2-base-patch16-224"
Precision = Literal["auto", "bf16", "fp16", "fp32"]
Values = NDArray[np.float64]


class BertScore:
    """BERTScore F1 (Zhang et al. 2020; bert-score): tokens of two texts matched greedily by cosine of embeddings.

    Without idf weights and without rescaling to a baseline: raw values lie close together near 1. It is a Likeness.
    """

    class Options(TorchOptions):
        """Settings of the encoder."""

        model: str = Field(MULTILINGUAL, description="An encoder: hub id or folder")
        layer: int | None = Field(
            None, ge=1, description="Layer whose embeddings count; none: the one bert-score tuned, else the last"
        )
        batch: int = Field(64, ge=1, description="Pairs in one forward pass; halved where memory is short")
        dtype: Precision = Field("fp32", description="Precision")

    def __init__(self, options: Options) -> None:
        self.options = options
        self.name = f"BERTScore ({options.model})"
        self._loaded: tuple[Any, Any] | None = None

    def of(self, truths: Sequence[str], texts: Sequence[str]) -> Values:
        """F1 of each text with the truth at its place, (n,). Raises ConfigError without the model."""
        pairs = list(zip(truths, texts, strict=True))
        return np.array(list(models.in_batches(pairs, self.options.batch, self._forward, self.options.model)), float)

    def close(self) -> None:
        """Free the model."""
        self._loaded = None
        models.release()

    def _forward(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        from bert_score.utils import bert_cos_score_idf

        if self._loaded is None:
            self._loaded = self._load()
        tokenizer, model = self._loaded
        weights = defaultdict(lambda: 1.0, {tokenizer.sep_token_id: 0.0, tokenizer.cls_token_id: 0.0})
        truths, texts = (list(side) for side in zip(*pairs, strict=True))
        found = bert_cos_score_idf(
            model, truths, texts, tokenizer, weights, device=model.device, batch_size=len(pairs)
        )  # fmt: skip
        return [float(value) for value in found[:, 2]]

    def _load(self) -> tuple[Any, Any]:
        """The tokenizer, and the model up to the layer; not by the package, which knows no revision and no device."""
        options = self.options
        with loading(options.model):
            from bert_score.utils import model2layers
            from transformers import AutoConfig, AutoModel, AutoTokenizer

            origin = models.origin(options, options.model)
            config = AutoConfig.from_pretrained(options.model, **origin)
            config.num_hidden_layers = options.layer or model2layers.get(options.model, config.num_hidden_layers)
            tokenizer = AutoTokenizer.from_pretrained(options.model, **origin)
            tokenizer.model_max_length = min(tokenizer.model_max_length, _longest(config))
            model = AutoModel.from_pretrained(
                options.model, config=config, **models.pretrained(options, options.model)
            )  # fmt: skip
            if options.quantise == "none":
                model.to(models.device(options.device))
            return tokenizer, model.eval()


def _longest(config: Any) -> int:
    """Tokens the encoder has places for; RoBERTa counts its places from behind the padding."""
    offset = config.pad_token_id + 1 if "roberta" in config.model_type else 0
    return int(config.max_position_embeddings) - offset


class Alignment:
    """How well a text fits a picture, by SigLIP 2 (Tschannen et al. 2025), which learned Korean too, or SigLIP (2023).

    Cosine of the two embeddings, and the model's own probability that they belong together: the sigmoid of the cosine
    times its temperature plus its bias. Texts are cut at the model's length, 64 tokens.
    """

    class Options(TorchOptions):
        """Settings of the model."""

        model: str = Field(SIGLIP2, description="A SigLIP or SigLIP 2 model: hub id or folder")
        batch: int = Field(16, ge=1, description="Pictures in one forward pass; halved where memory is short")
        dtype: Precision = Field("fp32", description="Precision")

    def __init__(self, options: Options) -> None:
        self.options = options
        self._loaded: tuple[Any, Any] | None = None

    def of(self, pictures: Sequence[Path], texts: Sequence[str]) -> tuple[Values, Values]:
        """Cosine (−1…1) and probability (0…1) of each text with the picture at its place, (n,) each.

        Raises ConfigError without the model, StageError for a picture that cannot be read.
        """
        pairs = list(zip(pictures, texts, strict=True))
        scores = list(models.in_batches(pairs, self.options.batch, self._forward, self.options.model))
        both = np.array(scores, float).reshape(-1, 2)
        return both[:, 0], both[:, 1]

    def close(self) -> None:
        """Free the model."""
        self._loaded = None
        models.release()

    def _forward(self, pairs: Sequence[tuple[Path, str]]) -> list[tuple[float, float]]:
        import torch

        if self._loaded is None:
            self._loaded = self._load()
        processor, model = self._loaded
        images = [np.ascontiguousarray(read_picture(path)[:, :, ::-1]) for path, _ in pairs]
        texts = [
            text.lower() for _, text in pairs
        ]  # it learned small letters; not every checkpoint's tokenizer says so
        inputs = processor(
            images=images, text=texts, return_tensors="pt", truncation=True,
            padding="max_length", max_length=model.config.text_config.max_position_embeddings,  # as it was trained
        ).to(model.device, model.dtype)  # fmt: skip
        with torch.inference_mode():
            out = model(**inputs)
        cosines = (out.image_embeds * out.text_embeds).sum(dim=-1)
        probabilities = out.logits_per_image.diagonal().sigmoid()
        return [(float(c), float(p)) for c, p in zip(cosines, probabilities, strict=True)]

    def _load(self) -> tuple[Any, Any]:
        options = self.options
        with loading(options.model):
            from transformers import AutoModel, AutoProcessor

            made: Any = AutoProcessor
            processor = made.from_pretrained(options.model, **models.origin(options, options.model))
            model = AutoModel.from_pretrained(options.model, **models.pretrained(options, options.model))
            if options.quantise == "none":
                model.to(models.device(options.device))
            return processor, model.eval()
