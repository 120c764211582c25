"""From the films a user names to episodes with a results folder."""

from __future__ import annotations

import json
from pathlib import Path

from data import media, scripts, subtitles
from data.errors import UserError
from data.files import write_atomically
from pipeline.config import Config
from pipeline.work import Work


def open_episode(film: Path, out: Path, config: Config, side_file: Path | None, *, look_only: bool = False) -> Work:
    """Probe a film and find its subtitles; `look_only` writes nothing. Raises MediaError."""
    folder = out / media.safe_name(film.stem)
    episode = media.probe(
        film,
        audio_track=config.audio_track,
        language=config.language,
        silent_ok=config.silent_ok,
        content=_known_content(film, folder / "workspace" / "source.json"),
        subtitles=subtitles.find_side_file(film, side_file, config.language),
    )
    if config.given_script:
        scripts.read_for_film(config.given_script, episode.duration, episode.video.fps)  # what is wrong is told now
    if film.resolve().parent == folder.resolve():
        raise UserError("{film} lies in its own results folder; choose another one with --out", film=film)
    if not look_only:
        _remember_content(film, episode.content, folder / "workspace" / "source.json")
    return Work(episode, folder)


def distinct(works: list[Work]) -> list[Work]:
    """Every film once, if no two of them would write into one folder. Raises UserError."""
    seen: dict[Path, Work] = {}
    for work in works:
        other = seen.setdefault(work.folder, work)
        if not other.episode.path.samefile(work.episode.path):
            raise UserError(
                "{one} and {other} have the same name and would share {folder}; run them with different --out",
                one=other.episode.path,
                other=work.episode.path,
                folder=work.folder,
            )
    return list(seen.values())


def _fingerprint(film: Path) -> list[object]:
    status = film.stat()
    return [str(film.resolve()), status.st_size, status.st_mtime_ns, status.st_ino]


def _known_content(film: Path, register: Path) -> str | None:
    """The film's hash from an earlier run, if the file has not been touched since."""
    try:
        known = json.loads(register.read_text(encoding="utf-8"))
        return str(known["content"]) if known["file"] == _fingerprint(film) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember_content(film: Path, content: str, register: Path) -> None:
    register.parent.mkdir(parents=True, exist_ok=True)
    known = {"file": _fingerprint(film), "content": content}
    if not register.exists() or json.loads(register.read_text(encoding="utf-8")) != known:
        write_atomically(register, json.dumps(known).encode())
