"""A captioner behind an address: what it sends, and what it makes of every way a service can fail."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from data.errors import ConfigError, StageError, UserError
from stages import remote
from stages.candidates.openai import OpenAI
from stages.candidates.prompt import Answers, Prompt
from stages.stage import keyed
from tests.loopback import Reply, Request, Server, serving

DOOR = "문이 열린다."
KEY = "sk-very-secret-0123456789"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Further tries follow at once; how long to wait is the library's, and not tested here."""
    monkeypatch.setattr(remote, "FIRST_WAIT", 0.01)
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


Make = Callable[..., Any]


@pytest.fixture
def make(server: Server) -> Iterator[Make]:
    opened: list[OpenAI] = []

    def build(**options: Any) -> OpenAI:
        opened.append(OpenAI(OpenAI.Options(**({"base_url": server.url, "model": "m"} | options))))
        return opened[-1]

    yield build
    for backend in opened:
        backend.close()


def jpeg(width: int = 64, height: int = 48) -> bytes:
    return cv2.imencode(".jpg", np.full((height, width, 3), 90, np.uint8))[1].tobytes()


def ask(backend: Any, n: int = 1, keyframes: int = 1, each: int = 1) -> dict[int, Answers]:
    rows = [[Prompt("ko", system="누구", text=f"무엇 {k}-{p}") for p in range(each)] for k in range(keyframes)]
    return dict(backend.caption([jpeg()] * keyframes, rows, n))


def texts(found: dict[int, Answers]) -> list[str]:
    return [c.text for k in sorted(found) for captions in found[k] for c in captions or ()]


