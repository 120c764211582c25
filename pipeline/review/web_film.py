"""The described film as browsers play it, made when it is first asked for and kept beside the reviews."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock

from data.streaming import for_browsers
from pipeline.delivery import described_film
from pipeline.review.results import script_of


def web_film(results: Path) -> Path:
    """An MP4 that speaks the narration. Raises UserError where there is no described film, MediaError."""
    film = described_film(results)
    stamp, folder = film.stat(), results / "review"
    folder.mkdir(exist_ok=True)
    made = folder / f"web-{stamp.st_size:x}-{stamp.st_mtime_ns:x}.mp4"
    with FileLock(folder / ".web.lock"):
        if not made.is_file():
            language = script_of(results).episode.language
            for_browsers(film, made, language)
        for older in folder.glob("web-*.mp4"):
            if older != made:
                older.unlink()
    return made
