"""Rows of fine-tuning, merging, splitting, leaks and the data card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import UserError
from finetune.card import write_card
from finetune.corpus import leaks, merge, near_pairs, split
from finetune.rows import Example, Offered, Truth, read, write

GOOD = {"prompt": "화면해설:", "response": "한 남자가 문을 연다.", "drama": "가"}


def example(response: str = "한 남자가 문을 연다.", **fields: object) -> Example:
    return Example.model_validate(GOOD | {"response": response} | fields)


def written(path: Path, *lines: object) -> Path:
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x, ensure_ascii=False) for x in lines))
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    rows = [example(rejected=["밤이다."], scores=[0.9, 0.2], split="train"), example("비가 온다.", image="가/나.jpg")]
    write(tmp_path / "자료" / "sft.jsonl", rows)
    assert read(tmp_path / "자료" / "sft.jsonl", Example) == rows


def test_a_json_list_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(b"\xef\xbb\xbf" + json.dumps([{"image": "a.jpg", "captions": ["x"]}]).encode())
    (row,) = read(tmp_path / "c.json", Offered)
    assert row.captions == ("x",)


@pytest.mark.parametrize(
    ("kind", "lines", "told"),
    [
        (Example, [], "holds no rows"),
        (Example, [GOOD, '{"prompt": "a"'], "line 2: is not JSON"),
        (Example, [GOOD, {"prompt": "a"}], "line 2: response is missing"),
        (
            Example,
            [GOOD, "", {"prompt": "a", "respones": "b"}],
            "line 3: respones is not known; did you mean response?",
        ),
        (Example, [["a"]], "row 1: must be an object"),
        (Example, [GOOD | {"rejected": ["b"], "scores": [1.0]}], "one number for the response"),
        (Truth, [{"caption": "a"}], "needs image, or episode and time"),
        (Truth, [{"caption": " ", "image": "a.jpg"}], "line 1: caption"),
        (Offered, [{"image": "a.jpg", "captions": []}], "line 1: captions"),
    ],
)
def test_a_bad_row_is_told_with_file_and_line(
    tmp_path: Path, kind: type[Example], lines: list[object], told: str
) -> None:
    with pytest.raises(UserError, match=told) as caught:
        read(written(tmp_path / "rows.jsonl", *lines), kind)
    assert "rows.jsonl" in str(caught.value)


def test_other_encodings_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "cp949.jsonl").write_bytes(b'{"prompt": "a", "response": "b"}\n' + "가".encode("cp949"))
    with pytest.raises(UserError, match="line 2: is not UTF-8"):
        read(tmp_path / "cp949.jsonl", Example)


def test_unknown_fields_are_counted_not_lost_in_silence(tmp_path: Path) -> None:
    rows = read(written(tmp_path / "a.jsonl", GOOD | {"scene": 3}, GOOD), Example)
    assert rows.ignored == {"scene": 1}


def test_duplicates_and_near_duplicates_are_dropped_the_first_is_kept() -> None:
    prompt = "앞의 해설:\n- 소영이 계단을 내려온다.\n- 민호가 뒤따라 나온다.\n화면해설:"
    first = example("소영이 현관에서 우산을 펴고 빗속으로 걸어간다.", prompt=prompt)
    again = example("소영이 현관에서 우산을 펴고 빗속으로 걸어간다", prompt=prompt + " ")
    nearly = example("소영이 현관에서 우산을 펴고, 빗속으로 걸어간다!!", prompt=prompt.replace("화면해", "화면 해"))
    elsewhere = example("소영이 현관에서 우산을 펴고 빗속으로 걸어간다.", prompt="전혀 다른 장면의 앞선 해설이 온다.")
    other = example("민호가 닫힌 문 앞에 멈춰 선다.", prompt=prompt)
    merged = merge([first, again, nearly, elsewhere, other])
    assert merged.examples == (first, elsewhere, other)
    assert (merged.duplicates, merged.near_duplicates) == (1, 1) or (merged.duplicates, merged.near_duplicates) == (
        2,
        0,
    )


def test_near_pairs_names_every_earlier_text_it_is_like() -> None:
    texts = ["그녀가 창가에 서서 밖을 내다본다", "다른 글이 여기 온다", "그녀가 창가에 서서 밖을 내다본다."]
    assert list(near_pairs(texts)) == [(2, [0])]


@given(st.dictionaries(st.text("가나다라마", min_size=1, max_size=3), st.integers(1, 20), min_size=3, max_size=12))
def test_a_drama_is_never_split_and_no_part_is_empty(sizes: dict[str, int]) -> None:
    rows = [example(f"{name} {n}", drama=name) for name, count in sizes.items() for n in range(count)]
    parts = split(rows, {"train": 0.8, "validation": 0.1, "test": 0.1})
    assert {e.split for e in parts} == {"train", "validation", "test"}
    for name in sizes:
        assert len({e.split for e in parts if e.drama == name}) == 1
    assert [e.model_copy(update={"split": None}) for e in parts] == rows
    assert not [leak for leak in leaks(parts) if leak.why == "drama"]


def test_shares_are_met_where_the_dramas_allow() -> None:
    rows = [example(f"{n} {k}", drama=f"드라마 {n}") for n in range(40) for k in range(10)]
    parts = split(rows, {"train": 0.8, "validation": 0.1, "test": 0.1})
    assert [sum(e.split == p for e in parts) for p in ("train", "validation", "test")] == [320, 40, 40]
    assert parts != split(rows, {"train": 0.8, "validation": 0.1, "test": 0.1}, seed=1)


def test_one_drama_cannot_be_split_and_rows_without_drama_neither() -> None:
    with pytest.raises(UserError, match="1 dramas cannot be split into 2 parts"):
        split([example()], {"train": 0.9, "test": 0.1})
    with pytest.raises(UserError, match="1 rows name no drama"):
        split([example(), example(drama="")], {"train": 0.9, "test": 0.1})


def test_planted_leaks_are_found() -> None:
    text = "소영이 현관에서 우산을 펴고 빗속으로 걸어간다."
    rows = [
        example(text, drama="가", split="train", image="1.jpg"),
        example("문이 닫히고 방 안이 어두워진다, 아무도 없다.", drama="나", split="test", image="1.jpg"),
        example(text.replace("펴고", "펴고,"), drama="다", split="test"),
        example("밤.", drama="가", split="validation"),
    ]
    found = {(leak.why, leak.part, leak.other) for leak in leaks(rows)}
    assert found == {("drama", "validation", "train"), ("image", "test", "train"), ("text", "test", "train")}


def test_parts_that_share_nothing_leak_nothing() -> None:
    rows = [example("밤.", drama="가", split="train"), example("밤.", drama="나", split="test")]
    assert leaks(rows) == []


def test_the_card_counts_what_the_file_holds(tmp_path: Path) -> None:
    rows = [example(split="train", source="ko.csv", licence="CC-BY-4.0"), example("밤.", drama="나", split="test")]
    write(tmp_path / "sft.jsonl", rows)
    card = write_card(tmp_path / "sft.jsonl", rows, {"duplicates": 3})
    assert (card.rows, card.dramas, card.parts) == (2, {"가": 1, "나": 1}, {"test": 1, "train": 1})
    assert card.lengths.least == 1
    assert card.licences == {"CC-BY-4.0": 1, "–": 1}
    page = (tmp_path / "sft.card.md").read_text(encoding="utf-8")
    assert card.data in page
    assert "duplicates: 3" in page
    assert json.loads((tmp_path / "sft.card.json").read_text())["rows"] == 2
