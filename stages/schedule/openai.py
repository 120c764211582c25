"""Lines shortened by any service with OpenAI's interface: vLLM, SGLang, Ollama, CLOVA Studio, OpenAI itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from data.errors import UserError
from stages.models import FREE, Weights
from stages.remote import RemoteOptions, client, insistently, permitted, side_by_side, texts

if TYPE_CHECKING:
    from stages.schedule.rewriting import Question


class OpenAI:
    """A text model behind an address. Lines of narration are sent there, no pictures."""

    packages: ClassVar[tuple[str, ...]] = ("openai",)

    class Options(RemoteOptions):
        """Settings of openai."""

        concurrency: int = Field(4, ge=1, le=256, description="Requests under way at once", json_schema_extra=FREE)
        temperature: float | None = Field(0.0, ge=0, le=2, description="Freedom of wording; none: the service's own")
        max_tokens: int | None = Field(256, ge=1, description="Longest answer in tokens; none: the service's own limit")
        seed: int | None = Field(1, ge=0, description="Seed of the answers; none: not sent")
        extra_body: dict[str, Any] = Field(
            {}, description="More fields of the request, e.g. {chat_template_kwargs: {enable_thinking: false}}"
        )

    def __init__(self, options: Options) -> None:
        self.options = options
        self._client: Any = None

    def identity(self) -> dict[str, Any]:
        """Nothing its options do not say."""
        return {}

    def weights(self) -> Sequence[Weights]:
        """None: the service has them."""
        return ()

    def ready(self) -> None:
        """Raise ConfigError where nothing may leave the machine."""
        permitted(self.options)

    def rewrite(self, questions: Sequence[Question]) -> Iterator[tuple[int, str]]:
        """See `stages.schedule.rewriting`. After an error no request is begun; what the open ones bring comes first."""
        if questions and self._client is None:
            self._client = client(self.options)
        failed: UserError | None = None
        for number, result in side_by_side([partial(self._answer, q) for q in questions], self.options.concurrency):
            if isinstance(result, UserError):
                failed = failed or result
            else:
                yield number, result
        if failed:
            raise failed

    def close(self) -> None:
        """Close the connections; the next question opens new ones."""
        if self._client is not None:
            self._client.close()
        self._client = None

    def _answer(self, question: Question) -> str:
        options = self.options
        asked = {
            "model": options.model,
            "messages": [
                {"role": "system", "content": question.system},
                {"role": "user", "content": question.text},
            ],
            "temperature": options.temperature,
            "max_tokens": options.max_tokens,
            "seed": options.seed,
            "extra_body": options.extra_body or None,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        found = insistently(options, lambda: texts(options, self._client.chat.completions.create(**given)))
        return "\n".join(found)
