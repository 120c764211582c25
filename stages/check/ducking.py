"""Rows 15 and 17: how the programme is lowered under narration, and that it is left alone everywhere else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from data.reasons import say
from data.records import Duck, Utterance
from data.span import Span
from stages.check.findings import Result, moment, or_pass
from stages.check.lines import Spoken
from stages.check.measure import CELL, CELLS, FOLD, Measured, runs
from stages.check.sound import SILENCE

DEPTH = (6.0, 12.0)  # dB; row 15
DEPTH_SLACK = 1.0  # dB: least squares through a lossy codec
RAMP = (0.2, 0.6)  # s; row 15
RAMP_SLACK = 0.03  # s: three cells
AROUND = 1.0  # s beside a dip in which its ramp is looked for
WORSE = 3e-3  # share of the programme's power by which an allowed ramp must fit worse than the one found
PUMPING = 1.5  # s; row 15
COMES_UP = 3.0  # dB above its dip from which the programme is heard to come up
RESIDUAL = -60.0  # dBFS before the lossy encode; row 17
LEVEL_SLACK = 1.5  # dB by which a lossy codec may change a second of sound
BURST = 6.0  # dB from which a change of less than half of the second counts
AUDIBLE = 1e-6  # power of −60 dBFS: below it codecs do as they like
SAME = 0.7  # share of the programme found in a second of the described track below which it is another sound

S = TypeVar("S", bound=np.generic)


def ducking(
    lines: Sequence[Spoken], measured: Measured, ducks: Sequence[Duck], utterances: Sequence[Utterance]
) -> list[Result]:
    """Row 15: how deep and how fast the programme goes down, as found in the described track."""
    holds = _holds(lines, ducks)
    depths = {hold: depth for hold in holds if (depth := _depth(measured, hold)) is not None}
    problems = [*_depths(depths), *_ramps(measured, holds, depths), *_pumping(lines, measured, utterances)]
    if not depths:
        return or_pass(15, "ducking", problems, say("Nothing that could be heard had to be lowered"))
    low, high = min(depths.values()), max(depths.values())
    text = say("Lowered by {low:.1f} to {high:.1f} dB with ramps of 0.2 to 0.6 s, nothing pumps", low=low, high=high)
    return or_pass(15, "ducking", problems, text, round(high, 1))


def _holds(lines: Sequence[Spoken], ducks: Sequence[Duck]) -> list[Span]:
    """Where the programme should be down: the dips, and lines that none is known for."""
    known = {clip for duck in ducks for clip in duck.clips}
    alone = [line.place for line in lines if line.place and line.clip.id not in known]
    return sorted([*((duck.start, duck.end) for duck in ducks), *alone])


def _audible(measured: Measured, span: Span) -> bool:
    level = measured.programme.between(*span)
    return level is not None and level >= SILENCE


def _depth(measured: Measured, hold: Span) -> float | None:
    """dB by which the programme is down; None where there is nothing to hear."""
    gain = measured.products.gains(*hold).programme if _audible(measured, hold) else None
    return None if gain is None else -20 * math.log10(max(gain, 1e-3))


def _depths(depths: dict[Span, float]) -> Iterator[Result]:
    for hold, depth in depths.items():
        if not DEPTH[0] - DEPTH_SLACK <= depth <= DEPTH[1] + DEPTH_SLACK:
            text = say("The programme is lowered by {depth:.1f} dB at {start}", depth=depth, start=moment(hold[0]))
            limit = DEPTH[0] if depth < DEPTH[0] else DEPTH[1]
            yield Result(15, "ducking", "warning", text, *hold, round(depth, 1), limit)


def _ramps(measured: Measured, holds: Sequence[Span], depths: dict[Span, float]) -> Iterator[Result]:
    """Ramps that are too steep or too long; none is looked for where another dip or the film's edge is near."""
    film = len(measured.stem_rms) / CELLS
    for number, hold in enumerate(holds):
        before = (hold[0] - holds[number - 1][1]) / 2 if number else hold[0]
        after = (holds[number + 1][0] - hold[1]) / 2 if number + 1 < len(holds) else film - hold[1]
        for edge, room, side in ((hold[0], before, -1), (hold[1], after, 1)):
            ramp = ramp_length(measured, edge, side, min(room, AROUND), depths[hold]) if hold in depths else None
            if ramp is not None and not RAMP[0] - RAMP_SLACK <= ramp <= RAMP[1] + RAMP_SLACK:
                text = say("A ramp of {ramp:.2f} s at {start}", ramp=ramp, start=moment(edge))
                limit = RAMP[0] if ramp < RAMP[0] else RAMP[1]
                yield Result(15, "ducking", "warning", text, edge, edge, round(ramp, 2), limit)


def ramp_length(measured: Measured, edge: float, side: int, room: float, depth: float) -> float | None:
    """Seconds of the straight line to `edge` that fits the gain beside it best by least squares.

    `side` is −1 before the edge, 1 after it. None where there is no room, nothing to hear, or where a ramp that is
    allowed fits about as well.
    """
    span = (edge - room, edge) if side < 0 else (edge, edge + room)
    if room < RAMP[0] or not _audible(measured, span) or depth < 1:
        return None
    cells = np.arange(math.ceil(span[0] * CELLS), math.floor(span[1] * CELLS))
    away = np.abs((cells + 0.5) / CELLS - edge)
    pp, dp = measured.products.pp[cells], measured.products.dp[cells]
    weight = np.minimum(1, np.median(pp) / np.maximum(pp, 1e-12))  # a door that slams is not all there is to hear
    pp, dp = pp * weight, dp * weight
    lengths = np.arange(1, round(room * CELLS) + 1) / CELLS
    low = 10 ** (-depth / 20)
    model = low + (1 - low) * np.minimum(away / lengths[:, None], 1)
    misfit = (model**2 @ pp - 2 * (model @ dp)) / max(float(pp.sum()), 1e-12)
    best = int(np.argmin(misfit))
    allowed = (lengths >= RAMP[0]) & (lengths <= RAMP[1])
    return float(lengths[best]) if misfit[allowed].min(initial=np.inf) > misfit[best] + WORSE else None


