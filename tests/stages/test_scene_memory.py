"""Lines say what is new: held against the lines spoken before them in a place, and against the dialogue around."""

from __future__ import annotations

import random
from typing import Any

import pytest

from data.records import Context, Utterance
from data.style import morphology_installed
from data.text.words import telling
from stages.context.speech import Speech
from stages.schedule import run
from stages.schedule.memory import Memory, Said
from stages.schedule.objective import LEVELS, Weights
from stages.schedule.planner import Planner
from tests.stages.test_schedule import Film, MakeJob, gap

korean = pytest.mark.skipif(not morphology_installed(), reason="needs kiwipiepy")
CAFE, AGAIN, NEW = (
    "한적한 카페 창가에 햇살이 비친다.",
    "햇살이 비치는 카페 창가에 앉아 있다.",
    "여자가 천천히 고개를 돌린다.",
)


@pytest.fixture
def film() -> Film:
    return Film()


def in_place(film: Film, *places: str) -> None:
    film.contexts = [c.model_copy(update={"place": p}) for c, p in zip(film.contexts, places, strict=True)]


# ---- Words


@korean
def test_words_are_known_in_all_their_forms() -> None:
    assert telling("문을 천천히 연다.", "ko") & telling("문 열어 주세요.", "ko") == {"문", "열"}
    assert telling("남자가 서 있다.", "ko") == {"남자", "서"}


def test_english_words_are_known_in_all_their_forms() -> None:
    assert telling("She opens two doors.", "en") == telling("The two of them opened their door.", "en")
    assert telling("He stopped.", "en") == telling("Stopping", "en") == {"stop"}
    assert telling("Closing glasses.", "en") == telling("It closes on a glass", "en")


# ---- What is said again


@korean
def test_what_was_told_of_the_place_gives_way_to_what_is_new(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 14, (CAFE, 0.9))
    film.moment(90, 94, (AGAIN, 0.8), (NEW, 0.75))
    gaps = [gap(1, 9, 15), gap(2, 89, 95)]
    in_place(film, "s1", "s1")
    assert [n.text for n in film.schedule(make_job, gaps)] == [CAFE, NEW]
    in_place(film, "s1", "s2")
    assert [n.text for n in film.schedule(make_job, gaps)] == [CAFE, AGAIN]
    in_place(film, "s1", "s1")
    assert [n.text for n in film.schedule(make_job, gaps, memory=70)] == [CAFE, AGAIN], "long ago"
    assert [n.text for n in film.schedule(make_job, gaps, weights={"known": 0, "new": 0})] == [CAFE, AGAIN]


@korean
def test_only_lines_that_are_spoken_are_known(make_job: MakeJob, film: Film) -> None:
    """The first line of the café finds no room: then the second tells it."""
    film.moment(10, 14, (CAFE, 0.9))
    film.moment(40, 44, (AGAIN, 0.8), (NEW, 0.75))
    in_place(film, "s1", "s1")
    assert [n.text for n in film.schedule(make_job, [gap(1, 9, 15), gap(2, 39, 45)])] == [CAFE, NEW]
    assert [n.text for n in film.schedule(make_job, [gap(2, 39, 45)])] == [AGAIN]


@korean
def test_a_line_that_must_repeat_says_what_it_costs(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 14, (CAFE, 0.9))
    film.moment(40, 44, (AGAIN, 0.8))
    in_place(film, "s1", "s1")
    first, second = film.schedule(make_job, [gap(1, 9, 15), gap(2, 39, 45)])
    assert "known" not in first.parts
    assert second.parts["known"] < -0.2


@korean
def test_who_is_meant_may_be_said_again() -> None:
    context = context_at(20, "s1")
    said = [Said(context_at(10, "s1"), "두 남자가 문을 연다. 김기주가 웃는다.")]
    memory = Memory("ko", Weights(), LEVELS["standard"], place=180, elsewhere=60).holding(said)
    assert memory.cost("두 남자가 김기주를 안는다.", context) == 0.0
    assert memory.cost("두 남자가 문을 닫는다.", context) > 0.0
    assert memory.cost("두 남자가 문을 닫는다.", context_at(5, "s1")) == 0.0, "later lines are not known yet"
    assert memory.cost("두 남자가 문을 닫는다.", context_at(80, "s2")) == 0.0, "another place, a while ago"
    assert memory.cost("두 남자가 문을 닫는다.", context_at(60, "s2")) > 0.0


