"""One person's work on one episode: see the lines, change them, take it back, hand them to a run."""

from __future__ import annotations

import statistics
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

from data.errors import UserError
from data.files import write_atomically
from data.records import Kind
from data.review import applied, checking, fold, gestures, undoing
from data.review.made import Made, made
from data.review.merging import both
from data.review.model import Act, ActKind, ReviewLine
from data.review.place import identity
from data.review.store import Conflict, Store
from data.standard import PAUSE

SECONDS_A_LINE, LONGEST_LOOK = 20.0, 180.0
"""What a decision takes until this episode's own pace is known, and the pause after which somebody was away."""


@dataclass(frozen=True)
class Done:
    """What a gesture changed, as the lines stand now, and the number of the last act."""

    lines: tuple[ReviewLine, ...]
    group: str
    number: int


@dataclass(frozen=True)
class Changed:
    """A line before and after a gesture that nobody has made yet."""

    id: str
    before: str
    after: str


@dataclass(frozen=True)
class Compared:
    """A line that is not as the machine drafted it. None: not there."""

    line: str
    start: float
    draft: str | None
    now: str | None
    state: str
    who: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """How far a review is. `errors`: findings of the last check that forbid delivering; `minutes`: of work left."""

    decided: int
    total: int
    errors: int
    minutes: float


