"""Whether code that came with a model lets the candidates of a keyframe share one cache: tried, not believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stages.candidates.shared_prompt import answers, tokens
from stages.chat import conversations, rendered
from stages.loading import out_of_memory

if TYPE_CHECKING:
    from stages.candidates.pretrained import Loaded

STEPS = 4
"""Tokens that must agree; each is a choice among the whole vocabulary."""
FOREIGN = (AttributeError, TypeError, ValueError, KeyError, IndexError, AssertionError, RuntimeError)
"""What other people's code raises at inputs it does not expect."""


@dataclass(frozen=True)
class _Question:
    text: str
    system: str = "Describe the picture."


def proven(loaded: Loaded) -> bool:
    """Whether two pictures with two questions each, together and shared, are answered as each is alone, greedily."""
    import PIL.Image

    pictures = [PIL.Image.new("RGB", size, colour) for size, colour in (((96, 64), "teal"), ((64, 160), "maroon"))]
    asked = [_Question("One sentence."), _Question("As few words as possible, please.")]
    chats = [conversations(asked, picture, with_system=loaded.with_system) for picture in pictures]
    texts = [[rendered(loaded.processor, c, loaded.template) for c in chat] for chat in chats]
    try:
        first, rows = tokens(loaded.processor, pictures, texts)
        shared = answers(loaded.model, on_device(loaded, first), rows, 1, 1, max_new_tokens=STEPS)
        return [[copies[0] for copies in rows] for rows in shared] == [
            [_alone(loaded, c) for c in chat] for chat in chats
        ]
    except FOREIGN as error:
        if out_of_memory(error):
            raise
        return False


def _alone(loaded: Loaded, conversation: Any) -> list[int]:
    return plain(loaded, conversation, max_new_tokens=STEPS)[0]


def plain(loaded: Loaded, conversation: Any, **how: Any) -> list[list[int]]:
    """Tokens of the answers to one question, by the interface that all models have; `how` goes to `generate`."""
    inputs = loaded.processor.apply_chat_template(
        conversation, tokenize=True, add_generation_prompt=True, return_dict=True, return_tensors="pt",
        **loaded.template,
    )  # fmt: skip
    prompt = inputs["input_ids"][0].tolist()
    found = loaded.model.generate(**on_device(loaded, inputs), **how).tolist()
    # a model's own generate may give the answer alone
    return [row[len(prompt) :] if row[: len(prompt)] == prompt else row for row in found]


def on_device(loaded: Loaded, inputs: Any) -> Any:
    """Inputs where the model is, pictures in its precision."""
    return inputs.to(loaded.model.device, dtype=loaded.model.dtype)
