"""What every ranking model keeps, whichever it is."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch

from data.errors import ConfigError
from stages import BACKENDS
from stages.ranking.causal import CausalRanker
from stages.ranking.model import RankerOptions
from stages.ranking.prompt import RankingPrompt
from stages.ranking.reward import RewardRanker
from tests.checkpoints import causal as checkpoints

PROMPT = RankingPrompt("ko", windows=(4.0,), earlier=("문이 열린다.",), light="night", people=2, texts=("출입금지",))
TEXTS = ["두 사람이 나란히 걷는다.", "밤이다.", "민수가 편지를 읽는다."]
PARTS = {CausalRanker: "likelihood", RewardRanker: "reward"}
Make = Callable[..., Any]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Checkpoints in a folder with a Hangul name."""
    room = tmp_path_factory.mktemp("모델 폴더")
    base = checkpoints.causal(room / "작은 파이")
    return {
        "base": base,
        "reward": checkpoints.reward(room / "보상"),
        "lora": checkpoints.lora(room / "드라마 어댑터", base),
        "reward-lora": checkpoints.lora(room / "보상 어댑터", base, "SEQ_CLS"),
    }


RANKERS: dict[str, tuple[type[Any], str, str | None]] = {
    "causal": (CausalRanker, "base", None),
    "causal with adapter": (CausalRanker, "base", "lora"),
    "reward": (RewardRanker, "reward", None),
    "reward with adapter": (RewardRanker, "base", "reward-lora"),
}


@pytest.fixture(params=RANKERS)
def make(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Make:
    """Makes one of the rankers, with other options where they are given."""
    kind, model, adapter = RANKERS[request.param]

    def build(**options: Any) -> Any:
        values = {"model": str(folders[model]), "adapter": str(folders[adapter]) if adapter else None, "device": "cpu"}
        return kind(RankerOptions(**(values | options)))

    return build


def test_the_suite_covers_every_backend() -> None:
    listed = {target.rpartition(":")[2] for target in BACKENDS["ranking"].values() if target}
    assert listed == {kind.__name__ for kind, _, _ in RANKERS.values()}


def test_parts_of_every_text_are_shares(make: Make) -> None:
    ranker = make()
    scored = ranker.score([PROMPT, PROMPT], [TEXTS, TEXTS[:1]])
    assert [len(parts) for parts in scored] == [3, 1]
    for parts in scored[0] + scored[1]:
        assert set(parts) == {PARTS[type(ranker)]}
        assert all(type(value) is float and 0 <= value <= 1 for value in parts.values())
    assert len({str(parts) for parts in scored[0]}) == 3


def test_nothing_in_nothing_out(make: Make) -> None:
    ranker = make(model="/nowhere", adapter=None)  # nothing to score: nothing is loaded
    assert ranker.score([], []) == []
    assert ranker.score([PROMPT], [[]]) == [[]]


def test_an_empty_text_and_a_prompt_without_facts(make: Make) -> None:
    (parts,) = make().score([RankingPrompt("en")], [["", "It is night."]])
    assert len(parts) == 2


def test_the_same_twice_and_in_any_batch(make: Make) -> None:
    ranker, other = make(), make(batch=1)
    prompts = [RankingPrompt("ko", earlier=("문이 열린다.",) * n) for n in (5, 0, 3)]
    first, second, single = (r.score(prompts, [TEXTS] * 3) for r in (ranker, ranker, other))
    assert first == second
    for parts, alone in zip(chain(*first), chain(*single), strict=True):
        assert alone == pytest.approx(parts, abs=1e-5)


def test_close_frees_and_the_next_call_loads_again(make: Make) -> None:
    ranker = make()
    before = ranker.score([PROMPT], [TEXTS])
    model = weakref.ref(ranker._load()[0])
    ranker.close()
    gc.collect()
    assert model() is None
    assert ranker.score([PROMPT], [TEXTS]) == before


def test_identity_and_weights_load_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    ranker = make()
    monkeypatch.setitem(sys.modules, "transformers", None)
    identity = ranker.identity()
    assert identity["dtype"] == "torch.float32"
    assert identity["template"] == 1
    assert ("adapter" in identity) == bool(ranker.options.adapter)
    assert [w.where for w in ranker.weights()] == [
        Path(name) for name in (ranker.options.model, ranker.options.adapter) if name
    ]


def test_an_absent_device_is_an_error(make: Make) -> None:
    with pytest.raises(ConfigError, match="no device cuda:7"):
        make(device="cuda:7").score([PROMPT], [TEXTS])


def test_missing_weights_name_the_remedy(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match="vdesc models fetch"):
        make(model="nobody/no-such-model", adapter=None).score([PROMPT], [TEXTS])
    with pytest.raises(ConfigError, match=r"cannot be loaded .*config\.json"):
        make(model=str(tmp_path), adapter=None).score([PROMPT], [TEXTS])


def test_damaged_weights_name_the_remedy(make: Make, tmp_path: Path) -> None:
    source = Path(make().options.model)
    for file in source.iterdir():
        content = file.read_bytes()
        (tmp_path / file.name).write_bytes(content[:500] if file.suffix == ".safetensors" else content)
    with pytest.raises(ConfigError, match=r"damaged .*fetch or train them again"):
        make(model=str(tmp_path), adapter=None).score([PROMPT], [TEXTS])


def test_weights_that_lack_layers_are_refused(make: Make, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    source = Path(make().options.model)
    for file in source.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if ".layers.1." not in name and name != "score.weight"}
    save_file(kept, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ConfigError, match=r"incomplete|no trained reward head"):
        make(model=str(tmp_path), adapter=None).score([PROMPT], [TEXTS])


def test_a_missing_package_is_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    ranker = make()
    monkeypatch.setitem(sys.modules, "peft" if ranker.options.adapter else "transformers", None)
    with pytest.raises(ConfigError, match=r"needs the package (peft|transformers): pip install"):
        ranker.score([PROMPT], [TEXTS])


def test_a_line_longer_than_the_context(make: Make) -> None:
    with pytest.raises(ConfigError, match="does not fit into the model's context of 512"):
        make().score([PROMPT], [["나" * 600]])


def test_a_prompt_longer_than_the_context_is_cut(make: Make) -> None:
    long = RankingPrompt("ko", dialogue_before="문이 열린다. " * 400)
    (parts,) = make().score([long], [TEXTS])
    assert len(parts) == 3


def test_short_memory_halves_the_batch(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    ranker = make(batch=4)
    module = sys.modules[type(ranker).__module__]
    name = "_scores" if isinstance(ranker, CausalRanker) else "_rewards"
    whole, sizes = getattr(module, name), []

    def cramped(model: Any, batch: Any) -> Any:
        sizes.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return whole(model, batch)

    expected = ranker.score([PROMPT] * 5, [TEXTS] * 5)
    monkeypatch.setattr(module, name, cramped)
    for got, wanted in zip(chain(*ranker.score([PROMPT] * 5, [TEXTS] * 5)), chain(*expected), strict=True):
        assert got == pytest.approx(wanted, abs=1e-5)
    assert sizes[:2] == [4, 2]


@pytest.mark.gpu
def test_on_cuda_as_on_the_cpu(make: Make) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA")
    on_cpu, on_cuda = (make(device=d, dtype="fp32").score([PROMPT], [TEXTS]) for d in ("cpu", "cuda"))
    for a, b in zip(on_cpu[0], on_cuda[0], strict=True):
        assert a == pytest.approx(b, abs=1e-3)
