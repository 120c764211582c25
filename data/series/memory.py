"""What vdesc remembers of a series from one episode to the next: `memory.yaml` beside the series file.

One line an episode: the people whom it introduces. Lines that end in `# vdesc` are vdesc's own, and it writes them
anew; all others are a person's, stay byte for byte as they are, and count before vdesc's.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from data.errors import ConfigError
from data.files import write_atomically

FILE = "memory.yaml"
OWN = "# vdesc"
HEAD = f"""\
# What vdesc remembers of this series: whom each episode introduces by name, so that later ones may name them.
# Lines that end in "{OWN}" are written anew by every run. Take that mark off, and the line is yours and stays.
"""


def introduced(folder: Path) -> dict[str, frozenset[str]]:
    """Episode → ids of the people it introduces. Raises ConfigError for a file that cannot be read so."""
    file = folder / FILE
    lines = _lines(file)
    theirs = _entries(file, "".join(line for line in lines if not _is_own(line)))
    own = _entries(file, "".join(line for line in lines if _is_own(line)))
    return own | theirs


def remember(folder: Path, episode: str, people: Collection[str]) -> None:
    """Note whom an episode introduces, unless a person has said so; nobody to name and no line yet: no line."""
    file = folder / FILE
    if not people and not file.is_file():
        return
    with FileLock(folder / f".{FILE}.lock"):
        lines = _lines(file)
        place = next((n for n, line in enumerate(lines) if _is_own(line) and episode in _entries(file, line)), None)
        known = episode in introduced(folder)  # raises for a damaged file, which is left as it is
        if place is None and (known or not people):
            return
        written = _line(episode, people)
        if place is None:
            lines = lines or [HEAD]
            lines = [*lines[:-1], lines[-1].rstrip("\r\n") + "\n", written]
        elif lines[place].rstrip("\r\n") == written.rstrip("\n"):
            return
        else:
            lines[place] = written
        write_atomically(file, "".join(lines).encode())


def _lines(file: Path) -> list[str]:
    """The lines with their ends, whatever these are."""
    try:
        return file.read_bytes().decode("utf-8-sig").splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(file, error) from None


def _is_own(line: str) -> bool:
    return line.startswith("-") and line.rstrip().endswith(OWN)


def _line(episode: str, people: Collection[str]) -> str:
    entry = [{"episode": episode, "introduces": sorted(people)}]
    text = yaml.safe_dump(entry, allow_unicode=True, default_flow_style=True, sort_keys=False, width=10**9)
    return f"- {text.strip()[1:-1]}  {OWN}\n"


def _entries(file: Path, text: str) -> dict[str, frozenset[str]]:
    try:
        entries: Any = yaml.safe_load(text) or []
        return {str(entry["episode"]): frozenset(map(str, entry["introduces"] or ())) for entry in entries}
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise _damaged(file, error) from None


def _damaged(file: Path, error: Exception) -> ConfigError:
    return ConfigError(
        "{file}: write lines such as {example} ({cause}); mend the file or delete it",
        file=file,
        example="- {episode: ep01, introduces: [giju]}",
        cause=" ".join(str(error).split()),
    )
