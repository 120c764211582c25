"""How the facts sound in Korean and English. Each has a terse form (strict style) and a whole sentence (basic)."""

from __future__ import annotations

import re

from data.text.language import count_people, with_particle

SEVERAL = 6
"""From so many faces on, the number says no more than `several`."""

Forms = tuple[str, str]

LIGHT: dict[str, dict[str, Forms]] = {
    "ko": {"day": ("낮.", "낮이다."), "night": ("밤.", "밤이다.")},
    "en": {"day": ("Day.", "It is day."), "night": ("Night.", "It is night.")},
}
PLACE: dict[str, dict[str, Forms]] = {
    "ko": {
        "same": ("같은 곳.", "같은 곳이다."),
        "back": ("다시 같은 곳.", "다시 같은 곳이다."),
        "new": ("다른 곳.", "장소가 바뀐다."),
    },
    "en": {
        "same": ("The same place.", "It is the same place."),
        "back": ("Back at the same place.", "It is the same place again."),
        "new": ("A different place.", "The place changes."),
    },
}


def clean(text: str) -> str:
    """On-screen text as it can stand in a sentence: no brackets, quotation marks, list marks or sentence ends."""
    text = re.sub(r"[’`´](?=\w)", "'", text)
    text = re.sub(r"[^\w\s.,!?%:&+/~·'°-]|_|(?<!\w)'|'(?!\w)", " ", text)
    text = re.sub(r"[.!?]+(?=\s)", ",", " ".join(text.split()))
    return text.strip(" .,!?:;~·/&+-")


def read_out(text: str, language: str, *, title: bool, overlay: bool) -> Forms:
    """On-screen text with its lead-in. `overlay`: laid over the picture; else it stands in the scene."""
    if language == "en":
        lead = "Title" if title else "Caption" if overlay else "Text"
        who = "The title reads" if title else "A caption reads" if overlay else "Text reads"
        return f"{lead}, “{text}”.", f"{who}, “{text}”."
    lead = "제목" if title else "자막" if overlay else "글자"
    quoted = f"‘{text}’" if re.search("[A-Za-z]", text) else text
    terse = f"{lead}, {quoted}" + ("" if quoted.endswith("…") else ".")
    if title:
        return terse, f"제목 ‘{text}’{_particle(text, '이/가')} 나타난다."
    if overlay:
        return terse, f"‘{text}’{_particle(text, '이라는/라는')} 자막이 나온다."
    return terse, f"‘{text}’{_particle(text, '이라고/라고')} 적혀 있다."


def people(number: int, language: str) -> Forms:
    """At least `number` people; never that there are only so many."""
    if language == "ko":
        who = "여러 사람" if number >= SEVERAL else count_people(number, "ko")
        sentence = f"{with_particle(who, '이/가')} 있다."
        return sentence, sentence
    who = "several people" if number >= SEVERAL else count_people(number, "en")
    return f"{who.capitalize()}.", f"There {'is' if number == 1 else 'are'} {who}."


def joined(sentences: list[str], language: str) -> str:
    """Sentences as one line: texts share their lead-in, terse Korean ones flow together (밤, 두 사람이 있다.)."""
    line = " ".join(sentences)
    line = re.sub(r"\b(글자|자막|Text|Caption)(, [^.]+)\. \1, ", r"\1\2, ", line)
    line = re.sub(r"’이?라고 적혀 있다\. (?=‘[^’]*’이?라고 적혀 있다\.)", "’, ", line)
    if language == "ko":
        line = re.sub(r"(?<=[곳낮밤])\. (?=(?:낮|밤|[가-힣]+ 사람이 있다)\.)", ", ", line)
    return line


def _particle(text: str, pair: str) -> str:
    """The particle alone, for it follows a closing quotation mark."""
    return with_particle(text, pair)[len(text) :]
