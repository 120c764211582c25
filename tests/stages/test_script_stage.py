from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.formats import dapt, vtt
from data.formats.dapt_rules import validate
from data.reasons import NothingNew, NothingToSay, Overruns, TooShort
from data.records import (
    Candidate,
    Clip,
    Context,
    Duck,
    Evidence,
    Extended,
    Gap,
    Keyframe,
    Line,
    Ranked,
    Record,
    Shot,
    Utterance,
    Written,
)
from data.scripts.script import load
from stages import STAGES, script
from stages.sources import RunSettings
from stages.stage import Job

SHORT, OVERRUN = TooShort(room=1.0, needed=1.5), Overruns(needed=3.0, room=2.0)


def candidate(name: str, keyframe: str, text: str, **changes: Any) -> Candidate:
    values: dict[str, Any] = {"kind": "visual", "style": "basic", "length": "standard", "model": "facts"}
    return Candidate(id=name, keyframe=keyframe, text=text, **(values | changes))


def context(keyframe: str, shot: str, start: float, end: float) -> Context:
    return Context(
        id="c" + keyframe[1:],
        keyframe=keyframe,
        shot=shot,
        time=start + 1,
        start=start,
        end=end,
        texts=(),
        people=0,
        light="day",
        same_place=None,
    )


def gap(number: int, start: float, end: float, **changes: Any) -> Gap:
    values: dict[str, Any] = {"lead_in": 0.3, "lead_out": 0.3, "bed": "ambience", "loudness": -35.0, "usable": True}
    return Gap(id=f"g{number}", start=start, end=end, **(values | changes))


def narration(number: int, start: float, text: str, keyframe: str, chosen: str, **changes: Any) -> Line:
    values: dict[str, Any] = {"kind": "visual", "gap": f"g{number}", "score": 0.5}
    return Line(
        id=f"n{number}",
        start=start,
        end=start + 2,
        until=start + 3,
        text=text,
        keyframe=keyframe,
        candidate=chosen,
        **(values | changes),
    )


@pytest.fixture
def records() -> dict[type[Record], list[Any]]:
    sign = (Evidence(kind="text", value="서울역", keyframe="k2"),)
    return {
        Shot: [Shot(id="s1", start=0, end=20), Shot(id="s2", start=20, end=60)],
        Keyframe: [
            Keyframe(id=f"k{n}", shot=shot, time=t, image=f"{t}.jpg", sharpness=1, luma=100, look=())
            for n, shot, t in ((1, "s1", 1), (2, "s2", 21), (3, "s2", 41))
        ],
        Utterance: [Utterance(id="u1", start=5, end=9, text="안녕.", source="subtitles+speech")],
        Gap: [
            gap(1, 0, 5, lead_in=0),
            gap(2, 9, 24),
            gap(3, 30, 31, usable=False, why=SHORT),
            gap(4, 40, 44),
            gap(5, 45, 50, loudness=None, bed="silence"),
            gap(6, 61, 66),
        ],
        Context: [context("k1", "s1", 0, 20), context("k2", "s2", 20, 60), context("k3", "s2", 20, 60)],
        Candidate: [
            candidate("x1", "k1", "한 사람이 서 있다."),
            candidate("x2", "k1", "한 사람.", length="short"),
            candidate("x3", "k2", "간판에 적힌 글, 서울역.", kind="text", evidence=sign),
            candidate("x4", "k2", "서울역.", kind="text", length="short", evidence=sign),
            candidate("x5", "k2", "밤이다."),
        ],
        Ranked: [
            Ranked(id=f"r{c}", candidate=c, keyframe=k, score=score, parts={"fit": score, "news": 0.1})
            for c, k, score in (("x1", "k1", 0.4), ("x2", "k1", 0.6), ("x3", "k2", 0.9), ("x4", "k2", 0.7))
        ],
        Line: [
            narration(1, 0.5, "한 사람.", "k1", "x2"),
            narration(2, 20.5, "간판에 적힌 글, 서울역.", "k2", "x3", kind="text", score=0.9),
            narration(4, 40.5, "한 사람이 서 있다.", "k1", "x1"),
        ],
        Clip: [
            Clip(
                id="n1", narration="n1", text="한 사람.", candidate="x2", start=0.5, end=1.4, file="a.wav", voice="ko"
            ),
            Clip(
                id="n2",
                narration="n2",
                text="서울역.",
                candidate="x4",
                start=20.5,
                end=21.7,
                file="b.wav",
                voice="ko",
                speed=1.08,
            ),
            Clip(
                id="n4",
                narration="n4",
                text="한 사람이 서 있다.",
                candidate="x1",
                start=40.5,
                end=40.5,
                file=None,
                voice="ko",
                dropped=OVERRUN,
            ),
        ],
        Extended: [],
        Duck: [
            Duck(id="d1", start=0.5, end=1.4, attack=0.3, release=0.3, depth=9, bed=-35, clips=("n1",)),
            Duck(id="d2", start=20.5, end=21.7, attack=0.3, release=0.3, depth=6, bed=None, clips=("n2",)),
        ],
    }


