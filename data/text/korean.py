"""Korean as it is spoken: numbers, letters and particles.

Sino-Korean and native numerals follow the National Institute of Korean Language (한글 맞춤법, 표준어 규정); which
counter takes which numeral is usage, listed in NATIVE_COUNTERS.
"""

from __future__ import annotations

import re

DIGITS = "영일이삼사오육칠팔구"
UNITS = ("", "십", "백", "천")
MYRIADS = ("", "만", "억", "조")
NATIVE_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
# Longest first, so that 시간 is not read as 시.
NATIVE_COUNTERS = (
    *("시간", "사람", "마리", "켤레", "송이", "그루", "자루", "가지", "군데", "그릇", "봉지", "조각", "걸음", "방울"),
    *("바퀴", "마디", "모금", "차례", "접시", "다발", "번째", "상자", "뭉치", "묶음", "달째", "달간"),
    *(
        "명",
        "개",
        "살",
        "시",
        "잔",
        "병",
        "권",
        "장",
        "채",
        "벌",
        "곳",
        "쌍",
        "달",
        "배",
        "줄",
        "통",
        "판",
        "척",
        "칸",
        "대",
        "번",
    ),
)
# Words that begin like a native counter and take Sino-Korean numerals all the same.
SINO_COUNTERS = re.compile(
    r"개월|개국|개년|개사|달러|시즌|시리즈|시속|장면|대대|번지|번길|"
    r"번 ?(?:출구|버스|국도|방|타자|트랙|채널|문|홀|선|게이트)"
)
DECADE = re.compile(
    r"대(?: ?(?:남|여|소[년녀]|[초중후]반|청년|중년|노[인년]|학생|사내|부부|커플|직장|주부|아저|아줌)|[의로는])"
)
"""An age, not a count of vehicles: 30대 남자, 20대 후반, 40대로 보이는."""
# A small place or hour is native, a large one Sino-Korean (열두 시, 이십사 시간); usage.
NATIVE_UP_TO = {"시": 12, "시간": 20, "번": 30, "대": 30, "배": 30, "판": 30}
_LETTER_NAMES = (
    "에이 비 씨 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 알 에스 티 유 브이 더블유 엑스 와이 제트"
)
LETTERS = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", _LETTER_NAMES.split(), strict=True))
_PAIRS = (
    "이/가 을/를 은/는 과/와 으로/로 으로서/로서 으로써/로써 으로부터/로부터 이라고/라고 이라는/라는 "
    "이다/다 이며/며 이고/고 이나/나 이랑/랑 아/야 이여/여 이든/든 이란/란"
)
PARTICLES = {
    form: (closed, open_)
    for closed, open_ in (pair.split("/") for pair in _PAIRS.split())
    for form in (f"{closed}/{open_}", f"{open_}/{closed}")
}
FINAL_L = 8  # index of ㄹ among the 28 finals of a Hangul syllable, 0 being none


def sino(number: int) -> str:
    """The Sino-Korean reading of 0 ≤ `number` < 10^16, written together: 2026 → 이천이십육."""
    if number == 0:
        return DIGITS[0]
    groups = []
    for power, myriad in enumerate(MYRIADS):
        group = number // 10_000**power % 10_000
        if group:
            bare = group == 1 and myriad == "만"  # 만, not 일만; but 일억
            groups.append(("" if bare else _below_myriad(group)) + myriad)
    return "".join(reversed(groups))


def _below_myriad(number: int) -> str:
    read = ""
    for place, digit in enumerate(reversed(str(number))):
        if digit != "0":
            read = ("" if digit == "1" and place else DIGITS[int(digit)]) + UNITS[place] + read
    return read


def native(number: int) -> str:
    """The form of a native numeral before a counter, hundreds in Sino-Korean: 1 → 한, 20 → 스무, 101 → 백한."""
    if number == 0:
        return DIGITS[0]
    hundreds, rest = number // 100 * 100, number % 100
    small = "스무" if rest == 20 else NATIVE_TENS[rest // 10] + NATIVE_ONES[rest % 10]
    return (sino(hundreds) if hundreds else "") + small


def one_by_one(digits: str) -> str:
    """Digits as in a telephone number: 010 → 공일공."""
    return "".join("공" if d == "0" else DIGITS[int(d)] for d in digits)


def counted(number: int, follows: str) -> str:
    """The numeral for `number` before the text `follows` (a counter or anything else): (3, "시 정각") → 세."""
    if SINO_COUNTERS.match(follows) or (number % 10 == 0 and DECADE.match(follows)):
        return sino(number)
    counter = next((c for c in NATIVE_COUNTERS if follows.startswith(c)), None)
    if counter is None or number > NATIVE_UP_TO.get(counter, 999):
        return sino(number)
    return "첫" if counter == "번째" and number == 1 else native(number)


def spell(letters: str) -> str:
    """Latin letters by their names: LG → 엘지."""
    return "".join(LETTERS.get(letter.upper(), "") for letter in letters)


def final(syllable: str) -> int:
    """Index of the final consonant (받침) of a Hangul syllable or single consonant letter; 0: none."""
    code = ord(syllable) - 0xAC00
    if 0 <= code < 11172:
        return code % 28
    return 1 if "ㄱ" <= syllable <= "ㅎ" else 0  # 기역, 니은 … all end in a consonant


def latin_final(word: str) -> int:
    """Like `final` for a Latin word as Korean ears hear it (외래어 표기법): hotel → ㄹ, book → ㄱ, coffee → 0."""
    word = word.lower()
    if re.search(r"(l|[^aeiou]le)$", word):
        return FINAL_L
    if re.search(r"([mn]|ng|[aeiou][mn]e)$", word):
        return 1
    return 1 if re.fullmatch(r"[^aeiou]*[aeiou]{1,2}(ck|[kpt])", word) else 0


def attach(word: str, particle: str, end: int) -> str:
    """`word` with the form of `particle` ("이/가", "으로/로" …) that fits a word whose final consonant is `end`."""
    closed, open_ = PARTICLES[particle]
    if closed.startswith("으로"):
        return word + (closed if end and end != FINAL_L else open_)
    return word + (closed if end else open_)
