"""The machine's draft of an episode as reviewers find it."""

from __future__ import annotations

from collections.abc import Sequence

from data.records import Keyframe, Narration
from data.review.model import Drafted


def drafted(narrations: Sequence[Narration], keyframes: Sequence[Keyframe]) -> list[Drafted]:
    """The lines of the schedule, by time: the one draft that reviews begin from and runs apply them to."""
    times = {keyframe.id: keyframe.time for keyframe in keyframes}
    return [
        Drafted(
            start=narration.start,
            end=narration.end,
            text=narration.text,
            kind=narration.kind,
            keyframe=narration.keyframe,
            keyframe_time=times.get(narration.keyframe),
            candidate=narration.candidate,
        )
        for narration in narrations
    ]
