"""Choosing the response: matching in time and by picture, likeness, ties and bad candidates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.errors import ConfigError
from finetune.likeness import ChrF, SentenceBert
from finetune.rows import Offered, Truth
from finetune.select import match, select

TRUTH = "소영이 우산을 펴고 빗속으로 걸어간다."
PARAPHRASE = "소영이 우산을 펴고 빗속을 걸어간다."
WRONG = ("민호가 책상에 앉아 편지를 읽는다.", "빈 교실, 시계가 네 시를 가리킨다.")


def sentence_bert(folder: Path) -> Path:
    """A tiny BERT with random weights and mean pooling, as a sentence-transformers folder."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator([TRUTH, PARAPHRASE, *WRONG], trainers.WordPieceTrainer(special_tokens=special))
    torch.manual_seed(0)
    config = BertConfig(vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=1,
                        num_attention_heads=2, intermediate_size=64, max_position_embeddings=64)  # fmt: skip
    model = BertModel(config)
    torch.nn.init.zeros_(model.embeddings.position_embeddings.weight)  # so that the words weigh, not their places
    model.save_pretrained(folder / "bert")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder / "bert")
    encoder = Transformer(str(folder / "bert"), max_seq_length=64)
    path = folder / "문장"
    SentenceTransformer(modules=[encoder, Pooling(encoder.get_embedding_dimension())]).save(str(path))
    return path


@pytest.fixture(scope="module")
def kosbert(tmp_path_factory: pytest.TempPathFactory) -> SentenceBert:
    folder = sentence_bert(tmp_path_factory.mktemp("sbert"))
    return SentenceBert(SentenceBert.Options(model=str(folder), device="cpu"))


def offered(*captions: str, **fields: object) -> Offered:
    return Offered.model_validate({"captions": captions, "image": "a.jpg", "prompt": "화면해설:"} | fields)


def truth(**fields: object) -> Truth:
    return Truth.model_validate({"caption": TRUTH, "image": "a.jpg", "drama": "비"} | fields)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_planted_paraphrase_is_picked(kosbert: SentenceBert, place: int) -> None:
    captions = [*WRONG]
    captions.insert(place, PARAPHRASE)
    for likeness in (kosbert, ChrF()):
        (example,) = select([truth()], [offered(*captions)], likeness, least=0.0).examples
        assert example.response == PARAPHRASE
        assert set(example.rejected) == set(WRONG)
        assert example.scores == tuple(sorted(example.scores, reverse=True))
        assert (example.prompt, example.drama, example.image) == ("화면해설:", "비", "a.jpg")


def test_bad_sets_ties_and_single_candidates_are_counted() -> None:
    truths = [truth(image=f"{n}.jpg") for n in range(4)]
    rows = [
        offered(*WRONG, image="0.jpg"),
        offered(PARAPHRASE, WRONG[0], PARAPHRASE + " ", image="1.jpg"),
        offered(PARAPHRASE, PARAPHRASE.replace(".", " ."), WRONG[0], image="2.jpg"),
        offered(TRUTH, image="3.jpg"),
        offered(TRUTH, image="9.jpg"),
    ]
    selected = select(truths, rows, Planted({PARAPHRASE: 0.8, PARAPHRASE.replace(".", " ."): 0.8, TRUTH: 1}), least=0.3)
    assert [e.response for e in selected.examples] == [PARAPHRASE, PARAPHRASE, TRUTH]
    assert selected.examples[1].rejected == (WRONG[0],)  # its equal is not called worse
    assert selected.counts == {
        "matched": 4, "no candidates for the truth": 0, "no truth for the candidates": 1, "all candidates bad": 1,
        "ties": 1, "one candidate": 1,
    }  # fmt: skip


class Planted:
    """Likeness by a table; 0.1 for what is not in it."""

    name = "planted"

    def __init__(self, table: dict[str, float]) -> None:
        self.table = table

    def of(self, truths: list[str], texts: list[str]) -> np.ndarray:  # noqa: ARG002
        return np.array([self.table.get(text, 0.1) for text in texts])


def test_human_lines_find_the_nearest_picture_in_time_each_once() -> None:
    lines = [truth(image=None, episode="e1", time=t, end=t + 2) for t in (10.0, 13.0, 60.0)]
    rows = [offered("x", image=None, episode=e, time=t) for e, t in (("e1", 12.5), ("e1", 9.0), ("e2", 60.0))]
    assert match(lines, rows) == [(lines[0], rows[1]), (lines[1], rows[0])]


def test_embeddings_do_not_depend_on_their_neighbours(kosbert: SentenceBert) -> None:
    texts = [TRUTH, *WRONG, TRUTH, "밤."]
    together = kosbert.embed(texts)
    alone = np.stack([kosbert.embed([text])[0] for text in texts])
    assert np.abs(together - alone).max() < 1e-5
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert kosbert.embed([]).shape[0] == 0


def test_long_work_tells_how_far_it_is(kosbert: SentenceBert) -> None:
    told: list[tuple[int, int]] = []
    few = kosbert.options.model_copy(update={"batch": 2})
    SentenceBert(few, lambda done, total: told.append((done, total))).embed([TRUTH, *WRONG, TRUTH, "밤.", "낮."])
    assert told == [(2, 5), (4, 5)]


def test_a_missing_model_is_told_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    absent = SentenceBert(SentenceBert.Options(model="nobody/nothing", device="cpu"))
    with pytest.raises(ConfigError, match="nobody/nothing"):
        absent.embed(["a"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="empty"):
        SentenceBert(SentenceBert.Options(model=str(tmp_path / "empty"), device="cpu")).embed(["a"])


def test_chrf_is_that_of_sacrebleu() -> None:
    assert ChrF().of([TRUTH, TRUTH], [TRUTH, ""]).tolist() == [1.0, 0.0]
