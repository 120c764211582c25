"""The transformers captioner: loading of every kind, its errors, seeds and batches."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from data.errors import ConfigError
from stages.candidates import pretrained
from stages.candidates.pretrained import plain
from stages.candidates.prompt import Prompt
from stages.candidates.transformers import Transformers
from stages.chat import conversations, rendered, switches
from tests.checkpoints import vlm


def asked(text: str, system: str = "화면해설을 쓴다.") -> Prompt:
    return Prompt(language="ko", system=system, text=text)


QUESTIONS = [
    [asked("한 문장으로."), asked("아주 짧게.")],
    [asked("대사: 여기서 뭐 해? 한 문장으로."), asked("대사: 여기서 뭐 해? 아주 짧게.")],
    [asked("자막이 있다. 한 문장으로."), asked("자막이 있다. 아주 짧게.")],
]


def jpeg(width: int, height: int, seed: int = 0) -> bytes:
    picture = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))
    file = io.BytesIO()
    picture.save(file, "JPEG")
    return file.getvalue()


STILLS = [jpeg(90, 60, 1), jpeg(60, 120, 2), jpeg(200, 80, 3)]


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vlm.qwen2_5_vl(tmp_path_factory.mktemp("큐원"))


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Code that comes with a checkpoint is copied here and not into the user's cache."""
    folder = tmp_path_factory.mktemp("modules")
    earlier = {name: sys.modules.pop(name) for name in [*sys.modules] if name.startswith("transformers_modules")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(folder))
        patch.syspath_prepend(folder)
        yield
    for name in [name for name in sys.modules if name.startswith("transformers_modules")]:
        del sys.modules[name]
    sys.modules.update(earlier)


