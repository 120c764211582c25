"""What models answer, and the sentences that are left of it."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.style import refuse
from stages.answers import cut
from stages.candidates.answers import captions
from stages.candidates.prompt import Prompt, SeenText

BOX = (0.1, 0.1, 0.2, 0.2)
KO = Prompt(language="ko")
DOOR, MAN = "문이 열린다.", "남자가 나간다."


def said(*raw: str, prompt: Prompt = KO) -> list[str]:
    return [c.text for c in captions(raw, prompt)]


@pytest.mark.parametrize(
    "raw",
    [
        DOOR,
        f'"{DOOR}"',
        f"“{DOOR}”",
        f"1. {DOOR}",
        f"1) {DOOR}",
        f"① {DOOR}",
        f"- {DOOR}",
        f"• {DOOR}",
        f"### {DOOR}",
        f"**{DOOR}**",
        f"**1. {DOOR}**",
        f"> {DOOR}",
        f"해설: {DOOR}",
        f"화면해설(표준): {DOOR}",
        f"**해설 1:** {DOOR}",
        f"[해설] {DOOR}",
        f"Answer: {DOOR}",
        f"assistant: 해설: “{DOOR}”",
        f"{DOOR} (6음절)",
        f"{DOOR} [5 syllables]",
        f"다음은 화면해설입니다:\n\n{DOOR}",
        f'["{DOOR}"]',
        f'{{"caption": "{DOOR}"}}',
        f'{{"captions": [{{"length": "short", "text": "{DOOR}"}}]}}',
        f'{{"result": {{"해설": "{DOOR}"}}}}',
        f'```json\n["{DOOR}"]\n```',
        f"```\n{DOOR}",
        f'물론입니다!\n```json\n{{"text": "{DOOR}"}}\n```\n도움이 되었기를 바랍니다.',
        f"<think>문이 보인다. 열린 것 같다.</think>\n{DOOR}",
        f"문이 열리는 것 같다…</think>{DOOR}",
        f"<think>\n</think>\n\n{DOOR}",
        f"[THINK]음[/THINK]{DOOR}",
        f"<p>{DOOR}</p><br/>",
        f"{DOOR}<|im_end|>",
        f"{DOOR}\n{DOOR}\n문이  열린다!",
        f'{{"captions": ["{DOOR}", "남자가 나',
        f'"{DOOR}',
    ],
)
def test_the_sentence_alone_is_left(raw: str) -> None:
    assert said(raw) == [DOOR]


@pytest.mark.parametrize(
    "raw",
    [
        f"1. {DOOR}\n2. {MAN}",
        f"1. {DOOR} 2. {MAN}",
        f"- {DOOR}\n- {MAN}\n",
        f"{DOOR}\n\n{MAN}",
        f'["{DOOR}", "{MAN}"]',
        f'"{DOOR}", "{MAN}"',
        f'{{"short": "{DOOR}", "standard": "{MAN}"}}',
        f'[{{"text": "{DOOR}"}}, {{"text": "{MAN}"}}]',
        f'{{"text": "{DOOR}"}}\n{{"text": "{MAN}"}}',
        f"A. {DOOR}\nB. {MAN}",
        f"짧은 해설: {DOOR}\n긴 해설: {MAN}",
    ],
)
def test_lists_are_several_captions(raw: str) -> None:
    assert said(raw) == [DOOR, MAN]


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " \n",
        "…",
        "<think>문이 열린다. 남자가",
        "[]",
        "{}",
        "```json\n```",
        "[" * 3000,
        '{"error": {"message": "문이 열리지 않는다"}}',
        '{"captions": ["문이 열',
        '[{"length": "short", "text": "문이 열',
        "해설:",
    ],
)
def test_nothing_is_left(raw: str) -> None:
    assert said(raw) == []


@pytest.mark.parametrize(
    "line",
    [
        "자막, ‘3년 후’.",
        "‘OPEN’이라고 적혀 있다.",
        "“출입 금지”라고 적혀 있다.",
        "3.5미터 아래로 떨어진다.",
        "영하 5도, 눈이 내린다.",
        "해설자가 마이크를 잡는다.",
        "2시 10분, 시계가 멈춘다.",
        "결과를 확인한다.",
        "A man enters.",
        "She reads a short letter.",
    ],
)
def test_what_belongs_to_the_sentence_stays(line: str) -> None:
    assert said(line) == [line]


def test_sentences_that_fit_stay_together_and_the_rest_is_left_out() -> None:
    long = "여자가 우산을 접고 가게 안으로 들어선다."
    assert said(f"{DOOR} {MAN}") == [f"{DOOR} {MAN}"]
    assert said(f"{DOOR} {long} {long[:-1]} 다시.") == [f"{DOOR} {long}"]
    brief = Prompt(language="ko", lengths={"short": 1.5, "standard": 1.5, "rich": 1.5})
    assert said(f"{DOOR} {MAN}", prompt=brief) == [DOOR]


def test_length_and_kind() -> None:
    texts = (SeenText("마지막 편지", "title", 0.9, BOX), SeenText("서울역", "sign", 0.9, BOX))
    prompt = Prompt(language="ko", texts=texts, title_open=True)
    door, title, sign = captions(["문이 열린다.\n제목, 마지막 편지.\n간판에 적힌 글, 서울역. 사람들이 오간다."], prompt)
    assert [door.kind, title.kind, sign.kind] == ["visual", "title", "text"]
    assert [door.length, sign.length] == ["short", "standard"]
    assert captions(["제목, 마지막 편지."], Prompt(language="ko", texts=texts))[0].kind == "text"


def test_other_languages_and_refusals_are_left_to_the_gate() -> None:
    for raw in ("门开了。", "죄송하지만 이미지를 볼 수 없습니다."):
        (line,) = said(raw)
        assert refuse(line, "ko")


@pytest.mark.parametrize(
    ("raw", "whole"),
    [
        ("문이 열린다. 남자가 들", "문이 열린다."),
        ("남자가 들", ""),
        ("높이는 3.5", ""),
        ('["문이 열린다.", "남', '["문이 열린다.", "남'),
        ("자막, ‘끝.’ 그리고", "자막, ‘끝.’"),
    ],
)
def test_answers_cut_at_the_limit_end_with_a_sentence(raw: str, whole: str) -> None:
    assert cut(raw) == whole


PIECES = st.sampled_from(
    [
        "문이 열린다.", "A man enters.", "1. ", "- ", "**", "```", "```json\n", "\n", '"', "“", "”", "{", "}", "[", "]",
        ":", ",", '"text"', "<think>", "</think>", "<br>", "<", ">", "해설:", "Answer:", "(6음절)", "\\n", '\\"', "|",
        "`", "# ",
        "<|im_end|>", "&lt;b&gt;", "&amp;lt;", "①", "…", "\u0000", "_", "__", "~~", "\\",
    ]
)  # fmt: skip
REMNANT = re.compile(r"```|[{}\[\]<>`|\\]|\*\*|__|~~|\A\s*[-*•] |\A\d{1,2}[.)] |\A[\s\W]*\Z|\n|im_end|\Athink\b")


@given(st.lists(PIECES | st.text(max_size=8), max_size=25).map("".join))
def test_nothing_but_sentences_ever_comes_out(raw: str) -> None:
    for caption in captions([raw], KO):
        assert not REMNANT.search(caption.text), caption.text
        assert caption.text == caption.text.strip()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just(DOOR),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4) | st.just("text"), inner, max_size=4)
    ),
)


@given(JSON, st.integers(0, 200))
def test_json_whole_or_cut_never_shows(value: object, until: int) -> None:
    text = json.dumps(value, ensure_ascii=False)
    for raw in (text, text[:until], f"```json\n{text}\n```"):
        assert not any(REMNANT.search(c.text) for c in captions([raw], KO))


@given(st.text(max_size=40), st.sampled_from("[{(<\"'*`#-1a가 ."))
def test_long_answers_of_a_model_in_a_loop_are_read_too(text: str, loop: str) -> None:
    captions([loop * 20_000 + text, text * 500], KO)
