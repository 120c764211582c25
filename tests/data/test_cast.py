"""The cast folder: what it may hold, and one line for what it may not."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data import messages
from data.errors import ConfigError
from data.series import cast

GIJU = "- id: giju\n  name: 김기주\n"


def photo(path: Path, size: tuple[int, int] = (40, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size[1], size[0], 3), 120, np.uint8)).save(path)
    return path


def folder(tmp_path: Path, text: str, *photos: str) -> Path:
    for name in photos:
        photo(tmp_path / name)
    (tmp_path / "cast.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def photos_of(tmp_path: Path) -> list[list[str]]:
    return [[p.relative_to(tmp_path).as_posix() for p in m.photos] for m in cast.load(tmp_path).members]


def test_everything_a_member_may_say(tmp_path: Path) -> None:
    folder(
        tmp_path,
        "- id: giju\n  name: {ko: 김기주, en: Kim Gi-ju}\n  before: 회색 코트의 남자\n  relation: 수진의 오빠\n"
        "  pronunciation: 김기주\n  photos: [a.jpg]\n  named_from: 65.5\n",
        "a.jpg",
    )
    people = cast.load(tmp_path)
    (member,) = people.members
    assert member.names == ("김기주", "Kim Gi-ju")
    assert (people.words(member, "name", "en"), people.words(member, "before", "en")) == (
        "Kim Gi-ju",
        "회색 코트의 남자",
    )
    assert (member.relation, member.pronunciation, member.named_from) == ("수진의 오빠", "김기주", 65.5)


def test_photos_are_found_by_the_id(tmp_path: Path) -> None:
    folder(
        tmp_path,
        "- {id: m, name: Em}\n- {id: m1, name: One}\n- {id: 수진, name: 이수진}\n- {id: x, name: X, photos: []}\n",
        *("m.jpg", "m-2.PNG", "m (3).jpeg", "m1.jpg", "m_side.jpg", unicodedata.normalize("NFD", "수진.jpg")),
    )
    found = photos_of(tmp_path)
    assert [sorted(names) for names in found[:2]] == [["m (3).jpeg", "m-2.PNG", "m.jpg"], ["m1.jpg"]]
    assert [unicodedata.normalize("NFC", name) for name in found[2]] == ["수진.jpg"]
    assert found[3] == []


def test_photos_may_be_listed_or_lie_in_a_folder(tmp_path: Path) -> None:
    folder(
        tmp_path,
        "- {id: a, name: A, photos: [one.jpg, sub/two.jpg]}\n- {id: b, name: B, photos: 사진}\n- {id: c, name: C}\n",
        *("one.jpg", "sub/two.jpg", unicodedata.normalize("NFD", "사진") + "/1.jpg", "c/1.jpg", "c/2.jpg"),
    )
    (tmp_path / "c" / "notes.txt").write_text("no picture")
    found = photos_of(tmp_path)
    assert found[0] == ["one.jpg", "sub/two.jpg"]
    assert len(found[1]) == 1
    assert found[2] == ["c/1.jpg", "c/2.jpg"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"cast\.yaml must hold a list of people"),
        ("giju: 김기주\n", r"must hold a list of people"),
        ("- [\n", r"cast\.yaml is not a readable YAML file"),
        ("- 김기주\n", r"entry 1 is no person"),
        (GIJU + "  fotos: [a.jpg]\n", r"giju\.fotos is not known; did you mean photos\?"),
        (GIJU + "  befor: x\n", r"giju\.befor is not known; did you mean before\?"),
        ("- name: 김기주\n", r"1 has no id; add a line “id: …”"),
        ("- id: giju\n", r"giju has no name; add a line"),
        ("- {id: giju, name: ''}\n", r"giju\.name: .*empty; mend this line"),
        (GIJU + "  named_from: -1\n", r"giju\.named_from: .*; mend this line"),
        (GIJU + "  named_from: soon\n", r"giju\.named_from: .*; mend this line"),
        ("- {id: giju, name: {jp: x}}\n", r"giju\.name: .*; mend this line"),
        (GIJU + "- {id: giju, name: B, photos: []}\n", r"two people have the id giju; make them differ"),
        (GIJU + "- {id: b, name: {ko: 김기주, en: B}, photos: []}\n", r"two people have the name 김기주"),
        ("- {id: unknown-1, name: A, photos: []}\n", r"the id unknown-1 is kept for strangers"),
        ("- {id: b, name: B}\n", r"b has no photo; put b\.jpg beside it, or write photos: \[\]"),
        (GIJU + "  photos: [gone.jpg]\n", r"giju\.photos: there is no picture gone\.jpg; put it into"),
        (GIJU + "  photos: empty\n", r"giju\.photos: there is no picture empty"),
        (
            GIJU + "  photos: [notes.txt]\n",
            r"giju\.photos: .*notes\.txt is no readable picture; save it",
        ),
        (GIJU + "  photos: [broken.jpg]\n", r"giju\.photos: .*broken\.jpg is no readable picture"),
        (GIJU + "  photos: {a: b}\n", r"giju\.photos must be a list of files or the name of a sub-folder"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_remedy(text: str, says: str, tmp_path: Path) -> None:
    folder(tmp_path, text, "giju.jpg")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "broken.jpg").write_bytes((tmp_path / "giju.jpg").read_bytes()[:40])
    with pytest.raises(ConfigError, match=says) as raised:
        cast.load(tmp_path)
    assert "\n" not in str(raised.value)
    assert str(tmp_path / "cast.yaml") in str(raised.value)
    messages.use("ko")
    with pytest.raises(ConfigError, match=r"[가-힣]"):
        cast.load(tmp_path)


def test_no_cast_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no cast\.yaml and no series\.yaml; write one"):
        cast.load(tmp_path / "없음")


def test_a_text_in_the_other_language_alone(tmp_path: Path) -> None:
    people = cast.load(folder(tmp_path, "- {id: a, name: {ko: 가나}, photos: []}\n"))
    with pytest.raises(ConfigError, match=r"a\.name is not given in en; add en: … to it"):
        people.words(people.members[0], "name", "en")


def test_content_is_what_is_in_the_folder_not_where_it_lies(tmp_path: Path) -> None:
    one, other = (folder(tmp_path / name, GIJU, "giju.jpg") for name in ("one", "other"))
    assert cast.load(one).content == cast.load(other).content
    photo(other / "giju.jpg", (41, 30))
    changed = cast.load(other).content
    assert changed != cast.load(one).content
    photo(other / "giju.jpg")
    (other / "cast.yaml").write_text(GIJU + "  before: 남자\n", encoding="utf-8")
    assert cast.load(other).content not in {changed, cast.load(one).content}


def test_photos_are_turned_upright(tmp_path: Path) -> None:
    people = cast.load(folder(tmp_path, GIJU, "giju.jpg"))
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held on its side
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(tmp_path / "giju.jpg", exif=turned)
    assert cast.read_photo(people, "giju", people.members[0].photos[0]).shape == (40, 30, 3)


def test_a_photo_that_breaks_later(tmp_path: Path) -> None:
    people = cast.load(folder(tmp_path, GIJU, "giju.jpg"))
    (tmp_path / "giju.jpg").write_bytes(b"no picture at all")
    with pytest.raises(ConfigError, match=r"giju\.jpg is no readable picture"):
        cast.read_photo(people, "giju", people.members[0].photos[0])
