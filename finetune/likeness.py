"""How like two sentences are: by the embeddings of KoSBERT, or without a model by chrF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from stages import models
from stages.loading import loading
from stages.models import TorchOptions

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

KOSBERT = "jhgan/ko-sroberta-multitask"


class Likeness(Protocol):
    """A measure of likeness."""

    name: str

    def of(self, truths: Sequence[str], texts: Sequence[str]) -> NDArray[np.float64]:
        """Likeness of each text to the truth at its place, (n,), 1 for the same; mostly 0…1."""


class ChrF:
    """chrF2 / 100 (Popović 2015; sacrebleu): F2 of character n-grams, n = 1…6. Needs no weights."""

    name = "chrf"

    def of(self, truths: Sequence[str], texts: Sequence[str]) -> NDArray[np.float64]:
        """Likeness of each text to the truth at its place, (n,), 0…1."""
        from sacrebleu.metrics.chrf import CHRF

        metric = CHRF()
        pairs = zip(truths, texts, strict=True)
        return np.array([metric.sentence_score(text, [truth]).score / 100 for truth, text in pairs])


class SentenceBert:
    """Cosine of sentence embeddings (Reimers and Gurevych 2019), by default of KoSBERT."""

    class Options(TorchOptions):
        """Settings of the sentence encoder."""

        model: str = Field(KOSBERT, description="A sentence-transformers model: hub id or folder")
        batch: int = Field(64, ge=1, description="Sentences in one forward pass; halved where memory is short")

    def __init__(self, options: Options, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """`progress` is told how many distinct texts are embedded, of how many."""
        self.options, self.progress = options, progress
        self.name = options.model
        self._model: SentenceTransformer | None = None

    def of(self, truths: Sequence[str], texts: Sequence[str]) -> NDArray[np.float64]:
        """Cosine of each text with the truth at its place, (n,), −1…1. Raises ConfigError without the model."""
        embedded = self.embed([*truths, *texts])
        return np.asarray((embedded[: len(truths)] * embedded[len(truths) :]).sum(axis=1), np.float64)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit embeddings, (n, dimensions); every distinct text is computed once, texts of like length together."""
        once = sorted(set(texts), key=lambda text: (len(text), text))
        if not once:
            return np.zeros((0, 1), np.float32)
        rows = []
        for row in models.in_batches(once, self.options.batch, self._forward, self.options.model):
            rows.append(row)
            if len(rows) % self.options.batch == 0:
                self.progress(len(rows), len(once))
        place = {text: row for row, text in enumerate(once)}
        return np.asarray(np.stack(rows)[[place[text] for text in texts]])

    def close(self) -> None:
        """Free the model."""
        self._model = None
        models.release()

    def _forward(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        if self._model is None:
            self._model = self._load()
        return list(
            self._model.encode(
                list(texts), batch_size=len(texts), normalize_embeddings=True, convert_to_numpy=True,
                show_progress_bar=False,
            )
        )  # fmt: skip

    def _load(self) -> SentenceTransformer:
        options = self.options
        with loading(options.model):
            import sentence_transformers

            where: dict[str, Any] = models.origin(options, options.model)
            chosen = {"dtype": models.dtype(options.dtype, models.device(options.device))}
            return sentence_transformers.SentenceTransformer(
                options.model, device=str(models.device(options.device)), model_kwargs=chosen, **where
            )
