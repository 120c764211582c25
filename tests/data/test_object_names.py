"""Names of detected things."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import pytest
import yaml

from data.text.objects import LEXICON, object_name


@pytest.mark.parametrize(
    ("label", "korean", "english"),
    [("person", "사람", "person"), ("cell phone", "휴대전화", "mobile phone"), ("dog", "개", "dog")],
)
def test_names(label: str, korean: str, english: str) -> None:
    assert (object_name(label, "ko"), object_name(label, "en")) == (korean, english)


@pytest.mark.parametrize("label", ["hanbok", "", "가마솥"])
def test_a_label_of_another_detector_comes_back(label: str) -> None:
    assert object_name(label, "ko") == object_name(label, "en") == label


def test_every_coco_class_of_ultralytics_is_named_in_hangul() -> None:
    package = importlib.util.find_spec("ultralytics")  # not imported: it changes how Pillow opens pictures
    if package is None or package.origin is None:
        pytest.skip("ultralytics is not installed")
    coco = Path(package.origin).parent / "cfg" / "datasets" / "coco.yaml"
    labels = list(yaml.safe_load(coco.read_text(encoding="utf-8"))["names"].values())
    with LEXICON.open(encoding="utf-8", newline="") as file:
        assert [row["label"] for row in csv.DictReader(file)] == labels
    korean = [object_name(label, "ko") for label in labels]
    assert len(set(korean)) == 80
    assert all("가" <= letter <= "힣" or letter == " " for name in korean for letter in name)
