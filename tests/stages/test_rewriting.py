"""Lines that no gap has room for, rewritten by a text model: what is asked, what counts, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data.errors import ConfigError, UserError
from data.records import Narration
from pipeline import config as settings
from stages import STAGES
from stages.backend import NoOptions
from stages.schedule import Config, run
from stages.schedule.openai import OpenAI
from stages.schedule.rewriting import Question, Rewriter, Rewriting, question, serving, stands_for
from stages.schedule.transformers import Transformers
from stages.stage import Job
from tests.checkpoints import causal
from tests.loopback import Reply, Server
from tests.loopback import serving as server_running
from tests.stages.test_schedule import Film, gap

MakeJob = Callable[..., Job[Any]]
Ask = Callable[..., OpenAI]
LINE = "회색 코트를 입은 남자가 낡은 나무 의자에 천천히 앉아 창밖을 바라본다."
SHORT = "남자가 의자에 앉는다."


@pytest.fixture
def server() -> Iterator[Server]:
    with server_running() as running:
        yield running


@pytest.fixture
def openai(server: Server) -> Iterator[Ask]:
    """Backends that ask the server; closed at the end."""
    made: list[OpenAI] = []

    def make(**options: Any) -> OpenAI:
        made.append(OpenAI(OpenAI.Options(base_url=server.url, model="m", **options)))
        return made[-1]

    yield make
    for backend in made:
        backend.close()


def scheduled(make_job: MakeJob, backend: Any, length: float = 3.2, line: str = LINE) -> list[Narration]:
    """One moment with one line beside a gap of so many seconds, guards included."""
    film = Film()
    film.moment(10, 20, (line, 0.9))
    job = film.job(make_job, [gap(1, 10, 10 + length)], backend="openai" if backend else "none")
    return list(run(replace(job, backend=backend)))


def test_a_line_that_fits_no_gap_is_rewritten_before_words_are_left_out(
    make_job: MakeJob, server: Server, openai: Ask
) -> None:
    server.reply = lambda _: Reply.chat(f"1. {SHORT}\n2. 남자가 나무 의자에 앉는다.")
    (line,) = scheduled(make_job, openai())
    assert line.text == "남자가 나무 의자에 앉는다.", "the longest that fits: news is worth more"
    assert line.candidate == "c00001a"
    assert line.parts["shortened"] < 0
    (asked,) = server.requests
    said = asked.body["messages"][-1]["content"]
    assert LINE in said
    assert "음절 이하" in said
    assert 4 <= int(said.split("음절 이하")[0].split()[-1]) < 30
    assert all(isinstance(message["content"], str) for message in asked.body["messages"]), "no pictures"


def test_without_a_rewriter_words_are_left_out(make_job: MakeJob) -> None:
    pytest.importorskip("kiwipiepy")
    (line,) = scheduled(make_job, None, length=4.8)
    assert line.text != LINE
    assert set(line.text.rstrip(".").split()) <= set(LINE.rstrip(".").split())


def test_where_no_answer_serves_words_are_left_out(make_job: MakeJob, server: Server, openai: Ask) -> None:
    server.reply = lambda _: Reply.chat("죄송하지만 도와드릴 수 없습니다.")
    without = [line.text for line in scheduled(make_job, None, length=4.8)]
    assert without
    assert [line.text for line in scheduled(make_job, openai(), length=4.8)] == without


def test_a_line_that_fits_is_not_asked_about(make_job: MakeJob, server: Server, openai: Ask) -> None:
    assert [line.text for line in scheduled(make_job, openai(), length=12)] == [LINE]
    assert not server.requests


def test_an_answer_is_paid_once(make_job: MakeJob, server: Server, openai: Ask) -> None:
    server.reply = lambda _: Reply.chat(SHORT)
    first, again = (scheduled(make_job, openai()) for _ in range(2))
    assert first == again
    assert len(server.requests) == 1
    scheduled(make_job, openai(temperature=0.5))
    assert len(server.requests) == 2, "another temperature is another question"


def test_answers_before_an_error_are_kept(make_job: MakeJob, server: Server, openai: Ask) -> None:
    job = replace(make_job(Config(backend="openai")), backend=openai(retries=0, concurrency=1))
    asked = [(LINE, 9), (LINE.replace("남자", "여자"), 9)]
    server.script = [Reply.chat(SHORT), Reply.error(500)]
    with pytest.raises(UserError, match="answers so far are kept"):
        Rewriting(job).shorter(asked)
    server.reply = lambda _: Reply.chat("여자가 의자에 앉는다.")
    assert Rewriting(job).shorter(asked) == [[SHORT], ["여자가 의자에 앉는다."]]
    assert len(server.requests) == 3


def test_lines_leave_this_machine_only_where_that_is_allowed() -> None:
    backend = OpenAI(OpenAI.Options(base_url="https://example.org/v1", model="m"))
    with pytest.raises(ConfigError, match="allow_remote"):
        list(backend.rewrite([question(LINE, 9, "ko")]))
    with pytest.raises(ConfigError, match="allow_remote"):
        backend.ready()


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        (SHORT, True),
        ("회색 코트를 입은 남자가 앉는다.", True),
        ("노인이 의자에 앉는다.", False),  # somebody else
        ("남자가 소파에 앉는다.", False),  # something else
        ("민수가 의자에 앉는다.", False),  # a name
        ("두 남자가 의자에 앉는다.", False),  # a number
        ("남자가 의자에 앉지 않는다.", False),  # the opposite
        ("남자가 의자에 앉았다.", False),  # past tense
        ("남자가 의자에 앉습니다.", False),
        ("남자가 의자에 앉는 것이 보인다.", False),
        ("{남자가 앉는다", False),
        (LINE, False),
    ],
)
def test_what_may_stand_for_a_line(text: str, stands: bool) -> None:
    pytest.importorskip("kiwipiepy")
    assert stands_for(text, LINE, "ko") is stands


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("A man in a coat sits down.", True),
        ("The man sits.", True),
        ("An old woman sits down.", False),
        ("The man never sits down.", False),
        ("A man in a coat sits down in a chair by the dark window, slowly.", False),
        ("Anna sits down.", False),
    ],
)
def test_what_may_stand_for_an_english_line(text: str, stands: bool) -> None:
    assert stands_for(text, "A man in a grey coat slowly sits down on a wooden chair.", "en") is stands


def test_what_is_read_out_stays_whole() -> None:
    line = "간판에 적힌 글, 행복약국. 남자가 천천히 문을 연다."
    assert not stands_for("남자가 문을 연다.", line, "ko")


def test_only_sentences_of_an_answer_count() -> None:
    pytest.importorskip("kiwipiepy")
    answer = f'<think>줄이자</think>```json\n{{"sentences": ["{SHORT}", "{SHORT}", "남자가 나무 의자에 앉는다."]}}\n```'
    assert serving(answer, LINE, "ko") == ["남자가 나무 의자에 앉는다.", SHORT]


class Boxes(Rewriter):
    """A rewriter of somebody's own, with nothing but the method."""

    def rewrite(self, questions: Sequence[Question]) -> Iterator[tuple[int, str]]:
        yield from ((number, SHORT) for number, _ in reversed(list(enumerate(questions))))