def context_at(time: float, place: str) -> Context:
    return Context(
        id=f"c{time}", keyframe=f"k{time}", shot=f"s{time}", time=time, start=time, end=time + 4, texts=(), people=0,
        light="unknown", same_place=None, place=place,
    )  # fmt: skip


@korean
def test_shot_and_reverse_shot_open_one_scene(make_job: MakeJob, film: Film) -> None:
    for number in range(5):
        film.moment(10 + 10 * number, 14 + 10 * number, (f"{'가나다라마'[number]} 씨가 말한다.", 0.9))
    in_place(film, "s1", "s1", "s1", "s1", "s5")
    gaps = [gap(n, 9 + 10 * n, 15 + 10 * n) for n in range(5)]
    lines = film.schedule(make_job, gaps)
    assert ["scene" in line.parts for line in lines] == [True, False, False, False, True]


# ---- Dialogue


@korean
@pytest.mark.parametrize(("spoken_at", "chosen"), [(26.0, NEW), (52.0, NEW), (10.0, AGAIN), (75.0, AGAIN)])
def test_dialogue_within_20_seconds_is_not_repeated(
    make_job: MakeJob, film: Film, spoken_at: float, chosen: str
) -> None:
    film.moment(40, 44, (AGAIN, 0.8), (NEW, 0.75))
    heard = Speech(
        [Utterance(id="u1", start=spoken_at, end=spoken_at + 2, text="햇살 비치는 카페 창가에 앉자.", source="x")]
    )
    before, after = heard.around(42.0, 20.0)
    film.contexts[0] = film.contexts[0].model_copy(update={"dialogue_before": before, "dialogue_after": after})
    assert [n.text for n in film.schedule(make_job, [gap(1, 39, 46)])] == [chosen]


# ---- Marks


def test_an_unsupported_line_costs_and_keeps_its_mark(make_job: MakeJob, film: Film) -> None:
    film.moment(10, 14, ("강아지가 소파에서 잔다.", 0.8), ("바람이 커튼을 흔든다.", 0.75))
    film.candidates[0] = film.candidates[0].model_copy(update={"unsupported": ("강아지", "소파")})
    (line,) = film.schedule(make_job, [gap(1, 9, 15)])
    assert (line.text, line.unsupported) == ("바람이 커튼을 흔든다.", ())
    (line,) = film.schedule(make_job, [gap(1, 9, 15)], weights={"unsupported": 0})
    assert (line.text, line.unsupported) == ("강아지가 소파에서 잔다.", ("강아지", "소파"))
    film.candidates.pop()
    (line,) = film.schedule(make_job, [gap(1, 9, 15)])
    assert line.parts["unsupported"] == -0.4


# ---- The rounds


@korean
@pytest.mark.parametrize("seed", range(6))
def test_the_plan_that_is_kept_is_worth_no_less_than_the_first(make_job: MakeJob, film: Film, seed: int) -> None:
    """By its own lines: what is known before each of them is what the lines before it say, and nothing else."""
    draw = random.Random(seed)
    nouns = ["카페", "창가", "햇살", "커튼", "골목", "가로등", "계단", "난간", "복도", "빗물"]
    for number in range(12):
        start = 8.0 * number
        lines = [(f"{a} 옆 {b} 위로 {c} 하나가 흔들린다.", round(draw.uniform(0.5, 0.9), 2))
                 for a, b, c in (draw.sample(nouns, 3) for _ in range(3))]  # fmt: skip
        film.moment(start, start + 8, *lines)
    in_place(film, *(f"s{1 + n // 4}" for n in range(12)))
    gaps = [gap(n, 10.0 * n, 10.0 * n + draw.uniform(4, 9)) for n in range(10)]
    kept = worth(film.job(make_job, gaps, rounds=0))
    once = worth(film.job(make_job, gaps, rounds=0), rounds=0)
    assert kept >= once - 0.005, "parts are told to three digits"


def worth(job: Any, rounds: int | None = None) -> float:
    """The sum of the parts of all lines of a plan; without rounds: of the first plan, held against its own lines."""
    if rounds is None:
        return sum(sum(line.parts.values()) for line in run(job))
    planner = Planner(job)
    return planner.worth(planner._optimised(wide=True).lines)
