"""BERTScore and image–text alignment, on tiny models of the real classes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from data.errors import ConfigError, StageError
from finetune.descriptions.learned import Alignment, BertScore
from tests.checkpoints import alignment

TRUTHS = ["문이 열린다.", "소영이 우산을 펴고 빗속으로 걸어간다.", "The door opens."]
TEXTS = ["문이 열린다.", "문이 열린다.", "A red square on white."]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return alignment.bert(tmp_path_factory.mktemp("bert"))


@pytest.mark.parametrize("layer", [2, 3])
def test_bertscore_is_the_packages(bert: Path, layer: int) -> None:
    from bert_score import BERTScorer
    from bert_score.utils import model2layers

    theirs = BERTScorer(model_type=str(bert), num_layers=layer, device="cpu", use_fast_tokenizer=True)
    theirs._tokenizer.model_max_length = 48
    _, _, expected = theirs.score(TEXTS, TRUTHS)
    ours = BertScore(BertScore.Options(model=str(bert), layer=layer, device="cpu", batch=2))
    found = ours.of(TRUTHS, TEXTS)
    assert found == pytest.approx(expected.numpy(), abs=1e-5)
    assert found[0] == pytest.approx(1.0, abs=1e-5)
    assert found[1] < 0.99
    assert str(bert) not in model2layers


def test_texts_longer_than_the_encoder_are_cut(bert: Path) -> None:
    scorer = BertScore(BertScore.Options(model=str(bert), device="cpu"))
    long = "문이 열린다. " * 200
    assert scorer.of([long], [long]) == pytest.approx([1.0], abs=1e-5)
    scorer.close()
    assert scorer.of(TRUTHS[:1], TEXTS[:1]) == pytest.approx([1.0], abs=1e-5)
    assert scorer.of([], []).shape == (0,)


@pytest.fixture(scope="module", params=[False, True], ids=["siglip", "siglip2 naflex"])
def aligned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Alignment:
    folder = alignment.siglip(tmp_path_factory.mktemp("siglip"), naflex=request.param)
    return Alignment(Alignment.Options(model=str(folder), device="cpu", batch=2))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("그림")
    drawn = np.random.default_rng(0).integers(0, 255, (3, 48, 64, 3), np.uint8)
    for number, image in enumerate(drawn):
        cv2.imencode(".png", image)[1].tofile(folder / f"{number}.png")
    return sorted(folder.iterdir())


def test_alignment_is_that_of_the_pair(aligned: Alignment, pictures: list[Path]) -> None:
    """Cosine and sigmoid of each pair, whatever stands beside it in the batch."""
    import torch

    cosines, probabilities = aligned.of(pictures, TRUTHS)
    alone = [aligned.of([picture], [text]) for picture, text in zip(pictures, TRUTHS, strict=True)]
    assert cosines == pytest.approx([c[0] for c, _ in alone], abs=1e-5)
    assert len(set(cosines.round(4))) == 3
    assert aligned._loaded
    model = aligned._loaded[1]
    logits = torch.tensor(cosines) * model.logit_scale.exp().item() + model.logit_bias.item()
    assert probabilities == pytest.approx(logits.sigmoid().numpy(), abs=1e-4)


def test_a_long_text_is_cut_and_no_pair_is_no_value(aligned: Alignment, pictures: list[Path]) -> None:
    assert np.isfinite(aligned.of(pictures[:1], ["문이 열린다. " * 100])[0]).all()
    assert aligned.of([], [])[0].shape == (0,)


def test_what_is_missing_is_said(tmp_path: Path, aligned: Alignment) -> None:
    with pytest.raises(StageError, match="cannot be read"):
        aligned.of([tmp_path / "none.png"], ["문"])
    with pytest.raises(ConfigError, match="cannot be loaded"):
        BertScore(BertScore.Options(model=str(tmp_path), device="cpu")).of(["문"], ["문"])
    with pytest.raises(ConfigError, match="cannot be loaded"):
        Alignment(Alignment.Options(model=str(tmp_path), device="cpu")).of([tmp_path / "none.png"], ["문"])
