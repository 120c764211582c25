"""What a line would be if two people's changes to it both stood."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from data.review.model import ReviewLine


def both(base: ReviewLine, mine: ReviewLine, theirs: ReviewLine) -> ReviewLine | None:
    """`theirs` with what `mine` changed in `base`; None where the two cannot both stand."""
    fields = {}
    for name in ReviewLine.model_fields.keys() - {"version", "text", "candidate"}:
        was, wanted, now = (getattr(line, name) for line in (base, mine, theirs))
        if wanted not in (was, now) and now != was:
            return None
        fields[name] = now if wanted == was else wanted
    text = merged_text(base.text, mine.text, theirs.text)
    if text is None:
        return None
    candidate = next((line.candidate for line in (theirs, mine) if line.text == text), None)
    return theirs.model_copy(update=fields | {"text": text, "candidate": candidate})


def merged_text(base: str, mine: str, theirs: str) -> str | None:
    """The words of `base` with both changes (three-way merge by words); None where they change the same words."""
    if mine in (base, theirs):
        return theirs
    if theirs == base:
        return mine
    words = base.split()
    ours, others = _edits(words, mine.split()), _edits(words, theirs.split())
    for start, end, _ in ours:
        if any(start <= other_end and other_start <= end for other_start, other_end, _ in others):
            return None
    for start, end, new in sorted([*ours, *others], reverse=True):
        words[start:end] = new
    return " ".join(words)


def _edits(base: Sequence[str], changed: Sequence[str]) -> list[tuple[int, int, list[str]]]:
    """Stretches [start, end) of `base` with what stands there in `changed`."""
    matched = SequenceMatcher(None, base, changed, autojunk=False).get_opcodes()
    return [(i, j, list(changed[k:m])) for kind, i, j, k, m in matched if kind != "equal"]
