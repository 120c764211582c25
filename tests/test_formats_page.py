"""Every command in the pages about formats runs, one after the other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from data.formats import ENDINGS, EXPORTS

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = ("formats.md", "formats.ko.md")


def commands(name: str) -> list[str]:
    return re.findall(r"^\$ (.+)$", (DOCS / name).read_text(encoding="utf-8"), re.MULTILINE)


def test_both_languages_show_the_same_commands() -> None:
    assert commands(PAGES[0]) == commands(PAGES[1])


def names(page: Path, head: str) -> list[str]:
    """What stands in backticks in the first column of the table under `head`."""
    text = page.read_text(encoding="utf-8")
    table = text.partition(f"| {head} |")[2].partition("\n\n")[0]
    return [name for row in table.splitlines()[2:] for name in re.findall(r"`(.+?)`", row.split("|")[1])]


@pytest.mark.parametrize(("page", "head"), [(PAGES[0], "format"), (PAGES[1], "형식")])
def test_the_pages_show_every_format_that_is_written(page: str, head: str) -> None:
    assert sorted(names(DOCS / page, head)) == sorted(EXPORTS)


@pytest.mark.parametrize(("page", "head"), [(PAGES[0], "comes as"), (PAGES[1], "들어오는 것")])
def test_the_pages_show_every_ending_that_is_read(page: str, head: str) -> None:
    shown = {name for name in names(DOCS / page, head) if name.startswith(".")}
    assert shown == set(ENDINGS)


@pytest.mark.slow
def test_the_commands_run(sample_film: Path, tmp_path: Path) -> None:
    shutil.copy(sample_film, tmp_path / "episode.mp4")
    line = "1\n00:00:01,000 --> 00:00:03,000\n문이 열린다.\n"
    (tmp_path / "script.srt").write_text(line, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands(PAGES[0]):
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PATH": path}
        )
        if "no font here" in done.stderr:
            pytest.skip("no font with Korean letters on this machine")
        assert done.returncode in (0, 3), f"{command}\n{done.stdout}{done.stderr}"
    for name in ("preview.mp4", *(f"out/episode/{n}" for n in ("hls/master.m3u8", "dash/manifest.mpd", "labels.txt"))):
        assert (tmp_path / name).stat().st_size
