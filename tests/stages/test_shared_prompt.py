"""What is generated from a shared beginning is what `generate` finds for each row alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from stages.candidates.pretrained import Loaded, ends_of, load
from stages.candidates.shared_prompt import Diverse, Sampled, answers, can_share, common, processed, tokens
from stages.candidates.transformers import Transformers
from stages.chat import conversations, rendered
from tests.checkpoints import vlm

FAMILIES = [vlm.qwen2_5_vl, vlm.qwen3_vl, vlm.llava, vlm.llava_onevision, vlm.idefics3, vlm.smolvlm]
NEW = 12
SYSTEMS = ("화면해설을 쓴다.", "화면해설을 쓴다.")
TEXTS = (
    ("앞 대사: 어디 가?\n한 문장으로.", "앞 대사: 어디 가?\n아주 짧게, 규칙은 다음과 같다: 현재형, 추측 금지."),
    ("앞 대사 없음.\n한 문장으로.", "앞 대사 없음.\n짧게."),
    ("The door opens. " * 9 + "One sentence.", "The door opens. " * 9 + "A few words."),
)


class Question:
    def __init__(self, system: str, text: str) -> None:
        self.system, self.text = system, text


def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(3)
    return [
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        for width, height in ((90, 60), (60, 120), (200, 80))
    ]


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.__name__)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = request.param(tmp_path_factory.mktemp("모델"))
    return load(Transformers.Options(model=str(folder), device="cpu"), str(folder))


def texts(loaded: Loaded) -> list[list[str]]:
    return [
        [
            rendered(loaded.processor, c, loaded.template)
            for c in conversations([Question(*q) for q in zip(SYSTEMS, asked, strict=True)], None, with_system=True)
        ]
        for asked in TEXTS
    ]


def alone(loaded: Loaded, image: Image.Image, text: str, **how: Any) -> list[list[int]]:
    """The library's own answer to one question about one picture."""
    inputs = processed(loaded.processor, [image], [text])
    found = loaded.model.generate(**inputs, max_new_tokens=NEW, **how)[:, inputs["input_ids"].shape[1] :]
    return [trimmed(row, loaded) for row in found.tolist()]


def trimmed(row: list[int], loaded: Loaded) -> list[int]:
    """Up to the token that ends the answer; what follows is padding."""
    ends = ends_of(loaded.model)
    return row[: next((i for i, token in enumerate(row) if token in ends), len(row))]


def together(loaded: Loaded, copies: int, beams: int, **how: Any) -> list[list[list[list[int]]]]:
    first, rows = tokens(loaded.processor, pictures(), texts(loaded))
    found = answers(loaded.model, first, rows, copies, beams, max_new_tokens=NEW, **how)
    return [[[trimmed(row, loaded) for row in asked] for asked in keyframe] for keyframe in found]


def test_greedy_is_what_each_row_gives_alone(loaded: Loaded) -> None:
    found = together(loaded, 1, 1)
    for image, asked, rows in zip(pictures(), texts(loaded), found, strict=True):
        assert rows == [alone(loaded, image, text) for text in asked]
    assert len({str(row) for asked in found for row in asked}) == 6, "every question has an answer of its own"


def test_drawn_answers_are_those_of_their_own_seeds(loaded: Loaded) -> None:
    seeds = list(range(100, 112))
    found = together(loaded, 2, 1, logits_processor=[Sampled(seeds, NEW, 0.9, 0.95)])
    given = iter(seeds)
    for image, asked, rows in zip(pictures(), texts(loaded), found, strict=True):
        for text, drawn in zip(asked, rows, strict=True):
            expected = [
                alone(loaded, image, text, logits_processor=[Sampled([next(given)], NEW, 0.9, 0.95)])[0] for _ in "12"
            ]
            assert drawn == expected
            assert drawn[0] != drawn[1]


