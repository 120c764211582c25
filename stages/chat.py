"""A question in the words of one model's chat template, with the picture first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

from data.errors import ConfigError

NO_THINKING = {"enable_thinking": False, "thinking": False, "skip_reasoning": True, "force_reasoning": False}
"""Switches of chat templates that make a model answer at once: Qwen3, HyperCLOVA X SEED Think (two names)."""


class ChatQuestion(Protocol):
    """What is read of a prompt."""

    @property
    def system(self) -> str: ...
    @property
    def text(self) -> str: ...


def conversations(asked: Sequence[ChatQuestion], image: Any, *, with_system: bool) -> list[list[dict[str, Any]]]:
    """One conversation per question about `image`.

    Where the system texts differ, or the template knows no system role, they follow the picture: what comes before
    it must be the same in all questions, or it would be looked at once for each.
    """
    role = with_system and len({question.system for question in asked}) == 1
    return [_conversation(question, image, role=role) for question in asked]


def _conversation(question: ChatQuestion, image: Any, *, role: bool) -> list[dict[str, Any]]:
    text = question.text if role else f"{question.system}\n\n{question.text}".strip()
    user = {"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": text}]}
    system = {"role": "system", "content": [{"type": "text", "text": question.system}]}
    return [system, user] if role and question.system else [user]


def template(processor: Any, model: str) -> str:
    """The chat template of a processor or a tokeniser. Raises ConfigError where there is none."""
    tokenizer = getattr(processor, "tokenizer", None)
    found = getattr(processor, "chat_template", None) or getattr(tokenizer, "chat_template", None)
    found = found.get("default") if isinstance(found, dict) else found
    if not found:
        raise ConfigError(
            "{model} has no chat template; choose a model trained to follow instructions (Instruct)", model=model
        )
    return str(found)


def switches(chat_template: str) -> dict[str, bool]:
    """The variables of the template that turn thinking off."""
    return {name: off for name, off in NO_THINKING.items() if re.search(rf"\b{name}\b", chat_template)}


def has_system(processor: Any, options: dict[str, Any]) -> bool:
    """Whether the template writes a system message, given as a list of parts, as its text."""
    import jinja2

    mark = "7f3a system"
    messages = [
        {"role": "system", "content": [{"type": "text", "text": mark}]},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]},
    ]
    try:
        written = rendered(processor, messages, options)
    except (jinja2.TemplateError, TypeError):
        return False  # templates refuse roles with raise_exception, or add the list to a string
    return mark in written and "'type'" not in written


def rendered(processor: Any, messages: Sequence[dict[str, Any]], options: dict[str, Any]) -> str:
    """One conversation as the text the model reads, up to where its answer begins."""
    return str(processor.apply_chat_template(list(messages), add_generation_prompt=True, **options))
