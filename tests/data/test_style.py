"""The text gate and the style rules, both ways: what is caught, and what must pass."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import messages
from data.style import findings, refuse
from data.style.rules import rules as style_rules

REFUSED = [
    ("", "empty"),
    (" … ", "empty"),
    ("가나다라 " * 200, "too long"),
    ("가나다라마바사아자차카타파하" * 4, "40 letters"),
    ("A man walks down the street.", "not Korean"),
    ("“A man walks down the street.”", "not Korean"),
    ("남자가 walks down the long street today.", "not Korean"),
    ("一个男人在走路。", "script"),
    ("男人이 걷는다.", "script"),
    ("男がドアを開ける。", "script"),
    ("<b>문이 열린다.</b>", "markup"),
    ("**문이 열린다.**", "markup"),
    ("# 문이 열린다.", "markup"),
    ("- 문이 열린다.", "markup"),
    ("1. 문이 열린다.", "markup"),
    ("```문이 열린다.```", "markup"),
    ("<think>남자가 있으니</think> 문이 열린다.", "markup"),
    ("<|im_end|> 문이 열린다.", "markup"),
    ('{"text": "문이 열린다."}', "data"),
    ('["문이 열린다."]', "data"),
    ("[경쾌한 피아노 선율]", "data"),
    ("None", "data"),
    ("Error: CUDA out of memory", "error"),
    ("ValueError: 문이 없다", "error"),
    ("Traceback (most recent call last):", "error"),
    ("오류: 모델을 읽지 못했습니다", "error"),
    ("오류가 발생했습니다.", "error"),
    ("Rate limit reached", "error"),
    ("https://example.com 참고", "address"),
    ("naver.com에 접속한다.", "address"),
    ("죄송합니다, 이미지를 볼 수 없습니다.", "model"),
    ("죄송하지만 설명해 드릴 수 없습니다.", "model"),
    ("이미지를 분석할 수 없습니다.", "model"),
    ("저는 AI 언어 모델입니다.", "model"),
    ("As an AI language model, I describe.", "model"),
    ("I'm sorry, but I can't help with that.", "model"),
    ("물론입니다! 문이 열린다.", "prompt"),
    ("다음은 화면해설 문장입니다.", "prompt"),
    ("해설: 문이 열린다.", "prompt"),
    ("assistant: 문이 열린다.", "prompt"),
    ("20음절 이내로 화면해설을 작성하세요.", "prompt"),
    ("문이 열린다. " * 4, "over and over"),
    ("하하하하하하하", "over and over"),
    ("문이 문이 문이 문이 열린다.", "over and over"),
    ("문이\n열린다.", "cannot be read"),
    ("문이\x07 열린다.", "cannot be read"),
    ("문이\u200b 열린다.", "cannot be read"),
    ("문이 열린다 😀", "not words"),
    ("ㅋㅋ 웃는다.", "not words"),
]
PASSED = [
    "문이 열린다.",
    "자막, 3년 후.",
    "제목, 마지막 편지.",
    "글자, ‘THE PEACH OPEN MOVIE PROJECT PRESENTS’.",
    "‘OPEN’이라고 적힌 문이 열린다.",
    "간판에 적힌 글, 서울 56km.",
    "LG 트윈스 선수가 뛴다.",
    "KBS 본관 앞에 선다.",
    "1997.",
    "‘죄송합니다. 오늘은 쉽니다.’라고 적힌 종이를 붙인다.",
    "컴퓨터에 에러 메시지가 뜬다.",
    "사진을 볼 수 있게 불을 켠다.",
    "40년 후.",
    "시뮬레이션 준비 완료.",
    "10:30, 벽시계가 멈춘다.",
    "‘ERROR 404’라고 적혀 있다.",
    "‘감사합니다’라고 쓴다.",
    "물론 아무도 없다.",
    "제작, KBS.",
]


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_the_gate_refuses(text: str, why: str) -> None:
    reason = refuse(text, "ko")
    assert reason is not None
    assert why in str(reason)


@pytest.mark.parametrize("text", PASSED)
def test_the_gate_lets_narration_pass(text: str) -> None:
    assert refuse(text, "ko") is None


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("A man opens the door.", True),
        ("A note reads, “I’m sorry.”", True),
        ("Warning lights flash on the panel.", True),
        ("문이 열린다.", False),
        ("Text reads, “서울”.", False),
        ("I'm sorry, I can't describe this.", False),
        ("Here is the description: a man.", False),
        ("Sure! A man opens the door.", False),
        ("“Error: no image.”", False),
    ],
)
def test_the_gate_in_english(text: str, passes: bool) -> None:
    assert (refuse(text, "en") is None) == passes


@given(st.text(), st.sampled_from(["ko", "en"]))
def test_gate_and_rules_never_crash(text: str, language: str) -> None:
    assert str(refuse(text, language)) != ""
    assert all(f.message and f.why for f in findings(text, language, spoken_seconds=2.0))


@given(st.text(max_size=20))
def test_a_control_character_never_passes(text: str) -> None:
    assert refuse(f"문이 {text}\x00 열린다.", "ko")


def test_reasons_come_in_korean() -> None:
    messages.use("ko")
    assert str(refuse("", "ko")) == "말할 것이 없습니다: 빈 문장입니다"


def test_real_korean_captions_pass(media: Path) -> None:
    with (media / "ko-captions" / "ko_captions_dev.tsv").open(encoding="utf-8") as file:
        lines = [row["sentence"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    chosen = random.Random(2).sample(lines, 60)
    assert {line: why for line in chosen if (why := refuse(line, "ko"))} == {}


def test_real_english_descriptions_pass_and_break_few_rules(media: Path) -> None:
    with (media / "ad-text-tv" / "tvad_train.csv").open(encoding="utf-8") as file:
        lines = [row["text_gt"] for row in csv.DictReader(file)]
    chosen = random.Random(2).sample(lines, 300)
    assert sum(refuse(line, "en") is not None for line in chosen) <= 1
    assert sum(any(f.severity == "error" for f in findings(line, "en")) for line in chosen) <= 15


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("문이 열립니다.", "polite"),
        ("문이 열려요.", "polite"),
        ("남자가 문을 열었다.", "past"),
        ("문이 열렸고, 남자가 선다.", "past"),
        ("여자가 방에 있었다.", "past"),
        ("곧 비가 올 것이다.", "future"),
        ("남자가 보인다.", "framing"),
        ("화면에 여자가 나타난다.", "framing"),
        ("카메라가 남자를 따라간다.", "camera"),
        ("여자 얼굴 클로즈업.", "camera"),
        ("비가 올 것 같다.", "guess"),
        ("아마 형제다.", "guess"),
        ("남자는 슬프다.", "emotion"),
        ("여자가 화를 낸다.", "emotion"),
        ("아름다운 여자가 걷는다.", "judgement"),
        ("여러분 앞에 문이 열린다.", "address"),
        ("남자가 뛰고 있다.", "progressive"),
        ("남자가 웃는다!", "question"),
    ],
)
def test_korean_rules_find(text: str, rule: str) -> None:
    assert rule in [f.rule for f in findings(text, "ko")]


@pytest.mark.parametrize(
    "text",
    [
        "아빠가 기주 등에 업힌다.",
        "두 사람이 있다.",
        "책상 위에 사과가 있다.",
        "쓰러졌던 남자가 일어난다.",
        "가방을 들고 있다.",
        "휴대폰 화면에 사진이 뜬다.",
        "카메라를 든 남자가 웃는다.",
        "둥근 모양이다.",
        "우리 안의 곰이 운다.",
        "슬픈 표정을 짓는다.",
        "40년 후.",
        "자막, 우리는 이겼다.",
        "‘어서 오세요’라고 적혀 있다.",
        "어머니다.",
        "남자가 학교에 다닌다.",
        "남자는 범인이 아니다.",
        "한겨울이다.",
    ],
)
def test_korean_rules_leave_alone(text: str) -> None:
    assert [f for f in findings(text, "ko") if f.rule != "read"] == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("We see a man.", "framing"),
        ("A man is seen at the door.", "framing"),
        ("The camera pans to the door.", "camera"),
        ("He was at the door.", "past"),
        ("She slowly opened it.", "past"),
        ("He seems tired.", "guess"),
        ("She is angry.", "emotion"),
        ("You follow him.", "address"),
    ],
)
def test_english_rules_find(text: str, rule: str) -> None:
    assert rule in [f.rule for f in findings(text, "en")]


@pytest.mark.parametrize(
    "text", ["They need help.", "A US flag flies.", "A caption reads, “We saw you.”", "Two people stand on a bridge."]
)
def test_english_rules_leave_alone(text: str) -> None:
    assert findings(text, "en") == []


@pytest.mark.parametrize(("length", "severity"), [(1.5, []), (0.85, ["warning"]), (0.7, ["error"]), (8.0, ["warning"])])
def test_measured_rate(length: float, severity: list[str]) -> None:
    assert [f.severity for f in findings("문이 열린다.", "ko", spoken_seconds=length)] == severity


@pytest.mark.parametrize("page", ["style.md", "style.ko.md"])
def test_the_page_on_style_lists_every_rule_with_its_severity(page: str) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / page).read_text(encoding="utf-8")
    words = {"error": "오류", "warning": "경고", "info": "참고"}
    for language in ("ko", "en"):
        for rule in style_rules(language):
            severity = words[rule.severity] if page == "style.ko.md" else rule.severity
            assert f"| `{rule.id}` | {severity} |" in text
