"""The described film as browsers play it, made when it is first asked for and kept beside the reviews."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock

from data.formats.streaming import for_browsers


def web_film(described: Path, language: str) -> Path:
    """An MP4 that speaks the narration, which is in `language`. Raises MediaError, OSError."""
    stamp, folder = described.stat(), described.parent / "review"
    folder.mkdir(exist_ok=True)
    made = folder / f"web-{stamp.st_size:x}-{stamp.st_mtime_ns:x}.mp4"
    with FileLock(folder / ".web.lock"):
        if not made.is_file():
            for_browsers(described, made, language)
        for older in folder.glob("web-*.mp4"):
            if older != made:
                older.unlink()
    return made
