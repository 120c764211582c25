"""Rooms, imports and start-up."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from data.products import BESIDE
from data.records import Episode
from pipeline.commands.doctor import OPENCV_WHEELS, opencv
from stages import BACKENDS, STAGES
from stages.sources import RunSettings, Source
from stages.stage import Stage

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
    loaded = "from pipeline import config; config.load(); import pipeline.runner, pipeline.results.episodes"
    assert imported_by(loaded) == set()


def test_help_does_not_even_load_the_settings() -> None:
    code = "import pipeline.cli; assert 'pydantic' not in sys.modules, 'start-up pays for pydantic'"
    imported_by(code)


def test_every_stage_is_written_by_one_and_read_after_it_is_written() -> None:
    written: set[type] = set()
    for stage in STAGES:
        assert all(kind in written for kind in stage.products if kind is not Episode), stage.name
        assert all(kind.stage == stage.name and kind not in written for kind in stage.writes), stage.name
        written.update(stage.writes)


def imported(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def test_every_listed_backend_can_be_imported() -> None:
    for names in BACKENDS.values():
        for target in filter(None, names.values()):
            assert imported(target).Options.model_fields is not None


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


NAMED = {stage.name for stage in STAGES}
LEFT = {name for kind in BESIDE for name in (getattr(kind, "rows_in", None), getattr(kind, "pattern", None)) if name}
ASKING = {"stage", "manifest", "read", "found", "stamp", "cache", "begin", "folder_of"}
"""Methods of a workspace or a job that could be asked by name."""

EDITS = "review"
"""A stage, and the folder of what people decided, which no stage leaves."""


def by_name(module: Path) -> list[str]:
    """Strings by which a module reaches into what a stage left: its name as a folder, a file beside its records."""
    found = []
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            asked = [node.left, node.right]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKING:
            asked = node.args[:1]
        elif isinstance(node, ast.Constant) and node.value in LEFT | {"records.jsonl"}:
            found.append(str(node.value))
            continue
        else:
            continue
        known = NAMED - {EDITS} if isinstance(node, ast.BinOp) else NAMED
        found += [str(part.value) for part in asked if isinstance(part, ast.Constant) and part.value in known]
    return found


@pytest.mark.parametrize("room", ["data", "stages", "finetune", "pipeline"])
def test_what_stages_leave_is_asked_for_by_its_type(room: str) -> None:
    declared = {ROOT / "data" / "records.py", ROOT / "data" / "products.py"}
    modules = [path for path in (ROOT / room).rglob("*.py") if path not in declared]
    assert {str(path): names for path in modules if (names := by_name(path))} == {}


def test_a_name_in_a_path_or_a_question_is_seen(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        "a = folder / 'gaps' / 'x'\nb = job.stage('mix')\nc = open(where / 'loudness.npy')\nd = {'voice': 1}\n"
    )
    assert sorted(by_name(module)) == ["gaps", "loudness.npy", "mix"]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_reads_what_it_declares(stage: Stage) -> None:
    """Every kind that its code asks a job for is in `reads`, and none is there that it has no use for."""
    code = ROOT / "stages" / stage.name
    modules = code.rglob("*.py") if code.is_dir() else [code.with_suffix(".py")]
    asked = {
        node.args[0].id
        for module in modules
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"read", "open", "folder_of"} and node.args and isinstance(node.args[0], ast.Name)
    }  # fmt: skip
    declared = {read.__name__ for read in stage.reads if read is not Episode and read not in stage.switches}
    kinds = {kind for other in STAGES for kind in other.writes} | every_source()
    known = {kind.__name__ for kind in kinds}
    assert asked & known <= declared | {kind.__name__ for kind in stage.writes}
    assert declared <= asked


def every_source(kind: type[Source] = Source) -> set[type[Source]]:
    """All types of sources that stages can declare."""
    narrower = [other for other in kind.__subclasses__() if other.__module__ == Source.__module__]
    return {kind}.union(*map(every_source, narrower))


@pytest.mark.parametrize("source", sorted(every_source() - {Source}, key=str), ids=str)
def test_what_nobody_reads_is_no_source(source: type[Source]) -> None:
    """But for the settings of a whole run and kinds of sources, of which there are narrower ones."""
    read = {kind for stage in STAGES for kind in stage.reads}
    assert source in read or source is RunSettings or every_source(source) & read


def imports() -> dict[str, set[str]]:
    """Module → the modules of the house it imports anywhere, for types alone too."""
    modules: dict[str, Path] = {}
    for room in ("data", "stages", "finetune", "pipeline"):
        for path in (ROOT / room).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    found: dict[str, set[str]] = {}
    for name, path in modules.items():
        asked: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                asked |= {f"{node.module}.{a.name}" for a in node.names if f"{node.module}.{a.name}" in modules}
                asked |= {node.module for a in node.names if f"{node.module}.{a.name}" not in modules}
            elif isinstance(node, ast.Import):
                asked |= {alias.name for alias in node.names}
        found[name] = asked & modules.keys() - {name}
    return found


def test_no_module_imports_itself_by_others() -> None:
    left = imports()
    while free := {name for name, asked in left.items() if not asked & left.keys()}:
        left = {name: asked for name, asked in left.items() if name not in free}
    # what imports a cycle is left as well; the modules of the cycle import each other and nothing that is free
    assert sorted(left) == []