def test_what_is_sent(server: Server, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    backend = make(key_variable="MY_KEY", top_p=0.9, extra_body={"repetition_penalty": 1.1})
    assert texts(ask(backend)) == [DOOR]
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    system, user = request.body["messages"]
    assert system == {"role": "system", "content": "누구"}
    assert [part["type"] for part in user["content"]] == ["image_url", "text"]
    assert user["content"][1]["text"] == "무엇 0-0"
    sent = {k: v for k, v in request.body.items() if k != "messages"}
    assert sent == {
        "model": "m", "temperature": 0.7, "top_p": 0.9, "max_tokens": 256, "seed": 1, "repetition_penalty": 1.1,
    }  # fmt: skip


def test_stills_are_made_smaller_and_never_larger(server: Server, make: Make) -> None:
    backend = make(image_size=100)
    list(backend.caption([jpeg(400, 200), jpeg(50, 40)], [[Prompt("ko")], [Prompt("ko")]], 1))
    sizes = set()
    for request in server.requests:
        url = request.body["messages"][0]["content"][0]["image_url"]["url"]
        raw = np.frombuffer(base64.b64decode(url.removeprefix("data:image/jpeg;base64,")), np.uint8)
        sizes.add(cv2.imdecode(raw, cv2.IMREAD_COLOR).shape[:2])
    assert sizes == {(50, 100), (40, 50)}


def test_a_still_that_is_no_picture(make: Make) -> None:
    with pytest.raises(StageError, match="no picture"):
        list(make().caption([b"no jpeg"], [[Prompt("ko")]], 1))


def numbered(request: Request) -> Reply:
    return Reply.chat(*[f"{request.body['seed'] + i}번 문이 열린다." for i in range(request.body.get("n", 1))])


def test_several_captions_by_one_request_where_the_service_can(server: Server, make: Make) -> None:
    server.reply = numbered
    assert texts(ask(make(), n=3)) == ["1번 문이 열린다.", "2번 문이 열린다.", "3번 문이 열린다."]
    assert [r.body["n"] for r in server.requests] == [3]


def test_several_requests_where_it_gives_one_at_a_time(server: Server, make: Make) -> None:
    server.reply = lambda request: Reply.chat(f"{request.body['seed']}번 문이 열린다.")
    assert len(texts(ask(make(), n=3))) == 3
    assert [r.body.get("n") for r in server.requests] == [3, 2, None]


def test_several_requests_where_it_refuses_more_than_one(server: Server, make: Make) -> None:
    server.script = [Reply.error(400, "n must be 1")]
    server.reply = lambda request: Reply.chat(f"{request.body['seed']}번 문이 열린다.")
    backend = make()
    assert len(texts(ask(backend, n=2))) == 2
    assert len(texts(ask(backend, n=2))) == 2
    assert [r.body.get("n") for r in server.requests] == [2, None, None, None, None]


def test_a_second_attempt_draws_other_words(server: Server, make: Make) -> None:
    list(make().caption([jpeg()], [[Prompt("ko"), Prompt("ko", attempt=1)]], 1))
    assert len({r.body["seed"] for r in server.requests}) == 2


@pytest.mark.parametrize(
    "fault",
    [
        Reply.busy(retry_after=0.05),
        Reply.error(500),
        Reply.error(503),
        Reply.error(408),
        Reply.dropped(),
        Reply.half(Reply.chat(DOOR)),
        Reply.garbage(),
        Reply(b""),
        Reply(b"<html>busy</html>", headers={"Content-Type": "text/html"}),
        Reply.json({"error": {"message": "overloaded"}}),
        Reply.chat(DOOR, wait=1.5),
    ],
    ids=["429", "500", "503", "408", "dropped", "half", "garbage", "empty", "html", "error-in-200", "slow"],
)
def test_what_another_try_mends(server: Server, make: Make, fault: Reply) -> None:
    server.script = [fault, fault]
    assert texts(ask(make(timeout=0.6, retries=2))) == [DOOR]
    assert len(server.requests) == 3


def test_retry_after_is_waited_for(server: Server, make: Make) -> None:
    server.script = [Reply.busy(retry_after=0.4)]
    ask(make())
    first, second = server.requests
    assert second.at - first.at >= 0.4


@pytest.mark.parametrize(
    ("fault", "kind", "remedy"),
    [
        (Reply.error(401, f"wrong key {KEY}"), ConfigError, "environment variable OPENAI_API_KEY"),
        (Reply.error(403), ConfigError, "environment variable OPENAI_API_KEY"),
        (Reply.error(404, "model m not found"), ConfigError, "check model and base_url"),
        (Reply.error(400, f"bad {KEY}"), ConfigError, "check the backend's options"),
        (Reply.error(422), ConfigError, "check the backend's options"),
    ],
)
def test_what_no_try_mends_fails_at_once(
    server: Server, make: Make, monkeypatch: pytest.MonkeyPatch, fault: Reply, kind: type, remedy: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.script = [fault]
    with pytest.raises(kind) as caught:
        ask(make())
    assert remedy in str(caught.value)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (Reply.error(429, "You exceeded your quota", "insufficient_quota"), "quota"),
        (Reply.busy(retry_after=0.01), "run again later"),
        (Reply.error(500, "CUDA died"), "CUDA died"),
        (Reply.dropped(), "cannot be reached"),
        (Reply.garbage(), "OpenAI-compatible"),
        (Reply.chat(DOOR, wait=0.6), "raise timeout"),
    ],
)
def test_what_keeps_failing_says_so_in_a_line(server: Server, make: Make, fault: Reply, remedy: str) -> None:
    server.script = [fault] * 2
    with pytest.raises(UserError) as caught:
        ask(make(timeout=0.2, retries=1))
    assert remedy in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(server.requests) == 2


def test_nobody_there(make: Make) -> None:
    with serving() as gone:
        url = gone.url
    with pytest.raises(UserError, match="start it or check base_url"):
        ask(make(base_url=url, retries=0))


