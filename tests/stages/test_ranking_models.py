"""The ranking models: exact scores from a shared prompt, adapters of the right base, one template."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from data.errors import ConfigError
from stages import hub
from stages.ranking import adapter
from stages.ranking.causal import CausalRanker
from stages.ranking.model import RankerOptions
from stages.ranking.prompt import RankingPrompt
from stages.ranking.reward import RewardRanker
from stages.ranking.template import encode, encode_prompt, render
from tests.checkpoints import causal as checkpoints

TEXTS = [["두 사람이 나란히 걷는다.", "밤이다.", "민수가 편지를 읽는다."], ["문"], [], ["It is night.", "밤이다."]]
PROMPTS = [
    render(RankingPrompt("ko", windows=(4.2,), earlier=("문이 열린다.",) * n, people=2, light="night"))
    for n in (0, 3, 1, 6)
]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def base(room: Path) -> Path:
    return checkpoints.causal(room / "phi")


@pytest.fixture(scope="module")
def lora(room: Path, base: Path) -> Path:
    return checkpoints.lora(room / "phi-lora", base)


def ranker(model: Path | str, tuned: Path | str | None = None, **options: Any) -> CausalRanker:
    return CausalRanker(RankerOptions(model=str(model), adapter=str(tuned) if tuned else None, device="cpu", **options))


def full_forward(model: Any, prompt: list[int], response: list[int]) -> float:
    """The definition: mean log-probability of the response's tokens in one plain pass over prompt and response."""
    with torch.no_grad():
        logits = model(torch.tensor([prompt + response])).logits[0].log_softmax(-1)
    places = torch.arange(len(prompt) - 1, len(prompt) + len(response) - 1)
    return float(logits[places, torch.tensor(response)].mean())


@pytest.mark.parametrize("tuned", [False, True], ids=["base", "adapter"])
@pytest.mark.parametrize("kind", checkpoints.KINDS)
def test_shared_prompts_score_as_full_forwards(kind: str, tuned: bool, room: Path) -> None:
    folder = room / f"{kind}-{tuned}"
    model = checkpoints.causal(folder / "model", kind)
    one = ranker(model, checkpoints.lora(folder / "lora", model) if tuned else None, batch=3)
    scored = one.log_likelihoods(PROMPTS, TEXTS)
    loaded, tokenizer = one._load()
    for prompt, texts, values in zip(PROMPTS, TEXTS, scored, strict=True):
        expected = [full_forward(loaded, *encode(tokenizer, prompt, text, 512)) for text in texts]
        assert values == pytest.approx(expected, abs=1e-4)
    assert max(scored[0]) - min(scored[0]) > 0.1, "random weights that tell no text from another prove nothing"


def test_the_adapter_changes_the_scores(base: Path, lora: Path) -> None:
    plain, tuned = (ranker(base, a).log_likelihoods(PROMPTS[:1], TEXTS[:1])[0] for a in (None, lora))
    assert max(abs(a - b) for a, b in zip(plain, tuned, strict=True)) > 0.01


def test_likelihood_is_relative_to_the_best_text(base: Path) -> None:
    one = ranker(base)
    prompt = RankingPrompt("ko")
    (logs,) = one.log_likelihoods([render(prompt)], TEXTS[:1])
    shares = [parts["likelihood"] for parts in one.score([prompt], TEXTS[:1])[0]]
    assert max(shares) == 1
    assert sorted(range(3), key=shares.__getitem__) == sorted(range(3), key=logs.__getitem__)
    assert shares == pytest.approx([float(torch.tensor(v - max(logs)).exp()) for v in logs], abs=1e-5)


def test_reward_pools_alike_alone_and_padded(room: Path) -> None:
    """GPT-2 and phi-2 have no padding token: the end of sequence stands in, at the end of the text too."""
    model = checkpoints.reward(room / "gpt2-reward", "gpt2")
    one, other = (RewardRanker(RankerOptions(model=str(model), device="cpu", batch=b)) for b in (1, 6))
    alone, padded = (r.rewards(PROMPTS, TEXTS) for r in (one, other))
    for a, b in zip(alone, padded, strict=True):
        assert a == pytest.approx(b, abs=1e-4)


def test_a_reward_adapter_brings_the_head(room: Path, base: Path) -> None:
    tuned = checkpoints.lora(room / "head", base, "SEQ_CLS")
    first, second = (
        RewardRanker(RankerOptions(model=str(base), adapter=str(tuned), device="cpu")).rewards(PROMPTS, TEXTS)
        for _ in range(2)
    )
    assert first == second, "a head drawn at random would differ"
    with pytest.raises(ConfigError, match="no trained reward head"):
        RewardRanker(RankerOptions(model=str(base), device="cpu")).rewards(PROMPTS, TEXTS)


