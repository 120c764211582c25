"""A voice is measured once for all episodes of an output folder, whatever its rate is set to later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.text.language import PLAN_RATE, seconds
from stages.schedule.lengths import SENTENCES, Lengths
from stages.stage import Job
from stages.voice import Config, speaker
from stages.voice.backend import Voice

MakeJob = Callable[..., Job[Any]]
KO = SENTENCES["ko"]


class Counted(Voice):
    """A voice that does not follow fast rates, and notes what it was asked to say and how fast."""

    def __init__(self, name: str = "A") -> None:
        self.asked: list[tuple[str, float]] = []
        self.name = name

    def voice(self, language: str) -> str:
        return f"{self.name} {language}"

    def speak(self, text: str, language: str, rate: float) -> tuple[np.ndarray[Any, np.dtype[np.float32]], int]:
        self.asked.append((text, rate))
        wave = 0.3 * np.sin(np.arange(int(48_000 * seconds(text, language, min(rate, 5.0)) * 1.2)) / 20)
        return wave.astype(np.float32), 48_000


@pytest.fixture
def estimate(make_job: MakeJob, tmp_path: Path) -> Callable[..., float]:
    """The estimate of a line in a new episode of the same output folder."""

    def of(voice: Counted, episode: str, text: str = "남자가 문을 연다.", **config: Any) -> float:
        cache = tmp_path / episode
        cache.mkdir()
        job = replace(make_job(Config(**config), backend=voice), cache=cache, shared=tmp_path / "out" / ".voices")
        return Lengths("ko", None, speaker(job)).needed(text)

    return of


def test_the_second_episode_of_a_season_measures_nothing(estimate: Callable[..., float]) -> None:
    first, second = Counted(), Counted()
    assert estimate(first, "one") == estimate(second, "two")
    assert [rate for _, rate in first.asked] == [PLAN_RATE["ko"]] * len(KO)
    assert second.asked == []


def test_another_rate_costs_one_sentence(estimate: Callable[..., float]) -> None:
    voice, own = Counted(), Counted("B")
    estimate(voice, "one")
    voice.asked.clear()
    scaled = estimate(voice, "two", rate=5.5)
    assert len(voice.asked) == 1
    assert voice.asked[0][1] == 5.5
    voice.asked.clear()
    assert estimate(voice, "three", rate=5.5) == scaled
    assert voice.asked == []
    assert estimate(own, "four", rate=5.5) == scaled, "whether it was measured before or not"
    truth = 1.2 * seconds("남자가 문을 연다.", "ko", 5.0)
    assert scaled == pytest.approx(truth, rel=0.05), "the voice speaks no faster than 5 syllables a second"


def test_another_voice_is_measured_anew(estimate: Callable[..., float]) -> None:
    one, other = Counted("A"), Counted("B")
    estimate(one, "one")
    estimate(other, "two")
    assert len(other.asked) == len(KO)


def test_a_damaged_measurement_is_made_again(estimate: Callable[..., float], tmp_path: Path) -> None:
    first = estimate(Counted(), "one")
    (kept,) = (tmp_path / "out" / ".voices").iterdir()
    kept.write_text("{", encoding="utf-8")
    again = Counted()
    assert estimate(again, "two") == first
    assert len(again.asked) == len(KO)
