"""What each reviewer can take back and make again. Both are acts of their own: nothing is ever removed."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from data.errors import UserError
from data.messages import tr
from data.review.fold import same
from data.review.model import Act, ReviewLine


class BlockedError(UserError):
    """A gesture that cannot be taken back, for somebody changed a line of it since; `group` is the gesture."""

    def __init__(self, line: str, group: str) -> None:
        super().__init__(line)
        self.group = group


@dataclass
class Stacks:
    """A reviewer's gestures, as groups of acts: those that stand and those that were taken back, the latest last."""

    done: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)


def stacks(acts: Sequence[Act], who: str) -> Stacks:
    """What `who` can undo and redo. A new gesture ends what could be made again."""
    found = Stacks()
    seen = set[str]()
    for act in acts:
        if act.who != who or act.group in seen:
            continue
        seen.add(act.group)
        if act.undoes is None:
            found.done.append(act.group)
            found.undone.clear()
        elif act.kind == "undo":
            found.done.remove(act.undoes)
            found.undone.append(act.undoes)
        else:
            found.undone.remove(act.undoes)
            found.done.append(act.undoes)
    return found


def standing(acts: Sequence[Act]) -> list[Act]:
    """The acts that nobody took back, in their order."""
    taken_back = dict[str, bool]()
    for act in acts:
        if act.undoes is not None:
            taken_back[act.undoes] = act.kind == "undo"
    return [act for act in acts if act.undoes is None and not taken_back.get(act.group)]


@dataclass(frozen=True)
class Turn:
    """A gesture to be taken back or made again: the group it was, and its lines as they must become."""

    group: str
    kind: Literal["undo", "redo"]
    lines: tuple[ReviewLine, ...]


def undo(acts: Sequence[Act], who: str, past: Container[str] = ()) -> Turn:
    """Taking back the last gesture of `who` that stands, leaving out those in `past`, which stay as they are.

    Raises UserError where there is none, BlockedError where a line of it says something else by now: what somebody
    made of it since must not be lost. Whoever was told so may ask again with that gesture in `past`, and takes back
    the one before it.
    """
    done = [group for group in stacks(acts, who).done if group not in past]
    group = _last(done, tr("You have changed nothing that could be undone"))
    of_group = _of(acts, group)
    after = tr("undo again takes back what you did before it") if len(done) > 1 else ""
    _refuse_if_changed(acts, group, {act.line: act.after for act in of_group}, after)
    lines = tuple(act.before or act.after.model_copy(update={"deleted": True}) for act in of_group)
    return Turn(group, "undo", lines)


def redo(acts: Sequence[Act], who: str) -> Turn:
    """Making again what `who` took back last. Raises UserError as `undo` does."""
    group = _last(stacks(acts, who).undone, tr("You have undone nothing that could be done again"))
    of_group = _of(acts, group)
    _refuse_if_changed(acts, group, {act.line: act.before for act in of_group})
    return Turn(group, "redo", tuple(act.after for act in of_group))


def _of(acts: Sequence[Act], group: str) -> list[Act]:
    return [act for act in acts if act.group == group]


def _last(groups: Sequence[str], nothing: str) -> str:
    if not groups:
        raise UserError(nothing)
    return groups[-1]


def _refuse_if_changed(
    acts: Sequence[Act], group: str, expected: Mapping[str, ReviewLine | None], after: str = ""
) -> None:
    last = {act.line: act for act in acts if act.line in expected}
    for line, left in expected.items():
        if not same(last[line].after, left):
            told = tr("{who} has changed “{text}” since; change it by hand, so that their work is not lost",
                      who=last[line].who, text=last[line].after.text)  # fmt: skip
            raise BlockedError("; ".join(filter(None, (told, after))), group)
