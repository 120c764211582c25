"""Ranking: the parts of the heuristic, and the order that follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConfigError
from data.reasons import Message, say
from data.records import Context, Detection, Draft, Evidence, Gap
from stages.ranking import CHUNK, Config, heuristic, run
from stages.ranking.prompt import Ranker, RankingPrompt
from stages.sources import RunSettings
from stages.stage import Job


def parts(*texts: str, **given: Any) -> list[dict[str, float]]:
    return heuristic.parts(RankingPrompt(**({"language": "ko"} | given)), texts)


def context(number: int) -> Context:
    return Context(
        id=f"ck{number:04d}",
        keyframe=f"k{number:04d}",
        shot=f"s{number:04d}",
        time=number * 10.0,
        start=number * 10.0,
        end=number * 10.0 + 10,
        texts=(),
        people=0,
        light="unknown",
        same_place=None,
    )


def gap(start: float, end: float, number: int = 1, usable: bool = True) -> Gap:
    return Gap(
        id=f"g{number:04d}",
        start=start,
        end=end,
        lead_in=0.3,
        lead_out=0.3,
        bed="ambience",
        loudness=-40,
        usable=usable,
    )


def candidate(name: str, text: str, kind: Any = "face", score: float | None = 0.9, keyframe: str = "k0001") -> Draft:
    evidence = (Evidence(kind=kind, value="x", score=score),)
    return Draft(
        id=name,
        keyframe=keyframe,
        text=text,
        kind="visual",
        style="strict",
        length="short",
        model="m",
        evidence=evidence,
    )


def ranked(
    make_job: Callable[..., Job[Any]], candidates: list[Draft], gaps: list[Gap], early: float = 0.0, **config: Any
) -> dict[str, Any]:
    records = {Context: [context(1), context(2)], Draft: candidates, Gap: gaps}
    job = make_job(Config(**config), records, settings=RunSettings(early=early))
    return {r.candidate: r for r in run(job)}


def test_fit_falls_as_the_gap_fills_and_ends_where_no_voice_can_hurry() -> None:
    line = "두 사람이 나란히 걷는다."  # 10 syllables, 2.2 s
    fits = [parts(line, windows=(w,))[0]["fit"] for w in (10, 2.4, 2.25, 2.1, 2.0)]
    assert fits[0] == 1
    assert fits == sorted(fits, reverse=True)
    assert fits[-1] == 0
    assert parts(line)[0]["fit"] == 0


def test_new_counts_words_not_said_by_one_line_or_the_dialogue() -> None:
    assert parts("두 사람이 있다.")[0]["new"] == 1
    assert parts("두 사람이 있다.", earlier=("두 사람이 있다.",))[0]["new"] == 0
    assert 0 < parts("세 사람이 있다.", earlier=("두 사람이 있다.",))[0]["new"] < 1
    assert parts("글자, 출입금지.", dialogue_before="저 글자는 출입금지.")[0]["new"] == 0


def test_style_and_evidence() -> None:
    good, polite, past = parts("문이 열린다.", "문이 열립니다.", "화면에 문이 열렸다.")
    assert good["style"] > polite["style"] > past["style"]
    support = tuple(((kind, 0.9),) for kind in ("text", "face", "look"))
    text, people, light = (p["evidence"] for p in parts("자막, 3년 후.", "두 사람이 있다.", "밤이다.", support=support))
    assert text > people > light


def test_order_of_a_keyframe(make_job: Callable[..., Job[Any]]) -> None:
    offered = [
        candidate("c00001a", "자막, 3년 후.", "text"),
        candidate("c00001b", "두 사람이 있다.", "face"),
        candidate("c00001c", "밤이다.", "look"),
        candidate("c00001d", "화면에 두 사람이 보였습니다.", "face"),
    ]
    result = ranked(make_job, offered, [gap(10, 16)])
    assert sorted(result, key=lambda name: -result[name].score) == ["c00001a", "c00001b", "c00001c", "c00001d"]
    assert [r.id for r in result.values()] == ["rc00001a", "rc00001b", "rc00001c", "rc00001d"]
    assert set(result["c00001a"].parts) == {"fit", "new", "style", "evidence"}


def test_a_line_said_before_is_worth_less(make_job: Callable[..., Job[Any]]) -> None:
    offered = [candidate("c00001a", "두 사람이 있다."), candidate("c00002a", "두 사람이 있다.", keyframe="k0002")]
    gaps = [gap(10, 16), gap(20, 26, 2)]
    assert ranked(make_job, offered, gaps)["c00002a"].parts["new"] == 0
    assert ranked(make_job, offered, gaps, memory=5)["c00002a"].parts["new"] == 1


def test_only_gaps_in_reach_count(make_job: Callable[..., Job[Any]]) -> None:
    offered = [candidate("c00001a", "두 사람이 있다.")]
    assert ranked(make_job, offered, [gap(40, 60)])["c00001a"].parts["fit"] == 0
    assert ranked(make_job, offered, [gap(0, 10.5)])["c00001a"].parts["fit"] == 0
    assert ranked(make_job, offered, [gap(12, 20, usable=False)])["c00001a"].parts["fit"] == 0
    assert ranked(make_job, offered, [gap(5, 9.9)], early=8)["c00001a"].parts["fit"] == 1
    assert ranked(make_job, offered, [gap(20.5, 26)])["c00001a"].parts["fit"] == 1


def test_weights_are_shares_and_must_name_a_part(make_job: Callable[..., Job[Any]]) -> None:
    offered = [candidate("c00001a", "문이 열립니다.")]
    result = ranked(make_job, offered, [gap(10, 16)], weights={"style": 7})["c00001a"]
    assert result.score == result.parts["style"] == 0.5
    with pytest.raises(ConfigError, match=r"ranking\.weights"):
        ranked(make_job, offered, [gap(10, 16)], weights={"likelihood": 1})


class Judge(Ranker):
    """A ranker that likes short lines, and keeps what it was asked."""

    def __init__(self, part: str = "likelihood") -> None:
        self.part = part
        self.prompts: list[RankingPrompt] = []
        self.calls = 0

    def score(self, prompts: Sequence[RankingPrompt], texts: Sequence[Sequence[str]]) -> list[list[dict[str, float]]]:
        self.prompts += prompts
        self.calls += 1
        return [[{self.part: 1 / len(text)} for text in offered] for offered in texts]

    def caveat(self) -> Message:
        return say("without an adapter")


def judged(make_job: Callable[..., Job[Any]], judge: Any, count: int = 2, **config: Any) -> Job[Any]:
    """A job of `count` keyframes with the same two candidates."""
    numbers = range(1, count + 1)
    offered = [
        candidate(f"c{n:05d}{letter}", text, keyframe=f"k{n:04d}")
        for n in numbers
        for letter, text in (("a", "두 사람이 나란히 걷는다."), ("b", "밤이다."))
    ]
    records = {Context: [context(n) for n in numbers], Draft: offered, Gap: [gap(10, 16)]}
    return make_job(Config(**config), records, backend=judge)


def test_a_model_adds_its_part_and_weighs_most(make_job: Callable[..., Job[Any]]) -> None:
    result = {r.candidate: r for r in run(judged(make_job, Judge()))}
    assert set(result["c00001a"].parts) == {"fit", "new", "style", "evidence", "likelihood"}
    assert result["c00001b"].score > result["c00001a"].score
    parts = result["c00001a"].parts
    own = 0.35 * parts["fit"] + 0.25 * parts["new"] + 0.15 * parts["style"] + 0.25 * parts["evidence"]
    assert result["c00001a"].score == pytest.approx((own + parts["likelihood"]) / 2, abs=2e-4)


def test_a_model_is_told_the_lines_the_heuristic_would_say(make_job: Callable[..., Job[Any]]) -> None:
    judge = Judge()
    result = {r.candidate: r for r in run(judged(make_job, judge))}
    assert [p.earlier for p in judge.prompts] == [(), ("두 사람이 나란히 걷는다.",)]
    assert result["c00002b"].parts["new"] == 0, "what the model has said counts, not what the heuristic would have"
    assert result["c00002a"].parts["new"] > 0.5


def test_what_a_model_is_told_comes_from_the_context(make_job: Callable[..., Job[Any]]) -> None:
    boxes = {"keyframe": "k0001", "score": 0.9, "box": (0, 0, 0.1, 0.1)}
    things = tuple(Detection(id=f"d{n}", label=label, **boxes) for n, label in enumerate(("person", "chair", "person")))
    seen = context(1).model_copy(update={"objects": things, "people": 1, "light": "night", "same_place": "s0001"})
    judge = Judge()
    job = make_job(Config(), {Context: [seen], Draft: [candidate("a", "밤이다.")], Gap: []}, backend=judge)
    list(run(job))
    prompt = judge.prompts[0]
    assert (prompt.people, prompt.objects, prompt.light, prompt.known_place) == (2, ("의자",), "night", True)


def test_many_keyframes_are_judged_in_chunks_and_told_once(make_job: Callable[..., Job[Any]]) -> None:
    judge = Judge()
    job = judged(make_job, judge, CHUNK + 3)
    told: list[tuple[float, float]] = []
    job = replace(job, report_progress=lambda done, total: told.append((done, total)))
    assert len(list(run(job))) == 2 * (CHUNK + 3)
    assert judge.calls == 2
    assert told == [(CHUNK, CHUNK + 3), (CHUNK + 3, CHUNK + 3)]
    assert [note.text for note in job.notes] == ["without an adapter"]


def test_a_model_does_not_run_for_nothing(make_job: Callable[..., Job[Any]]) -> None:
    with pytest.raises(ConfigError, match=r"ranking\.weights does not name taste"):
        list(run(judged(make_job, Judge("taste"))))
    weights = {"likelihood": 1.0}
    alone = {r.candidate: r for r in run(judged(make_job, Judge(), weights=weights))}
    assert alone["c00001a"].score == pytest.approx(alone["c00001a"].parts["likelihood"], abs=1e-4)


def test_no_candidates_no_model(make_job: Callable[..., Job[Any]]) -> None:
    job = make_job(Config(), {Context: [context(1)], Draft: [], Gap: []}, backend=Judge())
    assert list(run(job)) == []
    assert job.notes == []


@given(st.text(max_size=40), st.lists(st.floats(0, 20), max_size=3), st.sampled_from(["ko", "en"]))
def test_parts_are_shares_and_repeatable(text: str, windows: list[float], language: str) -> None:
    first, second = (parts(text, language=language, windows=tuple(windows))[0] for _ in range(2))
    assert first == second
    assert all(0 <= value <= 1 for value in first.values())