class Session:
    """The review of the episode in a results folder by `who`. Cheap to make; threads may have one each.

    Every method raises UserError where the results or the store cannot be used.
    """

    def __init__(self, results: Path, store: Store, who: str) -> None:
        self._results, self._store, self._who = results, store, who
        self._episode = identity(results)

    def lines(self) -> list[ReviewLine]:
        """The lines as they stand, by time; deleted ones too, with those that yield to a line that people placed."""
        return fold.state(self._made().draft, self._acts())

    def do(self, gesture: Mapping[str, Any]) -> Done:
        """Do what the JSON of a gesture says (data.review.gestures), saved when it returns.

        Raises Conflict where a line is not as it was when the gesture was made; UserError where it cannot be done.
        """
        wanted, acts = gestures.read(gesture), self._acts()
        now = self._lines_by_id(acts)
        moved = [line for line, version in wanted.versions().items() if line in now and now[line].version != version]
        if moved:
            raise Conflict([now[line] for line in moved], self._suggested(wanted, acts, now))
        after = wanted.change(gestures.Scene(self._made(), now))
        return self._save(acts, now, after, _kind(wanted.kind), None)

    def preview(self, gesture: Mapping[str, Any]) -> list[Changed]:
        """What a gesture would change, without making it."""
        now = self._lines_by_id(self._acts())
        rest = {name: value for name, value in gesture.items() if name != "preview"}
        after = gestures.read(rest).change(gestures.Scene(self._made(), now))
        return [Changed(line.id, now[line.id].text if line.id in now else "", line.text) for line in after]

    def undo(self, past: Container[str] = ()) -> Done:
        """Take back this person's last gesture that stands and is not in `past`.

        Raises BlockedError, with the gesture for `past`, where somebody changed its lines since.
        """
        acts = self._acts()
        return self._turn(acts, undoing.undo(acts, self._who, past))

    def redo(self) -> Done:
        """Make again what this person took back last; refused where somebody changed its lines since."""
        acts = self._acts()
        return self._turn(acts, undoing.redo(acts, self._who))

    def history(self, line: str | None = None) -> list[Act]:
        """Who changed what, of one line or of all, the first act first."""
        return [act for act in self._acts() if line in (None, act.line)]

    def compare(self) -> list[Compared]:
        """The lines that are heard otherwise than the machine drafted them, by time."""
        acts = self._acts()
        who: dict[str, dict[str, None]] = {}
        for act in acts:
            who.setdefault(act.line, {})[act.who] = None
        lines = fold.state(self._made().draft, acts)
        return [_compared(line, tuple(who.get(line.id, ()))) for line in lines if _differs(line)]

    def progress(self) -> Progress:
        """How far the review is. Decided is what somebody approved, rejected or deleted."""
        acts, found = self._acts(), self._made()
        lines = [line for line in fold.state(found.draft, acts) if line.version or not line.deleted]
        decided = sum(line.deleted or line.state in ("approved", "rejected") for line in lines)
        left = (len(lines) - decided) * _pace(acts) / 60
        return Progress(decided, len(lines), found.errors, round(left, 1))

    def check_text(self, text: str, start: float, until: float, kind: Kind = "visual") -> checking.TextCheck:
        """Length, room and style of a text at `start`, with the next spoken line as a limit beside `until`."""
        after = min((line.start for line in self.lines() if line.spoken and line.start > start), default=None)
        end = until if after is None else min(until, after - PAUSE)
        return checking.check(text, start, end, self._made(), kind)

    def warm(self) -> None:
        """Load what the first check would have to wait for."""
        checking.warm(self._made().language)

    def applied(self) -> list[ReviewLine]:
        """What a run has to take over: the lines that people touched, by time."""
        return fold.touched(self._acts())

    def save_applied(self) -> Path:
        """Hand the touched lines to the next run: `review/applied.json`, whole or not at all."""
        path = self._results / "review" / applied.FILE
        try:
            write_atomically(path, applied.encoded(self.applied()))
        except OSError as error:
            raise UserError(
                "The reviews cannot be read or saved ({cause}); make room or access, then do it again",
                cause=error.strerror,
            ) from error
        return path

    def _made(self) -> Made:
        return made(self._results)

    def _acts(self) -> list[Act]:
        return self._store.acts(self._episode)

    def _lines_by_id(self, acts: Sequence[Act]) -> dict[str, ReviewLine]:
        """Every line that can be changed: also those of earlier drafts, and those that are gone."""
        return {act.line: act.after for act in acts} | {line.id: line for line in fold.state(self._made().draft, acts)}

    def _turn(self, acts: Sequence[Act], turn: undoing.Turn) -> Done:
        return self._save(acts, self._lines_by_id(acts), turn.lines, turn.kind, turn.group)

    def _save(
        self,
        acts: Sequence[Act],
        found: Mapping[str, ReviewLine],
        after: Sequence[ReviewLine],
        kind: ActKind,
        undoes: str | None,
    ) -> Done:
        last = {act.line: act.after for act in acts}
        before = {line.id: last.get(line.id) or _as_drafted(found.get(line.id)) for line in after}
        now, group = datetime.now(UTC), uuid4().hex
        wanted = [
            Act(number=1, group=group, who=self._who, at=now, kind=kind, line=line.id, before=before[line.id],
                after=line, undoes=undoes)
            for line in after if undoes or not fold.same(found.get(line.id), line)
        ]  # fmt: skip
        expected = {act.line: act.before.version if act.before else 0 for act in wanted}
        made_now = self._store.append(self._episode, expected, wanted)
        return self._done(found, made_now, group)

    def _done(self, before: Mapping[str, ReviewLine], made_now: Sequence[Act], group: str) -> Done:
        """The lines that are not what they were, those gone among them as they went."""
        acts = self._acts()
        now = {line.id: line for line in fold.state(self._made().draft, acts)}
        lines = [line for line in now.values() if before.get(line.id) != line]
        lines += [act.after for act in made_now if act.line not in now]
        return Done(tuple(lines), group, acts[-1].number if acts else 0)

    def _suggested(
        self, wanted: gestures.Gesture, acts: Sequence[Act], now: Mapping[str, ReviewLine]
    ) -> list[ReviewLine]:
        """What the gesture and what was faster would come to together, where both can stand."""
        seen = dict(now)
        for line, version in wanted.versions().items():
            base = next((a.after for a in acts if a.line == line and a.number == version), None)
            found = base or (_as_drafted(now.get(line)) if version == 0 else None)
            if found is None:
                return []
            seen[line] = found
        try:
            mine = wanted.change(gestures.Scene(self._made(), seen))
        except UserError:
            return []
        joint = [both(seen[line.id], line, now[line.id]) for line in mine if line.id in now]
        return [line for line in joint if line]


def _as_drafted(line: ReviewLine | None) -> ReviewLine | None:
    """A line that nobody touched, as it was drafted, whatever it yields to."""
    return fold.untouched(line.draft) if line and line.draft else None


def _kind(kind: str) -> ActKind:
    return kind  # type: ignore[return-value]


def _differs(line: ReviewLine) -> bool:
    drafted = line.draft
    return not drafted or not line.spoken or (line.text, line.start) != (drafted.text, drafted.start)


def _compared(line: ReviewLine, who: tuple[str, ...]) -> Compared:
    now = line.text if line.spoken else None
    return Compared(line.id, line.start, line.draft.text if line.draft else None, now, line.state, who)


def _pace(acts: Sequence[Act]) -> float:
    """Seconds between two gestures of one person, while they are at it."""
    times: dict[str, list[float]] = {}
    for act in acts:
        times.setdefault(act.who, []).append(act.at.timestamp())
    waits = [b - a for of_one in times.values() for a, b in pairwise(of_one) if 0 < b - a <= LONGEST_LOOK]
    return max(statistics.median(waits), 5.0) if len(waits) >= 5 else SECONDS_A_LINE
