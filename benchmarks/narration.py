"""The choice of narration measured: against greedy placements on real films, over dialogue, and in time.

    python benchmarks/narration.py --media FOLDER [--work DIR]

Gaps are those of the films: of a film with pictures as the embedded run finds them (shots, loudness, voices or its
captions), of a film that is there as captions alone from those. The lines are human audio descriptions (TV-AD, of
other films), four of different length a keyframe; their scores are drawn (seed 5), for no trained ranker is needed to
compare placements. All placements are valued by the same objective (`stages.schedule.objective`) and obey the same
rules; each is held against what its own lines have told before. The optimum stands against three: what is usual (the
highest score of each keyframe, first free place), and two greedy ones that weigh every cost as the optimum does, but do
not look ahead. Lengths are estimates here. A film with few keyframes and long gaps leaves nothing to decide, and all
three come out alike.

Scripts of human describers are held against the gaps, and spoken by `vdesc voice` (`benchmarks.human_scripts`).

Writes `benchmarks/results/narration.md`.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import statistics
import subprocess
import sys
import time
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings, target

from benchmarks import choice, human_scripts
from benchmarks.choice import Film, gaps_of, quiet
from benchmarks.greedy import best_first_free, greedy_by_value, greedy_in_time
from benchmarks.harness import machine
from benchmarks.row import Row
from data.products import LoudnessCurve
from data.records import Gap, Shot, Utterance
from data.subtitles import read
from data.text import language
from data.workspace import Workspace
from stages.schedule.missed import missed
from stages.schedule.planner import Planner
from stages.sources import Speaker
from tests.stages.test_optimality import MOST_AN_OPTION, Problem, adversaries, worked

RESULTS = Path(__file__).parent / "results"
SEED = 5
CANDIDATES = 4
FILMS = {
    "big_buck_bunny": ("bbb-30s/big_buck_bunny_0_30.webm", None),
    "rabbit": ("rabbit-ad/video.mp4", None),
    "perspective": ("wai-perspective/perspective-video.mp4", "wai-perspective/perspective-caption.vtt"),
    "friday": ("friday-film/friday.mp4", "friday-film/friday.vtt"),
    "elephants_dream": (None, "elephantsdream-text/captions.en.vtt"),
    "blocks4all": (None, "ad-text/blocks4all_captions_ko.vtt"),
}
LENGTHS = {"elephants_dream": 653.0}
"""Seconds of a film that is there as captions alone, whose describer goes on after the last of them."""
ADVERSARIES = 1000
GREEDY = {
    "the highest score of each keyframe, first free place": "≥ 10 % on average, ≥ 0 on every film",
    "greedy in order of time, by this objective": "≥ 0 on every film",
    "greedy by value, by this objective": "≥ 0 on every film",
}
"""What is compared, in the order of the figures: what is usual, and two that look at every cost but not ahead."""
KEYFRAME = 3.5
"""Seconds between keyframes of a film without pictures, a usual length of shots (a working value)."""


@dataclass(frozen=True)
class Cost:
    """CPU seconds and megabytes for an hour of film, the lines chosen, how far from the best they are at most."""

    seconds: float
    megabytes: float
    lines: int
    short: float
    candidates: int


def film_of(name: str, clips: Path, work: Path) -> Film:
    """One of FILMS."""
    picture, captions = FILMS[name]
    spoken = [(cue.start, cue.end) for cue in read(clips / captions) if cue.spoken] if captions else []
    if picture is None:
        duration = max(end for _, end in spoken) + 10
        shots = [(t, min(t + KEYFRAME, duration)) for t in np.arange(0, duration - 1, KEYFRAME).tolist()]
        return Film(name, duration, shots, gaps_of(spoken, duration), quiet(duration), spoken)
    copy = work / f"{name}{Path(picture).suffix}"
    shutil.copy(clips / picture, copy)
    if captions:
        shutil.copy(clips / captions, copy.with_suffix(".vtt"))
    vdesc = Path(sys.executable).parent / "vdesc"
    command = [vdesc, "run", copy, "--config", "embedded", "--until", "gaps", "--out", work / "out"]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    workspace = Workspace(work / "out" / name / "workspace")
    shots = [(shot.start, shot.end) for shot in workspace.read(Shot)]
    loudness = workspace.open(LoudnessCurve).values
    heard = [(u.start, u.end) for u in workspace.read(Utterance)] if not captions else spoken
    return Film(name, shots[-1][1], shots, workspace.read(Gap), loudness, heard)


def compared(film: Film, lines: Sequence[str], work: Path) -> tuple[Row, list[float], float]:
    """The row of one film, the ratios to both greedy placements, and seconds spoken over captions."""
    draw = random.Random(SEED)
    plan = choice.planner(film, lambda: draw.sample(lines, CANDIDATES), work / film.name, "en")
    best = plan.placed().lines
    problem = plan.problem(), plan.slots, plan.rules
    ours = plan.worth(best)
    placed = [best_first_free(plan), greedy_in_time(*problem), greedy_by_value(*problem)]
    greedy = [plan.worth(lines_of) for lines_of in placed]
    over = sum(max(0.0, min(line.end, b) - max(line.start, a)) for line in best for a, b in film.captions)
    ratios = [ours / value if value else 1.0 for value in greedy]
    value = f"{ours:.2f} ({len(best)} lines) against {greedy[0]:.2f}, {greedy[1]:.2f}, {greedy[2]:.2f}"
    how = f"{len(film.shots)} keyframes × {CANDIDATES} lines, {sum(g.usable for g in film.gaps)} gaps"
    return Row(f"value of the narration, {film.name}", value, "≥ all", how), ratios, over


def _captioned(film: Film) -> Sequence[tuple[float, float]]:
    """Human captions; what was only heard is none."""
    return film.captions if FILMS[film.name][1] else []


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def cost(gaps: str, captions: str, hours: float, clips: Path, work: Path) -> Cost:
    """What the whole stage takes for a drawn film with such a voice, in a process of its own: the least of three."""
    found = []
    for _ in range(3):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            found.append(pool.submit(_spent, gaps, captions, hours, clips, work).result())
    return min(found, key=lambda spent: spent.seconds)


def _spent(gaps: str, captions: str, hours: float, clips: Path, work: Path) -> Cost:
    film = choice.drawn(hours * 3600, gaps, SEED)
    job = choice.job(film, choice.captioner(choice.human(clips, "en"), captions, "en", SEED), work, "en", rounds=3)
    job = replace(job, around=replace(job.around, speaker=lambda: Speaker(_length, speeds=(1.05, 1.1, 1.15))))
    before, started = _memory(), time.process_time()
    plan = Planner(job)
    placed = plan.placed()
    list(missed(plan, placed.lines))
    seconds = time.process_time() - started
    candidates = len(plan.candidates)
    return Cost(seconds / hours, (_memory() - before) / hours, len(placed.lines), placed.short, candidates)


def _length(text: str, speed: float) -> float:
    """Seconds of a line by a voice that takes no time, and reads each line a little otherwise than estimated."""
    return language.seconds(text, "en", 3.75) / speed * (0.9 + zlib.crc32(text.encode()) % 100 / 400)


def _memory() -> float:
    """The most memory this process has held, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def costs(clips: Path, work: Path) -> list[Row]:
    """Time and memory by the hour: every kind of captions in every kind of gaps, for one hour; the worst for others."""
    kinds = {(g, c): cost(g, c, 1.0, clips, work) for g in choice.GAPS for c in choice.CAPTIONS}
    rows = [_cost_row(1.0, kind, found) for kind, found in kinds.items()]
    slowest = max(kinds, key=lambda kind: kinds[kind].seconds)
    return rows + [_cost_row(h, slowest, cost(*slowest, h, clips, work)) for h in (0.5, 2.0, 3.0, 6.0)]