def _pumping(lines: Sequence[Spoken], measured: Measured, utterances: Sequence[Utterance]) -> Iterator[Result]:
    """Lines close to each other between which the programme comes up, though nobody speaks there."""
    for one, other in pairwise([line.voice for line in lines if line.voice]):
        between = (one[1] + 0.05, other[0] - 0.05)
        if not 0.1 < other[0] - one[1] < PUMPING or any(u.start < other[0] and u.end > one[1] for u in utterances):
            continue
        depth, high = _depth(measured, one), _highest(measured, between)
        if depth is not None and high is not None and high + depth > COMES_UP:
            text = say("The programme comes up for {seconds:.1f} s only at {start}", seconds=other[0] - one[1],
                       start=moment(one[1]))  # fmt: skip
            yield Result(15, "ducking", "warning", text, one[1], other[0], round(other[0] - one[1], 2), PUMPING)


def _highest(measured: Measured, span: Span) -> float | None:
    """The programme's highest gain in dB over any 0.1 s of a stretch without voice; None where it is not heard."""
    cells = slice(round(span[0] * CELLS), round(span[1] * CELLS))
    pp, dp = (np.convolve(curve[cells], np.ones(10), "valid") for curve in (measured.products.pp, measured.products.dp))
    if cells.stop - cells.start < 10 or not _audible(measured, span):
        return None
    gains = dp[pp > 0.1 * pp.max()] / pp[pp > 0.1 * pp.max()]
    return 20 * math.log10(max(float(gains.max()), 1e-3))


def untouched(measured: Measured, ducks: Sequence[Duck], residual: float | None) -> list[Result]:
    """Row 17: outside cues the mix is the programme. `residual` is that of the samples before the encoder, dBFS."""
    problems = [*_changed(measured, ducks)]
    if residual is not None and residual > RESIDUAL:
        text = say("Outside cues the mix differs from the programme by {residual:.1f} dBFS", residual=residual)
        problems.append(Result(17, "untouched", "error", text, value=residual, limit=RESIDUAL))
    return or_pass(17, "untouched", problems, say("Outside cues the mix is the programme"), residual)


def _changed(measured: Measured, ducks: Sequence[Duck]) -> Iterator[Result]:
    """Seconds outside cues whose level, or whose sound, the described track changes."""
    free = _free(measured, ducks)
    source, mix, pp, dp = (
        _seconds(curve)
        for curve in (
            measured.programme_power,
            measured.described_power,
            measured.products.pp / (CELL // FOLD * measured.products.ps.shape[1]),
            measured.products.dp / (CELL // FOLD * measured.products.ps.shape[1]),
        )
    )
    change = _decibels(mix.mean(axis=1), source.mean(axis=1))
    usual = np.median(_decibels(mix, source), axis=1)
    loud = free & (np.maximum(source.mean(axis=1), mix.mean(axis=1)) > AUDIBLE)
    wrong = loud & ((np.abs(change) > BURST) | ((np.abs(change) > LEVEL_SLACK) & (np.abs(usual) > LEVEL_SLACK / 2)))
    for start, end in runs(wrong):
        mean = float(change[start:end].mean())
        text = say("The programme is changed by {change:+.1f} dB from {start} to {end}, where nothing is spoken",
                   change=mean, start=moment(start), end=moment(end))  # fmt: skip
        yield Result(17, "untouched", "error", text, float(start), float(end), round(mean, 1), LEVEL_SLACK)
    share = dp.mean(axis=1) / np.maximum(pp.mean(axis=1), 1e-12)
    other = free & ~wrong & (pp.mean(axis=1) > 10 * AUDIBLE) & (share < SAME) & measured.in_step
    for start, end in runs(other):
        text = say("The described track holds another sound than the programme from {start} to {end}",
                   start=moment(start), end=moment(end))  # fmt: skip
        mean = float(share[start:end].mean())
        yield Result(17, "untouched", "error", text, float(start), float(end), round(mean, 2), SAME)


def _free(measured: Measured, ducks: Sequence[Duck]) -> NDArray[np.bool_]:
    """Whole seconds of film in which nothing is lowered and nothing is spoken."""
    cells = measured.stem_rms > 10 ** (-80 / 20)
    for duck in ducks:
        first, last = (duck.start - duck.attack) * CELLS, (duck.end + duck.release) * CELLS
        cells[max(0, math.floor(first) - 2) : math.ceil(last) + 2] = True
    return np.asarray(~_seconds(cells).any(axis=1))


def _seconds(curve: NDArray[S]) -> NDArray[S]:
    """(seconds, cells of a second); the rest of the last second is left out."""
    return curve[: len(curve) // CELLS * CELLS].reshape(-1, CELLS)


def _decibels(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = 10 * np.log10(np.maximum(one, 1e-10) / np.maximum(other, 1e-10))
    return ratio
