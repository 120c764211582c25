"""Films to choose lines for: gaps of real films or drawn ones, and captions drawn as captioners write them.

Human audio descriptions are the lines that say something. A captioner repeats itself: some sentences come back all
through a film (`RECURRING`), and a line is often the one before with a word changed. Scores are drawn too, for no
trained ranker is needed to compare placements.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.products import LoudnessCurve
from data.reasons import TooShort
from data.records import Candidate, Context, Gap, Ranked, record_id
from stages import gaps as gaps_stage
from stages.schedule.config import Config
from stages.schedule.planner import Planner
from stages.sources import RunSettings, Surroundings
from stages.stage import Job

RECURRING = {
    "en": (
        "A man is standing.", "A woman is standing in a room.", "Two people are sitting at a table.",
        "A man looks at the woman.", "The man turns around.", "A car drives down a street.", "A woman walks away.",
        "A man in a suit is talking.", "People walk on the street.", "A woman smiles.", "A man sits on a chair.",
        "The room is dark.", "A man opens the door.", "A close view of a face.", "A hand holds a phone.",
        "The sun sets over the city.", "A man runs through a field.", "A group of people stands together.",
    ),
    "ko": (
        "한 남자가 서 있다.", "한 여자가 방에 서 있다.", "두 사람이 탁자에 앉아 있다.", "남자가 여자를 본다.",
        "남자가 돌아선다.", "차가 거리를 달린다.", "여자가 걸어간다.", "양복을 입은 남자가 말한다.",
        "사람들이 거리를 걷는다.", "여자가 웃는다.", "남자가 의자에 앉는다.", "방이 어둡다.", "남자가 문을 연다.",
        "여자의 얼굴이 가까이 보인다.", "손이 전화기를 든다.", "도시 위로 해가 진다.", "남자가 들판을 달린다.",
        "여러 사람이 모여 있다.",
    ),
}  # fmt: skip
CAPTIONS = ("distinct", "recurring", "near", "all recurring", "alike")
"""How captions recur: never; three in ten from RECURRING; three in ten one of the keyframe before but for a word; all
from RECURRING; all one sentence."""
SHARE = 0.3
GAPS = ("drama", "long", "none")
"""Gaps of a drama, mostly of seconds; mixed with some of up to two minutes; a film without dialogue."""
EVERY, EACH = 7.2, 3
"""Seconds between keyframes, and candidates for each: 1,500 an hour."""


@dataclass(frozen=True)
class Film:
    """What placing needs of one film."""

    name: str
    duration: float
    shots: Sequence[tuple[float, float]]
    gaps: Sequence[Gap]
    loudness: np.ndarray[Any, np.dtype[np.float32]]
    captions: Sequence[tuple[float, float]]


def human(clips: Path, language: str) -> list[str]:
    """Lines that people wrote: descriptions of television, or captions of pictures in Korean."""
    if language == "ko":
        with (clips / "ko-captions/ko_captions_dev.tsv").open(encoding="utf-8") as handle:
            return [row["sentence"] for row in csv.DictReader(handle, delimiter="\t")]
    with (clips / "ad-text-tv/tvad_train.csv").open(encoding="utf-8") as handle:
        return [row["text_gt_wo_char"] for row in csv.DictReader(handle)][:8000]


def drawn(seconds: float, gaps: str, seed: int, every: float = EVERY) -> Film:
    """A film with gaps as one of GAPS, and shots of one to three keyframes."""
    draw = random.Random(seed)
    spoken, time = list[tuple[float, float]](), draw.uniform(1, 6)
    while gaps != "none" and time < seconds:
        ends = min(seconds, time + draw.uniform(1, 15))
        spoken.append((time, ends))
        time = ends + (min(1.5 * np.exp(abs(draw.gauss(0, 0.9))), 90.0) if gaps == "drama"
                       else draw.choice([2, 3, 5, 8, 15, 40, 70, 120]))  # fmt: skip
    shots, time = list[tuple[float, float]](), 0.0
    while time < seconds - 1:
        count = draw.choice([1, 1, 1, 2, 2, 3])
        ends = min(seconds, time + count * every * draw.uniform(0.6, 1.4))
        shots += [(time, ends)] * count
        time = ends
    return Film(f"{gaps}_{seconds:g}_{seed}", seconds, shots, gaps_of(spoken, seconds), eventful(seconds, seed), spoken)


def eventful(seconds: float, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A curve of loudness with an effect now and then."""
    curve = quiet(seconds)
    draw = random.Random(seed + 1)
    for _ in range(int(seconds / 12)):
        at = draw.randrange(len(curve))
        curve[at : at + draw.randrange(3, 30)] = -40 + draw.uniform(6, 25)
    return curve