def _cost_row(hours: float, kind: tuple[str, str], found: Cost) -> Row:
    value = (
        f"{found.seconds:.2f} s and {found.megabytes:.0f} MB an hour, at most {100 * found.short:.2f} % below the best"
    )
    how = f"{found.candidates} candidates, {found.lines} lines; the whole stage, three rounds, least of three, one core"
    return Row(f"schedule of {hours:g} h, gaps: {kind[0]}, captions: {kind[1]}", value, "≤ 2 s, ≤ 300 MB an hour", how)


def adversity() -> Row:
    """What an option costs in the worst of ADVERSARIES films that hypothesis makes to be slow, led by what was slow."""
    work, seconds = list[float](), list[float]()

    @given(adversaries())
    @settings(max_examples=ADVERSARIES, deadline=None, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    def look(problem: Problem) -> None:
        started = time.process_time()
        work.append(worked(problem))
        seconds.append((time.process_time() - started) / sum(len(moment) for moment in problem[0]))
        target(work[-1])

    look()
    value = f"{max(work):,.0f} cells and plans, {1000 * max(seconds):.1f} ms an option"
    how = f"worst of {len(work):,} films of at most 120 options; median {statistics.median(work):,.0f} and "
    return Row("work for an option, adversarial films", value, f"≤ {MOST_AN_OPTION:,} cells and plans",
               how + f"{1000 * statistics.median(seconds):.1f} ms")  # fmt: skip


def measure(clips: Path, work: Path) -> list[Row]:
    """All rows."""
    work.mkdir(parents=True, exist_ok=True)
    lines = choice.human(clips, "en")
    rows, ratios, over = [], [], 0.0
    films = {name: film_of(name, clips, work) for name in FILMS}
    for film in films.values():
        row, ratio, seconds_over = compared(film, lines, work)
        rows.append(row)
        if any(gap.usable for gap in film.gaps):
            ratios.append(ratio)
        over += seconds_over
    for number, (name, aim) in enumerate(GREEDY.items()):
        mean, least = (f(ratio[number] for ratio in ratios) for f in (_mean, min))
        measured = f"{100 * (mean - 1):.1f} % above on average, {100 * (least - 1):.1f} % at least"
        rows.append(Row(f"value over {name}", measured, aim, f"{len(ratios)} films with gaps"))
    for name in human_scripts.SCRIPTS:
        film, captions = films[name], _captioned(films[name])
        length = LENGTHS.get(name, film.duration)
        gaps = gaps_of(captions, length) if name in LENGTHS else film.gaps
        rows += human_scripts.cues_in_gaps(name, clips, gaps, captions, length)
    rows += human_scripts.rows(clips, work)
    rows.append(Row("narration over dialogue", f"{over:.2f} s", "0 s", "all films, against captions or voices"))
    return [*rows, *costs(clips, work), adversity()]


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/narration"))
    arguments = parser.parse_args()
    rows = measure(arguments.media, arguments.work)
    head = [
        "# Choosing and placing narration",
        "",
        *(__doc__ or "").split("\n\n")[2].splitlines(),
        "",
        f"Machine: {machine()}",
        "",
    ]
    table = ["| what | measured | target | how |", "|---|---|---|---|"]
    table += [f"| {row.figure} | {row.value} | {row.target} | {row.how} |" for row in rows]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "narration.md").write_text("\n".join([*head, *table]) + "\n", encoding="utf-8")
    print("\n".join(table))


if __name__ == "__main__":
    main()
