"""A person's script in place of candidates: every line at its own time, moved as little as its pause allows.

A line goes to the pause that asks for the smallest move. Within a pause the starts are those of least squared moves
from the given times, lines in order and apart: isotonic regression by pooling adjacent violators (Ayer et al., 1955),
held between the earliest and the latest start of each line. Where a pause cannot hold all of its lines, less time is
kept free for the voice, at last so much less as it may speak faster; then the line in the way is left out that is
longest for the time its author gave it and lies farthest from there.

A line that fits its own cue keeps it where only a voice is heard, and neither a caption nor a recognised word confirms
that somebody speaks: what hears voices takes some music and effects for one, and the script is evidence too. Such lines
are told, and the check lists them.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data.reasons import NoRoom, Protected, say
from data.records import Gap, Keyframe, Missed, Narration, RefusedCandidate, Utterance, record_id
from data.scripts import read_for_film
from data.scripts.line import ScriptLine
from data.style import refuse
from data.text import language
from stages.sources import Planning, Speaker, VoiceOfRun
from stages.stage import Job

MEASURED = (1.0, 1 / 1.08)
"""Seconds kept free for a line, as multiples of its length, tried in turn: it may be sped up 1.10 times, and a voice
comes out a little longer than it was asked to."""
ESTIMATED = (1.2, *MEASURED)
"""The same where its length is an estimate only: voices take up to 1.3 times as long."""
NEAR = 30
"""Lines before one that does not fit among which the one in its way is looked for."""
MOVED = 0.1
"""Seconds from which a move is told."""
SHOWN = 5
MS = 1e-6
GIVEN = 3.0
"""What a line is worth that a person wrote: as much as words on the screen at their best."""


@dataclass(frozen=True)
class Wish:
    """A line with what it needs. Seconds."""

    line: ScriptLine
    seconds: float
    earliest: float
    latest: float
    room: float = ESTIMATED[0]

    @property
    def kept(self) -> float:
        """Seconds kept free for it."""
        return self.seconds * self.room

    @property
    def soonest(self) -> float:
        """When it has ended if it begins in its own time and is spoken as fast as it may be."""
        return self.line.start + self.seconds * MEASURED[-1]

    def misfit(self, window: Window) -> float:
        """How much longer it is than the time its author gave it, and how far that time lies outside the window."""
        outside = max(window.start - self.line.start, self.line.start + self.seconds - window.end, 0.0)
        return self.seconds - (self.line.end - self.line.start) + outside


@dataclass(frozen=True)
class Window:
    """The part of a pause that narration may use."""

    start: float
    end: float


@dataclass(frozen=True)
class Placed:
    """A line in its window."""

    wish: Wish
    window: int
    start: float
    until: float


def narrations(job: Job[Any], script: Path, pause: float) -> Iterator[Narration]:
    """The lines of `script` as narrations, by time; what was mended, moved or left out is noted. Raises UserError."""
    lines, notes = read_for_film(script, job.episode.duration, job.episode.video.fps)
    for note in notes:
        job.note(note)
    gaps, stills = job.read(Gap), job.read(Keyframe)
    planning, speaker = job.open(Planning), job.open(VoiceOfRun).speaker
    rooms = MEASURED if speaker else ESTIMATED
    wishes = [replace(_wish(line, planning, speaker), room=rooms[0]) for line in lines]
    heard = job.read(Utterance) if job.config.trust_script else []
    windows = opened([Window(*gap.window) for gap in gaps], wishes, gaps, heard)
    placed, left = place(wishes, windows, pause, rooms)
    _tell(job, placed, left)
    _tell_trusted(job, placed, heard)
    Missed.leave(_missed(left, stills, len(placed)), job.folder)
    RefusedCandidate.leave((), job.folder)
    for number, put in enumerate(placed, 1):
        line = put.wish.line
        yield Narration(
            id=record_id("n", number),
            start=put.start,
            end=min(put.start + put.wish.seconds, put.until),
            until=put.until,
            text=line.text,
            kind=line.kind,
            gap=_gap_at(put.start, gaps).id,
            keyframe=_nearest(stills, (line.start + line.end) / 2).id,
            candidate=record_id("given", number),
            given=True,
            score=1.0,
        )


def _gap_at(start: float, gaps: Sequence[Gap]) -> Gap:
    """The gap that a start lies in, else the nearest."""
    after = bisect.bisect_right(gaps, start, key=lambda gap: gap.start)
    return min(gaps[max(after - 1, 0) : after + 1], key=lambda gap: max(gap.start - start, start - gap.end, 0.0))


def opened(
    windows: Sequence[Window], wishes: Sequence[Wish], gaps: Sequence[Gap], heard: Sequence[Utterance]
) -> list[Window]:
    """The windows, and the own times of lines where nothing but unconfirmed voices is in their way; joined."""
    doubtful = [(u.start, u.end) for u in heard if not u.confirmed]
    songs = [(g.start, g.end) for g in gaps if isinstance(g.why, Protected)]
    kept = sorted([*((u.start, u.end) for u in heard if u.confirmed), *songs])
    guard = max((max(g.lead_in, g.lead_out) for g in gaps), default=0.0)
    free = []
    for wish in wishes:
        start, whole = wish.line.start, max(min(wish.line.start + wish.kept, wish.line.end), wish.soonest)
        own = [end for end in (whole, wish.soonest) if not _meets(kept, start, end, guard)]
        if own and wish.soonest <= wish.line.end + MS and _meets(doubtful, start, own[0], guard):
            free.append(Window(start, own[0]))
    joined: list[Window] = []
    for window in sorted([*windows, *free], key=lambda w: w.start):
        if joined and window.start <= joined[-1].end + MS:
            joined[-1] = Window(joined[-1].start, max(joined[-1].end, window.end))
        else:
            joined.append(window)
    return joined


def _meets(spans: Sequence[tuple[float, float]], start: float, end: float, guard: float = 0.0) -> bool:
    """Whether [start, end] comes nearer than `guard` to one of the spans, which lie in order and apart."""
    before = bisect.bisect_left(spans, end + guard - MS, key=lambda span: span[0])
    return before > 0 and spans[before - 1][1] > start - guard + MS


def _tell_trusted(job: Job[Any], placed: Sequence[Placed], heard: Sequence[Utterance]) -> None:
    doubtful = [(u.start, u.end) for u in heard if not u.confirmed]
    over = [put for put in placed if _meets(doubtful, put.start, put.start + put.wish.seconds)]
    if over:
        told = ", ".join(f"{put.start:.1f} s" for put in over[:SHOWN])
        more = f" … (+{len(over) - SHOWN})" if len(over) > SHOWN else ""
        job.note(say("{number} of {all} lines keep the script's time where a voice is heard that no caption and no "
                     "recognised word confirms: {places}. Listen there; schedule.trust_script=false moves them.",
                     number=len(over), all=len(placed), places=told + more))  # fmt: skip


def _missed(left: Sequence[Wish], stills: Sequence[Keyframe], placed: int) -> Iterator[Missed]:
    for number, wish in enumerate(left, placed + 1):
        line, still = wish.line, _nearest(stills, (wish.line.start + wish.line.end) / 2)
        yield Missed(
            keyframe=still.id, start=line.start, end=line.end, kind=line.kind, candidate=record_id("given", number),
            text=line.text, why=NoRoom(), needed=wish.seconds, worth=GIVEN,
        )  # fmt: skip


def _nearest(stills: Sequence[Keyframe], time: float) -> Keyframe:
    after = bisect.bisect_left(stills, time, key=lambda k: k.time)
    return min(stills[max(after - 1, 0) : after + 1], key=lambda k: abs(k.time - time))


def _wish(line: ScriptLine, run: Planning, speaker: Speaker | None) -> Wish:
    if speaker and not refuse(line.text, run.language):
        seconds = speaker.seconds(line.text, 1.0)
    else:
        seconds = language.seconds(line.text, run.language, run.plan_rate or language.PLAN_RATE[run.language])
    return Wish(line, seconds, max(line.start - run.early, 0.0), line.end + run.late)


def _tell(job: Job[Any], placed: Sequence[Placed], left: Sequence[Wish]) -> None:
    moved = [put for put in placed if abs(put.start - put.wish.line.start) >= MOVED]
    if moved:
        told = ", ".join(f"{put.wish.line.start:.1f} → {put.start:.1f} s" for put in moved[:SHOWN])
        more = f" … (+{len(moved) - SHOWN})" if len(moved) > SHOWN else ""
        job.note(say("{number} of {all} lines were moved into the pauses: {places}.",
                     number=len(moved), all=len(placed) + len(left), places=told + more))  # fmt: skip
    for wish in left:
        job.note(
            say("“{text}” is not spoken: no pause between {start:.1f} and {end:.1f} s has {seconds:.1f} s for it.",
                text=wish.line.text, start=wish.earliest, end=wish.latest, seconds=wish.seconds),
            wish.line.start, wish.line.end,
        )  # fmt: skip


def place(
    wishes: Sequence[Wish], windows: Sequence[Window], pause: float, rooms: Sequence[float] = ESTIMATED
) -> tuple[list[Placed], list[Wish]]:
    """The lines in windows, by time, and those that no window can take; `rooms` may be kept free for each, in turn."""
    wishes = [replace(wish, room=rooms[0]) for wish in wishes]
    groups: list[list[Wish]] = [[] for _ in windows]
    left: list[Wish] = []
    for wish in wishes:
        near = _reachable(wish, windows)
        (groups[near[0]] if near else left).append(wish)
    for number, window in enumerate(windows):
        groups[number], over = _that_fit(groups[number], window, pause, rooms)
        left += over
    left = [wish for wish in left if not _elsewhere(wish, groups, windows, pause, rooms)]
    placed = [put for number, group in enumerate(groups) for put in _settled(group, number, windows[number], pause)]
    return placed, sorted(left, key=lambda wish: wish.line.start)


def _reachable(wish: Wish, windows: Sequence[Window]) -> list[int]:
    """The windows in which the line can start in time and end, smallest move first."""
    shortest, moves = wish.seconds * MEASURED[-1], []
    for number in range(bisect.bisect_right(windows, wish.earliest, key=lambda w: w.end), len(windows)):
        window = windows[number]
        if window.start > wish.latest:
            break
        start = max(window.start, min(wish.line.start, window.end - wish.seconds))
        if start + shortest <= window.end + MS and wish.earliest - MS <= start <= wish.latest + MS:
            moves.append((abs(start - wish.line.start), number))
    return [number for _, number in sorted(moves)]


def _elsewhere(
    wish: Wish, groups: list[list[Wish]], windows: Sequence[Window], pause: float, rooms: Sequence[float]
) -> bool:
    """Put a line that its own window could not take into another one, if that loses none of its lines."""
    for number in _reachable(wish, windows)[1:]:
        order = sorted([*groups[number], replace(wish, room=rooms[0])], key=lambda w: (w.line.start, w.line.end))
        fitting, over = _that_fit(order, windows[number], pause, rooms)
        if not over:
            groups[number] = fitting
            return True
    return False


def _that_fit(
    group: Sequence[Wish], window: Window, pause: float, rooms: Sequence[float]
) -> tuple[list[Wish], list[Wish]]:
    """The lines that the window can hold, with the room each keeps, and the others.

    A run is a row of lines without a rest between them: only they can be in each other's way.
    """
    done: list[Wish] = []
    run, over, step = Run(window, pause), [], 0
    for wish in group:
        if run.wishes and max(window.start, wish.earliest) >= run.end + pause:
            done += run.wishes
            run, step = Run(window, pause), 0
        if run.add(replace(wish, room=rooms[step])):
            continue
        wishes = [*run.wishes, wish]
        fits, whole = False, step + 1 == len(rooms)
        while not fits and step + 1 < len(rooms):
            step += 1
            fits = run.fill(wishes, rooms[step])
        if not fits:
            over.append(_in_the_way(wishes, window, pause, rooms[step]))
            if not (whole and over[-1] is wish):
                run.fill([other for other in wishes if other is not over[-1]], rooms[step])
    return done + run.wishes, over


class Run:
    """Lines one after another, each as early as it may be."""

    def __init__(self, window: Window, pause: float) -> None:
        self.window, self.pause = window, pause
        self.wishes: list[Wish] = []
        self.end = window.start - pause

    def add(self, wish: Wish) -> bool:
        """Put it at the end, if it begins and ends in time there."""
        start = max(self.end + self.pause, wish.earliest)
        if start > wish.latest + MS or start + wish.kept > self.window.end + MS:
            return False
        self.wishes.append(wish)
        self.end = start + wish.kept
        return True

    def fill(self, wishes: Sequence[Wish], room: float) -> bool:
        """Begin again with these, all with the same room; False at the first that does not fit."""
        self.wishes, self.end = [], self.window.start - self.pause
        return all(self.add(replace(wish, room=room)) for wish in wishes)


def _in_the_way(wishes: Sequence[Wish], window: Window, pause: float, room: float) -> Wish:
    """The line of the greatest misfit without which the others fit; the last one always is such a line."""
    near = [w for w in wishes[-NEAR:] if w.misfit(window) > wishes[-1].misfit(window) + MOVED]
    run = Run(window, pause)
    worse = sorted(near, key=lambda w: -w.misfit(window))
    return next((w for w in worse if run.fill([o for o in wishes if o is not w], room)), wishes[-1])


def _settled(group: Sequence[Wish], number: int, window: Window, pause: float) -> Iterator[Placed]:
    """The lines of one window, which fit, as near to their times as they can be."""
    if not group:
        return
    offsets = [0.0]
    for wish in group:
        offsets.append(offsets[-1] + wish.kept + pause)
    firsts, lasts = _bounds(group, window, pause)
    wanted = isotonic([wish.line.start - offset for wish, offset in zip(group, offsets, strict=False)])
    starts = [
        round(min(max(value + offset, first), last), 3)
        for value, offset, first, last in zip(wanted, offsets, firsts, lasts, strict=False)
    ]
    for wish, start, after in zip(group, starts, [*starts[1:], None], strict=True):
        yield Placed(wish, number, start, round(after - pause, 3) if after is not None else window.end)


def _bounds(group: Sequence[Wish], window: Window, pause: float) -> tuple[list[float], list[float]]:
    """The earliest and latest start of every line that leave room for the lines before and after it."""
    firsts, lasts = [], []
    at, until = window.start, window.end + pause
    for wish in group:
        firsts.append(max(at, wish.earliest))
        at = firsts[-1] + wish.kept + pause
    for wish in reversed(group):
        lasts.append(min(until - pause - wish.kept, wish.latest))
        until = lasts[-1]
    return firsts, lasts[::-1]


def isotonic(values: Sequence[float]) -> list[float]:
    """The non-decreasing sequence with the least squared distance from `values`, by pooling adjacent violators."""
    pools: list[tuple[float, int]] = []
    for value in values:
        total, count = value, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            before = pools.pop()
            total, count = total + before[0], count + before[1]
        pools.append((total, count))
    return [total / count for total, count in pools for _ in range(count)]
