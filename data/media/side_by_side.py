"""One film with several described tracks: those of several described films of one source, side by side."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from data import media
from data.errors import MediaError
from data.media import ffmpeg_path
from data.media.mux import MUXERS, plan_delivery

FLAGS = {
    ".mp4": ["-movflags", "+faststart"],
    ".mkv": ["-fflags", "+bitexact", "-default_mode", "passthrough"],
    ".ts": ["-mpegts_copyts", "1", "-muxdelay", "0", "-muxpreload", "0"],
}
"""What the muxers must be told so that the source's own flags and times stay (as for a described film)."""


def join(films: Mapping[str, Path], target: Path) -> None:
    """Copy every stream of the first film and the described track, the last audio track, of the others into `target`.

    `films`: title of the track → described film, all of one source; nothing is encoded. `target` has their suffix and
    exists only when it is whole. Raises MediaError with ffmpeg's own reason.
    """
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        done = subprocess.run([*_command(films, target.suffix), f"file:{partial}"], capture_output=True, check=False)
        if done.returncode != 0:
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"ffmpeg: {done.returncode}"]
            values = {"name": target.name, "reason": lines[0].split("] ", 1)[-1].rstrip(".")}
            raise MediaError("{name} cannot be written: {reason}. Check the disk and the film.", **values)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _command(films: Mapping[str, Path], suffix: str) -> list[str]:
    paths = list(films.values())
    first = media.probe(paths[0], content="-", silent_ok=True)
    tracks = len(first.audio_streams)
    kept = ["0"] if suffix == ".mkv" else [f"0:{index}" for index in plan_delivery(first).streams]
    maps = [*kept, *(f"{number}:a:{tracks - 1}" for number in range(1, len(paths)))]
    command = [ffmpeg_path(), "-nostdin", "-v", "error", "-y", "-copyts"]
    command += [word for path in paths for word in ("-i", f"file:{path}")]
    command += [word for chosen in maps for word in ("-map", chosen)]
    command += ["-c", "copy", "-map_metadata", "0", "-map_chapters", "0"]
    for number, title in enumerate(films, tracks - 1):
        for key in ("title", "handler_name"):
            command += [f"-metadata:s:a:{number}", f"{key}={title}"]
        command += [f"-disposition:a:{number}", "visual_impaired+descriptions"]
    return [*command, *FLAGS[suffix], "-f", MUXERS[suffix]]
