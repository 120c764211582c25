"""Speed and memory of the model backends.

    python benchmarks/models.py [role …]

Small models with random weights on the CPU, real sizes with random weights where CUDA is at hand; the measurements
are `benchmarks/roles`, see `benchmarks/harness.py`.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from benchmarks.harness import run

    run("models", "roles", sys.argv[1:])