@pytest.mark.parametrize(
    "nothing",
    [
        Reply.chat(),
        Reply.chat(None),
        Reply.chat(""),
        Reply.chat(DOOR, finish="content_filter"),
        Reply.chat("남자가 문을 열고 들", finish="length"),
        Reply.json({"choices": [{"index": 0, "message": {"role": "assistant", "content": "", "refusal": "No."}}]}),
        Reply.json({"choices": [{"index": 0}]}),
        Reply.chat("<think>문이"),
    ],
)
def test_answers_that_say_nothing(server: Server, make: Make, nothing: Reply) -> None:
    server.reply = lambda request: nothing
    assert ask(make()) == {0: [[]]}


def test_an_answer_cut_at_the_limit_ends_with_its_last_sentence(server: Server, make: Make) -> None:
    server.reply = lambda request: Reply.chat(f"{DOOR} 남자가 들", finish="length")
    assert texts(ask(make())) == [DOOR]


def test_no_more_requests_at_once_than_allowed(server: Server, make: Make) -> None:
    server.reply = lambda request: Reply.chat(DOOR, wait=0.1)
    assert len(texts(ask(make(concurrency=3), keyframes=5, each=2))) == 10
    assert len(server.requests) == 10
    assert 1 < server.peak <= 3


def test_what_came_before_an_error_is_handed_over(server: Server, make: Make) -> None:
    server.script = [Reply.chat(DOOR)] * 3 + [Reply.error(400)]
    found: dict[int, list[bool]] = {}

    def listen() -> None:
        for keyframe, answers in make(concurrency=1).caption([jpeg()] * 4, [[Prompt("ko")] * 2] * 4, 1):
            found[keyframe] = [answer is not None for answer in answers]

    with pytest.raises(UserError):
        listen()
    assert found == {0: [True, True], 1: [True, False]}
    assert len(server.requests) == 4


def test_who_stops_listening_need_not_wait(server: Server, make: Make) -> None:
    server.script = [Reply.chat(DOOR)]
    server.reply = lambda request: Reply.chat(DOOR, wait=0.3)
    answers = make(concurrency=1).caption([jpeg()] * 20, [[Prompt("ko")]] * 20, 1)
    next(answers)
    with closing(answers):
        pass
    assert len(server.requests) <= 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://localhost:9/v1", "http://[::1]:9/v1"])
def test_this_machine_may_always_be_asked(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    remote.client(remote.RemoteOptions(base_url=url, model="m")).close()


def test_films_stay_here_unless_allowed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    far = "http://192.0.2.1:9/v1"
    with pytest.raises(ConfigError, match="allow_remote=true"):
        ask(make(base_url=far))
    remote.client(remote.RemoteOptions(base_url=far, model="m", allow_remote=True)).close()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match="--offline"):
        ask(make(base_url=far, allow_remote=True))


def test_no_proxy_stands_before_this_machine(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://192.0.2.1:9")
    assert texts(ask(make(retries=0))) == [DOOR]


def test_no_redirection_leads_away_from_this_machine(server: Server, make: Make) -> None:
    server.script = [Reply(status=307, headers={"Location": "http://192.0.2.1:9/v1/chat/completions"})]
    with pytest.raises(UserError):
        ask(make(retries=0, timeout=2))


@pytest.mark.parametrize("url", ["http://me:secret@127.0.0.1/v1", "https://x/v1?key=secret", "ftp://x", "x"])
def test_addresses_hold_no_secrets(url: str) -> None:
    with pytest.raises(ValidationError):
        OpenAI.Options(base_url=url, model="m")


def test_the_key_is_nowhere_but_in_the_request(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    backend = make()
    ask(backend)
    assert KEY not in caplog.text
    assert KEY not in str(keyed(backend.options)) + str(backend.identity())


def test_how_fast_it_is_asked_is_no_part_of_the_key() -> None:
    one = OpenAI.Options(model="m")
    other = OpenAI.Options(model="m", concurrency=9, timeout=1, retries=0, allow_remote=True, key_variable="X")
    assert keyed(one) == keyed(other)
    assert keyed(one) != keyed(OpenAI.Options(model="m", seed=2))
