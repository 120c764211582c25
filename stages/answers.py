"""What a model of language answered, as plain sentences, without all that models wrap around them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

LONGEST = 20_000
"""Characters of an answer that are read; a model in a loop fills the rest."""
LONGEST_LINE = 1_000
"""… and of a line; the text gate refuses one of half that length."""
TEXT_KEYS = frozenset(
    {
        *("text", "caption", "captions", "description", "descriptions", "sentence", "sentences", "candidate"),
        *("candidates", "narration", "answer", "output", "result", "results", "content", "response"),
        *("해설", "화면해설", "문장", "후보", "답", "답변", "결과"),
    }
)
"""Keys of a JSON answer whose values are captions; without any of them, every string of it is one."""
ERROR_KEYS = frozenset({"error", "refusal", "detail", "message", "오류"})

_THOUGHT = r"(?:think|thinking|thought|thoughts|reasoning|analysis|reflection|scratchpad)"
_THOUGHTS = re.compile(rf"[<\[]{_THOUGHT}[>\]].*?(?:[<\[]/{_THOUGHT}[>\]]|\Z)", re.IGNORECASE | re.DOTALL)
_BEFORE = re.compile(rf"\A.*[<\[]/{_THOUGHT}[>\]]", re.IGNORECASE | re.DOTALL)
_FENCE = re.compile(r"```[ \t]*[\w+-]*[ \t]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_CONTROL = re.compile(r"<\|[^|<>]*\|>|\[/?INST\]|</?s>|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", re.IGNORECASE)
_JSON_CUT = re.compile(r"\A\s*[\[{]\s*[\[{\"]")
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"(\s*:)?')
_LISTED = re.compile(r'\A\s*"[^"\n]+"(?:\s*,\s*"[^"\n]+")+\s*,?\s*\Z')
_LABEL = (
    r"(?:화면 ?해설|해설 ?문장|해설|답변?|출력|후보|설명|묘사|문장|결과|캡션|번역|"
    r"짧은 ?[가-힣]*|긴 ?[가-힣]*|표준 ?[가-힣]*|자세한 ?[가-힣]*|"
    r"assistant|system|user|model|ai|final answer|answer|output|response|caption|audio description|description|"
    r"narration|sentence|candidate|option|version|result|translation|short|standard|medium|long|rich|basic|strict)"
)
_PREFIX = re.compile(
    rf"\A[^\w‘’“”\"'(]*(?:\[{_LABEL}[ \d]*\][ :：-]*|"
    rf"[(\[]?{_LABEL}(?: ?[#(]?\d{{1,2}}\)?)?(?: ?\([^()]*\))?[^\w\s]{{0,3}}\s*[:：]\W{{0,3}}?\s*)",
    re.IGNORECASE,
)
_ONLY_LABEL = re.compile(rf"{_LABEL}\W*\Z", re.IGNORECASE)
_OPENING = re.compile(r"[\[{]")
_MARK = re.compile(
    r"\A\s*(?:[-–—](?!\d)|[*•▪▫◦●○■□·‣>+]|#{1,6}(?=\s)|\(?\d{1,2}[.)](?!\d)|\d{1,2}:(?!\d)|[①-⑳❶-❿]|\(?[a-dA-D][.)](?=\s))\s*"
)
_ITEM = re.compile(r"(?<=[.!?。”’\"])[ \t]+(?=\(?\d{1,2}[.)][ \t]|[①-⑳]|[•▪◦●][ \t])")
_NOTE = re.compile(
    r"\s*[(\[][^()\[\]]*(?:음절|글자|단어|\d ?초|syllables?|words|seconds?|characters)[^()\[\]]*[)\]]\s*\Z",
    re.IGNORECASE,
)
_QUOTES = (("“", "”"), ('"', '"'), ("'", "'"), ("‘", "’"), ("「", "」"), ("『", "』"), ("«", "»"), ("„", "“"))
_END = re.compile(r"[.!?…。](?!\d)[”’\"'」』)]*")


def cut(answer: str) -> str:
    """An answer that ended at the limit of tokens, up to its last whole sentence; JSON as it is."""
    if _JSON_CUT.match(answer) or "```" in answer:
        return answer
    ends = list(_END.finditer(answer))
    return answer[: ends[-1].end()] if ends else ""


def lines(answer: str) -> Iterator[str]:
    """The sentences of one answer, clean, one line each; none where there are none. Never raises.

    An answer may be one line, a list, JSON of any shape (also cut off), in a fence, after thoughts, with labels and
    notes.
    """
    answer = answer[:LONGEST]
    answer = _BEFORE.sub("", _THOUGHTS.sub("\n", answer))
    answer = _CONTROL.sub("\n", answer)
    fenced = "\n".join(_FENCE.findall(answer))
    whole = fenced if any(map(str.isalnum, fenced)) else _FENCE.sub("\n", answer)
    strings = _from_json(whole)
    for text in [whole] if strings is None else strings:
        parts = [line for part in _unescaped(text).splitlines() for line in _ITEM.split(part)]
        more = sum(any(map(str.isalnum, line)) for line in parts) > 1
        for line in parts:
            clean = "" if more and _is_heading(line) else _clean(line[:LONGEST_LINE])
            if any(map(str.isalnum, clean)) and not _ONLY_LABEL.match(clean):
                yield clean


def _from_json(text: str) -> list[str] | None:
    """The captions in the JSON values of the text, whole or cut off; None where it is no JSON."""
    if _LISTED.match(text):
        return [m[1] for m in _STRING.finditer(text)]
    decoder, at, values = json.JSONDecoder(), 0, []
    try:
        while start := _OPENING.search(text, at):
            try:
                value, at = decoder.raw_decode(text, start.start())
                values.append(value)
            except ValueError:
                at = start.end()
        strings = list(_strings(values))
    except RecursionError:  # brackets in brackets, a thousand deep: no answer
        return []
    if strings or any(isinstance(value, dict) for value in values):
        return strings
    return list(_whole_strings(text)) if _JSON_CUT.match(text) else None


def _whole_strings(text: str) -> Iterator[str]:
    """The captions of JSON that breaks off, as far as they are whole."""
    key = ""
    for found in _STRING.finditer(text):
        if found[2]:
            key = found[1].casefold()
        elif not key or key in TEXT_KEYS:
            yield found[1]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        named = [v for k, v in value.items() if k.casefold().strip() in TEXT_KEYS]
        for item in named or [v for k, v in value.items() if k.casefold() not in ERROR_KEYS]:
            yield from _strings(item)


def _unescaped(text: str) -> str:
    text = text.replace("\\n", "\n").replace('\\"', '"')
    while (plain := html.unescape(text)) != text:
        text = plain
    return text


def _is_heading(line: str) -> bool:
    """A line that announces the ones after it: 다음은 화면해설입니다:"""
    return line.rstrip(" *_").endswith((":", "："))


def _clean(line: str) -> str:
    """One sentence without tags, marks, labels, notes and quotation marks around it."""
    text, before = line, ""
    while text != before:
        before = text
        text = re.sub(r"<[^<>]*>", " ", text)
        text = _PREFIX.sub("", _MARK.sub("", _NOTE.sub("", text)))
        text = _unquoted(" ".join(text.split()))
        if text == before:
            text = re.sub(r"[{}\[\]<>`|\\]|\*+|__+|~~+", " ", text)
            text = re.sub(r"\s+([.,!?])", r"\1", " ".join(text.split())).strip(" ,;:：")
    return text


def _unquoted(text: str) -> str:
    """Without quotation marks around the whole, and without those that have no partner."""
    for opening, closing in _QUOTES:
        inner = text[1:].rstrip(" .,")
        if text.startswith(opening) and inner.endswith(closing) and len(inner) > 1:
            body = inner[:-1]
            if opening not in body and closing not in body:
                return body.strip()
    return text.replace('"', "") if text.count('"') % 2 else text
