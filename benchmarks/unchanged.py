"""Whether a run finds the same lines at the same times as an older version of the code.

    python -m benchmarks.unchanged --media FOLDER --before COMMIT [--work DIR]

Describes the sample and every film below FOLDER twice with the embedded profile, by the code of the commit and by the
code that lies here, each from nothing, and compares starts, ends and texts of all lines in `script.json`. Exits with 1
where they differ.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.products import ScriptFile
from data.scripts.script import load

HERE = Path(__file__).resolve().parents[1]
FILMS = (".mp4", ".webm", ".mkv", ".mov")
Spoken = list[tuple[float, float, str]]


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """The code of a commit in a folder of its own."""
    subprocess.run(["git", "worktree", "add", "--detach", folder, commit], cwd=HERE, check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=HERE, check=True)


def described(code: Path, film: Path, out: Path) -> Spoken | str:
    """The lines of a film as some code finds them, or what the run says where it refuses."""
    command = [sys.executable, "-m", "pipeline.cli", "run", film, "--config", "embedded", "--silent-ok", "--out", out]
    done = subprocess.run(command, cwd=code, capture_output=True, text=True)
    file = ScriptFile.place(out / film.stem)
    if not file.exists():
        return done.stderr.replace(str(out), "")
    return [(line.start, line.end, line.text) for line in load(file).narrations]


def main() -> None:
    """Compare, a line a film."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--before", required=True)
    parser.add_argument("--work", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.work) as scratch:
        work, differ = Path(scratch), 0
        subprocess.run([sys.executable, "-m", "data.sample", work / "sample"], cwd=HERE, check=True)
        films = [work / "sample" / "sample.mp4", *sorted(p for p in arguments.media.rglob("*") if p.suffix in FILMS)]
        with checked_out(arguments.before, work / "before") as older:
            for number, film in enumerate(films):
                before, now = (described(code, film.resolve(), work / f"{number}-{name}")
                               for name, code in (("before", older), ("now", HERE)))  # fmt: skip
                differ += before != now
                count = len(now) if isinstance(now, list) else 0
                print(f"{film.name}: {count} lines, {'the same' if before == now else 'DIFFERENT'}", flush=True)
    sys.exit(differ > 0)


if __name__ == "__main__":
    main()
