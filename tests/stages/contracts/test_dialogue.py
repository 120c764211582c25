"""The contract of the role dialogue, over all its backends: where somebody speaks, and what."""

from __future__ import annotations

import builtins
import gc
import importlib
import itertools
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from data.errors import ConfigError
from data.media import audio_blocks, probe
from data.subtitles import read
from stages import BACKENDS
from stages.dialogue.speech import RATE, Speech, one_at_a_time, unite
from stages.gaps import union, without_speech
from tests.checkpoints import whisper as checkpoints

Samples = NDArray[np.float32]
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning"),  # numpy 2 and torch
    pytest.mark.filterwarnings("ignore:unclosed file.*tiktoken:ResourceWarning"),  # openai-whisper
]
NAMES = [name for name, target in BACKENDS["dialogue"].items() if target]
MODELS = ["whisper", "faster-whisper"]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[bool, Path]]:
    """Checkpoints of each backend that has any: that of a model that is never sure, and of one that always is."""
    folder = tmp_path_factory.mktemp("가중치")
    return {
        "whisper": {sure: checkpoints.openai(folder / f"모델-{sure}.pt", sure) for sure in (False, True)},
        "faster-whisper": {sure: checkpoints.ctranslate2(folder / f"모델-{sure}", sure) for sure in (False, True)},
    }


Make = Callable[..., Any]


@pytest.fixture
def make(models: dict[str, dict[bool, Path]]) -> Make:
    """A backend by name, with its tiny checkpoint where it has one."""

    def build(name: str, sure: bool = False, **options: Any) -> Any:
        kind = backend(name)
        values = {"model": str(models[name][sure]), "device": "cpu"} if name in models else {}
        return kind(kind.Options(**(values | options)))

    return build


def backend(name: str) -> Any:
    module, _, attribute = str(BACKENDS["dialogue"][name]).partition(":")
    return getattr(importlib.import_module(module), attribute)


def speech_of(media: Path) -> Samples:
    import soundfile

    samples, rate = soundfile.read(media / "ko-speech" / "test_ko.wav", dtype="float32")
    assert rate == RATE
    return np.asarray(samples, np.float32)


def hear(found: Any, sound: Samples, block: int = 20_000) -> list[Speech]:
    return list(found.transcribe((sound[i : i + block] for i in range(0, len(sound), block)), RATE))


def check(found: list[Speech], duration: float) -> None:
    """Speech inside the sound, in order, apart, with words inside the sound."""
    assert all(isinstance(s, Speech) for s in found)
    assert all(0 <= s.start < s.end <= duration + 0.04 for s in found)  # voice activity has frames of 32 ms
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert all(0 <= w.start < w.end <= duration and w.text.strip() == w.text != "" for s in found for w in s.words)
    assert {part for s in found for part in s.source.split("+")} <= {"speech", "whisper"}


@pytest.mark.parametrize("name", NAMES)
def test_korean_speech_is_found(name: str, make: Make, media: Path) -> None:
    sound = speech_of(media)
    found = hear(make(name), sound)
    check(found, len(sound) / RATE)
    assert found[0].start < 0.8
    assert found[-1].end > 3.1


@pytest.mark.parametrize("name", MODELS)
def test_words_have_times_and_text(name: str, make: Make, media: Path) -> None:
    sound = speech_of(media)
    found = hear(make(name, sure=True), sound)
    check(found, len(sound) / RATE)
    assert any("whisper" in s.source and s.text and s.words for s in found)


