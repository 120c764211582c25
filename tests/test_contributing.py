"""The walks of CONTRIBUTING.md, done on a copy of the house as the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stages import STAGES

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("CONTRIBUTING.md", "CONTRIBUTING.ko.md")
NEW = re.compile(r"`(?P<file>[^`]+)` is new:")
BELOW = re.compile(r"In `(?P<file>[^`]+)`, below (?P<quote>`+) ?(?P<above>.+?) ?(?P=quote):")
AT_END = re.compile(r"In `(?P<file>[^`]+)`, at the end:")
MENU = """
import re, sys
from fastapi.testclient import TestClient
from pathlib import Path
from pipeline.review.accounts import Accounts, Person
from pipeline.review.app import create
from pipeline.review.desk import Desk
from pipeline.review.folders import database

out = Path(sys.argv[1])
app = create(Desk(out, Accounts(database(out, None)), None, Person("jiwoo", "lead"), None))
client = TestClient(app, base_url="http://127.0.0.1")
print(re.search('data-formats="(.*?)"', client.get("/e/sample").text)[1])
print(client.get("/e/sample/export/plain").text)
"""
"""Prints the downloads of the review page, and one of them."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and the last line above it."""

    asked: str
    kind: str
    text: str


def blocks(page: str) -> list[Block]:
    fenced = re.finditer(r"^(?P<asked>[^\n]*)\n\n```(?P<kind>\w+)\n(?P<text>.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [Block(**found.groupdict()) for found in fenced]


def walk(title: str) -> list[Block]:
    sections = re.split(r"^## ", (ROOT / PAGES[0]).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return blocks(next(section for section in sections if section.startswith(f"{title}\n")))


def do(block: Block, house: Path) -> None:
    """Touch the file that a block is about as the page says."""
    if said := NEW.fullmatch(block.asked):
        assert not (house / said["file"]).exists()
        (house / said["file"]).write_text(block.text, encoding="utf-8")
    elif said := AT_END.fullmatch(block.asked):
        with (house / said["file"]).open("a", encoding="utf-8") as file:
            file.write(f"\n\n{block.text}")
    else:
        said = BELOW.fullmatch(block.asked)
        assert said, f"nobody can follow this: {block.asked}"
        lines = (house / said["file"]).read_text(encoding="utf-8").splitlines(keepends=True)
        (place,) = [number for number, line in enumerate(lines, 1) if line.strip() == said["above"]]
        text = "".join([*lines[:place], block.text, *lines[place:]])
        (house / said["file"]).write_text(text, encoding="utf-8")


def asked(house: Path, *command: str) -> str:
    """What a command of the copied house says."""
    environment = {**os.environ, "PYTHONPATH": str(house), "COLUMNS": "200", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, *command], cwd=house, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def vdesc(house: Path, command: str) -> str:
    return asked(house, "-m", "pipeline.cli", *command.split()[1:], *(["--lang", "en"]))


def follow(title: str, house: Path) -> list[str]:
    """Do a walk; what its commands say, in their order."""
    done = [block for block in walk(title) if block.kind != "console"]
    assert done
    for block in done:
        do(block, house)
    shown = "".join(block.text for block in walk(title) if block.kind == "console")
    return [vdesc(house, line[2:]) for line in shown.splitlines()]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, described_sample: Path) -> Iterator[Path]:
    """A copy of the rooms, and in it a described film."""
    copy = tmp_path_factory.mktemp("house")
    for room in ("data", "stages", "finetune", "pipeline", "configs", "docs"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    shutil.copytree(described_sample / "out", copy / "out")
    os.link(described_sample / "sample.mp4", copy / "sample.mp4")
    return copy


@pytest.mark.slow
def test_a_new_voice_is_listed_and_speaks(house: Path) -> None:
    listed, checked = follow("A new voice", house)
    assert re.search(r"^voice +beep +part of its package", listed, re.MULTILINE)
    assert "voice: beep: ok" in checked


@pytest.mark.slow
def test_a_new_format_is_written_and_stands_in_help_menu_and_docs(house: Path) -> None:
    from tests.test_formats_page import names

    follow("A new export format", house)
    assert "plain" in vdesc(house, "vdesc export --help")
    file = Path(vdesc(house, "vdesc export out/sample --format plain").strip())
    text = (house / file).read_text(encoding="utf-8")
    assert re.match(r"00:00:\d\d\.\d{3} [가-힣]", text)
    menu, _, downloaded = asked(house, "-c", MENU, "out").partition("\n")
    assert "plain" in menu.split()
    assert downloaded.strip() == text.strip()
    for page, head in (("formats.md", "format"), ("formats.ko.md", "형식")):
        assert "plain" in names(house / "docs" / page, head)


@pytest.mark.slow
def test_a_new_stage_runs_and_its_records_are_read(house: Path) -> None:
    follow("A new stage", house)
    code = (
        "from data.records import Tempo; from data.workspace import Workspace; from pathlib import Path;"
        "rows = Workspace(Path('out/sample/workspace')).read(Tempo);"
        "print([(row.start, row.end) for row in rows][:2], max(row.cuts for row in rows) > 0)"
    )
    assert asked(house, "-c", code).strip() == "[(0.0, 30.0), (30.0, 60.0)] True"


def test_both_pages_show_the_same_picture_and_code() -> None:
    english, korean = (blocks((ROOT / page).read_text(encoding="utf-8")) for page in PAGES)
    assert [(b.kind, b.text) for b in english] == [(b.kind, b.text) for b in korean]


def test_the_picture_shows_every_stage() -> None:
    (picture,) = walk("The house on one picture")
    assert {stage.name for stage in STAGES} <= set(re.findall(r"\w+", picture.text))


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page: str) -> None:
    """Those in links, and those of the walks that nothing here follows."""
    text = (ROOT / page).read_text(encoding="utf-8")
    walks = re.split(r"^## ", text, flags=re.MULTILINE)[-2:]
    named = re.findall(r"\]\(((?!http)[^)]+)\)", text)
    named += [name for part in walks for name in re.findall(r"`((?:\w+/)+(?:\w+\.\w+)?)`", part)]
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []
