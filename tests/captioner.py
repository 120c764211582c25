"""A captioner behind an address, with all that captioners do: mostly good lines, and everything else besides.

    server.reply = Captioner(good_lines(media))   # or Captioner(OWN_LINES)

What it says depends on the question alone (picture, words and seed), whatever came before it and however many ask at
once. Some of its lines come again and again, and some pictures bring it no other. Now and then it refuses, thinks
aloud, wraps its answer up, falls into another language, names people, speaks of the screen, guesses, says far too much
or nothing. It is slow; and now and then the first try of a question fails, and the next one does not.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

from data.style import findings, fixed, refuse
from data.text.language import syllables
from data.text.words import telling
from tests.loopback import Reply, Request

OPENINGS = (
    "한 남자가 서 있다.",
    "한 여자가 앉아 있다.",
    "두 사람이 마주 본다.",
    "한 남자가 걸어간다.",
    "사람들이 모여 있다.",
    "한 여자가 고개를 돌린다.",
)
"""What it says again and again."""
OWN_LINES = (
    ("한 여자가 창가에서 편지를 읽는다.", "여자가 편지를 읽는다."),
    ("노인이 골목 끝에서 자전거를 세운다.", "노인이 자전거를 세운다."),
    ("소년이 운동장을 가로질러 뛰어간다.", "소년이 뛰어간다."),
    ("버스가 정류장에 멈춰 선다.", "버스가 멈춘다."),
    ("남자가 우산을 접고 처마 밑에 선다.", "남자가 우산을 접는다."),
    ("두 아이가 모래밭에 성을 쌓는다.", "아이들이 모래성을 쌓는다."),
    ("흰 고양이가 담장 위를 걸어간다.", "고양이가 담장 위를 걷는다."),
    ("여자가 서랍에서 낡은 사진을 꺼낸다.", "여자가 사진을 꺼낸다."),
    ("별이 가득한 밤하늘 아래 산이 솟아 있다.", "밤하늘에 별이 가득하다."),
    ("김이 오르는 커피잔이 탁자에 놓여 있다.", "커피에서 김이 오른다."),
    ("우주복을 입은 사람이 깃발 앞에서 웃는다.", "우주인이 웃는다."),
    ("로켓이 불을 뿜으며 하늘로 솟는다.", "로켓이 솟아오른다."),
    ("남자가 삼각대 뒤에서 먼 곳을 본다.", "남자가 먼 곳을 본다."),
    ("벽돌담을 따라 담쟁이가 뻗어 있다.", "벽돌담이 길게 이어진다."),
    ("바람에 풀이 눕는다.", "풀밭에 바람이 분다."),
    ("할머니가 마루에서 콩을 고른다.", "할머니가 콩을 고른다."),
    ("경찰이 수첩에 무언가를 적는다.", "경찰이 수첩을 편다."),
    ("기차가 다리를 건너간다.", "기차가 지나간다."),
    ("여자가 계단에 앉아 신발 끈을 맨다.", "여자가 신발 끈을 맨다."),
    ("남자가 문틈으로 복도를 살핀다.", "남자가 복도를 살핀다."),
    ("어부가 배 위에서 그물을 당긴다.", "어부가 그물을 당긴다."),
    ("소녀가 피아노 앞에 앉아 악보를 넘긴다.", "소녀가 악보를 넘긴다."),
    ("눈이 지붕에 소복이 쌓인다.", "지붕에 눈이 쌓인다."),
    ("의사가 커튼을 걷고 들어온다.", "의사가 들어온다."),
)
"""Good lines where there are no others."""
AT_LENGTH = "낡은 문을 열고 방으로 들어가 의자에 앉고 창밖을 내다보다가 다시 일어나 "
WRONG = {
    "refused": (
        "죄송하지만 이 이미지를 설명할 수 없습니다.",
        "저는 인공지능 언어 모델이라 사진을 볼 수 없습니다.",
        "이미지가 제공되지 않아 내용을 확인할 수 없습니다.",
        "I'm sorry, but I can't describe this image.",
    ),
    "foreign": (
        "A man is standing at the door.",
        "一个男人站在门前。",
        "男の人が立っている。",
        "Un homme entre dans la pièce.",
    ),
    "framed": (
        "화면에 한 남자가 보인다.",
        "화면 속 여자가 문을 연다.",
        "카메라가 거리를 비춘다.",
        "장면이 바뀌고 숲이 보인다.",
    ),
    "guessed": ("여자가 몹시 슬퍼한다.", "남자는 누군가를 기다리는 것 같다.", "아마도 두 사람은 부부일 것이다."),
    "untimely": ("남자가 문을 열었습니다.", "여자가 웃고 있어요.", "남자가 창문을 닫았다."),
    "named": ("민수가 문을 연다.", "지영이 창가에 앉는다.", "영희와 철수가 손을 잡는다."),
    "long": (f"한 남자가 {AT_LENGTH}문을 닫는다.",),
    "endless": (AT_LENGTH * 40,),
    "silent": ("", " ", "…", "1."),
}
"""What it says now and then, whatever the picture shows."""
SHARES = {
    "good": 46, "opening": 30, "wrapped": 4, "thought": 3, "refused": 4, "foreign": 3, "framed": 3, "guessed": 2,
    "untimely": 1, "named": 2, "long": 1, "endless": 1, "silent": 2,
}  # fmt: skip
"""How often it says what, in a hundred and two answers."""
LEADS = ("한쪽에서", "그 옆에서", "멀리서", "뒤쪽에서")
REFUSING, DULL = 60, 120
"""Of a thousand pictures it refuses so many, and finds nothing but openings for so many more."""
FAILING, RARE = 36, 400
"""The first try of one question in so many fails; of one in so many the answer takes `SLOWEST` seconds."""
QUICKEST, USUAL, SLOWEST = 0.002, 0.02, 1.0

Draw = Callable[[str, int], int]
T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """What is read of a question: a digest of the picture, and how many syllables an answer may have."""

    picture: str
    longest: int


class Captioner:
    """Answers to requests. `lines` are groups of good lines, each of one sight in other words."""

    def __init__(self, lines: Sequence[Sequence[str]]) -> None:
        self.lines = lines
        self.tries: Counter[str] = Counter()
        """How often each question came."""
        self.told: Counter[str] = Counter()
        """How often it said what: names of `SHARES`, and the faults."""
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Reply:
        """The answer to one question."""
        question = json.dumps(request.body, sort_keys=True)
        draw, asked = drawn(question), _asked(request.body)
        with self._lock:
            self.tries[question] += 1
            first = self.tries[question] == 1
        texts = [self._answer(asked, drawn(question, number)) for number in range(request.body.get("n", 1))]
        slow = QUICKEST + (USUAL - QUICKEST) * draw("wait", 1000) / 1000
        whole = Reply.chat(*texts, wait=SLOWEST if not draw("rare", RARE) else slow)
        return self._fault(whole, draw) if first and not draw("fails", FAILING) else whole

    def _fault(self, whole: Reply, draw: Draw) -> Reply:
        """A failure that another try mends."""
        faults = {
            "busy": Reply.busy(0.05), "broken": Reply.error(500), "dropped": Reply.dropped(),
            "half": Reply.half(whole), "garbage": Reply.garbage(),
        }  # fmt: skip
        return faults[self._noted(_one(list(faults), draw, "fault"))]

    def _answer(self, asked: Asked, draw: Draw) -> str:
        seen = drawn(asked.picture)
        mood = seen("mood", 1000)
        kind = "refused" if mood < REFUSING else "opening" if mood < REFUSING + DULL else _kind(draw)
        self._noted(kind)
        if kind in WRONG:
            return _one(WRONG[kind], draw, kind)
        if kind == "opening":
            return _one(OPENINGS, draw, kind)
        return _told(kind, self._good(asked, seen, draw), draw)

    def _good(self, asked: Asked, seen: Draw, draw: Draw) -> str:
        """What the picture shows, no longer than asked for where it can be said so; of two sights if there is room."""
        one, other = (_one(self.lines, seen, name) for name in ("sight", "other"))
        line = _one([text for text in one if syllables(text, "ko") <= asked.longest] or one, draw, "wording")
        both = f"{line} {_one(LEADS, seen, 'lead')} {_one(other, draw, 'second')}"
        return both if syllables(both, "ko") <= asked.longest and draw("both", 2) else line

    def _noted(self, what: str) -> str:
        with self._lock:
            self.told[what] += 1
        return what


def drawn(*of: object) -> Draw:
    """A draw that hangs on its arguments alone: `draw(name, n)` is one of 0 … n−1, always the same."""

    def draw(name: str, n: int) -> int:
        return int.from_bytes(hashlib.sha256(repr((of, name)).encode()).digest()[:8]) % n

    return draw


def good_lines(media: Path) -> list[list[str]]:
    """Captions that people wrote, in the plain present; neighbours in the file that say nearly the same together."""
    with (media / "ko-captions/ko_captions_dev.tsv").open(encoding="utf-8") as handle:
        rows = [row["sentence"] for row in csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)]
    groups: list[list[str]] = []
    for line in filter(_is_good, dict.fromkeys(fixed(row, "ko") for row in rows)):
        if groups and _alike(line, groups[-1][0]):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _is_good(line: str) -> bool:
    """Whole, blamed for nothing, without brands, and about nobody who was mentioned before."""
    if not line.endswith("다.") or line.startswith("그 ") or re.search(r"[A-Za-z0-9]", line):
        return False
    blamed = refuse(line, "ko") or any(f.severity != "info" for f in findings(line, "ko"))
    return not blamed


def _alike(one: str, other: str) -> bool:
    a, b = telling(one, "ko"), telling(other, "ko")
    return 2 * len(a & b) >= 0.4 * (len(a) + len(b))


def _asked(body: Any) -> Asked:
    content = body["messages"][-1]["content"]
    picture = next(part["image_url"]["url"] for part in content if part["type"] == "image_url")
    limit = re.search(r"(\d+)음절을 넘지 않는다", next(part["text"] for part in content if part["type"] == "text"))
    assert limit, content
    return Asked(hashlib.sha256(picture.encode()).hexdigest(), int(limit[1]))


def _kind(draw: Draw) -> str:
    upto = list(accumulate(SHARES.values()))
    return list(SHARES)[bisect_right(upto, draw("kind", upto[-1]))]


def _told(kind: str, line: str, draw: Draw) -> str:
    """A good line, or one in what captioners wrap it in."""
    wrapped = (
        f"```json\n{json.dumps({'caption': line}, ensure_ascii=False)}\n```",
        f"```\n{line}\n```",
        f"**해설:** {line}",
    )
    thought = (
        f"<think>The picture shows a man. 사람을 말해야 한다.</think>\n{line}",
        "<think>무엇이 있는지 보자. 문이",
    )
    return _one({"good": (line,), "wrapped": wrapped, "thought": thought}[kind], draw, "form")


def _one(of: Sequence[T], draw: Draw, name: str) -> T:
    return of[draw(name, len(of))]
