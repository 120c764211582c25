"""Speed and memory of the model backends, as ratios measured side by side on one machine.

    python benchmarks/models.py [role …]

Small models with random weights on the CPU, real sizes with random weights where CUDA is at hand. Each role is a
module of `benchmarks/roles` with `measure() -> list[Row]`, run in a process of its own so that none inherits the
memory of another. Writes `benchmarks/results/models.json` and `.md` with the machine named; roles that were not asked
for keep their earlier rows.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
ROLES = sorted(p.stem for p in (Path(__file__).parent / "roles").glob("[a-z]*.py"))


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


def measured(role: str) -> dict[str, object]:
    """One role's rows and the machine, from a process of its own."""
    command = [sys.executable, __file__, "--one", role]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
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


def main() -> None:
    """Measure the roles named on the command line, all without."""
    if sys.argv[1:2] == ["--one"]:
        before = machine()
        rows = importlib.import_module(f"benchmarks.roles.{sys.argv[2]}").measure()
        print(json.dumps({"machine": before, "rows": [asdict(row) for row in rows]}, ensure_ascii=False))
        return
    file = RESULTS / "models.json"
    results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for role in sys.argv[1:] or ROLES:
        print(f"{role} …", file=sys.stderr)
        results[role] = measured(role)
        file.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        file.with_suffix(".md").write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
