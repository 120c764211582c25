"""Services with OpenAI's interface (vLLM, SGLang, Ollama, CLOVA Studio): who may be asked, how, what went wrong.

A backend derives from `RemoteBackend`, has `Options(RemoteOptions)`, and sends every request through `insistently`:

    reply = insistently(options, lambda: self.client.chat.completions.create(...))

The key comes from the environment alone and goes nowhere but into the request. What a film shows leaves this machine
only with `allow_remote`.
"""

from __future__ import annotations

import ipaddress
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from data.errors import ConfigError, UserError
from stages.answers import cut
from stages.backend import Backend, Resources
from stages.loading import loading, offline
from stages.models import FREE
from stages.retrying import retried

T = TypeVar("T")

CONNECT = 10.0
"""Seconds to wait for a connection; a service that is there takes less than one."""
FIRST_WAIT, LAST_WAIT = 0.5, 8.0
"""Seconds before the first and the last further try, as the openai library waits."""
QUOTA = ("insufficient_quota", "quota", "billing", "credit")
"""How services say in a 429 that money is the matter, which no waiting mends."""


class RemoteOptions(BaseModel):
    """Settings of every backend behind OpenAI's interface."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    base_url: str = Field(
        "http://127.0.0.1:8000/v1",
        pattern=r"^https?://[^\s/]+",
        description="Address of the service up to /v1",
    )
    model: str = Field(min_length=1, description="Model, by the name the service gives it")
    key_variable: str = Field(
        "OPENAI_API_KEY",
        description="Environment variable that holds the key; a server of your own needs none",
        json_schema_extra=FREE,
    )
    allow_remote: bool = Field(
        False,
        description="Let pictures, dialogue and lines leave this machine; without it only an address of this machine "
        "(127.0.0.1, localhost) is asked",
        json_schema_extra=FREE,
    )
    timeout: float = Field(120.0, gt=0, description="Seconds to wait for an answer", json_schema_extra=FREE)
    retries: int = Field(
        4,
        ge=0,
        le=20,
        description="Further tries after a timeout, a lost connection, 429 or 5xx, each later or when the service says",
        json_schema_extra=FREE,
    )

    @field_validator("base_url")
    @classmethod
    def _without_secrets(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.username or parts.password or parts.query:
            raise ValueError("an address without user, password and query; the key belongs into key_variable")
        return url


class ChatOptions(RemoteOptions):
    """Settings of those that ask a chat model."""

    concurrency: int = Field(4, ge=1, le=256, description="Requests under way at once", json_schema_extra=FREE)
    temperature: float | None = Field(0.0, ge=0, le=2, description="Freedom of wording; none: the service's own")
    max_tokens: int | None = Field(256, ge=1, description="Longest answer in tokens; none: the service's own limit")
    seed: int | None = Field(1, ge=0, description="Seed of the answers; none: not sent")
    extra_body: dict[str, Any] = Field(
        {}, description="More fields of the request, e.g. {chat_template_kwargs: {enable_thinking: false}}"
    )


class RemoteBackend(Backend):
    """A model behind an address. Which weights stand behind its name, the service alone knows."""

    packages: ClassVar[tuple[str, ...]] = ("openai",)
    options: RemoteOptions
    _client: Any = None

    @property
    def client(self) -> Any:
        """The connections, opened on first use; see `client`."""
        if self._client is None:
            self._client = client(self.options)
        return self._client

    def resources(self) -> Resources:
        """The service has the model."""
        return Resources(network=True)

    def ready(self) -> None:
        """Raise ConfigError where nothing may leave the machine."""
        permitted(self.options)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        if self._client is not None:
            self._client.close()
        self._client = None


def is_loopback(url: str) -> bool:
    """Whether an address is on this very machine, so that nothing leaves it."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def permitted(options: RemoteOptions) -> None:
    """Raise ConfigError where nothing may leave the machine."""
    here = is_loopback(options.base_url)
    if not here and offline():
        raise ConfigError(
            "{url} is on the network and --offline forbids it; drop --offline, or ask a server on this machine",
            url=options.base_url,
        )
    if not here and not options.allow_remote:
        raise ConfigError(
            "{url} is not on this machine, and the film would be sent there; allow it with allow_remote=true",
            url=options.base_url,
        )


def client(options: RemoteOptions) -> Any:
    """An `openai.OpenAI` that may be used; close it. Raises ConfigError where nothing may leave the machine.

    It waits longer before each further try, or as long as Retry-After says, and gives up at once on other errors.
    """
    permitted(options)
    here = is_loopback(options.base_url)
    with loading(options.model):
        import openai
    wait = openai.Timeout(options.timeout, connect=min(CONNECT, options.timeout))
    # On this machine no proxy and no redirection may carry anything away.
    transport = openai.DefaultHttpxClient(timeout=wait, trust_env=not here, follow_redirects=not here)
    return openai.OpenAI(
        base_url=options.base_url,
        api_key=_key(options) or "none",  # the library wants one; servers of one's own do not look at it
        max_retries=options.retries,
        timeout=wait,
        http_client=transport,
    )


@contextmanager
def answering(options: RemoteOptions) -> Iterator[None]:
    """Turn what the library raises into one line and its remedy. Raises UserError."""
    import openai

    try:
        yield
    except UserError:
        raise
    except openai.APIStatusError as error:
        raise _status(options, error) from error
    except openai.APITimeoutError as error:
        raise UserError(
            "{url} did not answer in {seconds:g} s; raise timeout or lower concurrency, then run again: the answers "
            "so far are kept",
            url=options.base_url,
            seconds=options.timeout,
        ) from error
    except openai.APIConnectionError as error:
        raise UserError(
            "{url} cannot be reached ({cause}); start it or check base_url, then run again: the answers so far "
            "are kept",
            url=options.base_url,
            cause=_cause(options, error.__cause__ or error),
        ) from error
    except (openai.OpenAIError, ValueError) as error:
        raise strange(options, error) from error


