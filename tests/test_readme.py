"""Every command in the READMEs runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from finetune.rows import Example, write
from pipeline.config import backend_class, load
from stages import STAGES
from tests.data.reviewing.episodes import do, schedule, session

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.ko.md")


NEEDS_MODELS = re.compile(r"models (fetch|check)|vdesc run (?!.*--config embedded)")
MODELLED = [stage for stage in STAGES if stage.role and backend_class(stage, load()) is not None]


def run(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of the command."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    chosen = {**os.environ, "PATH": path, **environment}
    return subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, env=chosen)


def commands(name: str) -> list[str]:
    """The lines after `$ ` in the console blocks."""
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def test_both_languages_show_the_same_commands() -> None:
    assert commands(READMES[0]) == commands(READMES[1])
    assert len(commands(READMES[0])) > 8


@pytest.mark.parametrize("command", [c for c in commands(READMES[0]) if c.startswith("make ")])
def test_make_knows_the_target(command: str) -> None:
    """The targets themselves are what continuous integration runs; here only that they are there."""
    done = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def prepare_fine_tuning(folder: Path) -> str:
    """What the commands of fine-tuning name: a human script, reviews, data of other dramas, settings.

    Returns what the training is given besides: a tiny Phi in phi-2's place, which no test machine has.
    """
    from tests.checkpoints import causal

    lines = "".join(f"00:{at // 60:02d}:{at % 60:02d}.000 --> 00:{at // 60:02d}:{at % 60:02d}.900\n밤이 된다.\n\n"
                    for at in range(0, 120, 2))  # fmt: skip
    (folder / "human.vtt").write_text(f"WEBVTT\n\n{lines}", encoding="utf-8")
    (folder / "out" / "episode").mkdir(parents=True)
    do(session(schedule(folder / "out" / "episode", ["밤이다."], [5.0])), "edit", 0, text="밤이 깊어 간다.")
    for drama in ("가", "나", "다"):
        row = {"response": "문이 열린다.", "rejected": ["밤이다."], "drama": drama}
        rows = [Example.model_validate(row | {"prompt": f"{drama}{n} 화면해설:"}) for n in range(9)]
        write(folder / "sft" / f"{drama}.jsonl", rows)
    shutil.copytree(ROOT / "configs", folder / "configs")
    base = causal.causal(folder / "phi")
    return f" --set model={base} --set device=cpu --set steps=2 --set max_length=160"


@pytest.mark.slow
@pytest.mark.timeout(900)  # forty commands, each a process of its own
def test_every_vdesc_command_runs(sample_film: Path, ffmpeg: Callable[..., None], tmp_path: Path) -> None:
    """On the first half minute of the sample: they are many."""
    (tmp_path / "s01").mkdir()
    for place in ("episode.mp4", "s01/e01.mkv"):
        ffmpeg("-i", sample_film, "-t", 30, "-c", "copy", tmp_path / place)
    (tmp_path / "subs").mkdir()
    (tmp_path / "subs" / "e01.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\n안녕.\n", encoding="utf-8")
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "series.yaml").write_text("glossary: [{use: 대문, instead_of: [문]}]\n", encoding="utf-8")
    small = prepare_fine_tuning(tmp_path)
    for command in commands(READMES[0]):
        if command.startswith("vdesc ") and not NEEDS_MODELS.search(command):
            done = run(command + (small if " train " in command else ""), tmp_path)
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize("command", [c for c in commands(READMES[0]) if NEEDS_MODELS.search(c)])
def test_commands_that_need_models_say_what_is_missing_where_there_are_none(
    command: str, sample_film: Path, tmp_path: Path
) -> None:
    """Weights are no part of a test machine: without them and without a network each names the remedy, on one line."""
    shutil.copy(sample_film, tmp_path / "episode.mp4")
    nothing = {name: str(tmp_path / "empty") for name in ("HOME", "HF_HOME", "XDG_CACHE_HOME", "DEEPFACE_HOME")}
    nothing |= {"YOLO_CONFIG_DIR": str(tmp_path / "empty"), "EASYOCR_MODULE_PATH": str(tmp_path / "empty")}
    done = run(f"{command} --offline", tmp_path, **nothing)
    assert done.returncode == 2, f"{command}\n{done.stdout}\n{done.stderr}"
    told = done.stderr.strip().splitlines()
    assert len(told) == (len(MODELLED) if " check " in command else 1), told
    assert all("vdesc models fetch" in line or "--offline" in line for line in told), told
    assert not (tmp_path / "out" / "episode" / "workspace" / "shots").exists()


@pytest.mark.parametrize("name", READMES)
def test_files_that_are_shown_exist(name: str) -> None:
    for target in re.findall(r"\]\(((?!http)[^)]+)\)", (ROOT / name).read_text(encoding="utf-8")):
        file, _, place = target.partition("#")
        assert (ROOT / file).exists(), target
        if place:
            headings = re.findall(r"^#+ (.+)$", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
            assert place in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}, target
