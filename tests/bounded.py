"""A command run within bounds of work and memory, and what it needed: an explosion fails, it does not hang.

A machine that is busy or slow is no defect, so it is processor time that is bounded, far above what is needed.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

CPU, DATA = 600, 8
"""Seconds of processor time, and GiB of data, of each process."""
WITHIN = """
import resource, subprocess, sys
cpu, data = map(int, sys.argv[1:3])
resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
resource.setrlimit(resource.RLIMIT_DATA, (data << 30, data << 30))
done = subprocess.run(sys.argv[3:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(done.returncode if done.returncode >= 0 else 128 - done.returncode)
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended. `peak`: MiB that the largest of its processes held at once."""

    returncode: int
    stdout: str
    stderr: str
    peak: float


def bounded(*command: object) -> Ran:
    """Run a command to its end."""
    arguments = [sys.executable, "-c", WITHIN, str(CPU), str(DATA), *map(str, command)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    stderr, _, kib = done.stderr.rstrip("\n").rpartition("\n")
    return Ran(done.returncode, done.stdout, stderr, int(kib) / 1024)
