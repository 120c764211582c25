"""Lengths as the voice speaks them: no plan rests on an estimate, nor on what was decided before."""

from __future__ import annotations

import json
import random
import zlib
from typing import Any

import pytest

from stages.schedule import run
from stages.sources import Speaker
from stages.stage import Job
from tests.stages.test_schedule import Film, MakeJob, film, gap

__all__ = ["film"]

NOUNS = (
    "카페",
    "창가",
    "햇살",
    "커튼",
    "골목",
    "가로등",
    "계단",
    "난간",
    "복도",
    "빗물",
    "노인",
    "소녀",
    "편지",
    "의자",
)
ACTS = ("흔들린다", "멈춘다", "빛난다", "사라진다", "돌아선다", "떨어진다")


def uneven(text: str, speed: float) -> float:
    """A voice that nobody can estimate: half to twice as long as usual, for each line otherwise."""
    return round((1.0 + len(text) / 12) * (0.6 + zlib.crc32(text.encode()) % 100 / 80) / speed, 3)


def busy(film: Film, make_job: MakeJob, seed: int) -> Job[Any]:
    """Thirty moments in long gaps, three lines each, by the uneven voice."""
    draw = random.Random(seed)
    for number in range(30):
        lines = [(f"{a} 옆 {b}에서 {c} 하나가 {draw.choice(ACTS)}.", round(draw.uniform(0.4, 1), 2))
                 for a, b, c in (draw.sample(NOUNS, 3) for _ in range(3))]  # fmt: skip
        film.moment(4.0 * number, 4.0 * number + 4, *lines)
    gaps = [gap(1, 0, 45), gap(2, 50, 58), gap(3, 60, 120)]
    return film.job(make_job, gaps, speaker=Speaker(uneven, (1.05, 1.1), voice="uneven"))


@pytest.mark.parametrize("seed", range(4))
def test_every_line_has_been_spoken_before_it_is_kept(make_job: MakeJob, film: Film, seed: int) -> None:
    lines = list(run(busy(film, make_job, seed)))
    assert len(lines) > 12
    for line in lines:
        lengths = [uneven(line.text, speed) for speed in (1.0, 1.05, 1.1)]
        assert min(abs(line.end - line.start - length) for length in lengths) < 0.002, line.text
        assert line.end <= line.until + 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_what_was_held_does_not_decide_what_is_decided_anew(make_job: MakeJob, film: Film, seed: int) -> None:
    """The last of its lines is no longer there: by then all others were spoken again."""
    job = busy(film, make_job, seed)
    first = list(run(job))
    (file,) = job.cache.glob("held-*.json")
    held = json.loads(file.read_bytes())
    held["lines"][-1][0] = "gone"
    file.write_text(json.dumps(held))
    assert list(run(job)) == first
    file.unlink()
    assert list(run(job)) == first
