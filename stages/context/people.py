"""Who is seen, by the labels that models are told of them: what they are called is put in last, in stage `naming`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from data.records import Face, OnScreenText, Person, Utterance
from data.series import Series
from data.series.cast import Member
from data.series.labels import label
from data.series.names import introduced, known

Labels = Callable[[str, float], str]
"""A person's id and a second → the label they go by there; empty where nothing is known to call them."""


def labels(
    series: Series | None,
    before: Collection[str],
    utterances: Sequence[Utterance],
    shown: Iterable[OnScreenText],
    language: Literal["ko", "en"],
) -> Labels:
    """`before`: ids of those whom earlier episodes introduced.

    Everybody has a label who has a name that may be used by then, or a description for the time before.

    So the labels of a cast in which everybody has one depend on no name.
    """
    members: Mapping[str, Member] = {m.id: m for m in series.people.members} if series else {}
    times = introduced(series.people, utterances, shown, series.names) if series else {}
    times |= dict.fromkeys(before, 0.0)

    def labelled(person: str, time: float) -> str:
        member = members.get(person)
        if series is None or member is None:
            return ""
        described = series.people.words(member, "before", language)
        return label(person) if described or known(member, times, time) else ""

    return labelled


def persons(faces: Sequence[Face], labelled: Labels, time: float) -> Iterator[Person]:
    """Everybody recognised on a keyframe, largest face first."""
    for face in sorted(faces, key=lambda f: -f.box[2] * f.box[3]):
        if face.person is not None:
            yield Person(id=face.person, call=labelled(face.person, time), emotion=face.emotion, box=face.box)


def usable(faces: Iterable[Face], labelled: Labels, time: float) -> tuple[str, ...]:
    """The labels of all who are seen on these faces, in the order of their ids."""
    found = (labelled(person, time) for person in sorted({f.person for f in faces if f.person is not None}))
    return tuple(filter(None, found))
