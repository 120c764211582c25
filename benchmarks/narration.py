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
import csv
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import human_scripts
from benchmarks.row import Row
from data.records import Candidate, Context, Gap, Ranked, Shot, Utterance, record_id
from data.subtitles import read
from data.workspace import Workspace
from stages import gaps as gaps_stage
from stages.schedule.config import Config
from stages.schedule.missed import missed
from stages.schedule.optimise import Option, Placed, Rules, Slot, optimise, total, windows
from stages.schedule.planner import Planner
from stages.stage import Job, RunSettings

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
GREEDY = {
    "the highest score of each keyframe, first free place": "≥ 10 % on average, ≥ 0 on every film",
    "greedy in order of time, by this objective": "≥ 0 on every film",
    "greedy by value, by this objective": "≥ 0 on every film",
}
"""What is compared, in the order of the figures: what is usual, and two that look at every cost but not ahead."""
KEYFRAME = 3.5
"""Seconds between keyframes of a film without pictures, a usual length of shots (a working value); those of long films
lie 10.8 s apart: 1,000 in three hours."""


@dataclass(frozen=True)
class Film:
    """What placing needs of one film."""

    name: str
    duration: float
    shots: Sequence[tuple[float, float]]
    gaps: Sequence[Gap]
    loudness: np.ndarray[Any, np.dtype[np.float32]]
    captions: Sequence[tuple[float, float]]


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
    shots = [(shot.start, shot.end) for shot in workspace.read("shots", Shot)]
    loudness = np.load(workspace.stage("gaps") / "loudness.npy")
    heard = [(u.start, u.end) for u in workspace.read("dialogue", Utterance)] if not captions else spoken
    return Film(name, shots[-1][1], shots, workspace.read("gaps", Gap), loudness, heard)


def gaps_of(spoken: Iterable[tuple[float, float]], duration: float) -> list[Gap]:
    """The gaps between captions, by the rules of the stage."""
    config = gaps_stage.Config()
    speech = gaps_stage.union(spoken, config.merge)
    found = []
    for number, part in enumerate(gaps_stage.without_speech(speech, [], duration), 1):
        lead_in, lead_out = config.lead_in * (part.start > 0), config.lead_out * (part.end < duration)
        usable = part.end - part.start >= config.min_gap
        found.append(
            Gap(id=record_id("g", number), start=part.start, end=part.end, lead_in=lead_in, lead_out=lead_out,
                bed="ambience", loudness=-40.0, usable=usable, why="" if usable else gaps_stage.TOO_SHORT)
        )  # fmt: skip
    return found


