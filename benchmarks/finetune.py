"""Speed and memory of fine-tuning the ranker: training and selecting.

    python benchmarks/finetune.py [training | select]

A small Phi on the CPU, phi-2's size with random weights where CUDA is at hand; the measurements are
`benchmarks/tuning`, see `benchmarks/harness.py`.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from benchmarks.harness import run

    run("finetune", "tuning", sys.argv[1:])
