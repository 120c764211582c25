"""Audacity labels and broadcast control values."""

from __future__ import annotations

import csv
import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies

from data.formats import export
from data.formats.fadepan import attenuation, changes, fade_byte
from data.scripts.script import ScriptDuck
from stages.mix.render import gain_curve
from tests.data import sample_script


def test_labels_are_what_audacity_imports() -> None:
    script = sample_script.script(texts=("문이 열린다.", "두 사람이 앉는다."))
    name, content = export(script, "labels")
    rows = [line.split("\t") for line in content.decode().splitlines()]
    assert name == "labels.txt"
    assert [(float(a), float(b), text) for a, b, text in rows] == [(n.start, n.end, n.text) for n in script.narrations]


@pytest.mark.parametrize(("decibels", "byte"), [(0, 0), (0.3, 1), (9, 30), (12, 40), (76.2, 0xFE), (200, 0xFE)])
def test_a_step_is_three_tenths_of_a_decibel(decibels: float, byte: int) -> None:
    assert fade_byte(decibels) == byte


def duck(start: float = 5.0, depth: float = 9.0, attack: float = 0.3, release: float = 0.4) -> ScriptDuck:
    return ScriptDuck(id="d1", start=start, end=start + 3, attack=attack, release=release, depth=depth, narrations=())


@given(strategies.floats(3, 10), strategies.floats(0, 12), strategies.sampled_from([0.0, 0.05, 0.3]))
def test_the_curve_is_that_of_the_mix(time: float, depth: float, ramp: float) -> None:
    dip = duck(depth=depth, attack=ramp, release=ramp)
    known = -20 * np.log10(gain_curve(dip, np.array([time]))[0])  # type: ignore[arg-type]  # has the same fields
    near_an_edge = ramp == 0 and min(abs(time - dip.start), abs(time - dip.end)) < 1e-6
    assert near_an_edge or attenuation(dip, time) == pytest.approx(known, abs=1e-6)


def test_bytes_follow_the_dips_and_come_back() -> None:
    script = sample_script.script(texts=("문이 열린다.",)).model_copy(update={"ducking": (duck(), duck(20.0, 12.0))})
    rows = list(csv.DictReader(io.StringIO(export(script, "fadepan")[1].decode())))
    assert rows[0]["time"] == "0.000"
    assert (rows[0]["fade"], rows[-1]["fade"]) == ("0x00", "0x00")
    assert {row["pan"] for row in rows} == {"0x00"}
    held = [(float(row["time"]), int(row["fade"], 16)) for row in rows]
    assert [max(f for t, f in held if a <= t < b) for a, b in ((0, 15), (15, 30))] == [30, 40]
    assert all(later > earlier for (earlier, _), (later, _) in pairwise(held))
    assert all(a != b for (_, a), (_, b) in pairwise(held))


def test_a_film_that_begins_lowered() -> None:
    script = sample_script.script(texts=("문이 열린다.",))
    dip = duck(start=0.0, attack=0.0)
    assert next(changes(script.model_copy(update={"ducking": (dip,)}))) == (0.0, 30)
    assert list(changes(script.model_copy(update={"ducking": ()}))) == [(0.0, 0)]
