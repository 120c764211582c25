"""Candidates for what people described: those of runs, or captions written now for single pictures."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from data.errors import UserError
from data.records import Style
from data.text.language import PLAN_RATE
from finetune.episodes import offered
from finetune.rows import Offered, Read, Truth
from stages.candidates.pictures import Captioned
from stages.ranking.asking import confidence
from stages.ranking.prompt import RankingPrompt
from stages.ranking.template import render

Describe = Callable[[Sequence[bytes], str], Iterator[Sequence[Captioned]]]
"""Captions of JPEGs in a language, in their order."""
TOGETHER = 8
"""Pictures captioned at once."""


@dataclass(frozen=True)
class Collected:
    """The rows, and what was passed over."""

    rows: tuple[Offered, ...]
    counts: dict[str, int]


def of_episodes(truths: Sequence[Truth], folders: Sequence[Path], styles: Sequence[Style] = ()) -> Collected:
    """The candidates of every keyframe of the episodes that the human lines name.

    An episode is named by its results folder or by that folder's name. Raises UserError for a name that two of the
    folders have, and for results that cannot be read.
    """
    named = {t.episode: t for t in truths if t.episode is not None and t.time is not None}
    rows: list[Offered] = []
    counts = Counter[str]()
    for episode, truth in named.items():
        folder = _folder(str(episode), folders)
        if folder is None:
            counts["episode without results"] += 1
            continue
        found = offered(folder, drama=truth.drama, styles=styles)
        rows += [row.model_copy(update={"episode": episode}) for row in found]
    return Collected(tuple(rows), dict(counts))


def _folder(episode: str, folders: Sequence[Path]) -> Path | None:
    exact = [folder for folder in folders if folder.resolve() == Path(episode).resolve()]
    named = exact or [folder for folder in folders if folder.resolve().name == Path(episode).name]
    if len(named) > 1:
        raise UserError(
            "{episode} may be {one} or {other}; name the episode by its folder in the truth file",
            episode=episode,
            one=named[0],
            other=named[1],
        )
    return named[0] if named else None


def of_pictures(
    truths: Read[Truth], describe: Describe, model: str, progress: Callable[[int, int], None] = lambda done, total: None
) -> Collected:
    """Captions for every picture that a human line names alone, each picture once.

    `truths` name their pictures by absolute path. `model`: what writes. Raises UserError that names file and line of
    a picture that cannot be read.
    """
    once: dict[str, tuple[Truth, str]] = {}
    for truth, place in zip(truths, truths.places, strict=True):
        if truth.image is not None and (truth.episode is None or truth.time is None):
            once.setdefault(truth.image, (truth, place))
    for image, (_, place) in once.items():
        if not Path(image).is_file():  # told before the first is captioned, which takes long
            raise _unreadable(image, place, "no such file")
    rows: list[Offered] = []
    counts = Counter[str]()
    asked = list(once.items())
    for first in range(0, len(asked), TOGETHER):
        chunk = [truth for _, (truth, _) in asked[first : first + TOGETHER]]
        jpegs = [jpeg(image, place) for image, (_, place) in asked[first : first + TOGETHER]]
        for language in dict.fromkeys(t.language for t in chunk):
            some = [n for n, truth in enumerate(chunk) if truth.language == language]
            for number, said in zip(some, describe([jpegs[n] for n in some], language), strict=True):
                counts["picture without a caption"] += not said
                rows += [_row(chunk[number], said, model)] if said else []
        progress(min(first + TOGETHER, len(asked)), len(asked))
    return Collected(tuple(rows), {name: count for name, count in counts.items() if count})


def _row(truth: Truth, said: Sequence[Captioned], model: str) -> Offered:
    prompt = RankingPrompt(
        truth.language, PLAN_RATE[truth.language], support=tuple(tuple(map(confidence, c.evidence)) for c in said)
    )
    asked: Mapping[str, Any] = TypeAdapter(RankingPrompt).dump_python(prompt, mode="json")
    return Offered(
        captions=tuple(c.text for c in said), prompt=render(prompt), asked=dict(asked), model=model,
        image=truth.image, episode=None, time=None, drama=truth.drama, language=truth.language,
        licence="", source=truth.source,
    )  # fmt: skip


def jpeg(image: str, place: str) -> bytes:
    """A picture as JPEG; one that is JPEG already as it is. Raises UserError that names `place`, file and line."""
    import PIL.Image

    try:
        content = Path(image).read_bytes()
        with PIL.Image.open(io.BytesIO(content)) as picture:
            picture.load()
            if picture.format == "JPEG":
                return content
            stream = io.BytesIO()
            picture.convert("RGB").save(stream, "JPEG", quality=95)
            return stream.getvalue()
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise _unreadable(image, place, str(getattr(error, "strerror", None) or error)) from None


def _unreadable(image: str, place: str, cause: str) -> UserError:
    cause = " ".join(cause.split())
    return UserError(
        "{where}: the picture {image} cannot be read ({cause}); correct the path or leave the row out",
        where=place,
        image=image,
        cause=cause,
    )
