"""Lines shortened by any service with OpenAI's interface: vLLM, SGLang, Ollama, CLOVA Studio, OpenAI itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from stages.remote import ChatOptions, RemoteBackend, chat_request, insistently, successes, texts
from stages.schedule.rewriting import Question, Rewriter


class OpenAI(RemoteBackend, Rewriter):
    """A text model behind an address. Lines of narration are sent there, no pictures."""

    class Options(ChatOptions):
        """Settings of openai."""

    options: Options

    def rewrite(self, questions: Sequence[Question]) -> Iterator[tuple[int, str]]:
        """See `Rewriter`. After an error no request is begun; what the open ones bring comes first."""
        yield from successes([partial(self._answer, self.client, q) for q in questions], self.options.concurrency)

    def _answer(self, client: Any, question: Question) -> str:
        messages = [{"role": "system", "content": question.system}, {"role": "user", "content": question.text}]
        given = chat_request(self.options, messages)
        found = insistently(self.options, lambda: texts(self.options, client.chat.completions.create(**given)))
        return "\n".join(found)
