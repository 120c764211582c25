"""What every captioner keeps, whichever it is."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import cv2
import numpy as np
import pytest

from data.records import Kind, Length
from stages.candidates.facts import Facts
from stages.candidates.openai import OpenAI
from stages.candidates.prompt import Caption, Prompt, SeenText
from stages.candidates.rendering import Templates
from stages.candidates.transformers import Transformers
from tests.checkpoints import vlm
from tests.loopback import Reply, Request, serving

Make = Callable[..., Any]


@contextmanager
def facts() -> Iterator[Make]:
    yield lambda **options: Facts(Facts.Options(**options))


@contextmanager
def openai() -> Iterator[Make]:
    with serving() as server:
        server.reply = answer
        yield lambda **options: OpenAI(OpenAI.Options(**({"base_url": server.url, "model": "m"} | options)))


@contextmanager
def transformers() -> Iterator[Make]:
    """With random weights, which write noise: little of it passes for a sentence."""
    with TemporaryDirectory() as folder:
        model = str(vlm.qwen2_5_vl(Path(folder) / "그림을 보는 모델"))
        yield lambda **options: Transformers(
            Transformers.Options(**({"model": model, "device": "cpu", "max_new_tokens": 16} | options))
        )


def answer(request: Request) -> Reply:
    return Reply.chat(*[f"문 {request.body['seed'] + i}개가 열린다." for i in range(request.body.get("n", 1))])


@dataclass(frozen=True)
class Case:
    """A captioner in the surroundings it needs; `heavy` is the attribute that `close()` must free."""

    name: str
    opened: Callable[[], AbstractContextManager[Make]]
    heavy: str = ""


CAPTIONERS = [Case("facts", facts), Case("openai", openai, "_client"), Case("transformers", transformers, "_loaded")]


@pytest.fixture(params=CAPTIONERS, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def make(case: Case) -> Iterator[Make]:
    with case.opened() as maker:
        yield maker


def jpeg(width: int = 64, height: int = 48, grey: bool = False) -> bytes:
    """A gradient."""
    across = np.linspace(0, 255, width, dtype=np.uint8)[None, :].repeat(height, 0)
    picture = across if grey else np.dstack([across, across[:, ::-1], across])
    return cv2.imencode(".jpg", picture)[1].tobytes()


def asked(name: str = "서울역", language: str = "ko") -> list[Prompt]:
    seen = SeenText(name, "sign", 0.95, (0.1, 0.1, 0.2, 0.2))
    facts = Prompt(language=language, texts=(seen,), people=2, light="day")
    templates = Templates({}, language)
    return [templates.worded(facts), templates.worded(replace(facts, style="strict", length="short"))]


def answers(backend: Any, images: list[bytes], prompts: list[list[Prompt]], n: int) -> list[list[list[Caption]]]:
    found = dict(backend.caption(images if backend.needs_images else [], prompts, n))
    assert sorted(found) == list(range(len(prompts)))
    return [found[k] for k in sorted(found)]


def test_captions_for_every_prompt_of_every_keyframe(make: Make) -> None:
    with closing(make()) as backend:
        rows = answers(backend, [jpeg(), jpeg(80, 60), jpeg(32, 32)], [asked(), asked("부산역")[:1], asked()], 2)
    assert [len(row) for row in rows] == [2, 1, 2]
    for caption in (c for row in rows for captions in row for c in captions):
        assert isinstance(caption, Caption)
        assert caption.text.strip() == caption.text != ""
        assert caption.kind in get_args(Kind)
        assert caption.length in get_args(Length)


def test_no_keyframe_no_answer(make: Make) -> None:
    with closing(make()) as backend:
        assert answers(backend, [], [], 4) == []


@pytest.mark.parametrize(
    "image", [jpeg(1, 1), jpeg(64, 48, grey=True), jpeg(4000, 3000), jpeg(900, 1)], ids=["1×1", "grey", "huge", "line"]
)
def test_any_picture(make: Make, image: bytes) -> None:
    with closing(make()) as backend:
        assert len(answers(backend, [image], [asked()], 1)[0]) == 2


def test_english(make: Make) -> None:
    with closing(make()) as backend:
        assert len(answers(backend, [jpeg()], [asked("Seoul", "en")], 1)[0]) == 2


def test_the_same_question_has_the_same_answer(make: Make) -> None:
    rows = []
    for _ in range(2):
        with closing(make()) as backend:
            rows.append(answers(backend, [jpeg(), jpeg(80, 60)], [asked(), asked()], 2))
    assert rows[0] == rows[1]


def test_the_company_a_keyframe_is_asked_in_changes_nothing(make: Make) -> None:
    with closing(make()) as backend:
        together = answers(backend, [jpeg(), jpeg(80, 60)], [asked(), asked("부산역")], 2)
        alone = answers(backend, [jpeg(80, 60)], [asked("부산역")], 2)
    assert together[1:] == alone


def test_close_frees_and_the_next_question_loads_again(make: Make, case: Case) -> None:
    backend = make()
    first = answers(backend, [jpeg()], [asked()], 1)
    held = weakref.ref(getattr(backend, case.heavy)) if case.heavy else None
    backend.close()
    gc.collect()
    assert held is None or held() is None
    assert answers(backend, [jpeg()], [asked()], 1) == first
    backend.close()
    backend.close()


def test_making_one_is_cheap_and_its_identity_is_plain(make: Make, case: Case) -> None:
    backend = make()
    assert not case.heavy or getattr(backend, case.heavy) is None
    if hasattr(backend, "identity"):
        assert backend.identity() == make().identity()
        assert [w.name for w in backend.weights()] == [w.name for w in make().weights()]