@pytest.mark.parametrize("sure", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_the_same_again(name: str, sure: bool, make: Make, media: Path) -> None:
    sound, one = speech_of(media), make(name, sure=sure)
    first = hear(one, sound)
    one.listen(sound[:RATE], "ko")  # what was heard before does not matter
    assert hear(one, sound, 7_000) == first
    assert hear(make(name, sure=sure), sound) == first


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("samples", [0, 1, 100])
def test_hardly_any_sound(name: str, samples: int, make: Make) -> None:
    check(hear(make(name, sure=True) if name in MODELS else make(name), np.full(samples, 0.5, np.float32)), 0.1)


@pytest.mark.parametrize("name", NAMES)
def test_ten_minutes_of_silence(name: str, make: Make) -> None:
    block = np.zeros((RATE * 10, 1), np.float32)
    assert make(name).transcribe(itertools.repeat(block, 60), RATE) == []


@pytest.mark.parametrize("name", NAMES)
def test_channels_are_heard_apart(name: str, make: Make, media: Path) -> None:
    sound = speech_of(media)
    alone = hear(make(name), sound)
    for columns in ([np.zeros_like(sound), sound], [sound, np.zeros_like(sound)]):
        assert hear(make(name), np.stack(columns, axis=1)) == alone


@pytest.mark.parametrize("name", NAMES)
def test_other_rates_are_refused(name: str, make: Make) -> None:
    with pytest.raises(ValueError, match="16000 Hz"):
        make(name).transcribe([], 48_000)


@pytest.mark.parametrize("name", MODELS)
def test_close_frees_and_loads_again(name: str, make: Make, media: Path) -> None:
    one, sound = make(name, sure=True), speech_of(media)
    first = hear(one, sound)
    freed = weakref.ref(one._loaded)
    one.close()
    gc.collect()
    assert freed() is None
    assert hear(one, sound) == first
    one.close()


@pytest.mark.parametrize("name", NAMES)
def test_close_before_anything(name: str, make: Make) -> None:
    make(name).close()


def test_an_english_model_hears_english(tmp_path: Path, make: Make, media: Path) -> None:
    path = str(checkpoints.openai(tmp_path / "small.en.pt", n_vocab=51_864))
    assert make("whisper", model=path).language([speech_of(media)]) == "en"
    with pytest.raises(ConfigError, match="does not know the language ko"):
        make("whisper", model=path, language="ko").listen(speech_of(media), "ko")


@pytest.mark.parametrize("name", MODELS)
def test_language(name: str, make: Make, media: Path) -> None:
    sound = speech_of(media)
    assert len(make(name).language([sound, sound[:1000]])) in (2, 3)
    with pytest.raises(ConfigError, match="does not know the language klingon"):
        hear(make(name, language="klingon"), sound)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("device", ["cuda:99", "mps", "abacus"])
def test_a_device_that_is_absent(name: str, device: str, make: Make, media: Path) -> None:
    with pytest.raises(ConfigError, match="device"):
        hear(make(name, device=device), speech_of(media))


@pytest.mark.parametrize("name", MODELS)
def test_a_precision_the_cpu_has_not(name: str, make: Make) -> None:
    with pytest.raises(ConfigError, match="set dtype=auto"):
        make(name, dtype="fp16").identity()


@pytest.mark.parametrize("name", MODELS)
def test_an_unknown_size_names_the_sizes(name: str, make: Make) -> None:
    for call in ("weights", "identity"):
        with pytest.raises(ConfigError, match=r"no Whisper model smal;.*small.*turbo"):
            getattr(make(name, model="smal"), call)()


@pytest.mark.parametrize("name", MODELS)
def test_offline_without_weights(
    name: str, make: Make, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match="vdesc models fetch"):
        hear(make(name, model="small"), speech_of(media))
    [weights] = make(name, model="small").weights()
    assert (weights.where, weights.licence) == (None, "MIT")
    assert weights.size is not None
    assert 4e8 < weights.size < 6e8


@pytest.mark.parametrize("name", MODELS)
def test_weights_of_ones_own(name: str, make: Make) -> None:
    [weights] = make(name).weights()
    assert weights.where is not None
    assert weights.where.exists()
    weights.fetch(lambda done, total: None)
    assert make(name).identity() != make(name, sure=True).identity()


@pytest.mark.parametrize(("name", "package"), [("whisper", "whisper"), ("faster-whisper", "faster_whisper")])
def test_a_missing_package(name: str, package: str, make: Make, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, real = make(name), builtins.__import__

    def absent(wanted: str, *args: Any, **kwargs: Any) -> Any:
        if wanted.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named '{wanted}'", name=wanted)
        return real(wanted, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ConfigError, match=f"needs the package {package}: pip install"):
        one.listen(speech_of(media), "ko")


@pytest.mark.parametrize("name", MODELS)
def test_broken_weights(name: str, make: Make, media: Path, tmp_path: Path) -> None:
    path = tmp_path / "망가짐"
    if name == "whisper":
        path.write_bytes(b"PK\x03\x04 not a checkpoint")
        expected = "no checkpoint of openai-whisper"
    else:
        path.mkdir()
        for file in ("config.json", "model.bin", "tokenizer.json"):
            (path / file).write_text("{}")
        expected = "cannot be loaded"
    with pytest.raises(ConfigError, match=expected):
        hear(make(name, model=str(path)), speech_of(media))


@pytest.mark.parametrize("name", NAMES)
def test_importing_and_making_one_is_cheap(name: str) -> None:
    import subprocess

    module, _, attribute = str(BACKENDS["dialogue"][name]).partition(":")
    code = (
        f"import sys; from {module} import {attribute} as Kind; Kind(Kind.Options());"
        "print([m for m in ('torch', 'whisper', 'faster_whisper', 'ctranslate2', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", NAMES)
def test_gaps_never_cover_captioned_dialogue(name: str, make: Make, media: Path) -> None:
    """Film dialogue with exact captions: neither with them nor without may a gap of use lie over one."""
    episode = probe(media / "friday-film" / "friday.mp4")
    cues = [c for c in read(media / "friday-film" / "friday.vtt", "en") if c.spoken]
    lines = one_at_a_time([Speech(c.start, c.end, c.text, source="subtitles") for c in cues], episode.duration)
    for known in ([], lines):
        blocks = audio_blocks(episode, rate=RATE, layout="mono")
        found = make(name, sure=True) if name in MODELS else make(name)
        united = unite(known, found.transcribe(blocks, RATE, known), episode.duration)
        gaps = without_speech(union([(s.start, s.end) for s in united], 0.3), [], episode.duration)
        usable = [g for g in gaps if g.end - g.start >= 1.5]
        assert cues
        assert not [(g, c) for g in usable for c in cues if g.start + 0.3 < c.end and g.end - 0.3 > c.start]
        assert [s.text for s in united if s.source.startswith("subtitles")] == [line.text for line in known]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may reach out."""
    import socket

    def refuse(*_: Any) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
