"""Every Korean rule on sentences that break it and on sentences that look alike and do not; and what is mended."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from data import style
from data.style import findings, fixed, morphology

BREAKS: dict[str, list[str]] = {
    "polite": [
        "문이 열립니다.", "문이 열려요.", "남자예요.", "비가 오네요.", "여자가 웃고 있습니다.",
        "이리 앉으세요.", "남자가 나갔습니다.", "크지 않아요.", "비가 오죠.", "어디로 갑니까?",
        "문을 닫으십시오.", "아이가 놀아요",
    ],
    "past": [
        "남자가 문을 열었다.", "여자가 방에 있었다.", "불이 켜졌다.", "그는 형사였다.", "책이 놓여 있었다.",
        "아이가 울고 있었다.", "문이 닫혔고, 남자가 운다.", "가야 했다.", "남자가 갔습니다.", "돌을 주웠다.",
        "아무 말도 하지 않았다.", "얼굴이 하얘졌다.", "고개를 끄덕였지만 말이 없다.",
    ],
    "infinitive": ["문이 열리다.", "여자가 길을 걷다.", "남자가 양파를 썰다.", "아이가 연습하다.", "개가 뛰어오르다."],
    "ending": ["비가 오네.", "남자가 달리는구나.", "같이 가자.", "문을 열어라.", "눈이 오는군."],
    "future": ["곧 비가 올 것이다.", "남자가 떠날 예정이다.", "내일 오겠다.", "문이 열릴 것입니다.", "곧 죽을 거다."],
    "framing": [
        "남자가 보인다.", "멀리 산이 보인다.", "화면에 여자가 나타난다.", "창밖으로 바다가 보인다.",
        "화면 가득 꽃이 핀다.", "달리는 아이들이 보인다.", "간판이 보이고 있다.", "화면이 어두워진다.",
        "집이 보이기 시작한다.", "차 한 대가 보인다.",
    ],
    "camera": [
        "카메라가 남자를 따라간다.", "여자 얼굴 클로즈업.", "장면이 바뀐다.", "산으로 줌 인.", "페이드 아웃.",
        "풀샷으로 거리가 나온다.", "몽타주가 이어진다.", "카메라는 하늘로 향한다.", "로우 앵글로 건물이 선다.",
        "장면 전환.",
    ],
    "guess": [
        "비가 올 것 같다.", "아마 형제다.", "여자가 슬픈 듯하다.", "남자가 나가려는 모양이다.",
        "행복해 보인다.", "어쩌면 그는 안다.", "의사처럼 보인다.", "아픈지도 모른다.", "범인으로 추정된다.",
        "누가 오나 보다.", "그녀는 우는 듯 보인다.", "틀림없는 그 남자다.",
    ],
    "emotion": [
        "남자는 슬프다.", "여자가 화를 낸다.", "남자가 화가 난다.", "여자는 외로워한다.", "아이가 행복해한다.",
        "남자가 당황한다.", "여자가 두려워한다.", "남자가 분노한다.", "아이는 기쁘다.",
        "불안한 남자가 서성인다.", "여자가 실망한다.",
    ],
    "judgement": [
        "아름다운 여자가 걷는다.", "예쁜 꽃이 핀다.", "풍경이 아름답다.", "멋진 차가 선다.",
        "잘생긴 남자가 웃는다.", "귀여운 강아지가 뛴다.", "끔찍한 사고가 난다.", "훌륭한 솜씨로 그린다.",
    ],
    "address": [
        "여러분 앞에 문이 열린다.", "당신은 웃는다.", "시청자를 바라본다.", "우리는 산을 오른다.",
        "너는 모른다.", "저는 여기에 있다.", "당신의 집이다.", "우리가 걷는다.", "저희는 앉는다.", "나는 본다.",
    ],
    "honorific": [
        "할머니가 방에 들어가신다.", "선생님께서 웃는다.", "아버지께 책을 준다.", "어머니가 방에 계신다.",
        "할아버지가 주무신다.", "의사 선생님이 오신다.", "할머니께서는 앉아 있다.", "사장님이 말씀하신다.",
        "아버지가 신문을 읽으신다.", "교수님이 나가신다.",
    ],
    "particle": [
        "민수은 문을 연다.", "희수은 웃는다.", "민준가 웃는다.", "사람를 본다.", "책와 연필이 있다.",
        "집로 간다.", "아이을 안는다.", "영철와 민희가 걷는다.", "고양이이 뛴다.", "서울으로 간다.",
        "민호과 지수가 선다.", "LG은 이긴다.", "10와 20이 적혀 있다.", "하윤를 본다.",
    ],
    "progressive": [
        "남자가 뛰고 있다.", "아이가 울고 있다.", "여자가 책을 읽고 있다.", "개가 짖고 있다.",
        "비가 내리고 있다.", "기타를 치고 있다.", "말을 하고 있지 않던 남자가 걷고 있다.", "춤을 추고 있다.",
        "노래를 부르고 있다.", "운전하고 있다.",
    ],
    "chained": [
        "비가 오지만 노래하며 걷다가 멈춘다.", "남자가 문을 열고 들어가 의자에 앉아 책을 읽는다.",
        "차에서 내리며 손을 흔들고 뛰어간다.", "비가 오지만 우산을 펴지 않고 걷다가 멈춘다.",
        "여자가 웃으면서 컵을 들고 물을 마신다.",
    ],
    "read": ["10명이 뛴다.", "LG 건물 앞에 선다.", "2층으로 간다.", "KBS 본관이다."],
    "question": ["남자가 웃는다!", "누가 오는가?"],
}  # fmt: skip
KEEPS: dict[str, list[str]] = {
    "polite": [
        "문이 열린다.", "어머니다.", "할 일이 없다.", "‘어서 오세요’라고 적혀 있다.", "자막, 안녕하세요.",
        "40년 후.", "아니다.", "요요를 돌린다.", "중요하다.", "담요가 젖는다.",
    ],
    "past": [
        "아빠가 기주 등에 업힌다.", "두 사람이 있다.", "책상 위에 사과가 있다.", "쓰러졌던 남자가 일어난다.",
        "아이는 엄마를 닮았다.", "벽이 낡았다.", "갔다가 돌아온다.", "자막, 우리는 이겼다.",
        "적었던 종이를 찢는다.", "아무도 없다.", "의자에 앉아 있다.", "맛있다.",
    ],
    "infinitive": [
        "여자가 예쁘다.", "남자가 있다.", "집이 크다.", "범인이 아니다.", "의사다.", "말이 없다.",
        "하늘이 파랗다.", "먹지 않는다.", "크지 않다.", "걷는다.",
    ],
    "framing": [
        "휴대폰 화면에 사진이 뜬다.", "남자가 미소를 보인다.", "앞이 보이지 않는다.", "속마음을 내보인다.",
        "컴퓨터 화면이 꺼진다.", "남자가 걷는다.", "신분증을 보인다.", "사진을 보여 준다.", "화면해설 작가다.",
        "바다가 있다.",
    ],
    "camera": [
        "카메라를 든 남자가 웃는다.", "카메라 가방을 멘다.", "줌 렌즈를 끼운다.", "컷을 외친다.",
        "프레임을 닦는다.", "감독이 카메라를 내린다.", "장면을 그린다.", "앵글을 조인다.", "사진기를 든다.",
        "필름을 감는다.",
    ],
    "guess": [
        "둥근 모양이다.", "별 모양이다.", "같은 옷을 입는다.", "쓰러질 듯 비틀거린다.", "남자가 웃는다.",
        "두 개가 똑같다.", "모르는 사람이다.", "미소를 보인다.", "모양을 만든다.", "것을 집는다.",
    ],
    "emotion": [
        "눈물을 흘린다.", "슬픈 표정을 짓는다.", "주먹을 쥔다.", "화난 얼굴로 본다.", "당황한 표정이다.",
        "입술을 깨문다.", "화분에 물을 준다.", "고개를 숙인다.", "얼굴이 붉어진다.", "불안한 눈빛으로 본다.",
        "슬픈 음악이 흐른다.",
    ],
    "judgement": ["빨간 꽃이 핀다.", "멋쩍게 웃는다.", "키 큰 남자가 걷는다.", "대단지 아파트다.", "흰 강아지가 뛴다."],
    "address": [
        "우리 안의 곰이 운다.", "저 멀리 배가 간다.", "너른 들판이다.", "나무가 흔들린다.",
        "자막, 우리는 이겼다.", "저녁이다.", "나비가 난다.", "그녀가 걷는다.", "‘나는 안다’라고 쓴다.",
        "너구리가 뛴다.",
    ],
    "honorific": [
        "시장에 간다.", "신을 신는다.", "할머니가 앉는다.", "시계를 본다.", "도시가 어둡다.", "함께 걷는다.",
        "다시 온다.", "선생님이 웃는다.", "눈이 부시다.", "물을 마신다.",
    ],
    "particle": [
        "마을 사람들이 모인다.", "작가가 원고를 쓴다.", "사과를 깎는다.", "아이 둘이 논다.",
        "나이 든 남자가 걷는다.", "가을 바람이 분다.", "효과가 없다.", "경로를 바꾼다.", "먹는 남자를 본다.",
        "문가에 선다.", "서로 마주 본다.", "홀로 걷는다.", "높이 난다.", "젊은 여자가 앉는다.",
        "지은이 웃는다.", "LG는 이긴다.", "10과 20이다.", "서울로 간다.", "길로 나선다.", "노을이 진다.",
    ],
    "progressive": [
        "가방을 들고 있다.", "모자를 쓰고 있다.", "의자에 앉아 있다.", "눈을 감고 있다.", "넥타이를 매고 있다.",
        "걷는다.", "아이를 업고 있다.", "총을 쥐고 있다.", "벽에 서 있다.", "팔을 벌리고 있다.",
    ],
    "chained": [
        "남자가 문을 열고 나간다.", "아이가 웃으며 뛴다.", "벽을 따라 걷는다.", "여자가 의자에 앉아 있다.",
        "남자가 컵을 들고 있다.", "문을 향해 뛴다.", "먹지 않는다.", "남자가 손을 들어 보인다.",
    ],
    "read": ["열 명이 뛴다.", "엘지 건물 앞에 선다.", "자막, 3년 후.", "‘OPEN’이라고 적혀 있다."],
}  # fmt: skip
MENDS = [
    ("문이 열립니다.", "문이 열린다."),
    ("문이 열려요.", "문이 열린다."),
    ("남자예요.", "남자다."),
    ("먹지 않아요.", "먹지 않는다."),
    ("크지 않아요.", "크지 않다."),
    ("의사이십니다.", "의사다."),
    ("한 남자가 울고 있습니다.", "한 남자가 운다."),
    ("남자가 문을 열었다.", "남자가 문을 연다."),
    ("돌을 주웠다.", "돌을 줍는다."),
    ("노래를 불렀다.", "노래를 부른다."),
    ("그는 형사였다.", "그는 형사다."),
    ("책이 놓여 있었다.", "책이 놓여 있다."),
    ("문을 열었습니다. 그가 나갔습니다.", "문을 연다. 그가 나간다."),
    ("‘어서 오세요’라고 적혀 있었다.", "‘어서 오세요’라고 적혀 있다."),
    ("여자가 길을 걷다.", "여자가 길을 걷는다."),
    ("할머니께서 방에 들어가신다.", "할머니가 방에 들어간다."),
    ("아버지께 책을 준다.", "아버지에게 책을 준다."),
    ("아버지가 신문을 읽으신다.", "아버지가 신문을 읽는다."),
    ("개가 눈 속에서 놀고 있다.", "개가 눈 속에서 논다."),
    ("민수은 문을 연다.", "민수는 문을 연다."),
    ("책와 연필이 있다.", "책과 연필이 있다."),
    ("서울으로 간다.", "서울로 간다."),
    ("LG은 이긴다.", "LG는 이긴다."),
    ("민수은 “나 간다!”라고 외쳤습니다.", "민수는 “나 간다!”라고 외친다."),
]
NOT_MENDED = [
    "안경을 썼다.",  # has put on, or wears
    "3년 전, 아버지가 죽었다.",
    "어제 비가 왔다.",
    "이리 앉으세요.",
    "어디로 갑니까?",
    "아마 형제다.",
    "남자가 보인다.",
    "남자는 슬프다.",
]
WORDS = (
    "남자가 여자은 문을 열었다 열고 있다 보인다 갔습니다 있었다 아마 할머니께서 들어가신다 ‘어서 오세요’ 자막, 3년 후. "
    "LG은 걷다 하지 않았습니다 예쁘다 . , ! ? 이다 입니다 □ “ ” 들고 그리고 웃으며"
)


def rules(text: str) -> list[str]:
    return [finding.rule for finding in findings(text, "ko")]


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in BREAKS.items() for text in texts])
def test_is_found(rule: str, text: str) -> None:
    assert rule in rules(text)


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in KEEPS.items() for text in texts])
def test_is_left_alone(rule: str, text: str) -> None:
    assert rule not in rules(text)


@pytest.mark.parametrize(("text", "better"), MENDS)
def test_is_mended(text: str, better: str) -> None:
    assert fixed(text, "ko") == better
    assert {f.severity for f in findings(better, "ko")} <= {"info"}


@pytest.mark.parametrize("text", NOT_MENDED)
def test_is_not_mended_where_it_could_mean_something_else(text: str) -> None:
    assert fixed(text, "ko") == text
    assert any(f.severity != "info" for f in findings(text, "ko"))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(WORDS.split()), max_size=8).map(" ".join))
@example("“열었습니다” □ 열었습니다.")
def test_mending_never_crashes_empties_or_goes_on_for_ever(text: str) -> None:
    better = fixed(text, "ko")
    assert fixed(better, "ko") == better
    assert bool(better.strip()) == bool(text.strip())
    assert set(rules(better)) <= set(rules(text))


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=30))
def test_any_text_can_be_mended(text: str) -> None:
    assert fixed(fixed(text, "ko"), "ko") == fixed(text, "ko")


def test_a_fix_keeps_what_is_read_out() -> None:
    assert fixed("□ ‘열었습니다’ “갔다” 간판을 보았다.", "ko") == "□ ‘열었습니다’ “갔다” 간판을 본다."


def test_every_finding_says_why_and_where_that_is_from() -> None:
    for texts in BREAKS.values():
        for finding in findings(texts[0], "ko"):
            assert finding.message
            assert finding.why
            assert finding.source


@pytest.fixture
def letters_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where kiwipiepy is not installed."""
    monkeypatch.setattr(morphology, "installed", lambda: False)
    monkeypatch.setattr(morphology, "_kiwi", None)
    monkeypatch.setattr("data.style.rules._findings", style.rules._findings.__wrapped__)


@pytest.mark.usefixtures("letters_only")
@pytest.mark.parametrize("rule", sorted(BREAKS.keys() - {"infinitive", "ending", "particle"}))
def test_without_morphology_the_letters_are_looked_at(rule: str) -> None:
    assert rule in rules(BREAKS[rule][0])
    assert fixed(BREAKS[rule][0], "ko") == BREAKS[rule][0]


def test_the_rules_and_the_morphology_are_part_of_what_a_result_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with_morphology = style.identity()
    monkeypatch.setattr(morphology, "installed", lambda: False)
    assert style.rules.identity.__wrapped__() != with_morphology
