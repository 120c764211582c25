"""Strangers of a series: a picture of each in `strangers/` beside the series file, by which later episodes know them.

A picture is named `unknown-3 (ep01).jpg`: the label of the stranger, and the episode that first shows them. Every run
of an episode writes its pictures anew. A picture that is moved beside the series file, under the id of somebody of the
cast, makes the stranger that person; one that is deleted is forgotten.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from data.files import write_atomically
from data.media.pictures import read_picture
from data.records import Box
from data.series import Series
from data.series.cast import UNKNOWN

FOLDER = "strangers"
MARGIN = 0.4
"""Share of a face that is shown around it, so that a detector finds it again."""
_NAME = re.compile(rf"({UNKNOWN}\d+) \((.+)\)\.jpg")


def number(person: str) -> int:
    """The number in a stranger's label."""
    return int(person.removeprefix(UNKNOWN))


def before(series: Series, episode: str) -> dict[str, Path]:
    """Label → picture of every stranger whom an earlier episode showed first, in the order of their numbers."""
    pictures = {person: path for person, shown, path in _kept(series) if series.order(shown) < series.order(episode)}
    return {person: pictures[person] for person in sorted(pictures, key=number)}


def content(series: Series, episode: str) -> list[str]:
    """What these pictures hold, by label."""
    known = before(series, episode)
    return [f"{person} {hashlib.sha256(path.read_bytes()).hexdigest()}" for person, path in known.items()]


def keep(series: Series, episode: str, seen: Mapping[str, tuple[Path, Box]]) -> None:
    """Keep a picture of each stranger of an episode whom none before it showed. `seen`: label → still and face."""
    import cv2

    known = before(series, episode)
    folder = series.people.file.parent / FOLDER
    new = {f"{person} ({episode}).jpg": face for person, face in seen.items() if person not in known}
    for _, shown, path in list(_kept(series)):
        if shown == episode and path.name not in new:
            path.unlink()
    for name, (still, (x, y, w, h)) in new.items():
        picture = read_picture(still)
        height, width = picture.shape[:2]
        top, left = max(0, round((y - MARGIN * h) * height)), max(0, round((x - MARGIN * w) * width))
        part = picture[top : round((y + h + MARGIN * h) * height), left : round((x + w + MARGIN * w) * width)]
        jpeg = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
        if not (folder / name).is_file() or (folder / name).read_bytes() != jpeg:
            folder.mkdir(exist_ok=True)
            write_atomically(folder / name, jpeg)


def _kept(series: Series) -> Iterator[tuple[str, str, Path]]:
    """Label, episode and path of every picture."""
    for path in sorted((series.people.file.parent / FOLDER).glob(f"{UNKNOWN}*.jpg")):
        if named := _NAME.fullmatch(path.name):
            yield named[1], named[2], path