def test_phi_2_as_its_hub_repository_has_it(room: Path, base: Path) -> None:
    """Its configuration is of an older library: the rotary share of 0.4 stands on the top level."""
    folder = shutil.copytree(base, room / "phi-2")
    now = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    of_the_hub = {
        "_name_or_path": "microsoft/phi-2", "architectures": ["PhiForCausalLM"], "attention_dropout": 0.0,
        "bos_token_id": 50256, "embd_pdrop": 0.0, "eos_token_id": 50256, "hidden_act": "gelu_new",
        "initializer_range": 0.02, "layer_norm_eps": 1e-05, "max_position_embeddings": 2048, "model_type": "phi",
        "partial_rotary_factor": 0.4, "qk_layernorm": False, "resid_pdrop": 0.1, "rope_scaling": None,
        "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "float16",
        "transformers_version": "4.37.0", "use_cache": True,
    }  # fmt: skip
    sizes = ("hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers", "vocab_size")
    (folder / "config.json").write_text(
        json.dumps(of_the_hub | {size: now[size] for size in sizes} | {"num_key_value_heads": 4}), encoding="utf-8"
    )
    one = ranker(folder)
    assert one.log_likelihoods(PROMPTS[:1], TEXTS[:1])[0]
    assert one._load()[0].model.layers[0].self_attn.rotary_ndims == int(0.4 * 64 / 4)


def test_no_number_is_no_score(room: Path, base: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(base, room / "broken")
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.bias"][:] = float("nan")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ConfigError, match=r"no finite likelihood in float32; set ranking\.options\.dtype"):
        ranker(folder).log_likelihoods(PROMPTS[:1], TEXTS[:1])


def test_an_adapter_of_another_base_is_refused(room: Path, lora: Path) -> None:
    other = checkpoints.causal(room / "other" / "phi", seed=3)
    with pytest.raises(ConfigError, match=r"was trained on \S+phi, not on \S+other/phi; set ranking\.options\.model"):
        ranker(other, lora).log_likelihoods(PROMPTS[:1], TEXTS[:1])


def test_an_adapter_of_another_task_is_refused(room: Path, base: Path) -> None:
    head = checkpoints.lora(room / "task", base, "SEQ_CLS")
    with pytest.raises(ConfigError, match=r"another kind \(LORA, SEQ_CLS\)"):
        ranker(base, head).log_likelihoods(PROMPTS[:1], TEXTS[:1])


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("adapter_config.json", b"{"),
        ("adapter_config.json", b'{"peft_type": "NO_SUCH"}'),
        ("adapter_model.safetensors", b"\x10"),
        ("adapter_model.safetensors", b""),
    ],
)
def test_a_damaged_adapter_is_one_line(room: Path, base: Path, lora: Path, file: str, content: bytes) -> None:
    folder = room / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(lora, folder)
    (folder / file).write_bytes(content)
    with pytest.raises(ConfigError, match=r"cannot be read .*train or copy it again") as caught:
        ranker(base, folder).log_likelihoods(PROMPTS[:1], TEXTS[:1])
    assert "\n" not in str(caught.value)


def test_an_adapter_that_lacks_weights_is_refused(room: Path, base: Path, lora: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(lora, room / "half")
    weights = load_file(folder / "adapter_model.safetensors")
    half = {name: tensor for name, tensor in weights.items() if ".layers.1." not in name}
    save_file(half, folder / "adapter_model.safetensors", {"format": "pt"})
    with pytest.raises(ConfigError, match="cannot be read"):
        ranker(base, folder).log_likelihoods(PROMPTS[:1], TEXTS[:1])


def test_a_missing_adapter_is_one_line(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for missing in (str(tmp_path), str(tmp_path / "없는 폴더"), "./adapters/none"):
        with pytest.raises(ConfigError, match="There is no adapter in"):
            ranker(base, missing).log_likelihoods(PROMPTS[:1], TEXTS[:1])
        with pytest.raises(ConfigError, match="There is no adapter in"):
            ranker(base, missing).identity()
    with pytest.raises(ConfigError, match="adapters/none"):
        ranker(base, "adapters/none").log_likelihoods(PROMPTS[:1], TEXTS[:1])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("microsoft/phi-2", "Microsoft/Phi-2", True),
        ("microsoft/phi-2", "microsoft/phi-1_5", False),
        ("microsoft/phi-2", "somebody/phi-2", False),
        ("microsoft/phi-2", "/gone/models/phi-2", True),
        ("microsoft/phi-2", "/gone/hub/models--microsoft--phi-2/snapshots/abc", True),
        ("microsoft/phi-2", "/gone/hub/models--other--phi-2/snapshots/abc", False),
        ("/gone/phi-2", "/gone/phi-3", False),
    ],
)
def test_names_of_one_model(one: str, other: str, same: bool) -> None:
    assert adapter.same_model(one, other) is same
    assert adapter.same_model(other, one) is same