@pytest.fixture(autouse=True)
def raw_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights write noise: these tests compare it as it comes."""
    monkeypatch.setattr("stages.candidates.answers.captions", lambda raw, prompt: list(raw))


def captioner(folder: Path | str, **options: Any) -> Transformers:
    return Transformers(
        Transformers.Options(**({"model": str(folder), "device": "cpu", "max_new_tokens": 10} | options))
    )


def captions(
    backend: Transformers, stills: Sequence[bytes] = STILLS, questions: Sequence[Any] = QUESTIONS, n: int = 2
) -> list[Any]:
    found = dict(backend.caption(stills, questions, n))
    return [found[i] for i in range(len(stills))]


def test_one_answer_per_picture_question_and_candidate(qwen: Path) -> None:
    found = captions(captioner(qwen))
    assert [[len(texts) for texts in keyframe] for keyframe in found] == [[2, 2]] * 3
    assert len({text for keyframe in found for texts in keyframe for text in texts}) == 12


def test_nothing_asked_loads_nothing(tmp_path: Path) -> None:
    assert list(captioner(tmp_path / "absent").caption([], [], 2)) == []


def test_a_keyframe_without_questions_has_no_answers(qwen: Path) -> None:
    assert captions(captioner(qwen), STILLS[:2], [[], QUESTIONS[1]])[0] == []


@pytest.mark.parametrize("decoding", ["sample", "beam", "diverse-beam"])
def test_answers_do_not_depend_on_the_batch(qwen: Path, decoding: str) -> None:
    whole = captions(captioner(qwen, decoding=decoding))
    assert captions(captioner(qwen, decoding=decoding, batch=2)) == whole
    alone = captioner(qwen, decoding=decoding)
    resumed = [
        captions(alone, [still], [questions])[0] for still, questions in zip(STILLS[1:], QUESTIONS[1:], strict=True)
    ]
    assert resumed == whole[1:]


def test_another_seed_and_another_attempt_draw_other_captions(qwen: Path) -> None:
    first = captions(captioner(qwen))
    assert captions(captioner(qwen)) == first
    assert captions(captioner(qwen, seed=1)) != first
    again = [[replace(question, attempt=1) for question in questions] for questions in QUESTIONS]
    assert captions(captioner(qwen), questions=again) != first


def test_beams_that_are_asked_again_draw(qwen: Path) -> None:
    backend = captioner(qwen, decoding="beam")
    again = [QUESTIONS[0], [replace(question, attempt=1) for question in QUESTIONS[1]], QUESTIONS[2]]
    first, second = captions(backend), captions(backend, questions=again)
    assert first[0] == second[0]
    assert first[2] == second[2]
    assert first[1] != second[1]


def test_temperature_nought_is_greedy(qwen: Path) -> None:
    for keyframe in captions(captioner(qwen, temperature=0)):
        assert all(first == second for first, second in keyframe)


def test_system_texts_that_differ_follow_the_picture(qwen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    different = [[asked("?", system="가"), asked("?", system="나")]]
    backend = captioner(qwen)
    model = backend._ready().model.model
    original, seen = model.get_image_features, []
    monkeypatch.setattr(model, "get_image_features", lambda *a, **k: seen.append(1) or original(*a, **k))
    ((first, second),) = captions(backend, STILLS[:1], different)
    assert first != second
    assert seen == [1]


def test_short_memory_halves_the_batch(qwen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, backend, sizes = captions(captioner(qwen)), captioner(qwen, batch=3), []
    original = backend._shared

    def tight(loaded: Any, batch: Sequence[Any], n: int, decoding: Any) -> Any:
        sizes.append(len(batch))
        if len(batch) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return original(loaded, batch, n, decoding)

    monkeypatch.setattr(backend, "_shared", tight)
    assert captions(backend) == whole
    assert sizes == [3, 1, 1, 1]


def test_no_room_for_one_keyframe_is_an_error(qwen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = captioner(qwen)

    def full(*_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(backend, "_shared", full)
    with pytest.raises(ConfigError, match="does not fit into memory; set quantise=4bit"):
        captions(backend)


def test_large_pictures_are_scaled_down(qwen: Path) -> None:
    backend = captioner(qwen, image_size=64)
    assert backend._picture(jpeg(640, 360)).size == (64, 36)
    assert backend._picture(jpeg(1, 1)).size == (28, 28)


def test_sliding_windows_are_asked_plainly(tmp_path: Path) -> None:
    backend = captioner(vlm.gemma3(tmp_path))
    assert not backend._ready().shares
    assert [[len(texts) for texts in keyframe] for keyframe in captions(backend)] == [[2, 2]] * 3


@pytest.mark.parametrize("decoding", ["sample", "beam", "diverse-beam"])
def test_plain_and_shared_answers_are_the_same(qwen: Path, decoding: str) -> None:
    shared, alone = captioner(qwen, decoding=decoding), captioner(qwen, decoding=decoding)
    alone._loaded = replace(alone._ready(), shares=False)
    assert captions(alone) == captions(shared)


@pytest.mark.usefixtures("modules")
def test_code_of_its_own_runs_only_where_it_is_allowed(tmp_path: Path) -> None:
    folder = vlm.own_code(tmp_path / "자체 코드")
    with pytest.raises(ConfigError, match="brings code of its own; read it, then allow it with trust_remote_code=true"):
        captions(captioner(folder))
    backend = captioner(folder, trust_remote_code=True)
    found = captions(backend)
    loaded = backend._ready()
    assert type(loaded.model).__module__.startswith("transformers_modules")
    assert loaded.shares, "it is a LLaVA with another name, and has shown that it can share"
    assert [[len(texts) for texts in keyframe] for keyframe in found] == [[2, 2]] * 3


@pytest.mark.usefixtures("modules")
@pytest.mark.parametrize("code", [vlm.OWN_GENERATE, vlm.MISFIT], ids=["own generate", "ignores masks"])
def test_code_that_cannot_share_is_asked_plainly(tmp_path: Path, code: str) -> None:
    folder = vlm.own_code(tmp_path / "own", code)
    backend = captioner(folder, trust_remote_code=True, decoding="sample")
    assert not backend._ready().shares
    found = captions(backend)
    assert [[len(texts) for texts in keyframe] for keyframe in found] == [[2, 2]] * 3
    if code == vlm.OWN_GENERATE:  # its generate gives the answer alone, and the same one
        assert found == captions(captioner(vlm.llava(tmp_path / "llava")))


@pytest.mark.usefixtures("modules")
def test_code_for_another_transformers_is_named_as_such(tmp_path: Path) -> None:
    folder = vlm.own_code(tmp_path / "old", "    from_another_age = LlavaForConditionalGeneration.gone\n")
    with pytest.raises(ConfigError, match=r"The code that comes with .* does not run with transformers"):
        captions(captioner(folder, trust_remote_code=True))


@pytest.mark.usefixtures("modules")
def test_packages_its_code_needs_are_named(tmp_path: Path) -> None:
    folder = vlm.own_code(tmp_path / "needy")
    path = folder / "modeling_tiny.py"
    path.write_text("import einops_of_nobody\nimport timm_of_nobody\n" + path.read_text("utf-8"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"pip install .* einops_of_nobody timm_of_nobody$"):
        captions(captioner(folder, trust_remote_code=True))


def test_other_names_of_native_classes_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = vlm.named(vlm.qwen2_5_vl(tmp_path / "m"), "a name of its own")
    monkeypatch.setitem(pretrained.NATIVE, "a name of its own", "qwen2_5_vl")
    assert type(captioner(folder)._ready().model).__name__ == "Qwen2_5_VLForConditionalGeneration"


def test_kinds_this_transformers_does_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = vlm.named(vlm.qwen2_5_vl(tmp_path / "m"), "vlm")
    monkeypatch.setitem(pretrained.NATIVE, "vlm", "of_tomorrow")
    with pytest.raises(ConfigError, match="needs a newer transformers: pip install -U transformers"):
        captions(captioner(folder))
    vlm.named(folder, "qwen9_vl")
    with pytest.raises(ConfigError, match=r"kind \(qwen9_vl\) this transformers does not know: pip install -U"):
        captions(captioner(folder))


BROKEN: list[tuple[Callable[[Path], object], str]] = [
    (vlm.text_only, r"\(llama\) does not look at pictures; choose an image-text-to-text model"),
    (lambda folder: folder.mkdir(), "give a folder with config.json, weights and tokenizer"),
    (lambda folder: vlm.without_chat_template(vlm.qwen2_5_vl(folder)), r"no chat template; .* \(Instruct\)"),
    (
        lambda folder: vlm.renamed(vlm.llava(folder), {"language_model.lm_head.weight": ""}),
        r"lacks weights \(lm_head.weight, …\); fetch it anew",
    ),
    (lambda folder: (vlm.llava(folder) / "model.safetensors").unlink(), "give a folder with config.json, weights"),
]


@pytest.mark.parametrize(
    ("build", "message"), BROKEN, ids=["text only", "empty", "no template", "part missing", "no weights"]
)
def test_folders_that_do_not_do(tmp_path: Path, build: Callable[[Path], object], message: str) -> None:
    build(tmp_path / "모델")
    with pytest.raises(ConfigError, match=message) as caught:
        captions(captioner(tmp_path / "모델"))
    assert "\n" not in str(caught.value)


def test_unknown_ids_and_devices_are_named(monkeypatch: pytest.MonkeyPatch, qwen: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match="nobody/nothing is not on this machine"):
        captions(captioner("nobody/nothing"))
    with pytest.raises(ConfigError, match="does not compute in fp16; set dtype=auto"):
        captions(captioner(qwen, dtype="fp16"))
    with pytest.raises(ConfigError, match="This machine has no device cuda:99"):
        captions(captioner(qwen, device="cuda:99"))
    with pytest.raises(ConfigError, match="quantise=4bit needs CUDA and the bitsandbytes package"):
        captions(captioner(qwen, quantise="4bit"))


def test_thinking_is_switched_off_where_the_template_can(qwen: Path) -> None:
    assert switches("{% if enable_thinking %}") == {"enable_thinking": False}
    assert switches("{{ skip_reasoning }}") == {"skip_reasoning": True}
    assert switches("unthinking") == {}
    loaded = captioner(qwen)._ready()
    (conversation,) = conversations([asked("?")], None, with_system=True)
    assert rendered(loaded.processor, conversation, loaded.template).endswith("<think></think>")
    assert len(plain(loaded, conversations([asked("?")], Image.new("RGB", (64, 64)), with_system=True)[0],
                     max_new_tokens=3)[0]) == 3  # fmt: skip


def test_templates_without_a_system_role_are_told_in_the_question(tmp_path: Path) -> None:
    loaded = captioner(vlm.llava(tmp_path))._ready()
    assert not loaded.with_system
    (conversation,) = conversations([asked("질문")], None, with_system=loaded.with_system)
    assert rendered(loaded.processor, conversation, loaded.template) == (
        "USER: <image>\n화면해설을 쓴다.\n\n질문 ASSISTANT:"
    )


def test_weights_and_identity(qwen: Path) -> None:
    (known,) = captioner("Qwen/Qwen2.5-VL-3B-Instruct").weights()
    assert (known.name, known.licence) == ("Qwen/Qwen2.5-VL-3B-Instruct", "qwen-research")
    assert captioner("naver-hyperclovax/HyperCLOVAX-SEED-Vision-Instruct-3B").weights()[0].licence == "hyperclovax-seed"
    assert captioner("someone/something").weights()[0].licence == "unknown"
    (here,) = captioner(qwen).weights()
    assert here.where == qwen
    assert captioner(qwen).identity() == captioner(qwen).identity() | {"dtype": "torch.float32"}
    assert all(size is None or size > 10**8 for _, size in Transformers.known.values())
