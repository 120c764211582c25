"""The evaluation of a ranker: values by hand, intervals, significance, pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from data import messages
from data.errors import UserError
from finetune.evaluate import evaluate
from finetune.evaluation_report import write_report
from finetune.judges import by_chance, by_heuristic, first, longest
from finetune.ranking_metrics import accuracy, compared, interval, reciprocal_rank, regret
from finetune.rows import Example


def example(number: int = 0, **fields: object) -> Example:
    values = {"prompt": f"{number} 화면해설:", "response": "그가 웃는다.", "rejected": ["그녀가 운다.", "비가 온다."],
              "scores": [0.9, 0.5, 0.1], "drama": f"드라마 {number % 4}"}  # fmt: skip
    return Example.model_validate(values | fields)


@pytest.mark.parametrize(
    ("scores", "right", "rank", "lost"),
    [
        ([3, 2, 1], 1, 1, 0.0),
        ([2, 3, 1], 0, 1 / 2, 0.4),
        ([1, 2, 3], 0, 1 / 3, 0.8),
        ([1, 1, 0], 1 / 2, 1 / 1.5, 0.2),
        ([1, 1, 1], 1 / 3, 1 / 2, 0.4),
    ],
)
def test_metrics_of_one_example_by_hand(scores: list[float], right: float, rank: float, lost: float) -> None:
    assert accuracy(example(), scores) == pytest.approx(right)
    assert reciprocal_rank(example(), scores) == pytest.approx(rank)
    assert regret(example(), scores) == pytest.approx(lost)
    assert np.isnan(regret(example(scores=[]), scores))


def test_the_interval_of_a_share_is_that_of_the_binomial() -> None:
    rows = [example(n) for n in range(400)]
    found = interval(rows, np.array([1.0] * 100 + [0.0] * 300))
    assert found.mean == 0.25
    half = 1.96 * (0.25 * 0.75 / 400) ** 0.5
    assert (found.low, found.high) == pytest.approx((0.25 - half, 0.25 + half), abs=0.006)


def test_dramas_are_drawn_whole_where_there_are_many() -> None:
    rows = [example(n, drama=f"{n // 40}") for n in range(800)]
    alike = np.repeat(np.arange(20) % 2, 40).astype(float)  # every drama wholly right or wholly wrong
    single = interval([example(n) for n in range(800)], alike)
    whole = interval(rows, alike)
    assert whole.high - whole.low > 4 * (single.high - single.low)


def test_significance_of_a_real_and_of_no_difference() -> None:
    rows = [example(n) for n in range(200)]
    draws = np.random.default_rng(1)
    ours, same = draws.random(200), draws.random(200)
    assert compared(rows, ours + 0.3, ours, "mrr", "base").p < 0.001
    assert compared(rows, ours, same, "mrr", "base").p > 0.05
    assert compared(rows, ours, ours, "mrr", "base").p == 1.0


def test_the_rules_choose_what_they_say() -> None:
    rows = [example(places=[2, 0, 1], rejected=["그녀가 창가에서 오래 운다.", "비."])]
    assert np.argmax(first(rows)[0]) == 1
    assert np.argmax(longest(rows)[0]) == 1
    assert by_chance(rows) == by_chance(rows) != by_chance(rows, seed=1)
    spread = [np.argmax(s) for s in by_chance([example(n) for n in range(600)])]
    assert np.bincount(spread, minlength=3).min() > 150
    with pytest.raises(UserError, match="places"):
        first([example()])


def test_the_heuristic_reads_what_the_prompt_was_made_of() -> None:
    said = example(asked={"earlier": ["그가 웃는다."], "windows": [3.0]})
    (scores,) = by_heuristic([said], {"new": 1.0})
    assert scores[0] < scores[2]
    with pytest.raises(UserError, match="asked"):
        by_heuristic([example(asked={"windows": "long"})], {"new": 1.0})


def oracle(examples: Sequence[Example]) -> list[list[float]]:
    return [[1.0, *(0.0 for _ in e.rejected)] for e in examples]


def wrong_sometimes(examples: Sequence[Example]) -> list[list[float]]:
    return [[float(n % 3 > 0), 0.5, 0.1] for n, _ in enumerate(examples)]


def test_what_is_beaten_and_what_is_not() -> None:
    rows = [*(example(n) for n in range(120)), example(rejected=[], scores=[])]
    judges = {"tuned": oracle, "random": by_chance, "twin": oracle}
    found = evaluate(rows, judges, "tuned")
    assert (found.examples, found.left_out, found.offered) == (120, 1, 3.0)
    for metric in ("accuracy", "mrr", "regret"):
        assert found.beaten(metric) == {"random": True, "twin": False}
    assert found.misses == ()
    assert found.judges[0].dramas["드라마 0"]["accuracy"] == 1.0


def test_misses_come_worst_first_and_without_likeness_there_is_no_regret() -> None:
    rows = [example(n, scores=[0.9, 0.1 * (n % 5), 0.0]) for n in range(60)]
    found = evaluate(rows, {"tuned": wrong_sometimes, "random": by_chance}, "tuned")
    lost = [miss.regret for miss in found.misses]
    assert len(lost) == 20
    assert lost == sorted(lost, reverse=True)
    assert found.misses[0].chosen == "그녀가 운다."
    blind = evaluate([example(n, scores=[]) for n in range(6)], {"tuned": oracle, "random": by_chance}, "tuned")
    assert set(blind.judges[0].metrics) == {"accuracy", "mrr"}
    with pytest.raises(UserError, match="nothing to rank"):
        evaluate([example(rejected=[], scores=[])], {"tuned": oracle}, "tuned")


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_report_stands_alone_and_escapes_its_texts(tmp_path: Path, lang: messages.Lang) -> None:
    import cv2

    messages.use(lang)
    cv2.imwrite(str(tmp_path / "a.jpg"), np.full((90, 160, 3), 128, np.uint8))
    rows = [example(n, image="a.jpg" if n else "missing.jpg", drama="<b>가") for n in range(9)]
    rows = [e.model_copy(update={"rejected": ("<script>alert(1)</script>", e.rejected[1])}) for e in rows]
    found = evaluate(rows, {"tuned": wrong_sometimes, "random": by_chance}, "tuned")
    write_report(tmp_path / "report", found, tmp_path)
    page = (tmp_path / "report" / "evaluation.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace("<!doctype html>", "")
    assert page.count("data:image/jpeg") == len(found.misses) - 1
    assert json.loads((tmp_path / "report" / "evaluation.json").read_text())["ours"] == "tuned"
    assert "| tuned |" in (tmp_path / "report" / "evaluation.md").read_text(encoding="utf-8")
    assert (tmp_path / "report" / "evaluation.png").read_bytes()[:4] == b"\x89PNG"
