"""What every voice keeps, whichever it is: espeak-ng, a model on this machine, and the services on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import re
import sys
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from data import messages
from data.errors import ConfigError, StageError, UserError
from data.records import Line
from data.text.language import syllables
from pipeline import config as settings
from stages import BACKENDS, STAGES, voice
from stages.stage import Job
from stages.voice import clip, online, pace
from stages.voice.transformers import Transformers
from tests.checkpoints import vits
from tests.stages import speech_services
from tests.stages.speech_services import Service
from tests.stages.test_voice import narration

LINE = "한 여자가 우산을 접고 가게 안으로 들어온다."
ONLINE = ("gtts", "edge", "openai")
FAULTS = ("503", "429", "drop", "half", "silent", "garbage", "null")


@dataclass
class Voice:
    """One backend in the surroundings it needs."""

    name: str
    service: Service | None = None
    options: dict[str, Any] = field(default_factory=dict)
    opened: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def make(self, **options: Any) -> Any:
        module, _, attribute = str(BACKENDS["voice"][self.name]).partition(":")
        kind = getattr(importlib.import_module(module), attribute)
        return self.opened.enter_context(contextlib.closing(kind(kind.Options(**(self.options | options)))))

    @property
    def online(self) -> Service:
        assert self.service is not None
        return self.service


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vits.build(tmp_path_factory.mktemp("음성") / "작은 목소리")


@pytest.fixture(scope="session")
def services() -> Iterator[dict[str, Service]]:
    with contextlib.ExitStack() as stack:
        yield {
            "gtts": stack.enter_context(speech_services.google()),
            "edge": stack.enter_context(speech_services.microsoft()),
            "openai": stack.enter_context(speech_services.openai()),
        }


@pytest.fixture
def make_voice(
    monkeypatch: pytest.MonkeyPatch, checkpoint: Path, services: dict[str, Service]
) -> Iterator[Callable[[str], Voice]]:
    """Prepares a voice by name; the services are found on loopback and their waits are short."""
    import edge_tts.communicate
    import gtts.tts
    import openai

    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(gtts.tts, "_translate_url", lambda tld, path: f"{services['gtts'].url}{path}")
    monkeypatch.setattr(edge_tts.communicate, "WSS_URL", services["edge"].url)
    monkeypatch.setattr(online, "WAITS", (0.0, 0.0))
    for name in ("INITIAL_RETRY_DELAY", "MAX_RETRY_DELAY"):
        monkeypatch.setattr(openai._base_client, name, 0.0)
    options = {
        "transformers": {"model": str(checkpoint), "device": "cpu"},
        "openai": {"base_url": f"{services['openai'].url}v1", "retries": 2},
    }

    def prepare(name: str) -> Voice:
        service = services.get(name)
        if service:
            service.__init__(service.url)  # type: ignore[misc]
        return Voice(name, service, options.get(name, {}), opened)

    with contextlib.ExitStack() as opened:
        yield prepare


@pytest.fixture(params=list(BACKENDS["voice"]))
def any_voice(request: pytest.FixtureRequest, make_voice: Callable[[str], Voice]) -> Voice:
    return make_voice(request.param)


@pytest.fixture(params=ONLINE)
def service_voice(request: pytest.FixtureRequest, make_voice: Callable[[str], Voice]) -> Voice:
    return make_voice(request.param)


def rate_of(sound: tuple[Any, int], text: str = LINE) -> float:
    return syllables(text, "ko") * clip.RATE / len(clip.shaped(*sound))


def test_speech_is_mono_float32_with_its_sampling_rate(any_voice: Voice) -> None:
    samples, rate = any_voice.make().speak(LINE, "ko", 4.5)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert isinstance(rate, int)
    assert 8_000 <= rate <= 48_000
    assert 1 < len(samples) / rate < 12
    assert 0.01 < np.abs(samples).max() <= 1


@pytest.mark.parametrize("text", ["", "  ", "…!?", "“”"])
def test_what_has_nothing_to_say_gives_no_speech(any_voice: Voice, text: str) -> None:
    samples, rate = any_voice.make().speak(text, "ko", 4.5)
    assert len(clip.shaped(samples, rate)) == 0
    if any_voice.service:
        assert any_voice.service.asked == []


def test_a_very_long_text_is_spoken_to_its_end(any_voice: Voice) -> None:
    backend = any_voice.make(pace=5.5) if any_voice.name != "espeak" else any_voice.make()
    sentence = "한 남자가 창문을 열고 밖을 내다본다. "
    one, _ = backend.speak(sentence, "ko", 5.5)
    many, _ = backend.speak(sentence * 40, "ko", 5.5)
    assert len(many) / len(one) == pytest.approx(40, rel=0.35)


@pytest.mark.parametrize("text", ["Ähre, Æon", "東京 학교", "👀 문이 열린다.", "\u1109\u1175\u0007간"])
def test_any_script_is_spoken_or_left_out(any_voice: Voice, text: str) -> None:
    samples, _ = any_voice.make(**({} if any_voice.name == "espeak" else {"pace": 5.5})).speak(text, "ko", 4.5)
    assert np.isfinite(samples).all()


def test_english_is_spoken(any_voice: Voice) -> None:
    samples, rate = any_voice.make().speak("A man opens the door of an empty classroom.", "en", 3.75)
    assert len(clip.shaped(samples, rate)) > clip.RATE


@pytest.mark.parametrize("rate", [4.5, 5.2, 6.0])
def test_the_rate_comes_near_to_what_is_asked(any_voice: Voice, rate: float) -> None:
    asked = rate_of(any_voice.make().speak(LINE, "ko", rate))
    natural = 5.53  # of what the services speak with
    near = max(rate, natural * pace.SLOWEST) if any_voice.name == "gtts" else rate
    # The small model knows durations, not syllables; the services round, and pauses do not shrink with the words.
    assert asked == pytest.approx(near, rel=0.25 if any_voice.name == "transformers" else 0.12)


def test_a_higher_rate_is_shorter(any_voice: Voice) -> None:
    backend = any_voice.make()
    lengths = [len(clip.shaped(*backend.speak(LINE, "ko", rate))) for rate in (5.3, 5.7, 6.1)]
    assert lengths == sorted(lengths, reverse=True)
    assert len(set(lengths)) == 3


def test_the_same_question_gets_the_same_samples(any_voice: Voice) -> None:
    backend, other = any_voice.make(), any_voice.make()
    first, rate = backend.speak(LINE, "ko", 5.0)
    other.speak("문이 열린다.", "ko", 4.5)
    again, same_rate = other.speak(LINE, "ko", 5.0)
    assert rate == same_rate
    np.testing.assert_array_equal(first, again)


def test_who_speaks_is_known_without_loading(any_voice: Voice) -> None:
    backend = any_voice.make()
    assert backend.voice("ko") == any_voice.make().voice("ko")
    if any_voice.service:
        assert any_voice.service.asked == []
    if any_voice.name != "espeak":
        assert backend.voice("ko") != any_voice.make(pace=5.0).voice("ko")
        assert not backend.weights() or any_voice.name == "transformers"
        assert isinstance(backend.identity(), dict)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("espeak", [{"variant": "f2"}, {"pitch": 10}]),
        ("gtts", [{"tld": "co.kr"}, {"lang": "ja"}, {"pace": 5}]),
        ("edge", [{"voice": "ko-KR-InJoonNeural"}, {"pitch": -10}, {"pace": 5}]),
        ("transformers", [{"seed": 1}, {"speaker": 1}, {"pace": 5}, {"dtype": "bf16"}, {"quantise": "4bit"}]),
        (
            "openai",
            [
                *({"model": "tts-1"}, {"voice": "Ryan"}, {"base_url": "http://b/v1"}, {"instructions": "차분하게"}),
                *({"extra": {"seed": 1}}, {"format": "mp3"}, {"speed": False}, {"pace": 5}),
            ],
        ),
    ],
)
def test_all_that_changes_the_sound_is_in_the_name(
    make_voice: Callable[[str], Voice], name: str, changes: list[dict[str, Any]]
) -> None:
    prepared = make_voice(name)
    names = [prepared.make(**change).voice("ko") for change in [{}, *changes]]
    assert len(set(names)) == len(names)


def test_close_may_come_at_any_time_and_the_voice_speaks_again(any_voice: Voice) -> None:
    backend = any_voice.make()
    backend.close()
    first = backend.speak("문이 열린다.", "ko", 5.0)[0]
    backend.close()
    backend.close()
    np.testing.assert_array_equal(backend.speak("문이 열린다.", "ko", 5.0)[0], first)


def test_every_voice_can_be_configured(any_voice: Voice) -> None:
    config = settings.load("embedded", [f"voice.backend={any_voice.name}"])
    (stage,) = (stage for stage in STAGES if stage.name == "voice")
    backend = settings.make_backend(stage, config)
    assert backend is not None
    assert type(backend) is type(any_voice.make())
    if any_voice.name != "transformers":  # its default model lies on the hub, but its key must not need it
        assert settings.ingredients(stage, config)


# Services


@pytest.mark.parametrize("fault", FAULTS)
def test_a_passing_fault_is_got_over(service_voice: Voice, fault: str) -> None:
    backend = service_voice.make(pace=5.5)
    service_voice.online.faults = [fault, fault]
    assert rate_of(backend.speak(LINE, "ko", 5.5)) == pytest.approx(5.5, rel=0.15)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_lasting_fault_is_one_line_with_its_remedy(service_voice: Voice, fault: str, lang: messages.Lang) -> None:
    messages.use(lang)
    service_voice.online.always = fault
    with pytest.raises(UserError) as raised:
        service_voice.make(pace=5.5).speak(LINE, "ko", 5.5)
    said = str(raised.value)
    assert "\n" not in said
    assert re.search("run again" if lang == "en" else "다시", said)
    assert service_voice.online.tries == 1 + len(online.WAITS)


@pytest.mark.parametrize("status", ["400", "403", "404"])
def test_a_refusal_is_not_repeated(service_voice: Voice, status: str) -> None:
    service_voice.online.always = status
    with pytest.raises(UserError, match=r"refuse[ds] to speak|refuses the request|check model|key.*OPENAI_API_KEY"):
        service_voice.make(pace=5.5).speak(LINE, "ko", 5.5)
    own = 2 if (service_voice.name, status) == ("edge", "403") else 1  # edge-tts sets its clock right after a 403
    assert service_voice.online.tries == own


def test_offline_nothing_is_asked(service_voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    options = {"base_url": "http://192.0.2.1/v1", "allow_remote": True} if service_voice.name == "openai" else {}
    with pytest.raises(ConfigError, match=r"--offline forbids it; drop --offline, or"):
        service_voice.make(**options).speak(LINE, "ko", 4.5)
    assert service_voice.online.tries == 0


def test_lines_leave_for_another_machine_only_where_it_is_allowed(make_voice: Callable[[str], Voice]) -> None:
    with pytest.raises(ConfigError, match="allow_remote=true"):
        make_voice("openai").make(base_url="http://192.0.2.1/v1").speak(LINE, "ko", 4.5)


def test_a_service_that_is_not_there(service_voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    import edge_tts.communicate
    import gtts.tts

    nobody = "127.0.0.1:1"
    monkeypatch.setattr(gtts.tts, "_translate_url", lambda tld, path: f"http://{nobody}/{path}")
    monkeypatch.setattr(edge_tts.communicate, "WSS_URL", f"ws://{nobody}/edge?token=x")
    options = {"base_url": f"http://{nobody}/v1"} if service_voice.name == "openai" else {}
    with pytest.raises(UserError, match=r"(does not answer|cannot be reached) .*run again"):
        service_voice.make(**options).speak(LINE, "ko", 4.5)


@pytest.mark.parametrize(("name", "package"), [("gtts", "gtts"), ("edge", "edge_tts"), ("openai", "openai")])
def test_a_missing_package_names_the_remedy(
    make_voice: Callable[[str], Voice], name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = make_voice(name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=rf"needs the package {package}: pip install"):
        prepared.make(pace=5.0).speak(LINE, "ko", 4.5)


def test_the_pace_is_measured_once_and_a_given_one_not_at_all(service_voice: Voice) -> None:
    backend = service_voice.make()
    for _ in range(2):
        backend.speak(LINE, "ko", 5.0)
        backend.speak("문이 열린다.", "ko", 5.0)
    asked = service_voice.online.asked
    assert asked[: len(pace.SENTENCES["ko"])] == list(pace.SENTENCES["ko"])
    assert not set(asked[len(pace.SENTENCES["ko"]) :]) & set(pace.SENTENCES["ko"])
    service_voice.online.asked.clear()
    service_voice.make(pace=5.5).speak(LINE, "ko", 5.0)
    assert service_voice.online.asked == [LINE]


def test_a_stretched_line_is_asked_for_once(make_voice: Callable[[str], Voice]) -> None:
    for prepared, options in ((make_voice("gtts"), {}), (make_voice("openai"), {"speed": False})):
        backend = prepared.make(pace=5.5, **options)
        spoken = [rate_of(backend.speak(LINE, "ko", rate)) for rate in (2.0, 5.5, 6.0, 9.0)]
        assert prepared.online.asked == [LINE]
        slow, plain, fast, fastest = (rate / spoken[1] for rate in spoken)
        assert (slow, fast, fastest) == pytest.approx((pace.SLOWEST, 6 / 5.5, pace.FASTEST), abs=0.02)
        assert plain == 1


def test_a_voice_that_falls_silent_midway_loses_nothing(
    service_voice: Voice, make_job: Callable[..., Job[Any]]
) -> None:
    texts = ("문이 열린다.", "남자가 앉는다.", "여자가 웃는다.")
    lines = [narration(18.0, text, number=number) for number, text in enumerate(texts, 1)]
    service_voice.online.faults = ["", "", *("503" for _ in range(1 + len(online.WAITS)))]
    run = voice.run(make_job(voice.Config(), {Line: lines}, backend=service_voice.make(pace=5.5)))
    assert [next(run).text for _ in texts[:2]] == list(texts[:2])
    with pytest.raises(UserError, match=r"run again.* so far are kept"):
        next(run)
    service_voice.online.asked.clear()
    job = make_job(voice.Config(), {Line: lines}, backend=service_voice.make(pace=5.5))
    assert [spoken.text for spoken in voice.run(job)] == list(texts)
    assert service_voice.online.asked == [texts[2]]
    assert all(soundfile.info(job.folder / f"n{number:04d}.wav").duration > 0.5 for number in (1, 2, 3))


def test_edge_speaks_where_a_loop_already_runs(make_voice: Callable[[str], Voice]) -> None:
    backend = make_voice("edge").make(pace=5.5)

    async def in_a_notebook() -> Any:
        return backend.speak("문이 열린다.", "ko", 5.5)

    assert len(asyncio.run(in_a_notebook())[0])


def test_openai_sends_what_is_set(make_voice: Callable[[str], Voice], monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = make_voice("openai")
    monkeypatch.setenv("MY_KEY", "geheim")
    options = {
        "instructions": "차분하게",
        "extra": {"language": "Korean"},
        "key_variable": "MY_KEY",
        "model": "m",
        "voice": "v",
    }
    prepared.make(pace=5.5, **options).speak("문이 열린다.", "ko", 5.5)
    assert prepared.online.requests == [
        {
            **{"model": "m", "voice": "v", "input": "문이 열린다.", "response_format": "wav", "speed": 1.0},
            **{"instructions": "차분하게", "language": "Korean"},
        }
    ]
    assert prepared.online.keys == ["Bearer geheim"]


# The model on this machine


def test_close_frees_the_model(make_voice: Callable[[str], Voice]) -> None:
    backend = make_voice("transformers").make(pace=5.0)
    backend.speak("문이 열린다.", "ko", 5.0)
    model = weakref.ref(backend._loaded[0])
    assert model() is not None
    backend.close()
    gc.collect()
    assert model() is None


def test_a_seed_gives_another_intonation_and_leaves_torch_as_it_was(make_voice: Callable[[str], Voice]) -> None:
    import torch

    backends = [make_voice("transformers").make(pace=5.0, seed=seed) for seed in (0, 1)]
    for backend in backends:
        backend.speak("문이 열린다.", "ko", 5.0)  # loading draws numbers of its own
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    spoken = [backend.speak(LINE, "ko", 5.0)[0] for backend in backends]
    assert torch.equal(torch.rand(1), wanted)
    assert not np.array_equal(*spoken)


def test_letters_the_model_does_not_know_give_no_speech(make_voice: Callable[[str], Voice]) -> None:
    samples, _ = make_voice("transformers").make(pace=5.0).speak("漢字", "ko", 5.0)
    assert len(samples) == 0


def test_speakers(tmp_path: Path) -> None:
    folder = str(vits.build(tmp_path / "둘", speakers=2))
    first, second = (
        Transformers(Transformers.Options(model=folder, device="cpu", pace=5.0, speaker=number)) for number in (0, 1)
    )
    assert not np.array_equal(first.speak(LINE, "ko", 5.0)[0], second.speak(LINE, "ko", 5.0)[0])
    third = Transformers(Transformers.Options(model=folder, device="cpu", speaker=2))
    with pytest.raises(ConfigError, match="has 2 speakers"):
        third.speak(LINE, "ko", 5.0)


class Romaniser:
    """Stands for the uroman package: one Latin letter for each Hangul syllable."""

    made = 0

    def __init__(self) -> None:
        Romaniser.made += 1

    def romanize_string(self, text: str) -> str:
        return "".join(chr(97 + ord(letter) % 26) if letter >= "가" else letter for letter in text)


def test_a_romanising_model_wants_its_package_and_loads_its_tables_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(vits.build(tmp_path / "roman", letters=vits.LETTERS, is_uroman=True))
    backend = Transformers(Transformers.Options(model=folder, device="cpu", pace=5.0))
    monkeypatch.setattr("stages.voice.transformers.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install uroman"):
        backend.speak(LINE, "ko", 5.0)
    monkeypatch.setattr("stages.voice.transformers.find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "uroman", type(sys)("uroman"))
    sys.modules["uroman"].Uroman = Romaniser  # type: ignore[attr-defined]
    lengths = [len(backend.speak(text, "ko", 5.0)[0]) for text in (LINE, LINE[:9])]
    assert lengths[0] > lengths[1] > 0
    assert Romaniser.made == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"device": "cuda:7"}, "no device cuda:7"),
        ({"model": "/nowhere/빈 폴더"}, "cannot be loaded"),
        ({"dtype": "fp16", "device": "cpu"}, "does not compute in fp16"),
        ({"quantise": "4bit", "device": "cpu"}, "bitsandbytes"),
    ],
)
def test_what_cannot_be_loaded_names_the_remedy(
    make_voice: Callable[[str], Voice], options: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = make_voice("transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    if "model" in options:
        Path(tmp := "/tmp/빈 폴더 음성").mkdir(exist_ok=True)
        options = {"model": tmp}
    with pytest.raises(ConfigError, match=said):
        prepared.make(pace=5.0, **options).speak(LINE, "ko", 5.0)


def test_another_kind_of_model_says_how_to_serve_it(tmp_path: Path) -> None:
    from transformers import BertConfig

    BertConfig(hidden_size=8, num_attention_heads=1, num_hidden_layers=1).save_pretrained(tmp_path)
    backend = Transformers(Transformers.Options(model=str(tmp_path), device="cpu"))
    with pytest.raises(ConfigError, match=r"is a bert model and only VITS .*voice\.backend=openai"):
        backend.speak(LINE, "ko", 5.0)


def test_a_voice_without_a_sound_is_no_pace() -> None:
    with pytest.raises(UserError, match="says nothing in the language ko"):
        pace.measured("ko", lambda text: (np.zeros(16_000, np.float32), 16_000))


def test_a_silent_model_is_an_error_that_names_the_line(
    make_voice: Callable[[str], Voice], make_job: Callable[..., Job[Any]]
) -> None:
    backend = make_voice("transformers").make(pace=5.0)
    job = make_job(voice.Config(), {Line: [narration(15.0, "뷁쮈.")]}, backend=backend)
    with pytest.raises(StageError, match="said nothing for “뷁쮈"):
        list(voice.run(job))
