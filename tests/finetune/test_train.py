"""Training: real trainers of TRL on a tiny Phi with random weights."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import yaml

from data.errors import ConfigError, UserError
from finetune import train as training
from finetune.rows import Example, write
from finetune.train import Result, train
from finetune.training_config import TrainingConfig, load
from stages.ranking.causal import CausalRanker
from stages.ranking.model import RankerOptions
from stages.ranking.reward import RewardRanker
from tests.checkpoints import causal as checkpoints

ROOT = Path(__file__).resolve().parents[2]
GOOD = ("문이 열린다.", "둘이 걷는다.", "밤이다.", "편지를 읽는다.")
BAD = ("It is night.", "The door opens.", "Two people walk.", "말할 시간 밤")
SMALL: dict[str, Any] = {
    "epochs": 4, "batch": 4, "accumulation": 1, "max_length": 160, "log_every": 1, "learning_rate": 3e-3,
    "warmup": 0.1, "validation_share": 0.25, "device": "cpu", "gradient_checkpointing": False,
}  # fmt: skip

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*SwigPy.*:DeprecationWarning",
)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.causal(tmp_path_factory.mktemp("base") / "phi")


def examples(dramas: int = 4, each: int = 12) -> list[Example]:
    """Short Korean responses against foreign ones; prompts of different lengths that are not alike."""
    drawn = random.Random(3)
    return [
        Example(
            prompt=f"드라마 {drama} {n}.\n" + " ".join(str(drawn.random())[2:9] for _ in range(n % 5)) + "\n화면해설:",
            response=drawn.choice(GOOD), rejected=tuple(drawn.sample(BAD, 2)), drama=f"드라마 {drama}",
            licence="CC0-1.0",
        )
        for drama in range(dramas)
        for n in range(each)
    ]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write(tmp_path / "sft.jsonl", examples())
    return tmp_path / "sft.jsonl"


Run = Callable[..., Result]


@pytest.fixture
def run(base: Path, data: Path, tmp_path: Path) -> Run:
    """Train with small settings; `to` names the folder."""

    def go(to: str = "adapter", rows: Path = data, **changes: Any) -> Result:
        return train(settings(base, **changes), [rows], tmp_path / to)

    return go


def settings(base: Path, **changes: Any) -> TrainingConfig:
    return TrainingConfig.model_validate({"model": str(base)} | SMALL | changes)


def weights(folder: Path) -> dict[str, Any]:
    return safetensors.torch.load_file(folder / "adapter_model.safetensors")


def metrics(folder: Path, name: str) -> list[float]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [entry[name] for entry in map(json.loads, lines) if name in entry]


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def likelihoods(base: Path, adapter: Path | None, of: list[Example]) -> list[list[float]]:
    ranker = CausalRanker(
        RankerOptions(model=str(base), device="cpu", adapter=str(adapter) if adapter else None)  # type: ignore[call-arg]
    )
    return ranker.log_likelihoods([e.prompt for e in of], [e.offered for e in of])


@pytest.mark.slow
def test_an_easy_set_is_learnt_and_the_adapter_is_whole(run: Run, base: Path, tmp_path: Path) -> None:
    before = files(base)
    result = run(epochs=6)
    assert files(base) == before, "the base must not change"
    folder = tmp_path / "adapter"
    assert any(value.abs().max() > 0 for name, value in weights(folder).items() if "lora_B" in name)
    losses = metrics(folder, "loss")
    assert losses[-1] < 0.7 * losses[0]
    assert result.accuracy is not None
    assert result.accuracy_before is not None
    assert result.accuracy > result.accuracy_before
    expected = {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json", "training.yaml", "README.md",
                "metrics.jsonl", "loss.png", "ranking_accuracy.png"}  # fmt: skip
    assert expected <= {path.name for path in folder.iterdir()}
    assert list((folder / "tensorboard").glob("events.*"))
    assert not (folder / "training_args.bin").exists()
    assert not (tmp_path / "adapter.partial").exists()
    record = yaml.safe_load((folder / "training.yaml").read_text())
    assert record["base"]["model"] == str(base)
    assert record["licences"] == {"CC0-1.0": result.rows["train"]}
    assert record["config"]["lora"]["rank"] == 16
    assert len(record["data"][0]["data"]) == 64
    assert json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"] == str(base)
    assert "vdesc run ep.mp4" in (folder / "README.md").read_text()


def test_the_adapter_reloads_with_the_scores_it_had_while_training(
    run: Run, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works: list[Any] = []
    load_ = training._load
    monkeypatch.setattr(training, "_load", lambda *args: works.append(load_(*args)) or works[-1])
    run(epochs=1, lora={"dropout": 0.0, "rank": 4})
    work = works[0]
    live = training.causal.log_likelihoods(
        work.model, work.tokenizer, [e.prompt for e in work.ranked], [e.offered for e in work.ranked],
        training._options(work.config),
    )  # fmt: skip
    again = likelihoods(base, tmp_path / "adapter", work.ranked)
    assert again != likelihoods(base, None, work.ranked)
    assert [v for row in again for v in row] == pytest.approx([v for row in live for v in row], abs=1e-6)


@pytest.mark.parametrize("packing", [True, False])
def test_an_interrupted_training_ends_as_an_undisturbed_one(
    base: Path, data: Path, tmp_path: Path, *, packing: bool
) -> None:
    config = settings(
        base, packing=packing, evaluate_every=2, epochs=3, batch=2, accumulation=2, lora={"dropout": 0.1}, patience=None
    )
    whole = train(config, [data], tmp_path / "whole")

    def stop(done: float, total: float) -> None:
        if done >= 0.6 * total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, [data], tmp_path / "broken", progress=stop)
    assert not (tmp_path / "broken").exists()
    seen: list[float] = []
    resumed = train(config, [data], tmp_path / "broken", progress=lambda done, _: seen.append(done))
    assert seen[0] >= 2, "it must not begin anew"
    assert (resumed.steps, resumed.best_step, resumed.accuracy) == (whole.steps, whole.best_step, whole.accuracy)
    ours, theirs = weights(tmp_path / "whole"), weights(tmp_path / "broken")
    assert all((ours[name] == theirs[name]).all() for name in ours)
    assert ours.keys() == theirs.keys()
    for name in ("loss", "grad_norm", "learning_rate", "eval_loss", "eval_ranking_accuracy"):
        assert metrics(tmp_path / "whole", name) == metrics(tmp_path / "broken", name), name


def test_other_settings_do_not_resume(base: Path, data: Path, tmp_path: Path) -> None:
    def stop(done: float, _: float) -> None:
        if done >= 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(settings(base), [data], tmp_path / "a", progress=stop)
    with pytest.raises(UserError, match="other settings or data"):
        train(settings(base, seed=1), [data], tmp_path / "a")
    assert train(settings(base, seed=1, epochs=1), [data], tmp_path / "a", resume=False).steps > 0


def test_preferences_are_learnt_from_the_same_rows(run: Run, base: Path, tmp_path: Path) -> None:
    result = run("dpo", objective="dpo", epochs=1, group_by_length=True)
    assert result.rows["train"] % 2 == 0, "a pair for each rejected text"
    chosen = metrics(tmp_path / "dpo", "rewards/margins")
    assert chosen[-1] > chosen[0]
    some = examples()[:4]
    assert likelihoods(base, tmp_path / "dpo", some) != likelihoods(base, None, some)


def test_a_reward_model_is_learnt_and_ranks(run: Run, base: Path, tmp_path: Path) -> None:
    result = run("reward", objective="reward", epochs=2)
    assert result.accuracy is not None
    assert result.accuracy_before is not None
    assert result.accuracy > result.accuracy_before
    ranker = RewardRanker(RankerOptions(model=str(base), device="cpu", adapter=str(tmp_path / "reward")))  # type: ignore[call-arg]
    some = examples()[:8]
    scores = ranker.rewards([e.prompt for e in some], [e.offered for e in some])
    assert sum(max(row) == row[0] for row in scores) > 4
    assert "ranking.backend=reward" in (tmp_path / "reward" / "README.md").read_text()


def test_layers_can_be_trained_whole(run: Run, base: Path, tmp_path: Path) -> None:
    run(epochs=1, lora={"modules_to_save": ["lm_head", "embed_tokens"], "dora": True, "rslora": True})
    trained = weights(tmp_path / "adapter")
    own = safetensors.torch.load_file(base / "model.safetensors")
    head = next(value for name, value in trained.items() if name.endswith("lm_head.weight"))
    assert (head != own["lm_head.weight"]).any()
    some = examples()[:2]
    assert likelihoods(base, tmp_path / "adapter", some) != likelihoods(base, None, some)


def test_gradient_checkpointing_changes_no_weight(run: Run, tmp_path: Path) -> None:
    for name, on in (("a", True), ("b", False)):
        run(name, epochs=1, gradient_checkpointing=on)
    ours, theirs = weights(tmp_path / "a"), weights(tmp_path / "b")
    assert all((ours[name] - theirs[name]).abs().max() < 1e-6 for name in ours)


def test_training_stops_where_ranking_gets_no_better(run: Run) -> None:
    result = run(epochs=20, learning_rate=1e-8, patience=2, evaluate_every=1)
    assert result.steps <= 4
    assert any("ranks no better" in note for note in result.notes)


def test_a_training_that_diverges_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from finetune.trainers import RankingSFT

    step = RankingSFT.training_step
    monkeypatch.setattr(RankingSFT, "training_step", lambda *args, **more: step(*args, **more) * float("nan"))
    with pytest.raises(UserError, match="diverged"):
        run(epochs=1)


def test_rows_marked_test_are_left_out_and_told(run: Run, tmp_path: Path) -> None:
    rows = [e.model_copy(update={"split": "test"}) if e.drama == "드라마 0" else e for e in examples()]
    write(tmp_path / "marked.jsonl", rows)
    result = run(rows=tmp_path / "marked.jsonl", epochs=1)
    assert result.rows["test"] > 0
    assert sum(result.rows[part] for part in ("train", "validation", "test")) <= len(rows)
    assert any("marked test" in note for note in result.notes)


def test_without_validation_the_last_weights_are_kept(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "one.jsonl", examples(1))
    result = run(rows=tmp_path / "one.jsonl", epochs=1, validation_share=0)
    assert result.accuracy is None
    assert any("Nothing was ranked" in note for note in result.notes)


def bad(kind: str) -> list[Example]:
    rows = examples()
    split = {0: "train", 1: "validation", 2: "train", 3: "test"}
    marked = [e.model_copy(update={"split": split[int(e.drama[-1])]}) for e in rows]
    long = {"response": "민수가 낡은 편지를 천천히 펼쳐 읽는다."}
    return {
        "one drama": examples(1),
        "leaked drama": [marked[0].model_copy(update={"drama": "드라마 1"}), *marked],
        "leaked text": [marked[0].model_copy(update=long), marked[-1].model_copy(update=long), *marked[1:-1]],
        "nothing to train on": [e.model_copy(update={"split": "test"}) for e in rows],
        "no rejected": [e.model_copy(update={"rejected": ()}) for e in rows],
        "too long": [e.model_copy(update={"response": e.response * 60}) for e in rows],
    }[kind]


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("one drama", {}, "All rows are of one drama"),
        ("leaked drama", {}, "1 training rows or titles are known .*drama: 드라마 1"),
        ("leaked text", {}, "known from validation or test .*text: 민수가 낡은 편지를"),
        ("nothing to train on", {"validation_share": 0}, "No rows are left to train on"),
        ("no rejected", {"objective": "dpo"}, "No row has rejected texts"),
        ("no rejected", {"objective": "reward"}, "No row has rejected texts"),
        ("too long", {"validation_share": 0}, "No row fits into 160 tokens"),
    ],
)
def test_bad_data(run: Run, tmp_path: Path, kind: str, changes: dict[str, Any], message: str) -> None:
    write(tmp_path / "bad.jsonl", bad(kind))
    with pytest.raises(UserError, match=message):
        run(rows=tmp_path / "bad.jsonl", **changes)
    assert not (tmp_path / "adapter").exists()


def test_leaked_rows_can_be_left_out(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "bad.jsonl", bad("leaked text"))
    result = run(rows=tmp_path / "bad.jsonl", epochs=1, leaks="drop")
    assert result.rows["leaks"] == 1


def test_long_rows_are_dropped_and_counted(run: Run, tmp_path: Path) -> None:
    rows = examples()
    rows[0] = rows[0].model_copy(update={"response": "밤이다. " * 80, "split": "train"})
    write(tmp_path / "long.jsonl", rows)
    result = run(rows=tmp_path / "long.jsonl", epochs=1, validation_share=0)
    assert result.rows["too long"] == 1
    assert any("does not fit" in note for note in result.notes)


def test_empty_file_and_full_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(UserError, match="holds no rows"):
        run(rows=tmp_path / "empty.jsonl")
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "mine.txt").write_text("kept")
    with pytest.raises(UserError, match="is not empty"):
        run()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lora": {"modules_to_save": ["head"]}}, "has no layer head.*lm_head"),
        ({"lora": {"target": ["nothing"]}}, "cannot be put on .*lora"),
        ({"quantise": "4bit"}, "quantise=4bit needs CUDA and the bitsandbytes package"),
        ({"device": "cuda:99"}, "no device cuda:99"),
        ({"model": "/nowhere/model"}, "/nowhere/model"),
    ],
)
def test_settings_that_do_not_fit(run: Run, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(**changes)


def test_settings_come_from_yaml(tmp_path: Path) -> None:
    shipped = load(ROOT / "configs" / "finetune-phi2.yaml", ["lora.rank=8", "epochs=1"])
    assert (shipped.model, shipped.lora.rank, shipped.epochs, shipped.rate) == ("microsoft/phi-2", 8, 1, 2e-4)
    for text, message in (
        ("learning_rat: 1", "learning_rat is not known; did you mean learning_rate"),
        ("lora: {rnak: 1}", "lora.rnak is not known; did you mean lora.rank"),
        ("epochs: many", "epochs: .*given: 'many'"),
        ("lora: 3", "lora is a section"),
    ):
        (tmp_path / "c.yaml").write_text(text)
        with pytest.raises(ConfigError, match=message):
            load(tmp_path / "c.yaml")
    with pytest.raises(ConfigError, match="no configuration file"):
        load(tmp_path / "none.yaml")


def test_training_settings_are_no_profile_of_a_run() -> None:
    from pipeline.config import profiles

    assert "embedded" in profiles()
    assert not any("finetune" in name for name in profiles())


@pytest.mark.slow
def test_two_processes_train_one_adapter(base: Path, data: Path, tmp_path: Path) -> None:
    """`accelerate launch`: the processes share the work, the first one writes."""
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"model": str(base)} | SMALL | {"epochs": 1}))
    command = [
        sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--num_machines", "1",
        "--mixed_precision", "no", "--dynamo_backend", "no", "-m", "finetune.train", "--config", tmp_path / "c.yaml",
        "--data", data, "-o", tmp_path / "two",
    ]  # fmt: skip
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "two" / "adapter_model.safetensors").is_file()
    assert len(list((tmp_path / "two" / "tensorboard").glob("events.*"))) == 1
    assert not (tmp_path / "two.partial").exists()
    shutil.rmtree(tmp_path / "two")
