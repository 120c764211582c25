"""Rooms, imports and start-up."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.doctor import OPENCV_WHEELS, opencv
from stages import BACKENDS, STAGES

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "transformers", "cv2", "ultralytics", "ray", "onnxruntime", "av", "lxml", "rapidocr", "scenedetect")


@pytest.mark.parametrize("room", ["data", "stages", "finetune", "pipeline"])
def test_plain_names_resolve_inside_the_repository(room: str) -> None:
    """`data` and `stages` are common names; an installed package of that name would be imported instead."""
    path = importlib.import_module(room).__file__
    assert path is not None
    assert ROOT in Path(path).resolve().parents


def test_imports_run_one_way() -> None:
    done = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def imported_by(code: str) -> set[str]:
    """Heavy modules that a fresh interpreter has loaded after `code`."""
    script = f"import sys\n{code}\nimport json; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_command_line_and_the_settings_load_no_heavy_library() -> None:
    assert imported_by("import pipeline.cli") == set()
    assert imported_by("from pipeline import config; config.load(); import pipeline.runner, pipeline.episodes") == set()


def test_help_does_not_even_load_the_settings() -> None:
    code = "import pipeline.cli; assert 'pydantic' not in sys.modules, 'start-up pays for pydantic'"
    imported_by(code)


def test_every_stage_is_written_by_one_and_read_after_it_is_written() -> None:
    written: set[type] = set()
    for stage in STAGES:
        assert all(kind in written for kind in stage.reads if kind.__name__ != "Episode"), stage.name
        assert stage.writes not in written
        written.add(stage.writes)


def test_every_listed_backend_can_be_imported() -> None:
    for names in BACKENDS.values():
        for target in filter(None, names.values()):
            module, _, attribute = target.partition(":")
            kind = getattr(importlib.import_module(module), attribute)
            assert kind.Options.model_fields is not None
            assert callable(kind.close)


def test_opencv_is_sound() -> None:
    """The four wheels overwrite each other; what is left must import and have what the stages use."""
    fact = opencv()
    assert fact.state == "good", fact.text


def test_opencv_that_does_not_import_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    fact = opencv()
    assert fact.state == "bad"
    assert "libGL" in fact.text
    assert all(name in fact.text for name in OPENCV_WHEELS)


def test_opencv_imports_where_no_libgl_is_installed() -> None:
    """None of the shared objects of the installed wheel asks for libGL."""
    code = (
        "import cv2, pathlib; folder = pathlib.Path(cv2.__file__).parent;"
        "print([p.name for p in folder.glob('*.so') if b'libGL.so' in p.read_bytes()])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
