"""Captions by any service with OpenAI's interface: vLLM, SGLang, Ollama, CLOVA Studio, OpenAI itself."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from pydantic import Field

from data.errors import StageError, UserError
from stages.candidates.answers import captions
from stages.candidates.prompt import Answers, Caption, Captioner, Prompt
from stages.remote import ChatOptions, RemoteBackend, chat_request, insistently, successes, texts

ATTEMPTS_APART = 1000
"""Between the seeds of a question and of the same one asked again, more than anybody asks at once."""


class OpenAI(RemoteBackend, Captioner):
    """A vision-language model behind an address. Stills and prompts are sent there."""

    class Options(ChatOptions):
        """Settings of openai."""

        temperature: float | None = Field(0.7, ge=0, le=2, description="Freedom of wording; none: the service's own")
        top_p: float | None = Field(None, gt=0, le=1, description="Share of likely words drawn from; none: its own")
        seed: int | None = Field(1, ge=0, description="Seed of the first answer; none: not sent")
        image_size: int = Field(1024, ge=28, description="Longest side of the stills as sent, pixels")

    options: Options
    _one_each = False

    @property
    def model(self) -> str:
        """By the name the service gives it."""
        return self.options.model

    def caption(
        self, images: Sequence[bytes], prompts: Sequence[Sequence[Prompt]], n: int
    ) -> Iterator[tuple[int, Answers]]:
        """Captions per keyframe as they come; each prompt is one request where the service gives `n` answers at once.

        After an error no request is begun; what the open ones bring comes first. Raises UserError.
        """
        places = [(k, place) for k, asked in enumerate(prompts) for place in range(len(asked))]
        found: list[list[list[Caption] | None]] = [[None] * len(asked) for asked in prompts]
        pictures = [_as_address(image, self.options.image_size) for image in images]
        work = [partial(self._captions, self.client, pictures[k], prompts[k][place], n) for k, place in places]
        try:
            for number, captioned in successes(work, self.options.concurrency):
                keyframe, place = places[number]
                found[keyframe][place] = captioned
                if None not in found[keyframe]:
                    yield keyframe, found[keyframe]
        except UserError:
            for keyframe, answers in enumerate(found):
                if None in answers and any(a is not None for a in answers):
                    yield keyframe, answers
            raise

    def _captions(self, client: Any, picture: str, prompt: Prompt, n: int) -> list[Caption]:
        """The captions of one prompt, by as few requests as the service allows, `n` at most."""
        answers: list[str] = []
        for request in range(n):
            missing = 1 if self._one_each else n - len(answers)
            answers += self._answers(client, picture, prompt, missing, request)
            if len(answers) >= n:
                break
        return captions(answers[:n], prompt)

    def _answers(self, client: Any, picture: str, prompt: Prompt, n: int, request: int) -> list[str]:
        """The usable texts of one request."""
        import openai

        options, seed = self.options, self.options.seed
        given = chat_request(
            options,
            _messages(picture, prompt),
            top_p=options.top_p,
            seed=None if seed is None else seed + request + ATTEMPTS_APART * prompt.attempt,
        )

        def ask() -> list[str]:
            try:
                reply = client.chat.completions.create(**given, **({"n": n} if n > 1 else {}))
            except openai.BadRequestError as error:
                if n == 1 or not _is_about_n(error):
                    raise
                self._one_each = True
                reply = client.chat.completions.create(**given)
            return texts(options, reply)

        return insistently(options, ask)


def _messages(picture: str, prompt: Prompt) -> list[dict[str, Any]]:
    """The picture before the words, so that a server reads both once for all questions about it."""
    asked = [{"type": "image_url", "image_url": {"url": picture}}, {"type": "text", "text": prompt.text}]
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return [*system, {"role": "user", "content": asked}]


def _is_about_n(error: Any) -> bool:
    """Whether a service refuses to give several answers at once."""
    return error.param == "n" or bool(re.search(r"(?<!\w)n(?!\w)", str(error.message)))


def _as_address(jpeg: bytes, longest: int) -> str:
    """A still as a data URL, no larger than `longest` pixels a side."""
    import cv2
    import numpy as np

    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if picture is None:
        raise StageError("A still is no picture: delete the folder of the keyframes and run again")
    height, width = picture.shape[:2]
    if max(height, width) > longest:
        scale = longest / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        smaller = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        jpeg = cv2.imencode(".jpg", smaller, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
