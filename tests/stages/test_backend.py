"""What backends declare: that those of a role are alike, that one's own must fit, what they take."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from data import messages
from data.errors import ConfigError
from pipeline import config as settings
from pipeline.models import resources, told
from stages import BACKENDS, ROLES, STAGES
from stages.backend import ONE_CORE, Backend, Resources
from stages.faces import Detector
from stages.models import PretrainedBackend, PretrainedOptions
from stages.voice.backend import Voice

ROOT = Path(__file__).resolve().parents[2]
LISTED = [(role, target) for role, names in BACKENDS.items() for target in names.values() if target]


def imported(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def misfits(kind: Any, base: Any) -> list[str]:
    """The methods of a role that a class lacks, or takes other arguments for."""
    if not issubclass(kind, base):
        return [base.__name__]

    def asked(owner: Any, name: str) -> Any:
        method = inspect.getattr_static(owner, name)
        if not inspect.isfunction(method):
            return None  # a property
        return [(p.name, p.kind, p.default) for p in inspect.signature(method).parameters.values()]

    return [
        name
        for name in dir(base)
        if not name.startswith("_") and (name in kind.__abstractmethods__ or asked(kind, name) != asked(base, name))
    ]


class NoSpeech(Voice):
    """A voice that would not do."""

    def voice(self, name: str) -> str:  # type: ignore[override]
        return name


class Stranger:
    """Has the method of a face detector, and nothing else."""

    def detect(self, images: Any) -> Any: ...


def stage(role: str) -> Any:
    return next(stage for stage in STAGES if stage.role == role)


def test_every_role_has_its_base() -> None:
    assert list(ROLES) == list(BACKENDS)
    assert all(issubclass(imported(target), Backend) for target in ROLES.values())


@pytest.mark.parametrize(("role", "target"), LISTED)
def test_a_listed_backend_fits_its_role(role: str, target: str) -> None:
    assert misfits(imported(target), imported(ROLES[role])) == []


def test_what_does_not_fit_is_seen() -> None:
    assert misfits(NoSpeech, Voice) == ["speak", "voice"]
    assert misfits(Stranger, Detector) == ["Detector"]


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("faces.backend=tests.stages.test_backend:Stranger", "derived from stages.faces:Detector and have detect"),
        ("voice.backend=tests.stages.test_backend:NoSpeech", "stages.voice.backend:Voice and have speak, voice"),
        ("faces.backend=tests.stages.test_backend:NoSpeech", "faces.backend: tests.stages.test_backend:NoSpeech"),
        ("faces.backend=tests.stages.test_backend:stage", "derived from stages.faces:Detector"),
    ],
)
def test_a_class_of_ones_own_that_does_not_fit_is_named(setting: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as raised:
        settings.load("embedded", [setting])
    with messages.answering("ko"):
        assert "파생" in str(raised.value)


@pytest.mark.parametrize("page", ["models.md", "models.ko.md"])
def test_the_voice_of_the_docs_speaks(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    (tmp_path / f"voices_{len(page)}.py").write_text(text.partition("```python\n")[2].partition("```")[0])
    monkeypatch.syspath_prepend(tmp_path)
    config = settings.load("embedded", [f"voice.backend=voices_{len(page)}:Mine", "voice.pitch=110"])
    backend = settings.make_backend(stage("voice"), config)
    assert isinstance(backend, Voice)
    samples, rate = backend.speak("문이 열린다.", "ko", 4.5)
    assert len(samples) / rate == pytest.approx(len("문이 열린다.") / 4.5, abs=0.01)
    assert backend.voice("ko") == "hum 110 Hz"


class Pretrained(PretrainedBackend):
    """A model with nothing to do."""

    Options = PretrainedOptions


def of_folder(folder: Path, stored: str, size: int, **options: Any) -> Resources:
    (folder / "model.safetensors").write_bytes(bytes(size))
    (folder / "config.json").write_text(json.dumps({"dtype": stored}), encoding="utf-8")
    return Pretrained(PretrainedOptions(model=str(folder), **options)).resources()


@pytest.mark.parametrize(
    ("stored", "options", "memory"),
    [
        ("bfloat16", {}, 1000),
        ("float32", {}, 500),
        ("float32", {"dtype": "fp32"}, 1000),
        ("float16", {"quantise": "4bit"}, 250),
        ("unknown", {"dtype": "fp32"}, 1000),
    ],
)
def test_the_memory_of_a_gpu_follows_the_precision(
    stored: str, options: dict[str, Any], memory: int, tmp_path: Path
) -> None:
    assert of_folder(tmp_path, stored, 1000, **options) == Resources(cores=None, gpu_memory=memory)


def test_on_the_processor_no_gpu_is_needed_and_on_a_gpu_one_core(tmp_path: Path) -> None:
    assert of_folder(tmp_path, "float16", 10, device="cpu") == Resources(cores=None)
    assert of_folder(tmp_path, "float16", 10, device="cuda:1") == Resources(cores=1, gpu_memory=10)


def test_nobody_knows_the_size_of_what_is_not_here() -> None:
    assert Pretrained(PretrainedOptions(model="team/nothing")).resources().gpu_memory is None


def test_what_a_stage_takes_is_that_of_all_its_models() -> None:
    assert Resources(4, 10) + Resources(None, 20, network=True) == Resources(None, 30, network=True)
    assert Resources(4, None) + Resources(2, 20) == Resources(4, None)
    config = settings.load("embedded", ["voice.backend=edge", "ranking.backend=heuristic"])
    assert resources(stage("ranking"), config) == ONE_CORE
    assert resources(stage("voice"), config).network
    assert resources(stage("rewriting"), config).network, "the schedule asks the voice for lengths"


def test_it_is_told_in_words() -> None:
    assert told(Resources(network=True)) == "one core, the network"
    assert told(Resources(None, 5_570_000_000)) == "all cores, more than 5.57 GB of a GPU if there is one"
    assert told(Resources(2, None)) == "2 cores, a GPU if there is one"
