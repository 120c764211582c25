"""The one text a ranker is asked with and trained on, and how it becomes tokens.

Plain text with a response marker at its end, so that it suits any causal language model; phi-2 has no chat template.
What matters least comes first, for a prompt that is too long is cut after its first line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from data.errors import ConfigError
from stages.ranking.prompt import RankingPrompt

VERSION = 1
"""Raised when `render` or `encode` would give other tokens: adapters of before were trained on another text."""
EARLIER = 8
"""Most earlier lines told; about a minute of narration. A working value."""
RESERVE = 8
"""One in so many tokens of the context is kept for the response, so that all responses follow the same cut prompt."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "ko": {
        "task": "드라마 화면해설. 화면에 보이는 것만 현재형으로, 주어진 시간 안에 읽을 한 문장을 쓴다.",
        "earlier": "앞의 해설",
        "place": "장소: 앞에 나온 곳",
        "day": "빛: 낮",
        "night": "빛: 밤",
        "people": "사람: {}명 이상",
        "persons": "아는 사람",
        "names": "불러도 되는 이름",
        "objects": "사물",
        "texts": "화면의 글",
        "before": "앞의 대사",
        "after": "뒤의 대사",
        "time": "말할 시간: {:.1f}초, {}음절",
        "response": "화면해설:",
    },
    "en": {
        "task": "Audio description of a drama. One sentence in the present tense, only what is seen, short enough for "
        "the time given.",
        "earlier": "Earlier lines",
        "place": "Place: shown before",
        "day": "Light: day",
        "night": "Light: night",
        "people": "People: {} or more",
        "persons": "Known people",
        "names": "Names that may be spoken",
        "objects": "Objects",
        "texts": "On-screen text",
        "before": "Dialogue before",
        "after": "Dialogue after",
        "time": "Time to speak: {:.1f} seconds, {} syllables",
        "response": "Description:",
    },
}


def render(prompt: RankingPrompt) -> str:
    """The prompt as text, one fact a line; what is not known is left out. Ends with the response marker."""
    words = WORDS[prompt.language]
    lines = [words["task"], *_earlier(prompt, words), *_seen(prompt, words), *_heard(prompt, words)]
    if prompt.windows:
        room = max(prompt.windows)
        lines.append(words["time"].format(room, int(room * prompt.rate)))
    return "\n".join([*lines, words["response"]])


def _earlier(prompt: RankingPrompt, words: Mapping[str, str]) -> Iterator[str]:
    if prompt.earlier:
        yield f"{words['earlier']}:"
        yield from (f"- {_line(text)}" for text in prompt.earlier[-EARLIER:])


def _seen(prompt: RankingPrompt, words: Mapping[str, str]) -> Iterator[str]:
    if prompt.known_place:
        yield words["place"]
    if prompt.light != "unknown":
        yield words[prompt.light]
    if prompt.people:
        yield words["people"].format(prompt.people)
    counted = (name if n == 1 else f"{name} {n}" for name, n in Counter(prompt.objects).items())
    listed = {"persons": prompt.persons, "names": prompt.names, "objects": counted, "texts": prompt.texts}
    for label, items in listed.items():
        told = ", ".join(filter(None, map(_line, items)))
        if told:
            yield f"{words[label]}: {told}"


def _heard(prompt: RankingPrompt, words: Mapping[str, str]) -> Iterator[str]:
    for label, said in (("before", prompt.dialogue_before), ("after", prompt.dialogue_after)):
        if _line(said):
            yield f"{words[label]}: {_line(said)}"


def _line(text: str) -> str:
    return " ".join(text.split())


def encode(
    tokenizer: Callable[..., Any], prompt: str, response: str, context: int | None = None
) -> tuple[list[int], list[int]]:
    """Token ids of a prompt and of the response after it, for training and for scoring alike.

    The two are tokenised apart, so that no token spans their border, and the response is the same whatever stands
    before it. A prompt that does not fit into `context` tokens loses what follows its first line.
    Raises ConfigError for a response that leaves the prompt no room.
    """
    answer = encode_response(tokenizer, response)
    return encode_prompt(tokenizer, prompt, context, len(answer)), answer


def encode_response(tokenizer: Any, response: str) -> list[int]:
    """A blank, the text, the end-of-sequence token (where the tokenizer has one)."""
    end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    return [*tokenizer(f" {_line(response)}", add_special_tokens=False, verbose=False)["input_ids"], *end]


def encode_prompt(tokenizer: Any, prompt: str, context: int | None = None, response: int = 0) -> list[int]:
    """The prompt with the tokenizer's own beginning, cut to leave room for `response` tokens in `context`."""
    ids = _beginning_with(tokenizer, prompt)
    if context is None:
        return ids
    room = context - max(response, context // RESERVE)
    if room < 2:
        raise ConfigError(
            "A line of {tokens} tokens does not fit into the model's context of {context}; choose another model",
            tokens=response,
            context=context,
        )
    if len(ids) <= room:
        return ids
    task = min(len(_beginning_with(tokenizer, prompt.partition("\n")[0])), room // 2)
    return ids[:task] + ids[task - room :]


def _beginning_with(tokenizer: Any, text: str) -> list[int]:
    """Token ids with a beginning-of-sequence token where the tokenizer sets one, never with an end."""
    ids: Sequence[int] = tokenizer(text, verbose=False)["input_ids"]
    ends = len(ids) > 1 and ids[-1] == tokenizer.eos_token_id
    return list(ids[:-1] if ends else ids)
