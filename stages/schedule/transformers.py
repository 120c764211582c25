"""Lines shortened by a chat model on this machine: any causal language model with a chat template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from data.errors import ConfigError
from stages.chat import rendered, switches, template
from stages.loading import loading
from stages.models import PretrainedBackend, PretrainedOptions, device, in_batches, origin, pretrained
from stages.schedule.rewriting import Question, Rewriter


class Transformers(PretrainedBackend, Rewriter):
    """A text model from the Hugging Face hub or a folder. The likeliest words are taken: one line, one answer."""

    class Options(PretrainedOptions):
        """Settings of transformers."""

        model: str = Field(description="Hub id or folder of a causal language model that was trained to follow orders")
        max_new_tokens: int = Field(256, ge=1, le=4096, description="Longest answer, in tokens")

    options: Options
    _loaded: tuple[Any, Any, dict[str, bool]] | None = None

    def rewrite(self, questions: Sequence[Question]) -> Iterator[tuple[int, str]]:
        """See `stages.schedule.rewriting`. Raises ConfigError for a model that cannot be loaded or has no template."""
        if questions:
            yield from enumerate(in_batches(questions, self.options.batch, self._answers, self.options.model))

    def _answers(self, questions: Sequence[Question]) -> list[str]:
        import torch

        model, tokenizer, told = self._ready()
        texts = [rendered(tokenizer, _conversation(question), {**told, "tokenize": False}) for question in questions]
        given = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
        with torch.inference_mode():
            found = model.generate(
                input_ids=given["input_ids"], attention_mask=given["attention_mask"],
                max_new_tokens=self.options.max_new_tokens, do_sample=False, temperature=None, top_p=None, top_k=None,
            )  # fmt: skip
        new = found[:, given["input_ids"].shape[1] :]
        return [str(text) for text in tokenizer.batch_decode(new, skip_special_tokens=True)]

    def _ready(self) -> tuple[Any, Any, dict[str, bool]]:
        if self._loaded is None:
            self._loaded = _load(self.options)
        return self._loaded


def _conversation(question: Question) -> list[dict[str, str]]:
    """In one turn: not every template knows a system role."""
    return [{"role": "user", "content": f"{question.system}\n\n{question.text}"}]


def _load(options: Transformers.Options) -> tuple[Any, Any, dict[str, bool]]:
    """Model, tokeniser and what the chat template is told. Raises ConfigError."""
    folder = Path(options.model).expanduser()
    name = str(folder) if folder.is_dir() else options.model
    with loading(name):
        import transformers

        tokenizer = transformers.AutoTokenizer.from_pretrained(name, padding_side="left", **origin(options, name))
        told = switches(template(tokenizer, name))
        auto: Any = transformers.AutoModelForCausalLM
        model, info = auto.from_pretrained(name, output_loading_info=True, **pretrained(options, name))
        if info["missing_keys"]:
            raise ConfigError(
                "{model} lacks weights ({missing}, …); fetch it anew, or save it whole",
                model=name,
                missing=min(info["missing_keys"]),
            )
        if options.quantise == "none":
            model.to(device(options.device))
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model.eval(), tokenizer, told
