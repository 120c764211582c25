"""Runs measurements side by side on one machine and writes them down.

A measurement is a module of a package beside this file with `measure() -> list[Row]`, run in a process of its own so
that none inherits the memory of another. Results go to `benchmarks/results/<name>.json` and `.md` with the machine
named; measurements that were not asked for keep their earlier rows.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).parent


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    import psutil
    import torch

    return {
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        "torch": torch.__version__,
        "load_average_1_min": round(os.getloadavg()[0], 1),
    }


def measured(package: str, name: str) -> dict[str, object]:
    """One measurement's rows and the machine, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.harness", package, name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=HERE.parent)
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def page(results: dict[str, dict[str, object]]) -> str:
    """The results as Markdown: a table for each machine."""
    lines = []
    for role, result in sorted(results.items()):
        lines += [f"## {role}", "", f"Machine: {json.dumps(result['machine'])}", ""]
        lines += ["| what | measured | target | how |", "|---|---|---|---|"]
        lines += ["| {figure} | {value} | {target} | {how} |".format(**row) for row in result["rows"]]  # type: ignore[attr-defined]
        lines.append("")
    return "\n".join(lines)


def run(results_name: str, package: str, wanted: Sequence[str]) -> None:
    """Take the measurements of a package that are named, all where none is."""
    file = HERE / "results" / f"{results_name}.json"
    results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for name in wanted or sorted(p.stem for p in (HERE / package).glob("[a-z]*.py")):
        print(f"{name} …", file=sys.stderr)
        results[name] = measured(package, name)
        file.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        file.with_suffix(".md").write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    before = machine()
    rows = importlib.import_module(f"benchmarks.{sys.argv[1]}.{sys.argv[2]}").measure()
    print(json.dumps({"machine": before, "rows": [asdict(row) for row in rows]}, ensure_ascii=False))
