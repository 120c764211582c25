"""What people's texts call those of the series, and what a run's ranker is told instead.

A run judges candidates before anybody has a name (`data.series.labels`, stage `naming`): it sees “giju가 문을 연다”.
Who writes or edits a description says “김기주가 문을 연다”. A model that learnt from both would tell names from ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from data import made_with, series
from data.records import Candidate, Context, Draft
from data.review.renaming import renamed
from data.series import Series, names
from data.series.cast import Member
from data.series.labels import bare, label, mentioned
from data.workspace import Workspace

Told = dict[str, str]
"""Words, or a whole line, and what the ranker is told in their place."""


def as_told(text: str, told: Told) -> str:
    """A person's text in the words of a run's ranker."""
    return told[text] if text in told else bare(names.exchanged(text, told)) if told else text


def new_names(edits: Iterable[tuple[str, str]], told: Told, language: str) -> dict[str, str]:
    """The names that renaming put into lines in place of told ones, with what is told in their place alike.

    `edits`: lines before and after. A name that is told already is somebody else's: no renaming, but who it is.
    """
    found: dict[str, str] = {}
    for before, after in edits:
        for word, by in (told | found).items():
            if (new := _new_name(word, before, after, language)) and new not in told:
                found.setdefault(new, by)
    return found


def _new_name(old: str, before: str, after: str, language: str) -> str:
    """The shortest name of which `after` comes where it takes the place of `old`; empty for none."""
    start = before.find(old)
    tries = (after[start:end] for end in range(start + 1, len(after) + 1)) if start >= 0 and before != after else ()
    return next((new for new in tries if renamed(before, old, new, language) == after), "")


class Calling:
    """How the people of one episode are called."""

    def __init__(self, folder: Path, drafts: Sequence[Draft], contexts: Sequence[Context], language: str) -> None:
        """Raises UserError where it is not known what the results were made with, ConfigError for a bad series."""
        self.language, self.series = language, _series(folder, drafts)
        self.named = dict(_names(self.series)) if self.series else {}
        """Names: they stand for somebody wherever they are written."""
        self.drafts: dict[str, list[Draft]] = defaultdict(list)
        for draft in drafts if self.series else ():
            self.drafts[draft.keyframe].append(draft)
        self.seen = {c.keyframe: {p.id for p in c.persons} | _told_of(c, self._ids()) for c in contexts}
        self.worded = _worded(folder) if self.series else {}

    def at(self, keyframe: str) -> dict[str, str]:
        """What is told in place of which words at a keyframe.

        A description counts only where the one it stands for is seen or mentioned, and is nobody else's there. A
        candidate's line stands as a whole for what the ranker saw of it, where word by word another text would come
        of it: a name on a sign stays.
        """
        if self.series is None:
            return {}
        drafts = self.drafts[keyframe]
        here = self.seen.get(keyframe, set()) | {person for draft in drafts for person in draft.people}
        told = dict(_terms(self.series, drafts)) | dict(self._described(here)) | self.named
        lines = {self.worded.get((d.id, d.text), d.text): bare(d.text) for d in reversed(drafts)}
        return told | {line: text for line, text in lines.items() if as_told(line, told) != text}

    def _ids(self) -> list[str]:
        return [member.id for member in self.series.people.members] if self.series else []

    def _described(self, here: Collection[str]) -> Iterator[tuple[str, str]]:
        described: dict[str, list[str]] = defaultdict(list)
        for member in self.series.people.members if self.series else ():
            if member.id in here:
                for words in _before(member, self.language):
                    described[words].append(member.id)
        yield from ((words, label(ids[0])) for words, ids in described.items() if len(ids) == 1)


def _series(folder: Path, drafts: Sequence[Draft]) -> Series | None:
    """The series of the run. Results that mention nobody may have been made before runs kept their settings."""
    if not (folder / "workspace" / made_with.FILE).exists() and not any(draft.people for draft in drafts):
        return None
    path = made_with.read(folder).series
    return series.load(path) if path else None


def _names(found: Series) -> Iterator[tuple[str, str]]:
    people = found.people
    yield from ((form, label(m.id)) for m in people.members for form in reversed(names.forms(m, people)))


def _before(member: Member, language: str) -> Iterator[str]:
    """Somebody's description, as it stands in a sentence and at its beginning."""
    given = member.before
    words = given if isinstance(given, str) else {str(key): value for key, value in given.items()}.get(language, "")
    if words:
        yield from dict.fromkeys((words, words[:1].upper() + words[1:]))


def _terms(found: Series, drafts: Sequence[Draft]) -> Iterator[tuple[str, str]]:
    """Words that naming puts in place of those of these drafts."""
    yield from ((term.use, word) for term, word in found.wordings() if any(word in d.text for d in drafts))


def _told_of(context: Context, ids: Sequence[str]) -> set[str]:
    return {person for name in context.names for person in mentioned(name, ids)}


def _worded(folder: Path) -> dict[tuple[str, str], str]:
    """Id and text of a draft → its line as naming worded it, where it did."""
    workspace = Workspace(folder / "workspace")
    lines = workspace.read(Candidate) if workspace.made(Candidate) else []
    return {(line.id, line.draft): line.text for line in lines if line.draft}
