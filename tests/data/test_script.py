from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sample_script import narration, script

from data.errors import UserError
from data.scripts.script import DroppedLine, Script, json_schema, load, one_line, save


def test_round_trip_gives_the_same_script_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    save(script(), path)
    first = path.read_bytes()
    assert load(path) == script()
    save(load(path), path)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["script.json"]


def test_json_has_the_published_shape() -> None:
    held = json.loads(script().model_dump_json())
    assert {"episode", "shots", "utterances", "gaps", "narrations", "dropped", "ducking"} <= held.keys()
    assert {"id", "start", "end", "bed", "used", "why"} <= held["gaps"][0].keys()
    assert {"id", "start", "end", "text", "source"} == held["utterances"][0].keys()
    line = held["narrations"][0]
    wanted = {"id", "start", "end", "text", "kind", "gap", "keyframe", "score", "candidates", "evidence"}
    assert wanted <= line.keys()
    assert {"text", "score", "parts", "model"} <= line["candidates"][0].keys()


def test_hangul_is_readable_in_the_file(tmp_path: Path) -> None:
    save(script(), tmp_path / "script.json")
    assert "문이 열린다." in (tmp_path / "script.json").read_text(encoding="utf-8")


def test_the_schema_describes_what_is_written() -> None:
    schema = json_schema()
    assert set(schema["properties"]) == set(json.loads(script().model_dump_json()))
    assert schema["$defs"]["ScriptNarration"]["properties"]["candidates"]["type"] == "array"


def test_seconds_are_milliseconds() -> None:
    assert script(narrations=[narration(1, 1.00049, 2.9996, "문.")]).narrations[0].start == 1.0
    assert script(narrations=[narration(1, 1.00049, 2.9996, "문.")]).narrations[0].end == 3.0


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"narrations": [narration(1, 2.0, 1.0, "문.")]}, "before start"),
        ({"narrations": [narration(1, 1.0, 2.0, "문.", gap="g9")]}, "no such gap: g9"),
        ({"narrations": [narration(1, 1.0, 2.0, "문."), narration(1, 3.0, 4.0, "문.")]}, "occur twice: n00001"),
        ({"narrations": [narration(2, 3.0, 4.0, "문."), narration(1, 1.0, 2.0, "문.")]}, "order of time"),
        ({"narrations": [narration(1, 1.0, 2.0, " \n")]}, "at least 1"),
        ({"narrations": [], "ducking": script().model_dump()["ducking"]}, "no such narration: n00001"),
        ({"extra": 1}, "Extra inputs"),
    ],
)
def test_a_broken_script_is_refused(changes: dict[str, object], cause: str) -> None:
    with pytest.raises(ValidationError, match=cause):
        script(**changes)


def test_load_names_file_cause_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"script.json cannot be read \(No such file.*vdesc run"):
        load(tmp_path / "script.json")
    (tmp_path / "script.json").write_text('{"version": 1, "episode": {"id": 3}}')
    with pytest.raises(UserError, match=r"not a narration script \(episode.id: .*vdesc run") as error:
        load(tmp_path / "script.json")
    assert "\n" not in str(error.value)


def test_a_script_of_version_1_is_read(tmp_path: Path) -> None:
    """It held reasons as words; people keep such files and give them to runs."""
    old = script().model_dump(mode="json") | {"version": 1}
    used, free = {"why": ""}, {"why": "shorter than the minimum", "usable": False}
    old["gaps"] = [gap | (free if number else used) for number, gap in enumerate(old["gaps"])]
    row = old["narrations"].pop()
    old["dropped"] = [{name: row.get(name) for name in DroppedLine.model_fields} | {"why": "it takes 3.1 s, has 2.0 s"}]
    old["ducking"] = []
    (tmp_path / "script.json").write_text(json.dumps(old))
    read = load(tmp_path / "script.json")
    assert read.gaps[0].why is None
    assert [str(row.why) for row in read.dropped] == ["it takes 3.1 s, has 2.0 s"]


@given(st.text())
def test_a_line_is_one_line_of_legal_xml(text: str) -> None:
    from lxml import etree

    line = one_line(text)
    assert one_line(line) == line
    assert len(line.splitlines()) < 2
    element = etree.Element("a")
    element.text = line
    assert etree.fromstring(etree.tostring(element)).text == (line or None)


def test_script_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Script.model_validate(script()).version = 1  # type: ignore[misc]
