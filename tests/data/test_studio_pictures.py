"""Studio scripts with the picture of every line."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import docx
import lxml.html
import numpy as np
import pytest
from PIL import Image

from data.errors import StageError
from data.formats import export
from data.media.pictures import THUMBNAIL
from tests.data.sample_script import script


@pytest.fixture
def stills(tmp_path: Path) -> Path:
    Image.fromarray(np.full((90, 320, 3), 200, np.uint8)).save(tmp_path / "0000500.jpg")
    return tmp_path


def test_html_shows_the_keyframe_of_every_description_and_nothing_else(stills: Path) -> None:
    page = lxml.html.fromstring(export(script(), "html", stills)[1])
    for row in page.findall(".//tbody/tr"):
        pictures = row.findall(".//img")
        assert len(pictures) == (row.get("class") == "description")
        for picture in pictures:
            assert picture.get("alt") == "", "the line beside it says what it shows"
            content = base64.b64decode(re.sub(r"^data:image/jpeg;base64,", "", picture.get("src")))
            assert Image.open(io.BytesIO(content)).size[0] == THUMBNAIL
    assert len(page.findall(".//thead//th")) == 5


def test_docx_shows_them_too(stills: Path) -> None:
    content = export(script(), "docx", stills)[1]
    table = docx.Document(io.BytesIO(content)).tables[0]
    assert len(table.columns) == 5
    shown = [bool(row.cells[4]._tc.xpath(".//pic:pic")) for row in table.rows[1:]]
    assert shown == [row.cells[1].text == "화면해설" for row in table.rows[1:]]
    assert content == export(script(), "docx", stills)[1]


def test_without_stills_there_is_no_column() -> None:
    assert b"<img" not in export(script(), "html")[1]
    assert len(docx.Document(io.BytesIO(export(script(), "docx")[1])).tables[0].columns) == 4


def test_a_missing_still_is_named(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="0000500"):
        export(script(), "html", tmp_path)