def test_a_rewriter_needs_its_method_alone(make_job: MakeJob) -> None:
    assert [line.text for line in scheduled(make_job, Boxes(NoOptions()))] == [SHORT]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return causal.chat(tmp_path_factory.mktemp("rewriter") / "model")


def local(model: Path, **options: Any) -> Transformers:
    return Transformers(Transformers.Options(model=str(model), device="cpu", max_new_tokens=12, **options))


def test_a_chat_model_answers_each_question_for_itself(model: Path) -> None:
    """Of random weights come random words; in a batch the same as alone."""
    questions = [question(text, 9, "ko") for text in (LINE, SHORT, LINE + " 비가 온다.")]
    together = dict(local(model, batch=8).rewrite(questions))
    alone = dict(local(model, batch=1).rewrite(questions))
    assert together == alone
    assert len(set(together.values())) > 1
    assert not any("assistant" in answer for answer in together.values())


def test_thinking_is_turned_off(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    backend = local(model)
    backend._ready()
    _, tokenizer, told = backend._loaded or (None, None, None)
    monkeypatch.setattr(type(tokenizer), "__call__", _noting(type(tokenizer).__call__, given))
    list(backend.rewrite([question(LINE, 9, "ko")]))
    assert told == {"enable_thinking": False}
    assert given[0][0].endswith("assistant: (at once) ")


def _noting(call: Any, given: list[Any]) -> Any:
    def noted(self: Any, texts: Any, **more: Any) -> Any:
        given.append(texts)
        return call(self, texts, **more)

    return noted


def test_models_that_cannot_serve_are_named(tmp_path: Path) -> None:
    plain = causal.causal(tmp_path / "plain", "qwen2")
    with pytest.raises(ConfigError, match="no chat template"):
        list(local(plain).rewrite([question(LINE, 9, "ko")]))
    with pytest.raises(ConfigError, match="nowhere"):
        list(local(tmp_path / "nowhere").rewrite([question(LINE, 9, "ko")]))


def test_the_settings_decide(model: Path) -> None:
    stage = next(stage for stage in STAGES if stage.name == "schedule")
    assert settings.make_backend(stage, settings.load("embedded")) is None
    chosen = settings.load("embedded", ["schedule.backend=transformers", f"schedule.options.model={model}"])
    assert isinstance(settings.make_backend(stage, chosen), Transformers)
    key = settings.ingredients(stage, chosen)
    assert key["model.files"]
    assert "device" not in key["options"]
    with pytest.raises(ConfigError, match="model"):
        settings.load("embedded", ["schedule.backend=openai"])


def test_kept_answers_that_are_damaged_are_asked_for_again(make_job: MakeJob, server: Server, openai: Ask) -> None:
    server.reply = lambda _: Reply.chat(SHORT)
    job = replace(make_job(Config(backend="openai")), backend=openai())
    Rewriting(job).shorter([(LINE, 9)])
    (kept,) = job.cache.glob("*.json")
    assert json.loads(kept.read_text("utf-8")) == SHORT
    kept.write_text("{", encoding="utf-8")
    assert Rewriting(job).shorter([(LINE, 9)]) == [[SHORT]]
    assert len(server.requests) == 2