def test_beams_are_those_of_each_row_alone(loaded: Loaded) -> None:
    found = together(loaded, 2, 4)
    for image, asked, rows in zip(pictures(), texts(loaded), found, strict=True):
        assert rows == [alone(loaded, image, text, num_beams=4, num_return_sequences=2) for text in asked]


def test_diverse_beams_are_those_of_each_row_alone(loaded: Loaded) -> None:
    found = together(loaded, 3, 1, logits_processor=[Diverse(3, ends_of(loaded.model))])
    for image, asked, rows in zip(pictures(), texts(loaded), found, strict=True):
        for text, streams in zip(asked, rows, strict=True):
            inputs = processed(loaded.processor, [image] * 3, [text] * 3)
            diverse = loaded.model.generate(
                **inputs, max_new_tokens=NEW, logits_processor=[Diverse(3, ends_of(loaded.model))]
            )[:, inputs["input_ids"].shape[1] :]
            assert streams == [trimmed(row, loaded) for row in diverse.tolist()]
            assert streams[0] == alone(loaded, image, text)[0], "the first beam is plain greedy search"


def test_the_picture_goes_through_the_tower_once(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    model = loaded.model.model
    original = model.get_image_features
    monkeypatch.setattr(model, "get_image_features", lambda *a, **k: seen.append(1) or original(*a, **k))
    together(loaded, 3, 1)
    assert seen == [1]


def test_other_questions_are_tokenised_as_the_processor_would(loaded: Loaded) -> None:
    _, rows = tokens(loaded.processor, pictures(), texts(loaded))
    for image, asked, ids in zip(pictures(), texts(loaded), rows, strict=True):
        assert ids == [processed(loaded.processor, [image], [text])["input_ids"][0].tolist() for text in asked]


def test_common_beginning_leaves_a_token() -> None:
    assert common([[1, 2, 3], [1, 2, 4, 5]]) == 2
    assert common([[1, 2, 3], [1, 2, 3]]) == 2
    assert common([[1, 2], [1, 2, 3]]) == 1
    assert common([[7]]) == 0


def test_questions_that_differ_before_the_picture_are_refused(tmp_path: Path) -> None:
    folder = vlm.qwen2_5_vl(tmp_path)
    loaded = load(Transformers.Options(model=str(folder), device="cpu"), str(folder))
    different = [
        rendered(loaded.processor, c, {})
        for q in ("가", "나")
        for c in conversations([Question(q, "?")], None, with_system=True)
    ]
    first, rows = tokens(loaded.processor, pictures()[:1], [different])
    assert len(rows[0][0]) == len(rows[0][1])
    with pytest.raises(ValueError, match="before the picture"):
        answers(loaded.model, first, rows, 1, 1, max_new_tokens=2)


def test_sliding_windows_are_not_shared(tmp_path: Path) -> None:
    folder = vlm.gemma3(tmp_path)
    loaded = load(Transformers.Options(model=str(folder), device="cpu"), str(folder))
    assert not loaded.shares
    assert not can_share(loaded.model)


def test_nucleus_draws_in_proportion_and_from_the_nucleus_alone() -> None:
    chances = torch.tensor([0.5, 0.3, 0.15, 0.05])
    drawn = [
        Sampled([seed], 1, 1.0, 0.9)(torch.zeros(1, 1), chances.log()[None]).argmax().item() for seed in range(4000)
    ]
    share = np.bincount(drawn, minlength=4) / 4000
    assert share[3] == 0
    assert share[:3] == pytest.approx(np.array([0.5, 0.3, 0.15]) / 0.95, abs=0.03)


def test_diverse_beams_leave_each_other_room() -> None:
    scores = torch.tensor([[1.0, 0.9, 0.0]] * 2 + [[9.0, 0.0, 0.0]] * 2)
    chosen = Diverse(2, [2])(torch.zeros(4, 1), scores).argmax(dim=-1).tolist()
    assert chosen == [0, 1, 0, 0], "another word where it is nearly as likely, the same where nothing else is"