def quiet(duration: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A curve of loudness without events."""
    return np.full(int(duration * 10) + 1, -40.0, np.float32)


def planner(film: Film, lines: Sequence[str], folder: Path) -> Planner:
    """The film with drawn lines."""
    draw = random.Random(SEED)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "loudness.npy", film.loudness)
    contexts, candidates, ranked = [], [], []
    for number, (start, end) in enumerate(film.shots, 1):
        keyframe = record_id("k", number)
        contexts.append(
            Context(id=f"c{keyframe}", keyframe=keyframe, shot=record_id("s", number), time=(start + end) / 2,
                    start=start, end=end, texts=(), people=0, light="unknown",
                    same_place=None if draw.random() < 0.2 else "s00000")
        )  # fmt: skip
        for letter, text in zip("abcd", draw.sample(lines, CANDIDATES), strict=True):
            name = f"c{number:05d}{letter}"
            candidates.append(
                Candidate(id=name, keyframe=keyframe, text=text, kind="text" if draw.random() < 0.03 else "visual",
                          style="basic", length="standard", model="human")
            )  # fmt: skip
            score = round(draw.uniform(0.35, 1.0), 3)
            ranked.append(Ranked(id=f"r{name}", candidate=name, keyframe=keyframe, score=score, parts={}))
    rows: dict[Any, Any] = {Context: contexts, Candidate: candidates, Ranked: ranked, Gap: list(film.gaps)}
    upstream: dict[Any, Any] = {kind: (folder, lambda found=found: found) for kind, found in rows.items()}
    job: Job[Config] = Job(None, Config(rounds=0), RunSettings(language="en"), folder, folder, None, upstream)  # type: ignore[arg-type]
    return Planner(job)


def best_first_free(plan: Planner) -> list[Placed]:
    """What is usual: of every keyframe the line with the highest score, at the first free place, if there is one."""
    lines: list[Placed] = []
    for moment in plan.moments:
        options = dict(zip((f.candidate.id for f in plan.forms_of(moment)), plan.options_of(moment), strict=True))
        option = options[max(options, key=lambda name: plan.scores[name])]
        placed = _first_free(option, lines, plan.slots, plan.rules)
        lines += [placed] if placed else []
    return lines


def _first_free(option: Option, before: Sequence[Placed], slots: Sequence[Slot], rules: Rules) -> Placed | None:
    last = before[-1] if before else None
    for window in windows(option, slots, rules):
        same = last is not None and last.slot == window.slot
        if last and window.slot < last.slot:
            continue
        start = max(window.steps[0], min(option.picture, window.last), last.end + rules.pause if last and same else 0.0)
        filled = sum(line.option.seconds for line in before if line.slot == window.slot) + option.seconds
        if start <= window.last + 1e-6 and filled <= slots[window.slot].capacity + 1e-6:
            return Placed(option, window.slot, float(start))
    return None


def greedy_in_time(moments: Sequence[Sequence[Option]], slots: Sequence[Slot], rules: Rules) -> list[Placed]:
    """Moment by moment the line that is worth most where it is best spoken after the lines before."""
    lines: list[Placed] = []
    for moment in moments:
        found = [best for option in moment if (best := _best(option, lines, slots, rules))]
        if found and max(found, key=lambda f: f[0])[0] > 0:
            lines.append(max(found, key=lambda f: f[0])[1])
    return lines


def greedy_by_value(moments: Sequence[Sequence[Option]], slots: Sequence[Slot], rules: Rules) -> list[Placed]:
    """The most valuable lines first, each where it is best spoken between those that are placed."""
    order = sorted(((o, n) for n, m in enumerate(moments) for o in m), key=lambda pair: -pair[0].value)
    lines: list[tuple[int, Placed]] = []
    for option, number in order:
        if any(n == number for n, _ in lines):
            continue
        before = [line for n, line in lines if n < number]
        after = [line for n, line in lines if n > number]
        best = _best(option, before, slots, rules, after)
        if best and best[0] > 0:
            lines = sorted([*lines, (number, best[1])], key=lambda pair: pair[0])
    return [line for _, line in lines]


def _best(
    option: Option, before: Sequence[Placed], slots: Sequence[Slot], rules: Rules, after: Sequence[Placed] = ()
) -> tuple[float, Placed] | None:
    """The start at which the option gains most between the lines placed, and its gain."""
    found = []
    last, following = before[-1] if before else None, after[0] if after else None
    for window in windows(option, slots, rules):
        number = window.slot
        if (last and number < last.slot) or (following and number > following.slot):
            continue
        filled = sum(line.option.seconds for line in [*before, *after] if line.slot == number)
        soonest = last.end + rules.pause if last and last.slot == number else window.steps[0]
        until = following.start - rules.pause if following and following.slot == number else float("inf")
        starts = [s for s in {soonest, *window.steps.tolist()} if s >= max(soonest, window.steps[0]) - 1e-6]
        for start in sorted(starts):
            fits = start <= window.last + 1e-6 and start + option.seconds <= until + 1e-6
            if fits and filled + option.seconds <= slots[number].capacity + 1e-6:
                placed = Placed(option, number, start)
                both = [*before[-20:], placed, *after[:1]]
                found.append((total(both, slots, rules) - total([*before[-20:], *after[:1]], slots, rules), placed))
    return max(found, key=lambda f: f[0]) if found else None


def compared(film: Film, lines: Sequence[str], work: Path) -> tuple[Row, list[float], float]:
    """The row of one film, the ratios to both greedy placements, and seconds spoken over captions."""
    plan = planner(film, lines, work / film.name)
    best = plan.placed()
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


def long_film(pattern: Film, hours: float) -> Film:
    """The gaps of a film over and over, a keyframe every 10.8 s."""
    duration = hours * 3600
    spoken = [
        (a + shift, b + shift)
        for shift in np.arange(0, duration, pattern.duration).tolist()
        for a, b in pattern.captions
        if b + shift < duration
    ]
    shots = [(t, min(t + 10.8, duration)) for t in np.arange(0, duration - 5, 10.8).tolist()]
    return Film(f"{hours:g}_h", duration, shots, gaps_of(spoken, duration), quiet(duration), spoken)


def seconds(film: Film, lines: Sequence[str], work: Path) -> tuple[float, float]:
    """CPU seconds of the optimisation alone and of the whole stage without the voice: the least of three."""
    alone, whole = [], []
    for _ in range(3):
        started = time.process_time()
        plan = planner(film, lines, work / film.name)
        placed = plan.placed()
        list(missed(plan, placed))
        whole.append(time.process_time() - started)
        problem, started = plan.problem(), time.process_time()
        optimise(problem, plan.slots, plan.rules)
        alone.append(time.process_time() - started)
    return min(alone), min(whole)


def measure(clips: Path, work: Path) -> list[Row]:
    """All rows."""
    work.mkdir(parents=True, exist_ok=True)
    with (clips / "ad-text-tv/tvad_train.csv").open(encoding="utf-8") as handle:
        lines = [row["text_gt_wo_char"] for row in csv.DictReader(handle)][:8000]
    rows, ratios, over = [], [], 0.0
    films = {name: film_of(name, clips, work) for name in FILMS}
    for film in films.values():
        row, ratio, seconds_over = compared(film, lines, work)
        rows.append(row)
        if any(gap.usable for gap in film.gaps):
            ratios.append(ratio)
        over += seconds_over
    for number, (name, target) in enumerate(GREEDY.items()):
        mean, least = (f(ratio[number] for ratio in ratios) for f in (_mean, min))
        measured = f"{100 * (mean - 1):.1f} % above on average, {100 * (least - 1):.1f} % at least"
        rows.append(Row(f"value over {name}", measured, target, f"{len(ratios)} films with gaps"))
    for name in human_scripts.SCRIPTS:
        film, captions = films[name], _captioned(films[name])
        length = LENGTHS.get(name, film.duration)
        gaps = gaps_of(captions, length) if name in LENGTHS else film.gaps
        rows += human_scripts.cues_in_gaps(name, clips, gaps, captions, length)
    rows += human_scripts.rows(clips, work)
    rows.append(Row("narration over dialogue", f"{over:.2f} s", "0 s", "all films, against captions or voices"))
    for hours in (0.5, 1, 2, 3):
        film = long_film(films["elephants_dream"], hours)
        alone, whole = seconds(film, lines, work)
        rows.append(Row(f"schedule of {hours:g} h", f"{alone:.2f} s, the whole stage without the voice {whole:.2f} s",
                        "≤ 2 s for 3 h" if hours == 3 else "linear", f"{len(film.shots)} keyframes, "
                        f"{len(film.shots) * CANDIDATES} candidates, one core, least of three"))  # fmt: skip
    return rows


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/narration"))
    arguments = parser.parse_args()
    rows = measure(arguments.media, arguments.work)
    head = ["# Choosing and placing narration", "", *(__doc__ or "").split("\n\n")[2].splitlines(), ""]
    table = ["| what | measured | target | how |", "|---|---|---|---|"]
    table += [f"| {row.figure} | {row.value} | {row.target} | {row.how} |" for row in rows]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "narration.md").write_text("\n".join([*head, *table]) + "\n", encoding="utf-8")
    print("\n".join(table))


if __name__ == "__main__":
    main()
