"""The series file, and what is remembered beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from data import series
from data.errors import ConfigError
from data.series import cast, memory

CAST = "cast:\n  - {id: giju, name: 김기주, photos: [], pronunciation: 김기주우}\n"


def written(folder: Path, text: str, name: str = "series.yaml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_series_is_named_by_its_folder_or_its_file(tmp_path: Path) -> None:
    text = CAST + (
        "places:\n  - {use: 행복약국, instead_of: [약방, 해피 약국], pronunciation: 행복약꾹}\n"
        "glossary:\n  - {use: 한복, instead_of: [전통 의상], note: 시청자 의견}\n"
        "pronunciations: {SHIELD: 쉴드}\nvoice: {backend: edge, rate: 4.2}\nnames: spoken\nepisodes: [pilot]\n"
    )
    written(tmp_path, text)
    for path in (tmp_path, tmp_path / "series.yaml"):
        found = series.load(path)
        assert [m.id for m in found.people.members] == ["giju"]
        assert found.readings == {"김기주": "김기주우", "행복약국": "행복약꾹", "SHIELD": "쉴드"}
        assert (found.voice, found.names) == ({"backend": "edge", "rate": 4.2}, "spoken")
        assert found.preferred("약방에서 전통 의상을 판다.", "ko") == "행복약국에서 한복을 판다."
        assert sorted(["ep10", "ep9", "pilot"], key=found.order) == ["pilot", "ep9", "ep10"]


def test_a_bare_cast_is_the_smallest_series_and_a_series_needs_no_cast(tmp_path: Path) -> None:
    written(tmp_path, "- {id: giju, name: 김기주, photos: []}\n", "cast.yaml")
    assert series.load(tmp_path).people.members == cast.load(tmp_path / "cast.yaml").members
    written(tmp_path, "glossary: []\n")
    assert series.load(tmp_path).people.members == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {id: giju, name: x, nme: x}", "giju.nme is not known; did you mean name?"),
        ("cast: giju", "must hold a list of people"),
        ("casts: []", "casts is no part of a series; did you mean cast?"),
        ("places:\n- {instead_of: [a]}", "places[1].use is missing; add it"),
        ("glossary:\n- {use: a, not: [b]}", "glossary[1].not is not known; did you mean"),
        ("glossary:\n- {use: a, instead_of: [a]}", "glossary[1]: Value error, instead_of must hold other words"),
        ("places:\n- {use: a, instead_of: [c]}\nglossary:\n- {use: b, instead_of: [c]}", "“c” is to be written in two"),
        ("places:\n- {use: a, instead_of: [b]}\n- {use: b}", "“b” is to be written in two ways"),
        ("names: never", "names: Input should be 'introduced', 'spoken' or 'always' (given: 'never'); mend this line"),
        ("pronunciations: {a: [1]}", "pronunciations.a: Input should be a valid string"),
        ("cast: [", "is not a readable YAML file"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        series.load(written(tmp_path, text))
    assert says in str(caught.value)
    assert str(tmp_path / "series.yaml") in str(caught.value)


def test_earlier_episodes_introduce_people_to_later_ones(tmp_path: Path) -> None:
    found = series.load(written(tmp_path, CAST))
    memory.remember(tmp_path, "ep10", ["b"])
    memory.remember(tmp_path, "ep2", ["giju"])
    assert found.introduced_before("ep1") == found.introduced_before("ep2") == frozenset()
    assert found.introduced_before("ep3") == {"giju"}
    assert found.introduced_before("ep11") == {"giju", "b"}


def test_what_a_person_wrote_into_the_memory_stays(tmp_path: Path) -> None:
    memory.remember(tmp_path, "ep1", [])
    assert not (tmp_path / "memory.yaml").exists()
    memory.remember(tmp_path, "ep1", ["수진", "giju"])
    file = tmp_path / "memory.yaml"
    assert file.read_text().endswith("- {episode: ep1, introduces: [giju, 수진]}  # vdesc\n")
    theirs = b"# ours\r\n-   episode:   ep2 # by hand\r\n    introduces: [ 'b' ]\r\n"
    file.write_bytes(theirs + file.read_bytes().rstrip(b"\n"))
    memory.remember(tmp_path, "ep2", ["c"])
    memory.remember(tmp_path, "ep1", [])
    memory.remember(tmp_path, "ep3", ["c"])
    assert file.read_bytes().startswith(theirs)
    assert memory.introduced(tmp_path) == {"ep1": frozenset(), "ep2": {"b"}, "ep3": {"c"}}
    before = file.stat().st_mtime_ns, file.read_bytes()
    memory.remember(tmp_path, "ep3", ["c"])
    assert (file.stat().st_mtime_ns, file.read_bytes()) == before
    file.write_text(
        file.read_text().replace("- {episode: ep3, introduces: [c]}  # vdesc", "- {episode: ep3, introduces: [d]}")
    )
    memory.remember(tmp_path, "ep3", ["c"])
    assert memory.introduced(tmp_path)["ep3"] == {"d"}


@pytest.mark.parametrize("text", ["- ep1\n", "ep1: [giju]\n", "- {episode: ep1}\n", "- {\n"])
def test_a_damaged_memory_is_told_and_left_as_it_is(text: str, tmp_path: Path) -> None:
    file = tmp_path / "memory.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"memory\.yaml: write lines such as"):
        memory.remember(tmp_path, "ep2", ["giju"])
    assert file.read_text() == text