def gaps_of(spoken: Iterable[tuple[float, float]], duration: float) -> list[Gap]:
    """The gaps between captions, by the rules of the stage."""
    config = gaps_stage.Config()
    speech = gaps_stage.union(spoken, config.merge)
    found = []
    for number, part in enumerate(gaps_stage.without_speech(speech, [], duration), 1):
        lead_in, lead_out = config.lead_in * (part.start > 0), config.lead_out * (part.end < duration)
        usable = part.end - part.start >= config.min_gap
        short = None if usable else TooShort(room=part.end - part.start, needed=config.min_gap)
        found.append(
            Gap(id=record_id("g", number), start=part.start, end=part.end, lead_in=lead_in, lead_out=lead_out,
                bed="ambience", loudness=-40.0, usable=usable, why=short)
        )  # fmt: skip
    return found


def quiet(duration: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A curve of loudness without events."""
    return np.full(int(duration * 10) + 1, -40.0, np.float32)


Captioner = Callable[[], list[str]]
"""The captions of the next keyframe."""


def captioner(lines: Sequence[str], recur: str, language: str, seed: int, each: int = EACH) -> Captioner:
    """Captions that recur as one of CAPTIONS says."""
    draw, before = random.Random(seed), list(lines[:each])

    def caption() -> str:
        if recur == "alike":
            return RECURRING[language][0]
        if recur == "all recurring" or (recur == "recurring" and draw.random() < SHARE):
            return draw.choice(RECURRING[language])
        if recur == "near" and draw.random() < SHARE:
            words = draw.choice(before).split()
            words[draw.randrange(len(words))] = draw.choice(draw.choice(lines).split())
            return " ".join(words)
        return draw.choice(lines)

    def captions() -> list[str]:
        before[:] = [caption() for _ in range(each)]
        return list(before)

    return captions


def planner(film: Film, captions: Captioner, folder: Path, language: str, seed: int = 5, **config: Any) -> Planner:
    """The film with these captions and drawn scores, ready to be placed."""
    return Planner(job(film, captions, folder, language, seed, **config))


def job(film: Film, captions: Captioner, folder: Path, language: str, seed: int = 5, **config: Any) -> Job[Config]:
    """The stage's job for the film with these captions and drawn scores."""
    draw = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    contexts, candidates, ranked = [], [], []
    for number, (start, end) in enumerate(film.shots, 1):
        keyframe = record_id("k", number)
        shot = [n for n, other in enumerate(film.shots[max(0, number - 3) : number + 2]) if other == (start, end)]
        nth = shot.index(min(2, number - 1) if number < 3 else 2)
        contexts.append(
            Context(id=f"c{keyframe}", keyframe=keyframe, shot=f"s{start:09.2f}",
                    time=start + (end - start) * (nth + 0.5) / len(shot), start=start, end=end, texts=(), people=0,
                    light="unknown", same_place=None if draw.random() < 0.2 else "s00000")
        )  # fmt: skip
        for letter, text in zip("abcdef", captions(), strict=False):
            name = f"c{number:05d}{letter}"
            candidates.append(
                Candidate(id=name, keyframe=keyframe, text=text, kind="text" if draw.random() < 0.03 else "visual",
                          style="basic", length="standard", model="human")
            )  # fmt: skip
            score = round(draw.uniform(0.35, 1.0), 3)
            ranked.append(Ranked(id=f"r{name}", candidate=name, keyframe=keyframe, score=score, parts={}))
    rows: dict[Any, Any] = {Context: contexts, Candidate: candidates, Ranked: ranked, Gap: list(film.gaps)}
    upstream: dict[Any, Any] = {kind: (folder, lambda found=found: found) for kind, found in rows.items()}
    upstream[LoudnessCurve] = folder, lambda: LoudnessCurve(film.loudness)
    around = Surroundings(None, RunSettings(language=language))  # type: ignore[arg-type]
    return Job(None, Config(**{"rounds": 0, **config}), folder, folder, None, upstream, around)  # type: ignore[arg-type]