@pytest.fixture
def job(make_job: Callable[..., Job[Any]], records: dict[type[Record], list[Any]]) -> Job[Any]:
    return make_job(script.Config(), records)


def test_the_files_are_written_and_named(job: Job[Any]) -> None:
    written = list(script.run(job))
    assert [(w.name, w.role) for w in written if isinstance(w, Written)] == [
        ("script.json", "script"),
        ("script.dapt.xml", "dapt"),
        ("descriptions.ko.vtt", "vtt"),
        ("script.csv", "csv"),
    ]
    assert sorted(p.name for p in job.folder.iterdir()) == sorted(w.name for w in written if isinstance(w, Written))
    assert validate((job.folder / "script.dapt.xml").read_bytes()) == []


def test_every_format_tells_the_same_cues(job: Job[Any]) -> None:
    list(script.run(job))
    held = [(n.id, n.start, n.end, n.text) for n in load(job.folder / "script.json").narrations]
    assert held == [("n1", 0.5, 1.4, "한 사람."), ("n2", 20.5, 21.7, "서울역.")]
    cues = vtt.read((job.folder / "descriptions.ko.vtt").read_bytes())
    assert [(c.id, c.start, c.end, c.text) for c in cues] == held
    cues = dapt.read((job.folder / "script.dapt.xml").read_bytes())
    assert [(c.id, c.start, c.end, c.text) for c in cues] == held


def test_a_line_is_what_was_spoken_beside_all_that_was_written(job: Job[Any]) -> None:
    line = script.build(job).narrations[1]
    assert (line.candidate, line.score, line.kind, line.shot) == ("x4", 0.7, "text", "s2")
    assert [e.value for e in line.evidence] == ["서울역"]
    assert [(c.id, c.score) for c in line.candidates] == [("x3", 0.9), ("x4", 0.7), ("x5", None)]
    assert line.candidates[0].parts == {"fit": 0.9, "news": 0.1}
    assert (line.clip.file, line.clip.voice, line.clip.speed) == ("b.wav", "ko", 1.08)


def test_all_gaps_are_listed_with_their_reason(job: Job[Any]) -> None:
    assert [(g.id, g.used, g.why) for g in script.build(job).gaps] == [
        ("g1", True, None),
        ("g2", True, None),
        ("g3", False, SHORT),
        ("g4", False, OVERRUN),
        ("g5", False, NothingNew()),
        ("g6", False, NothingToSay()),
    ]


def test_dropped_lines_keep_their_reason_and_candidates(job: Job[Any]) -> None:
    (line,) = script.build(job).dropped
    assert (line.id, line.why, line.text) == ("n4", OVERRUN, "한 사람이 서 있다.")
    assert {c.id for c in line.candidates} == {"x1", "x2"}


def test_ducking_names_its_lines(job: Job[Any]) -> None:
    assert [(d.depth, d.narrations) for d in script.build(job).ducking] == [(9, ("n1",)), (6, ("n2",))]


def test_lines_are_ordered_by_when_they_are_heard(job: Job[Any], records: dict[type[Record], list[Any]]) -> None:
    records[Clip].reverse()
    assert [n.id for n in script.build(job).narrations] == ["n1", "n2"]


def test_a_film_without_gaps_has_a_script_without_lines(make_job: Callable[..., Job[Any]]) -> None:
    kinds = next(stage.products for stage in STAGES if stage.name == "script")
    job = make_job(script.Config(), {kind: [] for kind in kinds[1:]}, settings=RunSettings(language="en"))
    assert [w.name for w in script.run(job) if isinstance(w, Written)][2] == "descriptions.en.vtt"
    assert vtt.read((job.folder / "descriptions.en.vtt").read_bytes()) == []
    assert json.loads((job.folder / "script.json").read_text())["episode"]["language"] == "en"


def test_the_same_records_give_the_same_bytes(job: Job[Any]) -> None:
    list(script.run(job))
    first = {p.name: p.read_bytes() for p in job.folder.iterdir()}
    list(script.run(job))
    assert {p.name: p.read_bytes() for p in job.folder.iterdir()} == first


def test_no_folder_of_this_machine_is_told(job: Job[Any], tmp_path: Path) -> None:
    list(script.run(job))
    assert not [p.name for p in job.folder.iterdir() if str(tmp_path).encode() in p.read_bytes()]