class StrangeAnswerError(UserError):
    """An answer that is none of OpenAI's interface: half of one, HTML, an error that calls itself a success."""


def strange(options: RemoteOptions, cause: object) -> StrangeAnswerError:
    """The error for such an answer."""
    return StrangeAnswerError(
        "{url} does not answer as an OpenAI-compatible service does ({cause}); check base_url, it ends in /v1",
        url=options.base_url,
        cause=_cause(options, cause),
    )


def texts(options: RemoteOptions, reply: Any) -> list[str]:
    """The usable answers in a chat completion. Raises StrangeAnswerError where it is none."""
    choices = getattr(reply, "choices", None)
    if not isinstance(choices, list):
        raise strange(options, getattr(reply, "error", None) or "no choices")
    return [text for choice in choices if (text := _text(choice))]


def _text(choice: Any) -> str:
    """What one choice says; nothing where it declines, is filtered, or breaks off before a sentence ends."""
    message, finish = getattr(choice, "message", None), getattr(choice, "finish_reason", None)
    content = getattr(message, "content", None)
    if not isinstance(content, str) or getattr(message, "refusal", None) or finish == "content_filter":
        return ""
    return cut(content) if finish == "length" else content


def insistently(options: RemoteOptions, ask: Callable[[], T]) -> T:
    """What `ask` returns. A strange answer is asked for again, as the library does after 5xx. Raises UserError."""

    def asked() -> T:
        with answering(options):
            return ask()

    waits = [min(FIRST_WAIT * 2**tried, LAST_WAIT) for tried in range(options.retries)]
    return retried(asked, waits, (StrangeAnswerError,))


def chat_request(options: ChatOptions, messages: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The fields of a request for a chat completion; `more` counts before the options, what is None is not sent."""
    asked = {
        "model": options.model,
        "messages": list(messages),
        "temperature": options.temperature,
        "max_tokens": options.max_tokens,
        "seed": options.seed,
        "extra_body": options.extra_body or None,
        **more,
    }
    return {name: value for name, value in asked.items() if value is not None}


def successes(work: Sequence[Callable[[], T]], workers: int) -> Iterator[tuple[int, T]]:
    """Number and result of each task as it ends. After a UserError nothing new is begun; it is raised at the end."""
    failed: UserError | None = None
    for number, result in side_by_side(work, workers):
        if isinstance(result, UserError):
            failed = failed or result
        else:
            yield number, result
    if failed:
        raise failed


def side_by_side(work: Sequence[Callable[[], T]], workers: int) -> Iterator[tuple[int, T | UserError]]:
    """Number and result of each task as it ends, at most `workers` under way at once.

    A UserError comes as the result, and after it nothing new is begun. The threads end with the process, so that
    Ctrl-C need not wait for an answer.
    """
    todo = deque(enumerate(work))
    done: queue.SimpleQueue[tuple[int, T | BaseException] | None] = queue.SimpleQueue()

    def labour() -> None:
        try:
            while todo:
                number, task = todo.popleft()
                try:
                    done.put((number, task()))
                except BaseException as error:  # raised again below, where the results are read
                    todo.clear()
                    done.put((number, error))
        except IndexError:  # another thread took the last one
            pass
        finally:
            done.put(None)

    threads = [threading.Thread(target=labour, daemon=True) for _ in range(min(workers, len(work)))]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            while (result := done.get()) is not None:
                number, value = result
                if isinstance(value, BaseException) and not isinstance(value, UserError):
                    raise value
                yield number, value
    finally:
        todo.clear()


def _status(options: RemoteOptions, error: Any) -> UserError:
    status, named = error.status_code, {"url": options.base_url, "cause": _cause(options, error.message)}
    if status in (401, 403):
        return ConfigError(
            "{url} does not accept the key; put a valid one into the environment variable {name}",
            url=options.base_url,
            name=options.key_variable,
        )
    if status == 404:
        return ConfigError(
            "{url} knows no model {model}, or is no such address; check model and base_url ({cause})",
            model=options.model,
            **named,
        )
    if status == 429:
        return _too_many(options, error)
    if status >= 500:
        return UserError(
            "{url} fails ({status}: {cause}); see its log, then run again: the answers so far are kept",
            status=status,
            **named,
        )
    return ConfigError(
        "{url} refuses the request ({status}: {cause}); check the backend's options", status=status, **named
    )


def _too_many(options: RemoteOptions, error: Any) -> UserError:
    said = f"{error.code} {error.type} {error.message}".lower()
    if any(word in said for word in QUOTA):
        return UserError(
            "The quota at {url} is used up; see the account there, then run again: the answers so far are kept",
            url=options.base_url,
        )
    return UserError(
        "{url} takes no more requests for now (429); lower concurrency or run again later: the answers so far are kept",
        url=options.base_url,
    )


def _key(options: RemoteOptions) -> str:
    return os.environ.get(options.key_variable, "").strip()


def _cause(options: RemoteOptions, cause: object) -> str:
    """What went wrong in one short line, without the key, which some services repeat."""
    text = " ".join(str(cause).split()) or type(cause).__name__
    key = _key(options)
    return (text.replace(key, "…") if key else text)[:200]