def test_folders_of_equal_content_are_one_model(room: Path, base: Path) -> None:
    assert adapter.same_model(str(base), str(shutil.copytree(base, room / "copy")))
    assert not adapter.same_model(str(base), str(checkpoints.causal(room / "seed" / "phi", seed=9)))


def test_an_adapter_of_another_revision_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    monkeypatch.setattr(hub, "hub_folder", lambda repo: tmp_path / repo)
    config = SimpleNamespace(
        base_model_name_or_path="microsoft/phi-2", revision="a" * 40, is_prompt_learning=False, task_type="CAUSAL_LM"
    )
    adapter.check(config, "x", "microsoft/phi-2", "a" * 40, "CAUSAL_LM")
    with pytest.raises(ConfigError, match=r"at a{40}, not at b{40}; set ranking\.options\.revision=a{40}"):
        adapter.check(config, "x", "microsoft/phi-2", "b" * 40, "CAUSAL_LM")


def test_identity_follows_the_adapters_own_files(room: Path, base: Path, lora: Path) -> None:
    folder = shutil.copytree(lora, room / "keyed")
    before = ranker(base, folder).identity()
    (folder / "metrics.json").write_text("{}")
    assert ranker(base, folder).identity() == before
    weights = bytearray((folder / "adapter_model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "adapter_model.safetensors").write_bytes(weights)
    assert ranker(base, folder).identity() != before
    assert "adapter" not in ranker(base).identity()


def test_weights_of_the_hub() -> None:
    phi, tuned = ranker("microsoft/phi-2", "somebody/drama").weights()
    assert (phi.name, phi.licence, phi.size) == ("microsoft/phi-2", "MIT", 5_570_000_000)
    assert (tuned.name, tuned.licence, tuned.size) == ("somebody/drama", "unknown", None)


def test_the_template_tells_what_is_known() -> None:
    prompt = RankingPrompt(
        "ko", windows=(1.2, 4.2), earlier=tuple(f"{n}번째 줄." for n in range(20)), light="night", known_place=True,
        people=2, persons=("민수", ""), names=("민수", "영희"), objects=("의자", "컵", "의자"), texts=("출입\n금지",),
        dialogue_before="어디 가?", dialogue_after="집에.",
    )  # fmt: skip
    assert render(prompt).split("\n")[9:] == [
        "- 19번째 줄.", "장소: 앞에 나온 곳", "빛: 밤", "사람: 2명 이상", "아는 사람: 민수",
        "불러도 되는 이름: 민수, 영희", "사물: 의자 2, 컵", "화면의 글: 출입 금지",
        "앞의 대사: 어디 가?", "뒤의 대사: 집에.", "말할 시간: 4.2초, 18음절", "화면해설:",
    ]  # fmt: skip
    assert render(RankingPrompt("en")).split("\n")[1:] == ["Description:"]


@pytest.mark.parametrize("begins", [False, True])
def test_tokens_of_prompt_and_response_do_not_depend_on_each_other(begins: bool) -> None:
    tokenizer = checkpoints.tokenizer(begins)
    for text in ("문이 열린다.", "The door opens.", "漢字 🙂"):
        prompt, response = encode(tokenizer, PROMPTS[0], text)
        assert prompt == encode_prompt(tokenizer, PROMPTS[0])
        assert response[-1] == tokenizer.eos_token_id
        assert (prompt[0] == tokenizer.bos_token_id) is begins
        assert tokenizer.decode(prompt[begins:] + response[:-1]) == f"{PROMPTS[0]} {text}"


def test_a_tokenizer_that_ends_prompts_is_kept_from_it() -> None:
    from tokenizers import processors

    tokenizer = checkpoints.tokenizer()
    plain = encode_prompt(tokenizer, PROMPTS[0])
    ending = processors.TemplateProcessing(single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", 0)])
    tokenizer.backend_tokenizer.post_processor = ending
    assert encode_prompt(tokenizer, PROMPTS[0]) == plain


def test_a_long_prompt_keeps_its_first_line_and_its_end() -> None:
    tokenizer = checkpoints.tokenizer()
    long = render(RankingPrompt("ko", earlier=("문이 열린다. " * 20,) * 8, dialogue_after="밤이다."))
    task = long.split("\n")[0]
    prompt, _ = encode(tokenizer, long, "문", 256)
    cut = tokenizer.decode(prompt)
    assert len(prompt) == 256 - 256 // 8
    assert cut.startswith(task)
    assert cut.endswith("뒤의 대사: 밤이다.\n화면해설:")
    assert encode(tokenizer, long, "문이 열린다. 밤이다.", 256)[0] == prompt, "all responses follow the same cut prompt"
